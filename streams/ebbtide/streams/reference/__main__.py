"""`python -m ebbtide.streams.reference [--check]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ebbtide.streams.reference import PAGES_DIRECTORY, stale, write


def main() -> int:
    """Write the reference, or check that it is fresh."""
    parser = argparse.ArgumentParser(prog="python -m ebbtide.streams.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and name what is stale")
    parser.add_argument("--root", type=Path, default=Path(), help="root of the source tree")
    arguments = parser.parse_args()
    if not (arguments.root / "pyproject.toml").exists():
        print(f"{arguments.root.resolve()} is no source tree: run from the root, or give --root", file=sys.stderr)
        return 2
    if arguments.check:
        found = stale(arguments.root)
        for path in found:
            print(f"{path} is stale: run python -m ebbtide.streams.reference", file=sys.stderr)
        return 1 if found else 0
    for path in write(arguments.root):
        print(f"wrote {path}" if path.exists() else f"removed {path}")
    print(f"{PAGES_DIRECTORY} is fresh")
    return 0


if __name__ == "__main__":
    sys.exit(main())
