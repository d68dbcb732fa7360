"""Tasks and their queues on kernels of other ages and configurations, made by hand."""

from __future__ import annotations

import pytest
from mock_kernel import Kernel

from drgn import Object, Type, TypeMember
from drgn.helpers.linux import get_task_state, rq_for_each_fair_task

BASE = 0xFFFF888000010000


@pytest.mark.parametrize(
    ("state", "exit_state", "expected"),
    [
        (0, 0, "R (running)"),
        (0x1, 0, "S (sleeping)"),
        (0x402, 0, "D (disk sleep)"),  # TASK_IDLE
        (0x200, 0, "S (sleeping)"),  # TASK_PARKED
        (0x40, 0x20, "Z (zombie)"),
    ],
)
def test_states_of_tasks_before_4_14(
    kernel: Kernel, state: int, exit_state: int, expected: str
) -> None:
    """As the kernel's get_task_state() has it."""
    prog = kernel.prog
    names = [b"R (running)", b"S (sleeping)", b"D (disk sleep)", b"T (stopped)"]
    names += [b"t (tracing stop)", b"X (dead)", b"Z (zombie)"]
    addresses = [BASE + 0x100 + 32 * i for i in range(len(names))]
    for address, name in zip(addresses, names, strict=True):
        kernel.memory(address, name + b"\0")
    char = kernel.to(prog.int_type("char", 1, True))
    array = prog.array_type(char, len(names))
    kernel.objects["task_state_array"] = Object(prog, array, addresses)
    task = kernel.struct("task_struct", state=kernel.long, exit_state=kernel.int)
    kernel.words(BASE, state, exit_state)
    assert get_task_state(kernel.at(task, BASE)) == expected


def test_fair_tasks_without_smp(kernel: Kernel) -> None:
    """Only with SMP, runqueues have a list of them; those that wait are in a tree."""
    prog = kernel.prog
    node: Type = prog.struct_type(
        "rb_node",
        24,
        [
            TypeMember(kernel.ulong, "__rb_parent_color"),
            TypeMember(lambda: kernel.to(node), "rb_right", 64),
            TypeMember(lambda: kernel.to(node), "rb_left", 128),
        ],
    )
    kernel.types["rb_node"] = node
    root = kernel.struct("rb_root", rb_node=kernel.to(node))
    entity = kernel.struct("sched_entity", run_node=node)
    queue = kernel.struct("cfs_rq", tasks_timeline=root, curr=kernel.to(entity))
    rq = kernel.struct("rq", nr_running=kernel.u32, cfs=queue)
    task = kernel.struct("task_struct", pid=kernel.u32, se=entity)
    runs, first, second, at = (BASE + 0x100 * i for i in range(4))
    kernel.words(runs, 1, 0, 0, 0)
    kernel.words(second, 2, 1, 0, first + 8)
    kernel.words(first, 3, second + 8, 0, 0)
    kernel.words(at, 3, second + 8, runs + 8)
    found = list(rq_for_each_fair_task(kernel.at(rq, at)))
    assert [each.value_() for each in found] == [runs, first, second]
    assert found[0].type_ == kernel.to(task)
