"""Objects in C's syntax, as ``str`` and `Object.format_` show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import FaultError, OutOfBoundsError
from ..flags import AbsenceReason
from ..objects.bits import get_bits
from ..objects.codec import Codec, Field, codec_of
from ..objects.read import read_raw
from ..types.kinds import TypeKind
from .c_format_options import DEFAULT_OPTIONS, FormatOptions
from .c_format_values import (
    character_text,
    float_text,
    integer_text,
    is_character,
    string_text,
)

if TYPE_CHECKING:
    from ..objects.object import Object
    from ..types.type import Type

_INT, _BOOL, _FLOAT = TypeKind.INT, TypeKind.BOOL, TypeKind.FLOAT
_ENUM, _POINTER, _ARRAY = TypeKind.ENUM, TypeKind.POINTER, TypeKind.ARRAY
_VOID, _FUNCTION = TypeKind.VOID, TypeKind.FUNCTION
_ABSENT = {
    AbsenceReason.OTHER: "<absent>",
    AbsenceReason.OPTIMIZED_OUT: "<optimized out>",
    AbsenceReason.NOT_IMPLEMENTED: "<not implemented>",
}
_TAB = 8
_WIDEST = 64


class _Node:
    """A part of the object that is shown.

    Its value is at ``bit_offset`` of ``buffer``. For a part of a reference ``address``
    is known, and ``buffer`` is None until it is read.
    """

    __slots__ = ("address", "bit_offset", "bits", "buffer", "codec")

    def __init__(
        self,
        codec: Codec,
        buffer: bytes | None,
        bit_offset: int,
        address: int | None,
        bits: int | None = None,
    ) -> None:
        self.codec = codec
        self.buffer = buffer
        self.bit_offset = bit_offset
        self.address = address
        self.bits = bits

    def part(self, codec: Codec, bit_offset: int, bits: int | None = None) -> _Node:
        """The part that lies ``bit_offset`` bits into this."""
        address = self.address
        if address is not None:
            memory = codec.type.prog._memory
            address = (address + (bit_offset >> 3)) & memory.virtual.mask
        start = self.bit_offset + bit_offset
        if self.buffer is not None and codec.size is not None:
            if start + codec.bit_size(bits) <= 8 * len(self.buffer):
                return _Node(codec, self.buffer, start, address, bits)
            if address is None:
                raise OutOfBoundsError("out of bounds of value")
        return _Node(codec, None, bit_offset & 7, address, bits)

    def load(self) -> bytes:
        """The bytes that hold the value; FaultError if they cannot be read."""
        if self.buffer is None:
            assert self.address is not None
            self.buffer = read_raw(
                self.codec.type.prog,
                self.codec,
                self.address,
                self.bit_offset,
                self.bits,
            )
        return self.buffer

    def number(self) -> Any:
        """The value of a scalar; FaultError if it cannot be read."""
        return self.codec.get(self.load(), self.bit_offset, self.bits)

    def try_load(self) -> None:
        """Load the value whole; where that fails its parts are read one by one."""
        try:
            self.load()
        except FaultError:
            pass

    def parts(self) -> Iterator[_Node]:
        """The members or elements."""
        codec = self.codec
        if codec.kind is _ARRAY:
            type, size = codec.element_of()
            element = codec_of(type)
            # Elements of no size lie at one place: one stands for all.
            for i in range(codec.length() if size else min(codec.length(), 1)):
                yield self.part(element, 8 * size * i)
        else:
            for field in codec.fields:
                yield self.part(field.codec, field.bit_offset, field.bit_field_size)

    def is_zero(self) -> bool:
        """Whether this is what C initializes to where nothing is said."""
        codec = self.codec
        if codec.size is None:
            return True
        if codec.scalar:
            return not codec.get(self.load(), self.bit_offset, self.bits)
        self.try_load()
        if self.buffer is not None and codec.size:
            start = self.bit_offset >> 3
            if not any(self.buffer[start : start + codec.size]):
                return True
        return all(part.is_zero() for part in self.parts())


class _Known(_Node):
    """A scalar whose value is known: there is nothing to load."""

    __slots__ = ("_number",)

    def __init__(self, codec: Codec, number: Any, bits: int | None) -> None:
        super().__init__(codec, None, 0, None, bits)
        self._number = number

    def number(self) -> Any:
        return self._number


def format_object(obj: Object, options: FormatOptions = DEFAULT_OPTIONS) -> str:
    """``obj`` in C's syntax.

    Raises FaultError if it cannot be read and TypeError if its type has no values.
    """
    codec = codec_of(obj._type_)
    if obj.absent_:
        prefix = f"({obj._type_.type_name()})" if options.type_name else ""
        return prefix + _ABSENT[obj._value_]
    bit_offset, bits = obj._bits_ or (0, None)
    if codec.scalar and codec.kind is not _BOOL:
        node: _Node = _Known(codec, obj.value_(), bits)
    elif codec.scalar and obj._address_ is None:
        node = _Node(codec, obj.to_bytes_(), bit_offset, None, bits)
    else:
        node = _Node(codec, obj._value_, bit_offset, obj._address_, bits)
    formatter = _Formatter(options)
    text = formatter.format(
        node,
        0,
        options.columns,
        multi=True,
        type_name=options.type_name,
        dereference=options.dereference,
    )
    assert text is not None
    return text


class _Elements:
    """The first ``length`` elements of an array that are shown, each when asked for."""

    __slots__ = ("element", "length", "node", "options", "size")

    def __init__(
        self,
        node: _Node,
        element: Codec,
        size: int,
        length: int,
        options: FormatOptions,
    ) -> None:
        self.node = node
        self.element = element
        self.size = size
        self.length = length
        self.options = options

    def __iter__(self) -> Iterator[tuple[str, _Node]]:
        indices = self.options.element_indices
        skip_zeros = indices and not self.options.implicit_elements
        if skip_zeros and not self.size and self.node.part(self.element, 0).is_zero():
            return
        for i in range(self.length):
            part = self.node.part(self.element, 8 * self.size * i)
            if not (skip_zeros and part.is_zero()):
                yield (f"[{i}] = " if indices else "", part)


class _NonZero:
    """Those of some members that are not zero, each when asked for."""

    __slots__ = ("members",)

    def __init__(self, members: list[tuple[str, _Node]]) -> None:
        self.members = members

    def __iter__(self) -> Iterator[tuple[str, _Node]]:
        return (member for member in self.members if not member[1].is_zero())


class _Formatter:
    """Formats with given options.

    The methods take the depth at which lines are indented, the columns that are left
    in the current line, and whether the text may have more than one line. They return
    None if it may not and does not fit.
    """

    __slots__ = ("options",)

    def __init__(self, options: FormatOptions) -> None:
        self.options = options

    def format(
        self,
        node: _Node,
        indent: int,
        room: int,
        *,
        multi: bool,
        type_name: bool,
        dereference: bool = False,
    ) -> str | None:
        """A part, with the name of its type in front if ``type_name``.

        None if it does not fit in ``room`` characters of one line, unless it may take
        more lines (``multi``), which begin with as many tabs as ``indent`` says.
        """
        codec = node.codec
        kind = codec.kind
        prefix = f"({_type_name(codec)})" if type_name else ""
        if kind is _POINTER:
            return self._pointer(node, prefix, indent, room, multi, dereference)
        if codec.scalar:
            text = prefix + self._scalar(node)
        elif codec.size is not None or (kind is _ARRAY and node.address is not None):
            return self._aggregate(node, prefix, indent, room, multi)
        elif kind is _FUNCTION and node.address is not None:
            text = f"{prefix}{node.address:#x}"
        elif node.address is None:
            text = f"{prefix}<absent>"
        else:
            raise self._no_value(kind)
        return text if multi or len(text) <= room else None

    def _no_value(self, kind: TypeKind) -> TypeError:
        if kind is _VOID:
            return TypeError("cannot format void object")
        return TypeError(f"cannot format incomplete {kind.name.lower()} object")

    # Scalars.

    def _scalar(self, node: _Node) -> str:
        codec = node.codec
        kind = codec.kind
        if kind is _INT:
            value = node.number()
            bits = codec.bit_size(node.bits)
            if bits > _WIDEST:
                # In whole bytes, into which the sign of a bit field extends.
                return hex(value & ((1 << (bits + 7 & ~7)) - 1))
            if self.options.char and is_character(codec.type):
                return character_text(value)
            return integer_text(value, self.options.integer_base)
        if kind is _BOOL:
            # Memory may hold any number there, which tells more than "true".
            bits = codec.bit_size(node.bits)
            value = get_bits(node.load(), node.bit_offset, bits, codec.little)
            return integer_text(value, self.options.integer_base)
        value = node.number()
        if kind is _ENUM:
            return _enumerators(codec).get(value) or str(value)
        return float_text(value)

    def _pointer(
        self,
        node: _Node,
        prefix: str,
        indent: int,
        room: int,
        multi: bool,
        dereference: bool,
    ) -> str | None:
        codec = node.codec
        value = node.number()
        prog = codec.type.prog
        address = hex(value)
        symbol = prog._symbol_for_format(value) if self.options.symbolize else None
        text = address if symbol is None else f"{symbol} = {address}"
        referent = codec.under.type
        if self.options.string and is_character(referent):
            prog._require_address_size()
            try:
                string = prog._memory.read_c_string(value, None)
            except FaultError:
                pass
            else:
                text = f"{text} = {string_text(string)}"
        elif dereference and _has_value(referent):
            prog._require_address_size()
            first = f"*{prefix}{text if symbol is None else f'({text})'} = "
            target = _Node(codec_of(referent), None, 0, value)
            try:
                found = self.format(
                    target, indent, room - len(first), multi=multi, type_name=False
                )
                return None if found is None else first + found
            except FaultError:
                pass
        text = prefix + text
        return text if multi or len(text) <= room else None

    # Structures and arrays.

    def _aggregate(
        self, node: _Node, prefix: str, indent: int, room: int, multi: bool
    ) -> str | None:
        codec = node.codec
        if codec.kind is _ARRAY:
            string = self._string(node)
            if string is not None:
                text = prefix + string
                return text if multi or len(text) <= room else None
            items: Iterable[tuple[str, _Node]] = self._elements(node)
            same_line = self.options.elements_same_line
            type_names = self.options.element_type_names
        else:
            items = self._members(node)
            same_line = self.options.members_same_line
            type_names = self.options.member_type_names
        if next(iter(items), None) is None:
            text = prefix + "{}"
            return text if multi or len(text) <= room else None
        if same_line:
            found = self._one_line(items, type_names, room - len(prefix))
            if found is not None:
                return prefix + found
        if not multi:
            return None
        return prefix + self._lines(items, type_names, same_line, indent)

    def _one_line(
        self, items: Iterable[tuple[str, _Node]], type_names: bool, room: int
    ) -> str | None:
        texts: list[str] = []
        room -= len("{ }")
        for designator, part in items:
            room -= len(designator) + len(" ") + bool(texts)
            text = self.format(part, 0, room, multi=False, type_name=type_names)
            if text is None:
                return None
            room -= len(text)
            texts.append(designator + text)
        return f"{{ {', '.join(texts)} }}"

    def _lines(
        self,
        items: Iterable[tuple[str, _Node]],
        type_names: bool,
        same_line: bool,
        indent: int,
    ) -> str:
        """The items, in lines of their own or as many in a line as fit."""
        indent += 1
        start = "\n" + "\t" * indent
        width = self.options.columns - _TAB * indent
        pieces = ["{"]
        room = 0
        for designator, part in items:
            if room > 0:
                left = room - len(" ") - len(designator) - len(",")
                text = self.format(
                    part, indent, left, multi=False, type_name=type_names
                )
                if text is not None:
                    pieces.append(f" {designator}{text},")
                    room = left - len(text)
                    continue
            left = width - len(designator) - len(",")
            text = self.format(part, indent, left, multi=True, type_name=type_names)
            assert text is not None
            pieces.append(f"{start}{designator}{text},")
            room = left - len(text) if same_line and "\n" not in text else 0
        pieces.append("\n" + "\t" * (indent - 1) + "}")
        return "".join(pieces)

    def _members(self, node: _Node) -> Iterable[tuple[str, _Node]]:
        """The members to show, with their designators."""
        options = self.options
        node.try_load()
        fields = _fields(node.codec, options.member_names)
        items = [
            (designator, node.part(field.codec, field.bit_offset, field.bit_field_size))
            for designator, field in fields
        ]
        if options.implicit_members:
            return items
        if options.member_names:
            shown = _NonZero(items)
            # Where the structure cannot be read, the first fault is the one to tell.
            return shown if node.buffer is None else list(shown)
        while items and items[-1][1].is_zero():
            items.pop()
        return items

    def _elements(self, node: _Node) -> Iterable[tuple[str, _Node]]:
        """The elements to show, with their designators."""
        codec = node.codec
        type, size = codec.element_of()
        length = codec.under.length
        if not length:
            return []
        options = self.options
        element = codec_of(type)
        node.try_load()
        trimmed = not options.implicit_elements
        if node.buffer is None:
            trimmed = trimmed and not options.element_indices
        if trimmed:
            length = self._significant(node, element, size, length)
        items = _Elements(node, element, size, length, options)
        # Where the array cannot be read a fault ends it, however long it is.
        return items if node.buffer is None else list(items)

    def _significant(self, node: _Node, element: Codec, size: int, length: int) -> int:
        """The number of elements up to the last one that is not zero."""
        if node.buffer is not None and size:
            # Elements of zero bytes need no closer look.
            start = node.bit_offset >> 3
            raw = bytes(node.buffer[start : start + size * length]).rstrip(b"\0")
            length = -(-len(raw) // size)
        while length and node.part(element, 8 * size * (length - 1)).is_zero():
            length = length - 1 if size else 0
        return length

    def _string(self, node: _Node) -> str | None:
        """The text of an array of characters, None if it is none."""
        codec = node.codec
        length = codec.under.length
        if not self.options.string or not length or not is_character(codec.under.type):
            return None
        if node.buffer is None:
            assert node.address is not None
            raw = codec.type.prog._memory.read_c_string(node.address, length)
        else:
            start = node.bit_offset >> 3
            raw = bytes(node.buffer[start : start + length])
        return string_text(raw.partition(b"\0")[0])


def _has_value(type: Type) -> bool:
    """Whether a pointer to ``type`` can be followed."""
    under = type.unaliased()
    kind = under.kind
    if kind is _VOID or kind is _FUNCTION or not under.is_complete():
        return False
    return kind is not _ARRAY or _has_value(under.type)


class FormatPlan:
    """What formatting remembers of a type."""

    __slots__ = ("enumerators", "named", "type_name", "unnamed")

    enumerators: dict[int, str] | None
    named: list[tuple[str, Field]] | None
    type_name: str
    unnamed: list[tuple[str, Field]] | None

    def __init__(self, codec: Codec) -> None:
        self.type_name = codec.type.type_name()
        self.enumerators = None
        self.named = None
        self.unnamed = None


def _plan_of(codec: Codec) -> FormatPlan:
    plan = codec.format_plan
    if plan is None:
        plan = codec.format_plan = FormatPlan(codec)
    return plan


def _type_name(codec: Codec) -> str:
    return _plan_of(codec).type_name


def _enumerators(codec: Codec) -> dict[int, str]:
    """The names of the values of an enum; the first of several."""
    plan = _plan_of(codec)
    if plan.enumerators is None:
        plan.enumerators = {}
        for enumerator in codec.under.enumerators or ():
            plan.enumerators.setdefault(enumerator.value, enumerator.name)
    return plan.enumerators


def _fields(codec: Codec, names: bool) -> list[tuple[str, Field]]:
    """The members of a structure with their designators.

    Without names, members of unnamed structures stay in those.
    """
    plan = _plan_of(codec)
    if names:
        if plan.named is None:
            plan.named = [
                ("" if field.name is None else f".{field.name} = ", field)
                for field in codec.fields
            ]
        return plan.named
    if plan.unnamed is None:
        plan.unnamed = [
            ("", Field(None, member.type, member.bit_offset, member.bit_field_size))
            for member in codec.under.members or ()
        ]
    return plan.unnamed
