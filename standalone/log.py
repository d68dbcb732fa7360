"""Log messages on standard error, one line each."""

from __future__ import annotations

import logging
import os
import sys

LEVELS = ("debug", "info", "warning", "error", "critical", "none")
# On a terminal: what is before the name of a level, behind it, and behind the message.
_COLORS = {
    logging.DEBUG: ("\033[36m", "\033[m", ""),
    logging.INFO: ("\033[32m", "\033[m", ""),
    logging.WARNING: ("\033[33m", "\033[m", ""),
    logging.ERROR: ("\033[31m", "\033[m", ""),
    logging.CRITICAL: ("\033[31;1m", "\033[0;1m", "\033[m"),
}


class _Formatter(logging.Formatter):
    def __init__(self, color: bool) -> None:
        super().__init__("%(message)s")
        self._colors = _COLORS if color else {}

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname
        if level.lower() in LEVELS:
            level = level.lower()
        logger = "" if record.name == "drgn" else f"{record.name}:"
        start, then, end = self._colors.get(record.levelno, ("", "", ""))
        return f"{start}{level}:{then}{logger} {super().format(record)}{end}"


def setup(level: str, quiet: bool) -> None:
    """Send messages of at least ``level`` to standard error, none if quiet.

    They are in color on a terminal, unless the environment variable ``NO_COLOR`` is
    set.
    """
    logger = logging.getLogger()
    handler = logging.StreamHandler()
    color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    handler.setFormatter(_Formatter(color))
    logger.addHandler(handler)
    if quiet or level == "none":
        logging.getLogger("drgn").setLevel(logging.CRITICAL + 1)
    else:
        logging.getLogger("drgn").setLevel(level.upper())
