"""``gdb.types``: what scripts ask of types beyond their methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .types import TYPE_CODE_ENUM, TYPE_CODE_REF, TYPE_CODE_STRUCT, TYPE_CODE_UNION


def get_basic_type(type_: Any) -> Any:
    """A type without references, qualifiers and typedefs."""
    while True:
        if type_.code == TYPE_CODE_REF:
            type_ = type_.target()
            continue
        plain = type_.strip_typedefs().unqualified()
        if plain.code != TYPE_CODE_REF:
            return plain
        type_ = plain


def has_field(type_: Any, field: str) -> bool:
    """Whether a structure, or one that it derives from, has a field."""
    type_ = get_basic_type(type_)
    if type_.code not in (TYPE_CODE_STRUCT, TYPE_CODE_UNION):
        raise TypeError("not a struct or union")
    for each in type_.fields():
        if each.is_base_class:
            if has_field(each.type, field):
                return True
        elif each.name == field:
            return True
    return False


def make_enum_dict(enum_type: Any) -> dict[str, int]:
    """The values of an enumeration by their names."""
    if enum_type.code != TYPE_CODE_ENUM:
        raise TypeError("not an enum type")
    return {field.name: field.enumval for field in enum_type.fields()}


def deep_items(type_: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a structure by their names, those of anonymous members too."""
    for name, field in type_.iteritems():
        if name:
            yield name, field
        else:
            yield from deep_items(field.type)


class TypePrinter:
    """A printer of types' names: ``instantiate()`` makes a recognizer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.enabled = True

    def instantiate(self) -> Any:
        """What recognizes types; a script overrides it."""
        return None


def get_type_recognizers() -> list[Any]:
    """The recognizers of all type printers (none: names stay as they are)."""
    return []


def apply_type_recognizers(recognizers: list[Any], type_obj: Any) -> str | None:
    """The name that the first recognizer gives a type."""
    for each in recognizers:
        found = each.recognize(type_obj)
        if found is not None:
            return str(found)
    return None


def register_type_printer(locus: Any, printer: Any) -> None:
    """Take a printer of types' names; names are printed as they are, though."""


__all__ = (
    "TypePrinter",
    "apply_type_recognizers",
    "deep_items",
    "get_basic_type",
    "get_type_recognizers",
    "has_field",
    "make_enum_dict",
    "register_type_printer",
)
