"""Messages to the "drgn" logger, without the cost of importing logging for nothing."""

from __future__ import annotations

import os
import sys
from typing import Any


def debug(message: str, *args: Any) -> None:
    """Log for whoever wants to know every step."""
    # Who has not imported logging has not asked for more than warnings.
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger("drgn").debug(message, *args)


def info(message: str, *args: Any) -> None:
    """Log what was found."""
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger("drgn").info(message, *args)


def warning(message: str, *args: Any) -> None:
    """Log what the user should know."""
    import logging

    logging.getLogger("drgn").warning(message, *args)


def progress(message: str) -> None:
    """Tell who looks at standard error what takes long, unless warnings are off."""
    # Not sys.stderr: GDB's never is a terminal.
    if not os.isatty(2):
        return
    logging = sys.modules.get("logging")
    if logging is None or logging.getLogger("drgn").isEnabledFor(logging.WARNING):
        print(f"drgn: {message}", file=sys.stderr, flush=True)
