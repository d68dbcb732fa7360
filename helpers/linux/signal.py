"""
Signals
-------

``drgn.helpers.linux.signal`` works with signals, sets of signals and their handlers.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from drgn import Architecture, IntegerLike, Object, Program, TypeKind
from drgn.helpers.common.format import decode_flags
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.bitops import bitmap_value
from drgn.helpers.linux.list import list_for_each_entry

__all__ = (
    "decode_sigaction_flags",
    "decode_sigaction_flags_value",
    "decode_sigset",
    "sigaction_flags",
    "signal_names",
    "signal_numbers",
    "sigpending_for_each",
    "sigset_to_hex",
)

# include/uapi/asm-generic/signal.h, from number 1 on, the preferred name first.
_NAMES = (
    "HUP",
    "INT",
    "QUIT",
    "ILL",
    "TRAP",
    "ABRT IOT",
    "BUS",
    "FPE",
    "KILL",
    "USR1",
    "SEGV",
    "USR2",
    "PIPE",
    "ALRM",
    "TERM",
    "STKFLT",
    "CHLD CLD",
    "CONT",
    "STOP",
    "TSTP",
    "TTIN",
    "TTOU",
    "URG",
    "XCPU",
    "XFSZ",
    "VTALRM",
    "PROF",
    "WINCH",
    "IO POLL",
    "PWR",
    "SYS UNUSED",
)
_SIGRTMIN = 32
_SIGRTMAX = 64

# include/uapi/asm-generic/signal-defs.h, include/linux/signal_types.h.
_SA_FLAGS = {
    "SA_NOCLDSTOP": 0x1,
    "SA_NOCLDWAIT": 0x2,
    "SA_SIGINFO": 0x4,
    "SA_UNSUPPORTED": 0x400,
    "SA_EXPOSE_TAGBITS": 0x800,
    "SA_IMMUTABLE": 0x800000,
}
# arch/x86/include/asm/signal.h
_SA_FLAGS_X86 = {"SA_X32_ABI": 0x1000000, "SA_IA32_ABI": 0x2000000}
_SA_FLAGS_MORE = {
    "SA_RESTORER": 0x4000000,
    "SA_ONSTACK": 0x8000000,
    "SA_STACK": 0x8000000,
    "SA_RESTART": 0x10000000,
    "SA_NODEFER": 0x40000000,
    "SA_NOMASK": 0x40000000,
    "SA_RESETHAND": 0x80000000,
    "SA_ONESHOT": 0x80000000,
}
_X86 = (Architecture.X86_64, Architecture.I386)


@takes_program_or_default
def signal_names(prog: Program) -> Mapping[str, int]:
    """Return the signals by name, e.g., ``{"SIGHUP": 1, ...}``.

    Of names for the same number, the preferred one comes first. ``SIGRTMIN`` and
    ``SIGRTMAX`` are the kernel's, which a C library may shift.

    >>> signal_names(prog)["SIGKILL"]
    9
    """
    names = {
        "SIG" + name: number
        for number, aliases in enumerate(_NAMES, 1)
        for name in aliases.split()
    }
    names["SIGRTMIN"] = _SIGRTMIN
    names["SIGRTMAX"] = _SIGRTMAX
    return MappingProxyType(names)


@takes_program_or_default
def signal_numbers(prog: Program) -> Mapping[int, Sequence[str]]:
    """Return the names of the signals by number, e.g., ``{1: ["SIGHUP"], ...}``.

    Of names for the same number, the preferred one comes first. ``SIGRTMIN`` and
    ``SIGRTMAX`` are the kernel's, which a C library may shift.

    >>> signal_numbers(prog)[9]
    ['SIGKILL']
    """
    numbers = {
        number: ["SIG" + name for name in aliases.split()]
        for number, aliases in enumerate(_NAMES, 1)
    }
    middle = (_SIGRTMIN + _SIGRTMAX) // 2
    for number in range(_SIGRTMIN, _SIGRTMAX + 1):
        if number == _SIGRTMIN:
            name = "SIGRTMIN"
        elif number <= middle:
            name = f"SIGRTMIN+{number - _SIGRTMIN}"
        elif number < _SIGRTMAX:
            name = f"SIGRTMAX-{_SIGRTMAX - number}"
        else:
            name = "SIGRTMAX"
        numbers[number] = [name]
    return MappingProxyType(numbers)


def _sigset_value(sigset: Object) -> int:
    if sigset.type_.kind == TypeKind.POINTER:
        sigset = sigset[0]
    words = sigset.sig
    return bitmap_value(words, 8 * len(words) * sigset.prog_.address_size())


def sigset_to_hex(sigset: Object) -> str:
    """Format a set of signals like ``/proc/PID/status``.

    >>> sigset_to_hex(find_task(1).blocked)
    '0000000000000000'

    :param sigset: ``sigset_t`` or ``sigset_t *``
    """
    return f"{_sigset_value(sigset):016x}"


@takes_program_or_default
def decode_sigset(prog: Program, sigset: Object | IntegerLike) -> str:
    """Spell out a set of signals, e.g., ``"{SIGINT,SIGTERM}"``.

    :param sigset: ``sigset_t``, ``sigset_t *`` or a number.
    :raises ValueError: if the number is negative or has more than 64 bits

    >>> decode_sigset(prog, 0x100)
    '{SIGKILL}'
    """
    if isinstance(sigset, Object) and sigset.type_.kind != TypeKind.INT:
        value = _sigset_value(sigset)
    else:
        value = operator.index(sigset)
        if value < 0:
            raise ValueError("sigset cannot be negative")
        if value >> 64:
            raise ValueError("sigset is too large")
    names = signal_numbers(prog)
    signals = (i + 1 for i in range(64) if value >> i & 1)
    return "{" + ",".join(names[signal][0] for signal in signals) + "}"


def sigpending_for_each(pending: Object) -> Iterator[Object]:
    """Iterate over a queue of pending signals.

    :param pending: ``struct sigpending *``
    :return: Iterator of ``struct sigqueue *`` objects.

    >>> list(sigpending_for_each(find_task(prog, 1).pending))
    []
    """
    return list_for_each_entry("struct sigqueue", pending.list.address_of_(), "list")


@takes_program_or_default
def sigaction_flags(prog: Program) -> Mapping[str, int]:
    """Return the flags of :manpage:`sigaction(2)` by name.

    Of names for the same value, the preferred one comes first.

    >>> hex(sigaction_flags(prog)["SA_RESTART"])
    '0x10000000'
    """
    is_x86 = prog.platform is not None and prog.platform.arch in _X86
    return MappingProxyType(
        {**_SA_FLAGS, **(_SA_FLAGS_X86 if is_x86 else {}), **_SA_FLAGS_MORE}
    )


@takes_program_or_default
def decode_sigaction_flags_value(prog: Program, value: IntegerLike) -> str:
    """Spell out ``sa_flags``, e.g., ``"SA_RESTORER|SA_RESTART"``.

    :param value: ``int``

    >>> decode_sigaction_flags_value(prog, 0x10000000)
    'SA_RESTART'
    """
    return decode_flags(
        value, sigaction_flags(prog).items(), bit_numbers=False, aliases=False
    )


def decode_sigaction_flags(sigaction: Object) -> str:
    """Spell out the flags of a signal handler, e.g., ``"SA_RESTORER|SA_RESTART"``.

    :param sigaction: ``struct sigaction``

    >>> decode_sigaction_flags(find_task(prog, 1).sighand.action[16].sa)
    'SA_RESTORER'
    """
    return decode_sigaction_flags_value(sigaction.prog_, sigaction.sa_flags)
