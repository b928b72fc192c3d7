"""No reason is declared that the door never gives."""

import re
from pathlib import Path

import ebbtide.models.intake.accept
from ebbtide.schemas.dead_letter import DeadLetterReason

SOURCES = Path(ebbtide.models.intake.accept.__file__).parent.glob("*.py")


def test_every_reason_is_given() -> None:
    given = {name for path in SOURCES for name in re.findall(r"DeadLetterReason\.([A-Z_0-9]+)", path.read_text())}
    assert given == set(DeadLetterReason.__members__)
