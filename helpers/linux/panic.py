"""
Panic
-----

``drgn.helpers.linux.panic`` tells about a kernel's panic, and its taints.
"""

from __future__ import annotations

from drgn import Object, Program
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.printk import get_dmesg

__all__ = ("panic_message", "panic_task", "tainted")


# What a message begins with, those that tell most first.
_PANIC_PHRASES = (
    (b"Kernel panic - not syncing",),
    (
        b"BUG: kernel NULL pointer dereference",
        b"BUG: unable to handle",
        b"Unable to handle kernel",
    ),
    (b"kernel BUG at ",),
    (b"Oops: ",),
)


@takes_program_or_default
def panic_task(prog: Program) -> Object:
    """Return the task that panicked.

    :return: ``struct task_struct *``
    :raises LookupError: if the kernel has not panicked
    :raises ValueError: if the program is not a core dump

    >>> panic_task(prog).comm
    (char [16])"init"
    """
    return prog.crashed_thread().object


@takes_program_or_default
def panic_message(prog: Program) -> bytes | None:
    """Return what the kernel logged when it panicked.

    >>> panic_message()
    b'Kernel panic - not syncing: sysrq triggered crash'

    :return: Message, ``None`` if the kernel has not panicked or there is none.
    """
    log = get_dmesg(prog, timestamps=False)
    for phrases in _PANIC_PHRASES:
        found = [start for start in map(log.find, phrases) if start >= 0]
        if found:
            return log[min(found) :].split(b"\n", 1)[0]
    return None


@takes_program_or_default
def tainted(prog: Program) -> str:
    """Return the kernel's taints as letters, e.g., ``"G           O       "``.

    :return: Letters (see the kernel's tainted-kernels documentation), ``""`` if the
        kernel is not tainted.

    >>> tainted(prog)
    ''
    """
    mask: int = prog["tainted_mask"].value_()
    if not mask:
        return ""
    return "".join(
        letters[0] if mask >> i & 1 else letters[1]
        for i, (letters, _) in enumerate(taint_letters(prog))
    )


def taint_letters(prog: Program) -> list[tuple[str, bool]]:
    """Return the letters of each taint and whether a module can cause it.

    The first letter is for a taint that is set, the second for one that is not.
    """
    if "taint_flags" not in prog:
        # Before 4.10 (7fd8329ba502), with the number of each bit.
        by_bit = {flag.bit.value_(): flag for flag in prog["tnts"]}
        return [
            (
                chr(flag.member_("true").value_())
                + chr(flag.member_("false").value_()),
                True,
            )
            for _, flag in sorted(by_bit.items())
        ]
    return [
        (
            chr(flag.c_true.value_()) + chr(flag.c_false.value_()),
            # By 7.3, they do not tell: each may be a module's.
            bool(flag.module) if hasattr(flag, "module") else True,
        )
        for flag in prog["taint_flags"]
    ]
