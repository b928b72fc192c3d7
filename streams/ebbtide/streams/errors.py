"""What goes wrong for a user's reason: one clear line, no traceback."""

from __future__ import annotations


class EbbtideError(Exception):
    """A failure that the user can do something about; the message says what was wrong, where, and what to do."""
