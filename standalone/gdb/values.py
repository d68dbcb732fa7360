"""Values that go to GDB as expressions."""

from __future__ import annotations

import math

from drgn import Object, TypeKind, sizeof
from drgn.hosts.gdb_calls import gdb_type_name

_STRUCTURES = (TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS)


def expression_of(obj: Object) -> str:
    """An expression of GDB's for an Object."""
    type = obj.type_.unaliased()
    if obj.address_ is not None and obj.bit_field_size_ is None:
        return f"*({_pointer_to(obj)}) {obj.address_:#x}"
    if type.kind is TypeKind.ARRAY:
        return _literal(obj.to_bytes_()[:-1])
    if type.kind in _STRUCTURES or not _has_text(obj):
        # GDB puts literals into the program's memory.
        return f"*({_pointer_to(obj)}) {_literal(obj.to_bytes_())}"
    value = obj.value_()
    text = repr(value) if isinstance(value, float) else str(int(value))
    return f"({gdb_type_name(obj.type_)}) {text}"


def _has_text(obj: Object) -> bool:
    """Whether GDB can read the exact value of a scalar."""
    if obj.type_.unaliased().kind is not TypeKind.FLOAT:
        return True
    return sizeof(obj) <= 8 and math.isfinite(obj.value_())


def _pointer_to(obj: Object) -> str:
    return gdb_type_name(obj.prog_.pointer_type(obj.type_))


def _literal(data: bytes) -> str:
    return '"' + "".join(f"\\{octet:03o}" for octet in data) + '"'
