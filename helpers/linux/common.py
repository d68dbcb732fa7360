"""
Common
------

``drgn.helpers.linux.common`` is the Linux kernel's part of
:func:`~drgn.helpers.common.memory.identify_address()`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from drgn import NULL, FaultError, Object, Program, ProgramFlags, sizeof
from drgn.helpers import ValidationError
from drgn.helpers.common._identity import IdentifiedAddress, Identity
from drgn.helpers.common.format import escape_ascii_string
from drgn.helpers.linux._kept import kept
from drgn.helpers.linux._memory_model import for_each_valid_page_range
from drgn.helpers.linux._pages import in_direct_map
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.mm import find_vmap_area
from drgn.helpers.linux.pid import find_task, for_each_task
from drgn.helpers.linux.sched import idle_task
from drgn.helpers.linux.slab import SlabObjectInfo, slab_object_info

__all__ = ()


def _name(task: Object) -> str:
    comm = escape_ascii_string(task.comm.string_(), escape_backslash=True)
    return f"{task.pid.value_()} ({comm})"


def _offset(offset: int) -> str:
    return f" +{hex(offset)}" if offset else ""


class IdentifiedTaskStruct(Identity):
    """An address in a ``struct task_struct``."""

    __slots__ = ("address", "task")

    def __init__(self, address: int, task: Object) -> None:
        self.address = address
        self.task = task

    def __str__(self) -> str:
        return f"task: {_name(self.task)}{_offset(self.address - self.task.value_())}"


class IdentifiedTaskStack(Identity):
    """An address in a task's kernel stack."""

    __slots__ = ("address", "task")

    def __init__(self, address: int, task: Object) -> None:
        self.address = address
        self.task = task

    def __str__(self) -> str:
        offset = self.address - self.task.stack.value_()
        return f"task stack: {_name(self.task)} +{hex(offset)}"


class IdentifiedSlabObject(Identity):
    """An address in an object of the slab allocator."""

    __slots__ = ("address", "slab_object_info")

    def __init__(self, address: int, slab_object_info: SlabObjectInfo) -> None:
        self.address = address
        self.slab_object_info = slab_object_info

    def __str__(self) -> str:
        info = self.slab_object_info
        if not info.slab_cache:
            return "unknown slab object"
        name = escape_ascii_string(
            info.slab_cache.name.string_(), escape_backslash=True
        )
        free = "" if info.allocated else "free "
        return f"{free}slab object: {name}+{hex(self.address - info.address)}"


class IdentifiedPage(Identity):
    """An address in a ``struct page``."""

    __slots__ = ("address", "page", "pfn")

    def __init__(self, address: int, page: Object, pfn: int) -> None:
        self.address = address
        self.page = page
        self.pfn = pfn

    def __str__(self) -> str:
        return f"page: pfn {self.pfn}{_offset(self.address - self.page.value_())}"


class IdentifiedVmap(Identity):
    """An address in an area of kernel address space, e.g., vmalloc or ioremap."""

    __slots__ = ("address", "vm_struct", "vmap_area")

    def __init__(self, address: int, vmap_area: Object, vm_struct: Object) -> None:
        self.address = address
        self.vmap_area = vmap_area
        self.vm_struct = vm_struct

    def _values(self) -> tuple[object, ...]:
        return self.address, self.vmap_area, self.vm_struct

    def __repr__(self) -> str:
        return (
            f"IdentifiedVmap(address={self.address}, vmap_area={self.vmap_area!r}, "
            f"vm_struct={self.vm_struct!r})"
        )

    def __str__(self) -> str:
        area = self.vmap_area
        text = f"vmap: {hex(area.va_start)}-{hex(area.va_end)}"
        if self.vm_struct:
            caller = self.vm_struct.caller.value_()
            try:
                symbol = area.prog_.symbol(caller)
            except LookupError:
                return text
            text += f" caller {symbol.name}+{hex(caller - symbol.address)}"
        return text


# mm/vmalloc.c before 5.3 (688fcbfc06e4): such an area was freed, or has a vm_struct.
_VM_LAZY_FREE = 0x02
_VM_VM_AREA = 0x04


def identify_kernel_address(
    prog: Program, address: int, cache: dict[Any, Any] | None
) -> Iterator[IdentifiedAddress]:
    """Iterate over what an address refers to in the kernel, but for symbols."""
    if cache is None or not prog.flags & ProgramFlags.IS_LIVE:
        cache = kept(prog, _nothing_yet)
    if in_direct_map(prog, address):
        try:
            info = slab_object_info(prog, address)
        except ValidationError:
            info = None  # Nobody knows whether it is free.
        if info is not None:
            if _is_task(info):
                task = Object(prog, "struct task_struct *", info.address)
                yield IdentifiedTaskStruct(address, task)
            yield IdentifiedSlabObject(address, info)
        yield from _identify_stack(prog, address, cache)
        return
    init_task = prog["init_task"]
    if 0 <= address - (init_task.address_ or 0) < sizeof(init_task):
        yield IdentifiedTaskStruct(address, init_task.address_of_())
    yield from _identify_stack(prog, address, cache)
    yield from _identify_page(prog, address, cache)
    try:
        area = find_vmap_area(prog, address)
    except FaultError:
        return
    if area:
        yield from identified_area(area, address)


def _nothing_yet(prog: Program) -> dict[Any, Any]:
    """Make what is kept of addresses of a program."""
    return {}


def _is_task(info: SlabObjectInfo) -> bool:
    """Whether an object in a slab is a task."""
    cache = info.slab_cache
    if not info.allocated or not cache:
        return False
    if cache.name.string_() == b"task_struct":
        return True
    prog = cache.prog_
    try:
        if prog["task_struct_cachep"] != cache:
            return False
    except KeyError:
        return False
    # The cache is merged with others, as all are that may be with CONFIG_SLUB_TINY.
    pid = Object(prog, "struct task_struct *", info.address).pid.value_()
    if pid:
        return pid > 0 and find_task(prog, pid).value_() == info.address
    idle = (idle_task(prog, cpu).value_() for cpu in for_each_possible_cpu(prog))
    return info.address in idle


def identified_area(area: Object, address: int) -> Iterator[IdentifiedVmap]:
    """What an address is in an area, unless the area has been freed."""
    flags = _VM_VM_AREA
    if hasattr(area, "flags") and not hasattr(area, "subtree_max_size"):
        flags = area.flags.value_()  # Those of 6.3 and later are others.
    vm = area.vm.read_()
    if not flags & _VM_VM_AREA:
        vm = NULL(vm.prog_, vm.type_)  # It points to what was there before.
    if not flags & _VM_LAZY_FREE:
        yield IdentifiedVmap(address, area, vm)


def _identify_stack(
    prog: Program, address: int, cache: dict[Any, Any]
) -> Iterator[IdentifiedAddress]:
    stacks = cache.get("stacks")
    if stacks is None:
        tasks = [idle_task(prog, cpu) for cpu in for_each_possible_cpu(prog)]
        tasks = [task for task in tasks if task]
        tasks += for_each_task(prog)
        stacks = sorted((task.stack.value_(), i) for i, task in enumerate(tasks))
        cache["stacks"] = stacks
        cache["tasks of stacks"] = tasks
    i = bisect_right(stacks, (address, len(stacks))) - 1
    if i >= 0:
        start, task = stacks[i]
        if start and address - start < prog["THREAD_SIZE"].value_():
            yield IdentifiedTaskStack(address, cache["tasks of stacks"][task])


def _identify_page(
    prog: Program, address: int, cache: dict[Any, Any]
) -> Iterator[IdentifiedAddress]:
    ranges = cache.get("valid_page_ranges")
    if ranges is None:
        ranges = cache["valid_page_ranges"] = list(for_each_valid_page_range(prog))
    for start, end, mem_map in ranges:
        pfn = (address - mem_map.value_()) // sizeof(mem_map[0])
        if start <= pfn < end:
            yield IdentifiedPage(address, mem_map + pfn, pfn)
