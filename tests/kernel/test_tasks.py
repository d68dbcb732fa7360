"""Which CPU runs a task."""

from __future__ import annotations

import struct

import pytest
from mock_kernel import Kernel

from drgn import Architecture, FaultError, Object, Platform, Program
from drgn.engine.kernel.tasks import running_cpu

RUNQUEUES, TASK, PER_CPU = 0xFFFF888000010000, 0xFFFF888000020000, 0x100


@pytest.mark.parametrize(
    ("seen_on", "runs_on"),
    [([0], 0), ([1], 1), ([0, 1], 1), ([1, 0], 0), ([0, 1, 0], 0)],
)
def test_a_task_that_goes_to_another_cpu(seen_on: list[int], runs_on: int) -> None:
    """The running kernel's: it was on each of some CPUs when that was asked."""
    assert _running_cpu(seen_on, runs_on) == runs_on


def test_a_task_that_does_not_run() -> None:
    assert _running_cpu([0], 1) is None


@pytest.mark.parametrize(("on_cpu", "runs_on"), [(0, None), (1, 1)])
def test_a_task_of_a_cpu_that_the_dump_lacks(on_cpu: int, runs_on: int | None) -> None:
    prog = Program(Platform(Architecture.X86_64))
    kernel = Kernel(prog)
    task = kernel.struct("task_struct", cpu=kernel.int, on_cpu=kernel.int)
    queue = kernel.struct("rq", curr=kernel.to(task))
    kernel.objects["runqueues"] = Object(prog, queue, address=RUNQUEUES)
    kernel.words(TASK, 1, on_cpu)
    assert running_cpu(prog, kernel.at(task, TASK)) == runs_on


def test_a_cpu_that_the_dump_lacks_of_a_kernel_that_is_not_smp() -> None:
    prog = Program(Platform(Architecture.X86_64))
    kernel = Kernel(prog)
    task = kernel.struct("task_struct", cpu=kernel.int)
    queue = kernel.struct("rq", curr=kernel.to(task))
    kernel.objects["runqueues"] = Object(prog, queue, address=RUNQUEUES)
    kernel.words(TASK, 0)
    with pytest.raises(FaultError):
        running_cpu(prog, kernel.at(task, TASK))


def _running_cpu(seen_on: list[int], runs_on: int) -> int | None:
    prog = Program(Platform(Architecture.X86_64))
    kernel = Kernel(prog)
    task = kernel.struct("task_struct", cpu=kernel.int)
    queue = kernel.struct("rq", curr=kernel.to(task))
    offsets = prog.array_type(kernel.ulong, 2)
    kernel.objects["__per_cpu_offset"] = Object(prog, offsets, [0, PER_CPU])
    kernel.objects["runqueues"] = Object(prog, queue, address=RUNQUEUES)
    for cpu in range(2):
        kernel.words(RUNQUEUES + cpu * PER_CPU, TASK if cpu == runs_on else 0)
    answers = iter(seen_on)
    cpu = seen_on[0]

    def read(_: int, count: int, offset: int, physical: bool) -> bytes:
        nonlocal cpu
        cpu = next(answers, cpu)
        return struct.pack("<i", cpu)[offset : offset + count]

    prog.add_memory_segment(TASK, 4, read)
    return running_cpu(prog, kernel.at(task, TASK))
