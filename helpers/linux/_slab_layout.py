"""What slabs are called and how they fail; part of :mod:`drgn.helpers.linux.slab`."""

from __future__ import annotations

from typing import Literal, NamedTuple

from drgn import Object, PlatformFlags, Program, Type, offsetof, sizeof
from drgn.helpers import ValidationError
from drgn.helpers.common.format import escape_ascii_string


class SlabCorruptionError(ValidationError):
    """A slab allocator's data contradicts itself."""


class SlabFreelistCycleError(SlabCorruptionError):
    """A list of free objects runs into a cycle."""


class SlabPartialListError(SlabCorruptionError):
    """A list of partially used slabs is broken."""


def not_counted() -> ValueError:
    """Return what to raise where there are no numbers of slabs."""
    return ValueError("SLUB without CONFIG_SLUB_DEBUG does not count")


def slab_type(prog: Program) -> str:
    """Return the name of the type that describes a slab."""
    try:
        # Since 5.17 (d122019bf061).
        offsetof(prog.type("struct slab"), "slab_cache")
    except (LookupError, TypeError):
        return "struct page"
    return "struct slab"


def slab_list_member(prog: Program) -> str:
    """Return the name of the member that slabs are in lists by."""
    type = prog.type(slab_type(prog))
    for member in ("slab_list", "lru"):
        try:
            offsetof(type, member)
        except LookupError:
            continue
        return member
    raise LookupError("could not find slab_list in struct slab")


def total_slabs_member(prog: Program) -> str:
    """Return the name of the member that SLAB counts a node's slabs in."""
    node = prog.type("struct kmem_cache_node")
    # Since 4.10 (bf00bd345804).
    return "total_slabs" if node.has_member("total_slabs") else "num_slabs"


def object_offset(cache: Object) -> int:
    """Return where in its place in SLAB's slabs an object is."""
    try:
        # CONFIG_DEBUG_SLAB; there may be a red zone before it.
        offset: int = cache.obj_offset.value_()
    except AttributeError:
        return 0
    return offset


def fmt(cache: Object) -> str:
    return escape_ascii_string(cache.name.string_())


class Field(NamedTuple):
    """An integer, pointer or bit field in the bytes of a structure."""

    start: int
    end: int
    shift: int
    mask: int
    order: Literal["little", "big"]

    def get(self, data: bytes) -> int:
        """Decode the field, as unsigned."""
        value = int.from_bytes(data[self.start : self.end], self.order)
        return value >> self.shift & self.mask


def field(type: Type, designator: str) -> Field:
    """Return where a member, ``a.b``, is in the bytes of a structure.

    :raises LookupError: if there is no such member
    """
    prog = type.prog
    bit_offset = 0
    for name in designator.split("."):
        member = type.unaliased().member(name)
        bit_offset += member.bit_offset
        type = member.type
    bits = member.bit_field_size or 8 * sizeof(type)
    little = prog.platform is None or (
        PlatformFlags.IS_LITTLE_ENDIAN in prog.platform.flags
    )
    start, low = divmod(bit_offset, 8)
    end = -(-(bit_offset + bits) // 8)
    # Bits are counted from the least significant one, or in big-endian order from
    # the most significant one.
    shift = low if little else 8 * (end - start) - low - bits
    return Field(start, end, shift, (1 << bits) - 1, "little" if little else "big")
