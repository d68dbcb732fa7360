"""Debugging information entries (DWARF 5, section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import BadDataError
from . import constants as dw
from .forms import ALT_REFERENCES, CONSTANTS, REFERENCES, Raw

if TYPE_CHECKING:
    from .abbrev import Abbrev
    from .unit import Unit

_MAX_ORIGINS = 64


class Die:
    """A debugging information entry.

    Made by `Unit.root`, `DwarfFile.die_at()`, `children()` and `ref()`. The bytes of
    the entry are read once; attributes are decoded when they are asked for.
    Everything raises BadDataError where the debug information is malformed.
    """

    __slots__ = ("_abbrev", "_body", "_next", "_values", "offset", "unit")

    unit: Unit
    offset: int
    """Offset in ``.debug_info``; entries of ``.debug_types`` come after all of it."""

    def __init__(
        self,
        unit: Unit,
        offset: int,
        abbrev: Abbrev,
        values: tuple[Raw, ...],
        body: int,
    ) -> None:
        self.unit = unit
        self.offset = offset
        self._abbrev = abbrev
        self._values = values
        # Where the entry's children are, or else its next sibling.
        self._body = body
        self._next = 0 if abbrev.has_children else body

    @property
    def tag(self) -> int:
        """``DW_TAG_*``"""
        return self._abbrev.tag

    @property
    def has_children(self) -> bool:
        """Whether the entry owns a list of children, which may be empty."""
        return self._abbrev.has_children

    def attr(self, at: int) -> Any:
        """The value of an attribute, or None if the entry does not have it.

        str for strings; memoryview for blocks, expressions and 16-byte constants; int
        for everything else: constants (unsigned unless the form is signed), flags,
        file addresses, references (offsets as `offset`, or in the supplementary file)
        and offsets in other sections, also where they are stored as indexes.
        """
        slot = self._abbrev.slots.get(at)
        if slot is None:
            return None
        raw = self._values[slot]
        decode = self._abbrev.decoders[slot]
        return raw if decode is None else decode(self.unit, raw)

    def form(self, at: int) -> int | None:
        """The form (``DW_FORM_*``) of an attribute, or None if it is not there."""
        slot = self._abbrev.slots.get(at)
        if slot is None:
            return None
        form = self._abbrev.forms[slot]
        if form == dw.DW_FORM_indirect:
            raw = self._values[slot]
            assert isinstance(raw, tuple)
            form = raw[0]
        return form

    def has(self, at: int) -> bool:
        """Whether the entry has an attribute."""
        return at in self._abbrev.slots

    def attributes(self) -> list[tuple[int, Any]]:
        """All attributes and their values."""
        return [(at, self.attr(at)) for at in self._abbrev.slots]

    def flag(self, at: int) -> bool:
        """Whether a flag is there and set."""
        value = self.attr(at)
        if value is not None and not isinstance(value, int):
            raise self.invalid(at)
        return bool(value)

    def number(self, at: int) -> int | None:
        """The value of an attribute that is a constant, or None if it is not there.

        Raises BadDataError if its form is of anything else.
        """
        form = self.form(at)
        if form is None:
            return None
        value = self.attr(at) if form in CONSTANTS else None
        if not isinstance(value, int):
            raise self.invalid(at)
        return value

    def ref(self, at: int) -> Die | None:
        """The entry that an attribute refers to, or None if it is not there.

        Raises BadDataError if the attribute is no reference or a bad one.
        """
        form = self.form(at)
        if form is None:
            return None
        try:
            value = self.attr(at)
            if form in REFERENCES:
                # Nearly every reference stays inside of its unit.
                if self.unit.offset <= value < self.unit.end:
                    return self.unit.die_at(value)
                return self.unit.file.die_at(value)
            if form in ALT_REFERENCES:
                return self.unit.file.supplementary_file().die_at(value)
        except BadDataError as error:
            raise BadDataError(f"{self.invalid(at)}: {error}") from None
        raise self.invalid(at)

    @property
    def name(self) -> str | None:
        """``DW_AT_name``"""
        name = self.attr(dw.DW_AT_name)
        if name is None or isinstance(name, str):
            return name
        raise self.invalid(dw.DW_AT_name)

    @property
    def required_name(self) -> str:
        """``DW_AT_name``, which must be there."""
        name = self.attr(dw.DW_AT_name)
        if not isinstance(name, str):
            raise self.invalid(dw.DW_AT_name, "missing or invalid")
        return name

    def qualified_name(self, unnamed: str | None = None) -> str | None:
        """The name as ``a::b`` if the unit is of C++; None if the entry has none.

        ``unnamed`` stands for namespaces without a name; None leaves them out.
        """
        name = self.name
        if name is None or not self.unit.is_cplusplus:
            return name
        scopes = [
            ancestor.name or (unnamed if ancestor.tag == dw.DW_TAG_namespace else None)
            for ancestor in self.ancestors()
            if ancestor.tag in dw.NAMED_SCOPES
        ]
        return "::".join([scope for scope in scopes if scope] + [name])

    def origins(self) -> Iterator[Die]:
        """This entry, and those that it continues.

        That is along ``DW_AT_abstract_origin`` (an instance of an inline function) and
        ``DW_AT_specification`` (the definition of what was declared before).
        """
        die = self
        for _ in range(_MAX_ORIGINS):
            yield die
            origin = die.ref(dw.DW_AT_abstract_origin) or die.ref(
                dw.DW_AT_specification
            )
            if origin is None:
                return
            die = origin
        raise self.error("abstract origins refer to each other")

    def origin_attr(self, at: int) -> Any:
        """`attr()` of the first of `origins()` that has the attribute."""
        for die in self.origins():
            value = die.attr(at)
            if value is not None:
                return value
        return None

    def origin_ref(self, at: int) -> Die | None:
        """`ref()` of the first of `origins()` that has the attribute."""
        for die in self.origins():
            if die.has(at):
                return die.ref(at)
        return None

    def children(self) -> Iterator[Die]:
        """The entries that this one owns, in order."""
        if not self._abbrev.has_children:
            return
        unit = self.unit
        position = self._body
        while True:
            child = unit.read_die(position)
            if child is None:
                self._next = position + 1
                return
            yield child
            position = child.next_position()

    def next_position(self) -> int:
        """Where the entry after this one and all that it owns starts, in its section.

        That is what `Unit.read_die()` takes.
        """
        if not self._next:
            slot = self._abbrev.slots.get(dw.DW_AT_sibling)
            sibling = 0
            if slot is not None:
                value = self.attr(dw.DW_AT_sibling)
                sibling = value - self.unit.base if isinstance(value, int) else -1
                if not self._body < sibling <= self.unit.limit:
                    raise self.error("DW_AT_sibling is out of bounds")
            self._next = sibling or self.unit.skip_children(self._body)
        return self._next

    @property
    def body_position(self) -> int:
        """Where the entry's own bytes end, in its section."""
        return self._body

    def parent(self) -> Die | None:
        """The entry that owns this one, or None for the root of a unit."""
        ancestors = list(self.ancestors())
        return ancestors[-1] if ancestors else None

    def ancestors(self) -> Iterator[Die]:
        """The entries around this one, from the root of its unit inwards."""
        die = self.unit.root
        position = self.offset - self.unit.base
        while die.offset != self.offset:
            yield die
            for child in die.children():
                if child.offset == self.offset or child.next_position() > position:
                    die = child
                    break
            else:
                raise self.error("entry is not in the tree of its unit")

    def ranges(self) -> list[tuple[int, int]]:
        """The address ranges [low, high) that the entry covers, as file addresses."""
        from .ranges import die_ranges

        return die_ranges(self)

    def invalid(self, at: int, how: str = "invalid") -> BadDataError:
        """An exception that says which attribute of this entry is no good."""
        return self.error(f"{dw.tag_name(self.tag)} has {how} {dw.attribute_name(at)}")

    def missing(self, at: int) -> BadDataError:
        """An exception that says which attribute this entry lacks."""
        return self.error(f"{dw.tag_name(self.tag)} is missing {dw.attribute_name(at)}")

    def error(self, message: str) -> BadDataError:
        """An exception that says where this entry is."""
        sections = self.unit.sections
        offset = self.offset - sections.base
        return BadDataError(f"{sections.path}: DIE at {offset:#x}: {message}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Die):
            return NotImplemented
        return self.offset == other.offset and self.unit.file is other.unit.file

    def __hash__(self) -> int:
        return hash(self.offset)

    def __repr__(self) -> str:
        return f"<Die {self.offset:#x} tag={self.tag:#x} name={self.name!r}>"
