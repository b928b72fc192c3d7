"""The pages that people read."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def pages() -> list[tuple[Path, str]]:
    """Every Markdown page of the project with its text."""
    found = [
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "deploy").rglob("*.md")),
    ]
    return [(path, path.read_text(encoding="utf-8")) for path in found]
