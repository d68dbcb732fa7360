"""The stacks that CPUs have for interrupts and exceptions (x86-64); part of
:mod:`drgn.helpers.linux.stack`."""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object, Program, sizeof
from drgn.helpers.linux.percpu import per_cpu

_PAGE = 4096

# Before 5.2, their order in struct orig_ist.
_OLD_EXCEPTIONS = ("DF", "NMI", "DB", "MCE")


def interrupt_stack(prog: Program, cpu: int) -> tuple[int, int] | None:
    """Return (address, size) of a CPU's stack for interrupts, if it has one."""
    top = _interrupt_stack_top(prog, cpu)
    if not top:
        return None
    size: int = prog["THREAD_SIZE"].value_()
    # Some kernels have the place of the first word there, or of others at its end.
    return (top + _PAGE - 1 & -_PAGE) - size, size


def _interrupt_stack_top(prog: Program, cpu: int) -> int:
    # Renamed in 5.2 (758a2e312228).
    for name in ("hardirq_stack_ptr", "irq_stack_ptr"):
        try:
            return int(per_cpu(prog[name], cpu))
        except KeyError:
            continue
    try:
        # From 6.2 (d7b6d709a76a) to 6.14.
        return int(per_cpu(prog["pcpu_hot"], cpu).hardirq_stack_ptr)
    except KeyError:
        return 0


def exception_stacks(prog: Program, cpu: int) -> Iterator[tuple[str, int, int]]:
    """Iterate over a CPU's stacks for exceptions: (name, address, size)."""
    try:
        # Since 5.2 (019b17b3ffe4).
        stacks = per_cpu(prog["cea_exception_stacks"], cpu).read_()
    except KeyError:
        yield from _old_exception_stacks(prog, cpu)
        return
    if not stacks:
        return
    for member in stacks[0].type_.members or ():
        name = member.name or ""
        stack: Object = stacks.member_(name)
        # Between them lie pages that guard them, and some are not in use.
        if name.endswith("_stack") and sizeof(stack):
            yield name.removesuffix("_stack"), stack.address_ or 0, sizeof(stack)


def _old_exception_stacks(prog: Program, cpu: int) -> Iterator[tuple[str, int, int]]:
    try:
        ends = per_cpu(prog["orig_ist"], cpu).ist
        sizes = prog["exception_stack_sizes"]
    except KeyError:
        return
    for i in range(min(len(_OLD_EXCEPTIONS), len(sizes))):
        end, size = ends[i].value_(), sizes[i].value_()
        if end:
            yield _OLD_EXCEPTIONS[i], end - size, size
