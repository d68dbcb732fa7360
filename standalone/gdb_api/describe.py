"""Values as GDB prints them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import drgn
from drgn import Object, TypeKind

from . import scalars
from .dynamic import full_object
from .errors import error
from .names import tag_of, type_text
from .options import Options, options_of, python_options
from .session import Session, current
from .strings import string_text, utf8_codes
from .types import COMPOUND, enumerator_name, size_of
from .value import Value, byteorder, decayed, is_long_double, long_double, reading

_WIDE = {"wchar_t": "L", "char16_t": "u", "char32_t": "U"}
_NO_CHARACTER = "int8_t"
"""GDB's own type of a byte; a program's of this name is a typedef."""
_MAX_VALUE_SIZE = 65536


def describe(value: Value, options: Options | None = None) -> str:
    """The text of ``str(value)``."""
    session = current()
    printer = Describer(session, options or options_of(session))
    return printer.text(fetched(value._obj), 0)


def format_string(value: Value, options: dict[str, Any]) -> str:
    """The text of ``value.format_string(...)``."""
    return describe(value, python_options(current(), options))


def print_text(session: Session, value: Value, options: Options) -> str:
    """The text that ``print`` has behind ``$1 = ``: with a pointer's type before."""
    obj = value._obj
    printer = Describer(session, options)
    if options.format and options.format != "s":
        return printer.text(fetched(obj), 0)
    special = printer.by_printer(obj, 0)
    if special is not None:
        return special
    prefix = ""
    if options.actual_objects and obj.type_.unaliased_kind() in COMPOUND:
        with reading():
            whole = full_object(obj)
        if whole is not obj:
            prefix, obj = f"({type_text(whole.type_)}) ", whole
    if obj.type_.unaliased_kind() is TypeKind.POINTER and not obj.absent_:
        named = obj.type_.kind is TypeKind.TYPEDEF
        target = obj.type_.unaliased().type
        plain_char = target.kind is TypeKind.INT and target.name == "char"
        if options.actual_objects:
            value = value.cast(value.dynamic_type)
            obj = value._obj
        if named or not plain_char:
            prefix = f"({type_text(obj.type_)}) "
    return prefix + printer.text(fetched(obj), 0)


def fetched(obj: Object) -> Object:
    """An object that was read, unless it cannot be or need not be."""
    if obj.absent_ or obj.type_.unaliased_kind() in (TypeKind.FUNCTION, TypeKind.VOID):
        return obj
    size = size_of(obj.type_)
    if not size:
        return obj
    if size > _MAX_VALUE_SIZE and obj.address_ is not None:
        raise error(f"value requires {size} bytes, which is more than max-value-size")
    with reading():
        obj.to_bytes_()
    return obj


class Describer:
    """Prints values of a session with some options."""

    def __init__(
        self, session: Session, options: Options, seen: set[int] | None = None
    ) -> None:
        self._session = session
        self._options = options
        self._seen = set() if seen is None else seen
        """Where static members of classes are that were printed."""

    def text(self, obj: Object, depth: int) -> str:
        """A value inside ``depth`` others."""
        options = self._options
        type_ = obj.type_
        kind = type_.unaliased_kind()
        if kind is TypeKind.VOID:
            return "void"
        if obj.absent_:
            return "<optimized out>"
        if not options.raw:
            special = self.by_printer(obj, depth)
            if special is not None:
                return special
        if is_long_double(obj) and options.format in ("", "s", "f"):
            return scalars.long_double_text(long_double(obj))
        with reading():
            if kind in COMPOUND:
                return self._compound(obj, depth)
            if kind is TypeKind.ARRAY:
                return self._array(obj, depth)
            if kind is TypeKind.FUNCTION:
                address = obj.address_ or 0
                return f"{{{type_text(type_)}}} {self._address(address, True)}"
            if options.format and options.format != "s":
                return scalars.formatted(obj, options.format, self.symbol)
            if kind is TypeKind.POINTER:
                return self._pointer(obj)
            return self._scalar(obj, kind)

    def nested(self, obj: Object, depth: int) -> str:
        """A part of a value: what cannot be read is said in its place."""
        try:
            return self.text(obj, depth)
        except error as reason:
            return f"<error: {reason}>"

    # Scalars.

    def symbol(self, address: int) -> str:
        return self._session.lookups.symbol_text(address)

    def _address(self, address: int, always: bool = False) -> str:
        """An address and its symbol, which functions have always."""
        symbol = self.symbol(address) if always or self._options.symbols else ""
        if not self._options.address:
            return symbol
        return f"{address:#x} {symbol}" if symbol else f"{address:#x}"

    def _scalar(self, obj: Object, kind: TypeKind) -> str:
        plain = obj.type_.unaliased()
        value: Any = obj.value_()
        if kind is TypeKind.INT:
            prefix = _wide_prefix(obj.type_)
            if prefix or (plain.size == 1 and plain.name != _NO_CHARACTER):
                return scalars.char_value_text(value, prefix)
            return str(value)
        if kind is TypeKind.BOOL:
            return "true" if value else "false"
        if kind is TypeKind.ENUM:
            return self._enum(plain, int(value))
        return scalars.float_text(value, size_of(plain))

    def _enum(self, plain: drgn.Type, value: int) -> str:
        found = plain.enumerators or ()
        for each in found:
            if each.value == value:
                return enumerator_name(plain, each.name)
        if not found or not _is_flags([each.value for each in found]):
            return str(value)
        names, rest = [], value
        for each in found:
            if each.value and rest & each.value:
                names.append(enumerator_name(plain, each.name))
                rest &= ~each.value
        if rest:
            names.append(f"unknown: {rest:#x}")
        return f"({' | '.join(names)})" if names else "0"

    def _pointer(self, obj: Object) -> str:
        address: int = obj.value_()
        target = obj.type_.unaliased().type
        kind = target.unaliased_kind()
        text = self._address(address, kind is TypeKind.FUNCTION)
        if address and kind is TypeKind.INT:
            width, prefix = _char_width(target)
            if width:
                string = self._string_at(obj.prog_, address, width, prefix)
                text = f"{text} {string}" if text else string
        return text

    def _string_at(
        self, prog: drgn.Program, address: int, width: int, prefix: str
    ) -> str:
        limit = self._options.max_elements
        limit = 1 << 16 if limit is None else limit
        failure = ""
        try:
            data = _read_until_zero(prog, address, width, limit)
        except drgn.FaultError as reason:
            data = b""
            failure = f"<error: Cannot access memory at address {reason.address:#x}>"
            if reason.address > address:
                data = prog.read(address, (reason.address - address) // width * width)
        codes = _codes(prog, data, width)
        more = not failure and len(data) >= limit * width and 0 not in codes
        if 0 in codes:
            del codes[codes.index(0) :]
        if failure and not codes:
            return failure
        options = self._options
        text = string_text(
            codes, options.max_elements, options.repeat_threshold, more, prefix
        )
        return text + failure

    # Arrays.

    def _array(self, obj: Object, depth: int) -> str:
        options = self._options
        plain = obj.type_.unaliased()
        length = plain.length or 0
        width, prefix = _char_width(plain.type)
        if not size_of(obj.type_) and obj.address_ is not None:
            # What has no length is like a pointer to its beginning.
            return self._pointer(decayed(obj))
        if width and options.format in ("", "s"):
            return self._char_array(obj, width, prefix)
        if not length:
            return "{}"
        limit = options.max_elements
        repeats = options.repeat_threshold
        parts: list[str] = []
        index = printed = 0
        data, size = obj.to_bytes_(), size_of(plain.type)
        while index < length and (limit is None or printed < limit):
            end = index + 1
            one = data[index * size : end * size]
            while end < length and data[end * size : (end + 1) * size] == one:
                end += 1
            element = self.nested(obj[index], depth + 1)
            if options.array_indexes:
                element = f"[{index}] = {element}"
            if repeats is not None and end - index > repeats:
                parts.append(f"{element} <repeats {end - index} times>")
                printed += repeats
                index = end
            else:
                parts.append(element)
                printed += 1
                index += 1
        separator = ", "
        if options.pretty_arrays:
            separator = ",\n" + "  " * (depth + 1)
        text = separator.join(parts)
        if index < length:
            text += "..."
        if options.pretty_arrays:
            return "{" + ("\n" + "  " * (depth + 1) if depth else "") + text + "}"
        return "{" + text + "}"

    def _char_array(self, obj: Object, width: int, prefix: str) -> str:
        options = self._options
        data = obj.to_bytes_()
        codes = _codes(obj.prog_, data, width)
        if options.null_stop and 0 in codes:
            codes = codes[: codes.index(0)]
        elif codes and codes[-1] == 0:
            codes = codes[:-1]
        return string_text(
            codes, options.max_elements, options.repeat_threshold, prefix=prefix
        )

    # Structures.

    def _compound(self, obj: Object, depth: int) -> str:
        options = self._options
        plain = obj.type_.unaliased()
        if plain.members is None:
            return "<incomplete type>"
        if options.summary or (
            options.max_depth is not None and depth >= options.max_depth
        ):
            return "{...}"
        if depth and plain.kind is TypeKind.UNION and not options.unions:
            return "{...}"
        if not plain.members:
            return "{<No data fields>}"
        parts: list[str] = []
        bases = 0
        for field in Value(obj).type.fields():
            if field._is_static:
                if options.static_members:
                    parts.append(self._static(obj, field, depth))
                continue
            printer = self
            if field.artificial:
                # The pointer to virtual functions is shown as one in every format.
                printer = self.with_options(format="")
            part = printer.nested(_part(obj, field), depth + 1)
            if field.is_base_class:
                part = f"<{field.name}> = {part}"
            elif field.name:
                part = f"{field.name} = {part}"
            bases += field.is_base_class
            parts.append(part)
        if options.pretty_structs:
            indent = "\n" + "  " * (depth + 1)
            if 0 < bases < len(parts):
                # What follows base classes has a line of its own before.
                parts[bases - 1] += f", {indent}members of {tag_of(plain)}:{indent}"
                parts[bases - 1 : bases + 1] = ["".join(parts[bases - 1 : bases + 1])]
            return "{" + indent + ("," + indent).join(parts) + "\n" + "  " * depth + "}"
        return "{" + ", ".join(parts) + "}"

    def _static(self, obj: Object, field: Any, depth: int) -> str:
        found = _part(obj, field)
        if found.address_ is not None and found.type_.unaliased_kind() in COMPOUND:
            if found.address_ in self._seen:
                text = "<same as static member of an already seen type>"
                return f"static {field.name} = {text}"
            self._seen.add(found.address_)
        return f"static {field.name} = {self.nested(found, depth + 1)}"

    # Printers of scripts.

    def by_printer(self, obj: Object, depth: int) -> str | None:
        """What a script's pretty-printer makes of a value; None if none wants it."""
        if self._options.raw:
            return None
        from .visualizers import printed_by_script

        return printed_by_script(self, self._session, self._options, obj, depth)

    def with_options(self, **changes: Any) -> Describer:
        """The same with other options."""
        options = replace(self._options, **changes)
        return Describer(self._session, options, self._seen)


def _part(obj: Object, field: Any) -> Object:
    if field._is_static:
        static: Object = Value(obj)[field.name]._obj
        return static
    if field.name and not field.is_base_class:
        found: Object = obj.member_(field.name)
        return found
    part: Object = Value(obj)._field(field)._obj
    return part


def _wide_prefix(type_: drgn.Type) -> str:
    """``u`` of char16_t, and so on; empty of other types."""
    while True:
        if type_.kind is TypeKind.TYPEDEF:
            if type_.name in _WIDE:
                return _WIDE[type_.name]
            type_ = type_.type
            continue
        if type_.kind is TypeKind.INT:
            return _WIDE.get(type_.name, "")
        return ""


def _char_width(type_: drgn.Type) -> tuple[int, str]:
    """The size of characters, and what is before their quotes; 0 of other types."""
    if type_.unaliased_kind() is not TypeKind.INT:
        return 0, ""
    size = size_of(type_)
    if size == 1:
        return int(type_.unaliased().name != _NO_CHARACTER), ""
    prefix = _wide_prefix(type_)
    return (size, prefix) if prefix else (0, "")


def _is_flags(values: list[int]) -> bool:
    """Whether an enumeration's values are bits that can be put together."""
    return all(value >= 0 and value.bit_count() <= 1 for value in values)


def _codes(prog: drgn.Program, data: bytes, width: int) -> list[int]:
    """The characters of octets, of which each character has ``width``."""
    if width == 1:
        return utf8_codes(data)
    order = byteorder(prog)
    parts = range(0, len(data), width)
    return [int.from_bytes(data[at : at + width], order) for at in parts]


def _read_until_zero(prog: drgn.Program, address: int, width: int, limit: int) -> bytes:
    if width == 1:
        found = prog.read_c_string(address, max_size=limit)
        return found if len(found) >= limit else found + b"\0"
    data = b""
    while len(data) < limit * width:
        one = prog.read(address + len(data), width)
        data += one
        if not any(one):
            break
    return data
