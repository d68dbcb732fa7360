"""Pointers as plain integers, for loops in which an Object per step would be dear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any, Literal

from drgn import Object, PlatformFlags, Program, Type, TypeKind, chains, sizeof
from drgn.helpers import ValidationError


def words(prog: Program, count: int) -> Callable[[int], tuple[int, ...]]:
    """Return a function that reads *count* words of the program at an address.

    :raises FaultError: by the function, if the words cannot be read
    """
    struct = word_struct(prog, count)
    size = struct.size
    read = prog.read
    unpack = struct.unpack
    return lambda address: unpack(read(address, size))


def word_struct(prog: Program, count: int) -> Struct:
    """Return the Struct of *count* words of the program."""
    key = (word_struct, count)
    struct: Struct | None = prog.cache.get(key)
    if struct is None:
        if prog.platform is None:
            raise ValueError("program byte order is not known")
        flags = prog.platform.flags
        order = "<" if PlatformFlags.IS_LITTLE_ENDIAN in flags else ">"
        word = "Q" if PlatformFlags.IS_64_BIT in flags else "I"
        struct = prog.cache[key] = Struct(f"{order}{count}{word}")
    return struct


def record_reader(type: Type, *members: str) -> Callable[[bytes], list[Any]]:
    """Return a function that takes members out of the bytes of a structure.

    Each is an unsigned integer, or the bytes of an array.

    :param members: Members, which may be within others (``sa.sa_flags``) or bit fields.
    :raises LookupError: if there is no such member
    """
    prog = type.prog
    assert prog.platform is not None
    is_little = PlatformFlags.IS_LITTLE_ENDIAN in prog.platform.flags
    order: Literal["little", "big"] = "little" if is_little else "big"
    structure = Object(prog, type, address=0)
    plan = []
    for member in members:
        part = structure.subobject_(member)
        bits = part.bit_field_size_
        start, first = part.address_ or 0, part.bit_offset_ or 0
        size = sizeof(part) if bits is None else -(-(first + bits) // 8)
        shift = 0
        if bits is not None:
            shift = first if is_little else 8 * size - first - bits
        is_array = part.type_.kind == TypeKind.ARRAY
        mask = 0 if is_array else (1 << (8 * size if bits is None else bits)) - 1
        plan.append((start, start + size, shift, mask))
    from_bytes = int.from_bytes
    return lambda record: [
        from_bytes(record[start:end], order) >> shift & mask
        if mask
        else record[start:end]
        for start, end, shift, mask in plan
    ]


def pointee(pointer: Object) -> Type:
    """Return the type that a pointer points to.

    :raises TypeError: if *pointer* is not a pointer
    """
    type = pointer.type_
    while type.kind == TypeKind.TYPEDEF:
        type = type.type
    if type.kind != TypeKind.POINTER:
        raise TypeError(f"'{pointer.type_.type_name()}' is not a pointer")
    return type.type


def follow(
    pointer: Type, first: int, end: int, next_offset: int, offset: int = 0
) -> Iterator[Object]:
    """Iterate over what contains the nodes of a chain from *first* until *end*.

    :param pointer: Type of what is yielded.
    :param next_offset: Offset in a node of the pointer to the next one.
    :param offset: Offset of a node in what is yielded.
    :raises FaultError: if a node cannot be read
    :raises ValidationError: if the chain runs into a cycle without *end*
    """
    return chains.follow(pointer, first, end, next_offset, offset, _cycle)


def _cycle(address: int) -> ValidationError:
    return ValidationError(f"cycle at {address:#x} in linked list")


def chain(first: Object, member: str) -> Iterator[Object]:
    """Iterate over structures that are linked by pointers, until a null one.

    :param first: Pointer to the first, may be null.
    :param member: Member with the pointer to the next one.
    :raises ValidationError: if the chain runs into a cycle
    """
    seen: set[int] = set()
    entry = first.read_()
    while entry:
        address = entry.value_()
        if address in seen:
            raise _cycle(address)
        seen.add(address)
        yield entry
        entry = entry.member_(member).read_()
