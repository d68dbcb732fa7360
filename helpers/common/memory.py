"""
Memory
------

``drgn.helpers.common.memory`` tells what addresses refer to.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

from drgn import IntegerLike, PlatformFlags, Program, ProgramFlags, Symbol, SymbolKind
from drgn.helpers.common._identity import IdentifiedAddress, Identity
from drgn.helpers.common.prog import takes_program_or_default

__all__ = ("identify_address", "identify_address_all", "print_annotated_memory")


class IdentifiedSymbol(Identity):
    """An address in the symbol table."""

    __slots__ = ("address", "symbol")

    def __init__(self, address: int, symbol: Symbol) -> None:
        self.address = address
        self.symbol = symbol

    def __str__(self) -> str:
        kind = {
            SymbolKind.OBJECT: "object symbol",
            SymbolKind.FUNC: "function symbol",
        }.get(self.symbol.kind, "symbol")
        return f"{kind}: {self.symbol.name}+{hex(self.address - self.symbol.address)}"


@takes_program_or_default
def identify_address(
    prog: Program, addr: IntegerLike, *, cache: dict[Any, Any] | None = None
) -> str | None:
    """Describe what an address refers to.

    In every program, that may be a symbol (``"function symbol: schedule+0x5"``,
    ``"object symbol: init_task+0x0"``); in the Linux kernel, also a task (``"task: 1
    (init) +0x10"``), a task's stack, an object of the slab allocator (``"slab object:
    dentry+0x0"``), a page (``"page: pfn 100"``) or an area of kernel address space
    (``"vmap: 0xffffd24a80000000-0xffffd24a80005000"``).

    :param addr: ``void *``
    :param cache: Dictionary to pass to every call of many, where what takes long to
        find out is kept. It gets stale when the program runs.
    :return: Description, ``None`` if the address is not known.

    >>> identify_address(prog["init_task"].address_ + 8)
    'task: 0 (swapper/0) +0x8'
    """
    for identity in identify_address_all(prog, addr, cache=cache):
        return str(identity)
    return None


@takes_program_or_default
def identify_address_all(
    prog: Program, addr: IntegerLike, *, cache: dict[Any, Any] | None = None
) -> Iterator[IdentifiedAddress]:
    """Iterate over all that an address refers to, most specific first.

    What it yields describes itself like :func:`identify_address()` by :class:`str`,
    and has attributes besides: :class:`IdentifiedSymbol`, and for the Linux kernel the
    classes of :mod:`drgn.helpers.linux.common`.

    :param addr: ``void *``
    :param cache: See :func:`identify_address()`.

    >>> [str(found) for found in identify_address_all(prog["init_task"].stack)]
    ['task stack: 0 (swapper/0) +0x0', 'symbol: init_stack+0x0']
    """
    address = operator.index(addr)
    if prog.flags & ProgramFlags.IS_LINUX_KERNEL:
        from drgn.helpers.linux.common import identify_kernel_address

        yield from identify_kernel_address(prog, address, cache)
    try:
        symbol = prog.symbol(address)
    except LookupError:
        return
    yield IdentifiedSymbol(address, symbol)


@takes_program_or_default
def print_annotated_memory(
    prog: Program, address: IntegerLike, size: IntegerLike, physical: bool = False
) -> None:
    """Print words of memory with what they refer to.

    >>> print_annotated_memory(find_task(1).thread_pid.tasks.address_, 16)
    ADDRESS           VALUE
    ffff89c0c11c3f90: ffff89c0c11f89e0 [task: 1 (init) +0x9e0]
    ffff89c0c11c3f98: ffff89c0c11f89f0 [task: 1 (init) +0x9f0]

    :param address: Address of the first word.
    :param size: Number of bytes; the last word may be less than a whole one.
    :param physical: Whether *address* is physical.
    :raises FaultError: if the memory cannot be read
    """
    address = operator.index(address)
    data = prog.read(address, operator.index(size), physical)
    digits = 2 * prog.address_size()
    print(f"{'ADDRESS':<{digits + 1}} VALUE")
    print_words(prog, address, data, {})


def print_words(
    prog: Program, address: int, data: bytes, cache: dict[Any, Any]
) -> None:
    """Print the words of *data*, which is at *address*."""
    size = prog.address_size()
    if prog.platform is None:
        raise ValueError("program byte order is not known")
    little = PlatformFlags.IS_LITTLE_ENDIAN in prog.platform.flags
    for i in range(0, len(data), size):
        value = int.from_bytes(data[i : i + size], "little" if little else "big")
        identity = identify_address(prog, value, cache=cache)
        note = f" [{identity}]" if identity else ""
        print(f"{address + i:0{2 * size}x}: {value:0{2 * size}x}{note}")
