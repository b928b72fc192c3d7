"""What the admin port says about a sink."""

from __future__ import annotations


class SinkHealth:
    """Reasons why a sink is not ready; hand `reasons` to the admin server."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {"start": "the sink has not started"}

    def reasons(self) -> list[str]:
        """One sentence each; none when records flow."""
        return list(self._reasons.values())

    def failed(self, part: str, reason: str) -> None:
        """`part` (`broker`, `database`) does not work."""
        self._reasons[part] = reason

    def works(self, part: str) -> None:
        """`part` works (again)."""
        self._reasons.pop(part, None)
