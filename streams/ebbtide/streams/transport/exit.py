"""The last resort: end the process at once, so that nothing of it can write or commit any more."""

import logging
import os

__all__ = ["die"]

logger = logging.getLogger(__name__)


def die(reason: str) -> None:
    """Log why, then leave without any clean-up. A supervisor starts the worker again; the log tells where to go on."""
    logger.critical("worker ends itself: %s", reason)
    for handler in logging.getLogger().handlers:
        handler.flush()
    os._exit(1)
