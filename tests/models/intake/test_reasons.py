"""No reason is declared that nobody gives."""

import re
from pathlib import Path

import ebbtide.models.intake.accept
from ebbtide.schemas.dead_letter import DeadLetterReason

SOURCES = Path(ebbtide.models.intake.accept.__file__).parents[1].rglob("*.py")


def test_every_reason_is_given() -> None:
    given = {name for path in SOURCES for name in re.findall(r"DeadLetterReason\.([A-Z_0-9]+)", path.read_text())}
    assert given == set(DeadLetterReason.__members__)
