"""Tasks and trees as kernels have them that no lab runs, made by hand."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from mock_kernel import Kernel

from drgn import (
    Architecture,
    FaultError,
    Object,
    Platform,
    Program,
    Type,
    offsetof,
    sizeof,
)
from drgn.commands.crash._task_rows import (
    TaskRow,
    kernel_stack_pointers,
    task_rows,
    task_state,
)
from drgn.commands.crash.mod import _modules, _print_modules, _print_taints
from drgn.commands.crash.tree import entry_addresses

PAGE = 4096
TASK = 0xFFFF888000001000
PARENT = 0xFFFF888000002000
MM = 0xFFFF888000003000
SIGNAL = 0xFFFF888000004000

# Letters of task_state_array, and the bits of the states in their order.
STATES = (b"R (running)", b"S (sleeping)", b"D (disk sleep)", b"T (stopped)")


@pytest.fixture
def kernel() -> Kernel:
    prog = Program(Platform(Architecture.X86_64))
    kernel = Kernel(prog)
    kernel.objects["PAGE_SIZE"] = Object(prog, kernel.ulong, PAGE)
    for i, name in enumerate(("FILEPAGES", "ANONPAGES", "SWAPENTS", "SHMEMPAGES")):
        kernel.objects[f"MM_{name}"] = Object(prog, kernel.int, i)
    char = prog.int_type("char", 1, True)
    names = prog.array_type(kernel.to(char), len(STATES))
    kernel.objects["task_state_array"] = Object(prog, names, address=0xFFFF88800000F000)
    addresses = [0xFFFF88800000E000 + 32 * i for i in range(len(STATES))]
    for address, text in zip(addresses, STATES, strict=True):
        kernel.memory(address, text + b"\0")
    kernel.words(0xFFFF88800000F000, *addresses)
    return kernel


def memory(kernel: Kernel, type: Type, address: int, **members: bytes) -> None:
    """Give a structure's memory: its members' bytes, the rest zero."""
    data = bytearray(sizeof(type))
    for name, value in members.items():
        at = offsetof(type, name.replace("__", "."))
        data[at : at + len(value)] = value
    kernel.memory(address, bytes(data))


def word(value: int) -> bytes:
    return struct.pack("<Q", value)


def tasks_before_4_14(kernel: Kernel) -> Type:
    """A task whose state has its old name, whose CPU is in ``task_struct``, and whose
    address space counts pages in one place."""
    prog = kernel.prog
    char = prog.int_type("char", 1, True)
    node = kernel.linked("list_head", "next", "prev")
    atomic = kernel.struct("atomic_long_t", counter=kernel.long)
    counts = kernel.struct("mm_rss_stat", count=prog.array_type(atomic, 4))
    mm = kernel.struct("mm_struct", total_vm=kernel.ulong, rss_stat=counts)
    signal = kernel.struct("signal_struct", thread_head=node)
    sp = kernel.struct("thread_struct", sp=kernel.ulong)
    # Its first members are those of a task, which a mock type cannot point to.
    parent = kernel.struct(
        "parent_task", state=kernel.long, exit_state=kernel.int, pid=kernel.int
    )
    task = kernel.struct(
        "task_struct",
        state=kernel.long,
        exit_state=kernel.int,
        pid=kernel.int,
        flags=kernel.u32,
        on_cpu=kernel.int,
        cpu=kernel.u32,
        parent=kernel.to(parent),
        mm=kernel.to(mm),
        signal=kernel.to(signal),
        thread_node=node,
        thread=sp,
        comm=prog.array_type(char, 16),
    )
    pages = word(7) + word(20) + word(100) + word(3)
    memory(kernel, mm, MM, total_vm=word(50), rss_stat=pages)
    node_address = TASK + offsetof(task, "thread_node")
    kernel.words(SIGNAL, node_address, node_address)
    memory(
        kernel,
        task,
        TASK,
        state=word(2),
        pid=struct.pack("<i", 42),
        cpu=struct.pack("<I", 3),
        parent=word(PARENT),
        mm=word(MM),
        signal=word(SIGNAL),
        thread_node=word(SIGNAL) * 2,
        thread=word(0xFFFFC90000001000),
        comm=b"old\0",
    )
    memory(
        kernel,
        task,
        PARENT,
        pid=struct.pack("<i", 2),
        flags=struct.pack("<I", 0x200000),
        on_cpu=struct.pack("<i", 1),
        parent=word(PARENT),
        comm=b"kthreadd\0",
    )
    return task


def test_rows(kernel: Kernel) -> None:
    task = tasks_before_4_14(kernel)
    tasks = [kernel.at(task, TASK), kernel.at(task, PARENT)]
    assert task_rows(kernel.prog, tasks) == [
        TaskRow(TASK, 42, 2, 3, "D", 30, 50 * PAGE, b"old", False, False),
        TaskRow(PARENT, 2, 2, 0, "R", 0, 0, b"kthreadd", True, True),
    ]
    assert [task_state(task) for task in tasks] == ["D", "R"]


def test_stack_pointers(kernel: Kernel) -> None:
    task = tasks_before_4_14(kernel)
    frame = kernel.struct("inactive_task_frame", bx=kernel.ulong, ret_addr=kernel.ulong)
    sp = 0xFFFFC90000001000 + sizeof(frame)
    assert kernel_stack_pointers(kernel.prog, [kernel.at(task, TASK)]) == [sp]


def test_no_tasks(kernel: Kernel) -> None:
    assert task_rows(kernel.prog, []) == []


@pytest.mark.parametrize("kind", ["radix", "xarray"])
def test_a_tree_before_xarrays(kernel: Kernel, kind: str) -> None:
    """Before 4.20, ``struct radix_tree_root``: there is no ``struct xarray``."""
    u8 = kernel.prog.int_type("u8", 1, False)
    slots = kernel.prog.array_type(kernel.pointer, 4)
    kernel.struct("radix_tree_node", shift=u8, slots=slots)
    root = kernel.struct("radix_tree_root", rnode=kernel.pointer)
    memory(kernel, root, MM, rnode=word(SIGNAL | 1))
    kernel.words(SIGNAL, 0, TASK, 0, 0, PARENT)
    found = entry_addresses(kernel.prog, kind, False, MM, [])
    assert list(found) == [TASK, PARENT]


def red_black(kernel: Kernel) -> int:
    """A root with A below it, B and C below that, and D below B, which is not there."""
    node = kernel.linked("rb_node", "__rb_parent_color", "rb_left", "rb_right")
    kernel.struct("rb_root", rb_node=kernel.to(node))
    kernel.words(MM, A)
    kernel.words(A, MM, B, C)
    kernel.words(C, A, 0, 0)
    return MM


def radix(kernel: Kernel) -> int:
    u8 = kernel.prog.int_type("u8", 1, False)
    slots = kernel.prog.array_type(kernel.pointer, 4)
    kernel.struct("xa_node", shift=u8, slots=slots)
    kernel.struct("xarray", xa_head=kernel.pointer)
    kernel.words(MM, SIGNAL | 2)
    kernel.words(SIGNAL, 2, A, 0xDEAD0002, C, D)
    return MM


def maple(kernel: Kernel) -> int:
    pivot = kernel.prog.array_type(kernel.ulong, 2)
    slot = kernel.prog.array_type(kernel.pointer, 3)
    for name in ("maple_range_64", "maple_arange_64"):
        kernel.struct(name, parent=kernel.pointer, pivot=pivot, slot=slot)
    kernel.struct("maple_node", parent=kernel.pointer, slot=slot)
    kernel.struct("maple_tree", ma_root=kernel.pointer)
    leaf, inner = 1 << 3, 2 << 3
    kernel.words(MM, SIGNAL | inner | 2)
    kernel.words(SIGNAL, 0, 10, 20, 0xDEAD0000 | leaf, PARENT | leaf, SIGNAL | 0x800)
    kernel.words(PARENT, 0, 15, 20, A, C, 0)
    # Dense, the first kind of nodes.
    kernel.words(SIGNAL | 0x800, 0, D, 0, 0)
    return MM


A, B, C, D = (0xFFFF888000010000 + 0x1000 * i for i in range(4))


@pytest.mark.parametrize(
    ("kind", "make", "inorder", "found"),
    [
        ("rbtree", red_black, False, [A, B, C]),
        ("rbtree", red_black, True, [B, A, C]),
        ("radix", radix, False, [A, C, D]),
        ("xarray", radix, False, [A, C, D]),
        ("maple", maple, False, [A, C, D]),
    ],
)
def test_a_tree_goes_on_beside_a_node_that_cannot_be_read(
    kernel: Kernel,
    kind: str,
    make: Callable[[Kernel], int],
    inorder: bool,
    found: list[int],
) -> None:
    lost: list[FaultError] = []
    root = make(kernel)
    assert list(entry_addresses(kernel.prog, kind, inorder, root, lost)) == found
    assert len(lost) == 1


def test_modules_of_a_kernel_without(
    kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without CONFIG_MODULES, there is no list of them."""
    _print_taints(kernel.prog)
    assert capsys.readouterr().out == "no tainted modules\n"
    _print_modules(kernel.prog, _modules(kernel.prog))
    assert capsys.readouterr().out.split()[:2] == ["MODULE", "NAME"]
