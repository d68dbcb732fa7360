"""Types as Python expressions that make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .definitions import TemplateDefinition
from .kinds import TypeKind

if TYPE_CHECKING:
    from .type import Type

_METHODS = {kind: f"{kind.name.lower()}_type" for kind in TypeKind}


def type_repr(type: Type) -> str:
    """A call of the method of Program that makes ``type``."""
    definition = type._def
    parts = [
        f"{attribute}={getattr(type, attribute)!r}"
        for attribute in _ATTRIBUTES[type.kind]
    ]
    platform = type.prog.platform
    if type.kind is TypeKind.POINTER and (
        platform is None or definition.size != platform.address_size
    ):
        parts.append(f"size={definition.size}")
    little = getattr(definition, "little_endian", None)
    if little is not None and (platform is None or little != platform.is_little_endian):
        parts.append(f"byteorder={type.byteorder!r}")
    if isinstance(definition, TemplateDefinition) and definition.template_parameters:
        parts.append(f"template_parameters={definition.template_parameters!r}")
    if type.qualifiers.value:
        parts.append(f"qualifiers={type.qualifiers!r}")
    if type.language is not type.prog.language:
        parts.append(f"language={type.language!r}")
    return f"prog.{_METHODS[type.kind]}({', '.join(parts)})"


_COMPOUND = ("tag", "size", "members")
_ATTRIBUTES: dict[TypeKind, tuple[str, ...]] = {
    TypeKind.VOID: (),
    TypeKind.INT: ("name", "size", "is_signed"),
    TypeKind.BOOL: ("name", "size"),
    TypeKind.FLOAT: ("name", "size"),
    TypeKind.STRUCT: _COMPOUND,
    TypeKind.UNION: _COMPOUND,
    TypeKind.CLASS: _COMPOUND,
    TypeKind.ENUM: ("tag", "type", "enumerators"),
    TypeKind.TYPEDEF: ("name", "type"),
    TypeKind.POINTER: ("type",),
    TypeKind.ARRAY: ("type", "length"),
    TypeKind.FUNCTION: ("type", "parameters", "is_variadic"),
}
