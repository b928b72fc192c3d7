"""How long to wait before the next try."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubles from `first_s` to `most_s` seconds."""

    first_s: float = 0.25
    most_s: float = 15.0

    def seconds(self, failures: int) -> float:
        """The wait after that many failures in a row, the first being 1."""
        return float(min(self.most_s, self.first_s * 2.0 ** min(failures - 1, 32)))
