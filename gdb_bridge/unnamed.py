"""What has a type without a name in GDB: by its place, since GDB cannot look it up."""

from __future__ import annotations

import re
from collections.abc import Iterator

import gdb

from drgn import Object, Type, TypeKind, sizeof

_CODES = {
    TypeKind.STRUCT: gdb.TYPE_CODE_STRUCT,
    TypeKind.CLASS: gdb.TYPE_CODE_STRUCT,
    TypeKind.UNION: gdb.TYPE_CODE_UNION,
    TypeKind.ENUM: gdb.TYPE_CODE_ENUM,
    TypeKind.ARRAY: gdb.TYPE_CODE_ARRAY,
}
_STRUCTURES = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)
_SYMBOL = re.compile(r"(.*?)(?: \+ \d+)? in section ")


def value_in_place(obj: Object) -> gdb.Value | None:
    """The variable of GDB's, or its part, that a reference is; None if none is.

    Of a pointer, its address. Variables of the selected frame and global ones are
    looked at.
    """
    type = obj.type_.unaliased()
    if type.kind is TypeKind.POINTER:
        if type.type.unaliased_kind() not in _CODES or not type.type.is_complete():
            return None
        found = value_in_place(Object(obj.prog_, type.type, address=obj.value_()))
        return None if found is None else found.address
    address = obj.address_
    if address is None or type.kind not in _CODES or obj.bit_field_size_ is not None:
        return None
    for variable in _variables(address):
        found = _part(variable, address, type)
        if found is not None:
            return found
    return None


def _variables(address: int) -> Iterator[gdb.Value]:
    """The variables that may have an address in them."""
    for symbol, *frame in (*_of_frame(), *_of_files(address)):
        try:
            value = symbol.value(*frame)
            if value.address is not None:
                yield value
        except gdb.error:
            continue  # It is optimized out, or cannot be read.


def _of_frame() -> Iterator[tuple[gdb.Symbol, gdb.Frame]]:
    try:
        frame = gdb.selected_frame()
        block = frame.block()
    except (gdb.error, RuntimeError):
        return
    while block is not None and not block.is_static and not block.is_global:
        for symbol in block:
            if symbol.is_variable or symbol.is_argument:
                yield symbol, frame
        block = block.superblock


def _of_files(address: int) -> Iterator[tuple[gdb.Symbol]]:
    match = _SYMBOL.match(gdb.execute(f"info symbol {address:#x}", to_string=True))
    if match is not None:
        for lookup in (gdb.lookup_global_symbol, gdb.lookup_static_symbol):
            symbol = lookup(match[1])
            if symbol is not None and symbol.is_variable:
                yield (symbol,)


def _part(value: gdb.Value, address: int, type: Type) -> gdb.Value | None:
    """The part of a value that is at an address and like a type."""
    offset = address - int(value.address)
    plain = value.type.strip_typedefs()
    if not 0 <= offset < plain.sizeof:
        return None
    if not offset and _is_like(plain, type):
        return value
    if plain.code == gdb.TYPE_CODE_ARRAY:
        number = plain.range()[0] + offset // plain.target().sizeof
        return _part(value[number], address, type)
    if plain.code in _STRUCTURES:
        for field in plain.fields():
            if not hasattr(field, "bitpos") or field.bitsize:
                continue
            found = _part(value[field], address, type)
            if found is not None:
                return found
    return None


def _is_like(gdb_type: gdb.Type, type: Type) -> bool:
    gdb_type, type = gdb_type.strip_typedefs(), type.unaliased()
    if gdb_type.code != _CODES.get(type.kind) or gdb_type.sizeof != sizeof(type):
        return False
    if type.kind is TypeKind.ARRAY:
        return _is_like(gdb_type.target(), type.type)
    fields = [
        field.name
        for field in gdb_type.fields()
        if type.kind is TypeKind.ENUM or hasattr(field, "bitpos")
    ]
    if type.kind is TypeKind.ENUM:
        named = [enumerator.name for enumerator in type.enumerators or ()]
        # GDB qualifies those of C++.
        return [str(name).rpartition("::")[2] for name in fields] == named
    members = [member.name for member in type.members or ()]
    return len(fields) == len(members) and all(
        ours is None or ours == theirs
        for ours, theirs in zip(members, fields, strict=True)
    )
