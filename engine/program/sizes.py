"""Sizes, alignments and offsets of types that may be given by their names."""

from __future__ import annotations

from ..arguments import check_argument, class_label
from ..objects.object import Object
from ..types import layout
from ..types.type import Type
from .default import get_default_prog


def sizeof(type_or_obj: Type | Object | str, /) -> int:
    """Size in bytes of a type or of an object.

    A string names a type, else an object, of the default program. Raises
    TypeError if there is no size: void, functions, incomplete types, bit fields.
    """
    if isinstance(type_or_obj, str):
        type_or_obj = _find(type_or_obj)
    elif not isinstance(type_or_obj, (Type, Object)):
        raise TypeError(
            f"expected Type, Object, or str, not {class_label(type_or_obj)}"
        )
    return layout.sizeof(type_or_obj)


def alignof(type: Type | str, /) -> int:
    """Alignment in bytes of a type, or of one that the default program names.

    Raises TypeError for functions and incomplete types.
    """
    return layout.alignof(_type(type))


def offsetof(type: Type | str, member: str) -> int:
    """Offset in bytes of a member designator such as ``"a.b[3].c"``.

    A string names a type of the default program. Raises LookupError if there is
    no such member, ValueError for a bit field that does not start at a byte, and
    TypeError where the designator does not fit the types.
    """
    check_argument("offsetof", 2, member, str)
    return layout.offsetof(_type(type), member)


def _find(name: str) -> Type | Object:
    prog = get_default_prog()
    try:
        return prog.type(name)
    except LookupError:
        if name not in prog:
            raise
        return prog[name]


def _type(type: Type | str) -> Type:
    if isinstance(type, str):
        return get_default_prog().type(type)
    if not isinstance(type, Type):
        raise TypeError(f"expected Type or str, not {class_label(type)}")
    return type
