"""The class that a C++ object was made as, by the table of its virtual functions."""

from __future__ import annotations

import drgn
from drgn import Object, TypeKind

_COMPOUND = TypeKind.STRUCT, TypeKind.CLASS


def dynamic_type(obj: Object) -> drgn.Type:
    """The dynamic type of an object, or of what a pointer points to."""
    plain = obj.type_.unaliased()
    pointer = plain.kind is TypeKind.POINTER
    target = plain.type if pointer else obj.type_
    if target.unaliased_kind() not in _COMPOUND:
        return obj.type_
    address = obj.value_() if pointer else obj.address_
    found = None if not address else _class_at(obj.prog_, target, address)
    if found is None:
        return obj.type_
    found = found.qualified(target.qualifiers)
    return obj.prog_.pointer_type(found) if pointer else found


def full_object(obj: Object) -> Object:
    """The whole object that one in memory, of a base class, is a part of."""
    found = dynamic_type(obj)
    if found is obj.type_ or obj.address_ is None:
        return obj
    table = obj.prog_.read_word(obj.address_)
    # The second word before the functions is how far above the whole begins.
    above = obj.prog_.read_word(table - 2 * obj.prog_.address_size())
    bits = 8 * obj.prog_.address_size()
    address = (obj.address_ + above) & ((1 << bits) - 1)
    return Object(obj.prog_, found, address=address)


def _class_at(prog: drgn.Program, type_: drgn.Type, address: int) -> drgn.Type | None:
    from .demangle import demangle

    if not _has_table(type_, 0):
        return None
    try:
        name = demangle(prog.symbol(prog.read_word(address)).name)
        if not name.startswith("vtable for "):
            return None
        return prog.type(name.removeprefix("vtable for "))
    except (LookupError, drgn.FaultError, SyntaxError):
        return None


def _has_table(type_: drgn.Type, depth: int) -> bool:
    """Whether a class begins with a pointer to virtual functions."""
    plain = type_.unaliased()
    if plain.kind not in _COMPOUND or not plain.members or depth > 50:
        return False
    first = plain.members[0]
    if first.name is not None:
        return first.name.startswith("_vptr")
    return _has_table(first.type, depth + 1)
