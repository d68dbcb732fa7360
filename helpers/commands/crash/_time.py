"""Times as they are printed."""

from __future__ import annotations

import time

_SECOND = 1000000000


def days_and_milliseconds(ns: int) -> str:
    """Nanoseconds as ``days hours:minutes:seconds.milliseconds``."""
    seconds, ns = divmod(ns, _SECOND)
    days, clock = _split(seconds)
    return f"{days} {clock}.{ns // 1000000:03}"


def uptime(seconds: int) -> str:
    """Seconds as ``days days, hours:minutes:seconds``, or without days."""
    days, clock = _split(seconds)
    return f"{days} days, {clock}" if days else clock


def _split(seconds: int) -> tuple[int, str]:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return days, f"{hour:02}:{minute:02}:{second:02}"


def date(seconds: int) -> str:
    """Seconds since 1970 as a date and time, in the zone of who looks."""
    return time.strftime("%a %b %e %H:%M:%S %Z %Y", time.localtime(seconds))
