"""
Timekeeping
-----------

``drgn.helpers.linux.timekeeping`` tells the time of a kernel, as of its last tick: a
finer time cannot be had from a core dump.
"""

from __future__ import annotations

from drgn import Object, Program
from drgn.helpers.common.prog import takes_program_or_default

__all__ = (
    "ktime_get_boottime_seconds",
    "ktime_get_clocktai_seconds",
    "ktime_get_coarse_boottime_ns",
    "ktime_get_coarse_clocktai_ns",
    "ktime_get_coarse_ns",
    "ktime_get_coarse_real_ns",
    "ktime_get_real_seconds",
    "ktime_get_seconds",
    "ktime_to_ns",
    "uptime",
    "uptime_pretty",
)

_NSEC_PER_SEC = 1000000000


def ktime_to_ns(kt: Object) -> Object:
    """Convert a ``ktime_t`` to nanoseconds.

    :param kt: ``ktime_t``
    :return: ``s64``

    >>> ktime_to_ns(Object(prog, "ktime_t", 1500))
    (s64)1500
    """
    try:
        # A union before 4.10 (2456e8553544).
        kt = kt.tv64
    except AttributeError:
        pass
    return Object(kt.prog_, "s64", kt.value_())


def _timekeeper(prog: Program) -> Object:
    try:
        return prog["tk_core"].timekeeper
    except KeyError:
        # An element of an array since 6.17.
        return prog["timekeeper_data"][prog["TIMEKEEPER_CORE"]].timekeeper


def _coarse_nsec(timekeeper: Object) -> int:
    """Return the nanoseconds that were past the timekeeper's second."""
    try:
        # Since 6.15 (b71f9804f66c).
        return timekeeper.coarse_nsec.value_()
    except AttributeError:
        mono = timekeeper.tkr_mono
        return mono.xtime_nsec.value_() >> mono.shift.value_()


def _coarse_mono(timekeeper: Object) -> int:
    return ktime_to_ns(timekeeper.tkr_mono.base).value_() + _coarse_nsec(timekeeper)


def _seconds(prog: Program, seconds: int) -> Object:
    return Object(prog, "time64_t", seconds)


def _nanoseconds(prog: Program, ns: int) -> Object:
    return Object(prog, "u64", ns)


@takes_program_or_default
def ktime_get_seconds(prog: Program) -> Object:
    """Return the seconds of the monotonic time (``CLOCK_MONOTONIC_COARSE``).

    :return: ``time64_t``

    >>> ktime_get_seconds(prog)
    (time64_t)19
    """
    return _seconds(prog, _timekeeper(prog).ktime_sec.value_())


@takes_program_or_default
def ktime_get_real_seconds(prog: Program) -> Object:
    """Return the seconds of the wall clock time (``CLOCK_REALTIME_COARSE``).

    :return: ``time64_t``

    >>> ktime_get_real_seconds(prog)
    (time64_t)1795611187
    """
    return _seconds(prog, _timekeeper(prog).xtime_sec.value_())


@takes_program_or_default
def ktime_get_boottime_seconds(prog: Program) -> Object:
    """Return the seconds since boot, also those suspended (``CLOCK_BOOTTIME``).

    :return: ``time64_t``

    >>> ktime_get_boottime_seconds(prog)
    (time64_t)19
    """
    return _seconds(prog, ktime_get_coarse_boottime_ns(prog).value_() // _NSEC_PER_SEC)


@takes_program_or_default
def ktime_get_clocktai_seconds(prog: Program) -> Object:
    """Return the seconds of the International Atomic Time (``CLOCK_TAI``).

    :return: ``time64_t``

    >>> ktime_get_clocktai_seconds(prog)
    (time64_t)1795611187
    """
    return _seconds(prog, ktime_get_coarse_clocktai_ns(prog).value_() // _NSEC_PER_SEC)


@takes_program_or_default
def ktime_get_coarse_ns(prog: Program) -> Object:
    """Return the monotonic time in nanoseconds (``CLOCK_MONOTONIC_COARSE``).

    :return: ``u64``

    >>> ktime_get_coarse_ns(prog)
    (u64)19573714676
    """
    return _nanoseconds(prog, _coarse_mono(_timekeeper(prog)))


@takes_program_or_default
def ktime_get_coarse_real_ns(prog: Program) -> Object:
    """Return the wall clock time in nanoseconds (``CLOCK_REALTIME_COARSE``).

    :return: ``u64``

    >>> ktime_get_coarse_real_ns(prog)
    (u64)1795611187652000000
    """
    timekeeper = _timekeeper(prog)
    seconds = timekeeper.xtime_sec.value_()
    return _nanoseconds(prog, seconds * _NSEC_PER_SEC + _coarse_nsec(timekeeper))


@takes_program_or_default
def ktime_get_coarse_boottime_ns(prog: Program) -> Object:
    """Return the time since boot, also suspended, in nanoseconds
    (``CLOCK_BOOTTIME``).

    :return: ``u64``

    >>> ktime_get_coarse_boottime_ns(prog)
    (u64)19573714676
    """
    timekeeper = _timekeeper(prog)
    offset = ktime_to_ns(timekeeper.offs_boot).value_()
    return _nanoseconds(prog, _coarse_mono(timekeeper) + offset)


@takes_program_or_default
def ktime_get_coarse_clocktai_ns(prog: Program) -> Object:
    """Return the International Atomic Time in nanoseconds (``CLOCK_TAI``).

    :return: ``u64``

    >>> ktime_get_coarse_clocktai_ns(prog)
    (u64)1795611187652000000
    """
    timekeeper = _timekeeper(prog)
    offset = ktime_to_ns(timekeeper.offs_tai).value_()
    return _nanoseconds(prog, _coarse_mono(timekeeper) + offset)


@takes_program_or_default
def uptime(prog: Program) -> float:
    """Return the time since boot in seconds.

    >>> int(uptime(prog))
    19
    """
    return ktime_get_coarse_boottime_ns(prog).value_() / _NSEC_PER_SEC


@takes_program_or_default
def uptime_pretty(prog: Program) -> str:
    """Return the time since boot in words, e.g., ``"1 day, 6 hours, 40 seconds"``.

    >>> "second" in uptime_pretty(prog)  # '1 minute, 49 seconds'
    True
    """
    rest: int = ktime_get_boottime_seconds(prog).value_()
    parts = []
    for unit, seconds in (
        ("year", 365 * 86400),
        ("week", 7 * 86400),
        ("day", 86400),
        ("hour", 3600),
        ("minute", 60),
        ("second", 1),
    ):
        n, rest = divmod(rest, seconds)
        if n:
            parts.append(f"{n} {unit}{'s' if n != 1 else ''}")
    return ", ".join(parts) or "0 seconds"
