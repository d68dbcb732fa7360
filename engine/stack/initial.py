"""The registers from which the stack of a thread is unwound."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, SupportsIndex, cast

from ..errors import ObjectNotFoundError, UnsupportedOperation
from ..flags import ProgramFlags
from ..objects.object import Object
from ..platform import Architecture
from ..threads import Thread
from ..types.kinds import TypeKind
from .machine import Machine, Registers, machine_of

if TYPE_CHECKING:
    from ..platform import Platform
    from ..program import Program
    from ..targets.base import TargetThread
    from ..types.type import Type

_STRUCT, _POINTER = TypeKind.STRUCT, TypeKind.POINTER

# struct inactive_task_frame of arch/x86/include/asm/switch_to.h
_INACTIVE_TASK_FRAME = {
    "r15": "r15",
    "r14": "r14",
    "r13": "r13",
    "r12": "r12",
    "bx": "rbx",
    "bp": "rbp",
    "ret_addr": "rip",
}

_ARCHITECTURES = {
    "AARCH64": "AArch64",
    "ARM": "Arm",
    "RISCV64": "RISC-V 64",
    "RISCV32": "RISC-V 32",
    "LOONGARCH64": "LoongArch64",
}


def architecture_name(platform: Platform) -> str:
    """The name of an architecture as messages spell it."""
    return _ARCHITECTURES.get(platform.arch.name, platform.arch.name.lower())


@contextmanager
def initial_frame(
    prog: Program, thread: Thread | Object | SupportsIndex | None
) -> Iterator[tuple[Registers, bool]]:
    """The registers of a thread, and whether it was interrupted with them.

    There are none if it has no stack. A thread of a live process stays stopped inside
    of the ``with`` statement. Errors as `stack_trace()`.
    """
    is_kernel = bool(prog.flags & ProgramFlags.IS_LINUX_KERNEL)
    if isinstance(thread, Thread):
        if is_kernel:
            yield _of_task(prog, thread.object)
            return
        tid = thread.tid
    elif isinstance(thread, Object):
        pt_regs = _pt_regs(thread)
        if pt_regs is not None:
            _check_platform(prog)
            yield _machine(prog, "pt_regs").pt_regs.registers(pt_regs), True
            return
        if is_kernel and _is_pointer_to(thread.type_, "task_struct"):
            _check_platform(prog)
            yield _of_task(prog, thread)
            return
        if _unaliased(thread.type_).kind is not TypeKind.INT:
            task = "struct task_struct *, " if is_kernel else ""
            raise TypeError(f"expected struct pt_regs, struct pt_regs *, {task}or int")
        tid = _thread_id(thread.value_())
    else:
        tid = _thread_id(thread)
    _check_platform(prog)
    if is_kernel:
        yield _of_task(prog, _find_task(prog, tid))
    elif prog.flags & ProgramFlags.IS_LIVE:
        yield from _of_live_thread(prog, tid)
    else:
        yield _of_saved_thread(prog, tid), True


def _check_platform(prog: Program) -> None:
    if prog.platform is None:
        raise ValueError("cannot unwind stack without platform")


def _thread_id(thread: SupportsIndex | None) -> int:
    # None has no index either: the TypeError says so.
    tid = operator.index(cast("SupportsIndex", thread))
    if tid < 0:
        raise OverflowError("can't convert negative value to unsigned int")
    if tid >= 2**64:
        raise OverflowError("Python int too large to convert to C unsigned long")
    if tid >= 2**32:
        raise OverflowError("Python int too large to convert to C uint32_t")
    return tid


def _unaliased(type: Type) -> Type:
    while type.kind is TypeKind.TYPEDEF:
        type = type.type
    return type


def _is_struct(type: Type, tag: str) -> bool:
    type = _unaliased(type)
    return type.kind is _STRUCT and type.tag == tag


def _is_pointer_to(type: Type, tag: str) -> bool:
    type = _unaliased(type)
    return type.kind is _POINTER and _is_struct(type.type, tag)


def _pt_regs(obj: Object) -> bytes | None:
    """The bytes of a ``struct pt_regs``; None if an Object is nothing such."""
    if _is_struct(obj.type_, "pt_regs"):
        return obj.to_bytes_()
    if _is_pointer_to(obj.type_, "pt_regs"):
        return obj[0].to_bytes_()
    return None


# Processes


def _machine(prog: Program, what: str) -> Machine:
    """The machine of a program; NotImplementedError if its stacks are not unwound."""
    platform = prog.platform
    assert platform is not None
    machine = machine_of(platform)
    if machine is None:
        raise _not_supported(platform, what)
    return machine


def _kernels_machine(prog: Program) -> Machine:
    """That of a kernel, whose tasks keep their registers in their own way each."""
    platform = prog.platform
    assert platform is not None
    if platform.arch is not Architecture.X86_64:
        raise _not_supported(platform, "kernel")
    return _machine(prog, "kernel")


def _not_supported(platform: Platform, what: str) -> NotImplementedError:
    name = architecture_name(platform)
    return NotImplementedError(
        f"{what} stack unwinding is not supported for {name} architecture"
    )


def _of_saved_thread(prog: Program, tid: int) -> Registers:
    target = prog._target
    thread = None if target is None else target.thread(tid)
    if thread is None:
        raise LookupError("thread not found")
    machine = _machine(prog, "core dump")
    if thread.values is not None:
        return machine.from_names(thread.values)
    if thread.registers is None:
        raise LookupError("registers of thread were not saved")
    return machine.prstatus.registers(thread.registers)


def _of_live_thread(prog: Program, tid: int) -> Iterator[tuple[Registers, bool]]:
    import os

    from ..targets.ptrace import stopped_thread

    target = prog._target
    machine = _machine(prog, "live process")
    thread = None if target is None else target.thread(tid)
    if thread is not None and thread.values is not None:
        yield machine.from_names(thread.values), True
        return
    if target is None or os.path.exists(f"/proc/self/task/{tid}"):
        # A process cannot stop its own threads and go on.
        raise NotImplementedError(
            "stack unwinding is not yet supported for live processes"
        )
    if thread is None:
        raise LookupError("thread not found")
    with stopped_thread(tid) as data:
        yield machine.prstatus.registers(data), True


# The kernel


def _find_task(prog: Program, tid: int) -> Object:
    if tid == 0:
        raise LookupError("task not found; use stack_trace(idle_task(cpu)) for PID 0")
    try:
        return prog.thread(tid).object
    except ObjectNotFoundError:
        raise  # There is no debugging information.
    except LookupError:
        raise LookupError("task not found") from None


def _of_task(prog: Program, task: Object) -> tuple[Registers, bool]:
    from ..kernel.tasks import running_cpu

    machine = _kernels_machine(prog)
    cpu = running_cpu(prog, task)
    if cpu is None:
        return _of_sleeping_task(prog, machine, task), False
    if prog.flags & ProgramFlags.IS_LIVE:
        return _of_stopped_cpu(prog, cpu), True
    return _of_cpu(prog, machine, cpu, task.pid.value_()), True


def registers_of_cpu(prog: Program, cpu: TargetThread) -> Registers:
    """The registers of a processor that a debugger has stopped."""
    _check_platform(prog)
    return _kernels_machine(prog).from_names(cpu.values or {})


def _of_stopped_cpu(prog: Program, number: int) -> Registers:
    from ..kernel.tasks import per_cpu_offset

    cpus = () if prog._target is None else prog._target.cpus()
    if not cpus:
        raise UnsupportedOperation("cannot unwind stack of running task")
    # In the kernel gs is its per-CPU area, in user mode what swapgs exchanges.
    base = per_cpu_offset(prog, number)
    for cpu in cpus:
        values = cpu.values or {}
        if base and base in (values.get("gs.base"), values.get("k_gs_base")):
            return registers_of_cpu(prog, cpu)
    if number >= len(cpus):
        raise LookupError(f"the debugger has no CPU {number}")
    return registers_of_cpu(prog, cpus[number])


def _of_cpu(prog: Program, machine: Machine, cpu: int, pid: int) -> Registers:
    """The registers of a CPU that was running the task with an ID."""
    from ..targets.prstatus import NT_PRSTATUS, thread_of

    target, platform = prog._target, prog.platform
    notes = [] if target is None else list(target.notes())
    assert platform is not None
    saved = [
        thread_of(note.desc, platform, prog.core_dump_path or "")
        for note in notes
        if note.name == b"CORE" and note.type == NT_PRSTATUS
    ]
    # A kernel leaves out the CPUs that are offline, but says which task was running.
    # QEMU has all CPUs, and numbers them from 1 where the task should be.
    running = [thread for thread in saved if thread.tid == pid]
    if pid and len(running) == 1 and all(note.name != b"QEMU" for note in notes):
        thread = running[0]
    elif cpu < len(saved):
        thread = saved[cpu]
    else:
        raise LookupError(f"registers for CPU {cpu} were not saved")
    assert thread.registers is not None
    return machine.prstatus.registers(thread.registers)


def _of_sleeping_task(prog: Program, machine: Machine, task: Object) -> Registers:
    """The registers that ``__switch_to_asm`` left on the stack of a task.

    None of a task that is dead and whose stack is freed.
    """
    frame = Object(
        prog, "struct inactive_task_frame", address=task.thread.sp.value_()
    ).read_()
    if not task.stack:
        # What is there now is another's (put_task_stack(), 4.9).
        return {}
    registers = {
        machine.by_name[name]: frame.member_(member).value_()
        for member, name in _INACTIVE_TASK_FRAME.items()
    }
    ret_addr_end = frame.type_.size
    assert ret_addr_end is not None
    registers[machine.sp] = task.thread.sp.value_() + ret_addr_end
    return registers
