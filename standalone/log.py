"""Log messages on standard error, one line each."""

from __future__ import annotations

import logging
import sys

LEVELS = ("debug", "info", "warning", "error", "critical", "none")
_COLORS = {
    logging.WARNING: "\033[35m",
    logging.ERROR: "\033[31m",
    logging.CRITICAL: "\033[31;1m",
}


class _Formatter(logging.Formatter):
    def __init__(self, color: bool) -> None:
        super().__init__("%(message)s")
        self._color = color

    def format(self, record: logging.LogRecord) -> str:
        name = record.levelname.lower()
        start = _COLORS.get(record.levelno) if self._color else None
        prefix = f"{start}{name}:\033[0m" if start else f"{name}:"
        if record.name != "drgn":
            prefix += f"{record.name}:"
        return f"{prefix} {super().format(record)}"


def setup(level: str, quiet: bool) -> None:
    """Send messages of at least ``level`` to standard error, none if quiet."""
    logger = logging.getLogger()
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter(sys.stderr.isatty()))
    logger.addHandler(handler)
    if quiet or level == "none":
        logging.getLogger("drgn").setLevel(logging.CRITICAL + 1)
    else:
        logging.getLogger("drgn").setLevel(level.upper())
