"""Abbreviations (DWARF 5, section 7.5.3), prepared for reading DIEs quickly.

The attributes of a DIE are mostly of fixed size, so that an abbreviation is turned into
a few `struct` formats, and reading a DIE is one call of `unpack_from` for each.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..errors import BadDataError
from . import constants as dw
from .forms import DECODERS, Raw, fixed_code, read_variable
from .reader import sleb128, uleb128

if TYPE_CHECKING:
    from collections.abc import Callable

    from .forms import Value
    from .unit import Unit


class Abbrev:
    """One abbreviation: the shape of the DIEs that refer to its code."""

    __slots__ = (
        "_attributes",
        "_constants",
        "_steps",
        "_tail",
        "decoders",
        "forms",
        "has_children",
        "slots",
        "tag",
    )

    tag: int
    has_children: bool
    slots: dict[int, int]
    """Attribute -> index of its value in what `read()` returned."""
    forms: list[int]
    """Form of each value in what `read()` returned."""
    decoders: list[Callable[[Unit, Raw], Value] | None]
    """How to decode each value; None if the raw value is the value."""

    def __init__(
        self, tag: int, has_children: bool, attributes: list[tuple[int, int, int]]
    ) -> None:
        """``attributes`` are (attribute, form, value of DW_FORM_implicit_const)."""
        self.tag = tag
        self.has_children = has_children
        self._attributes = attributes
        self._steps: tuple[tuple[struct.Struct, int], ...] | None = None

    def _prepare(self, unit: Unit) -> tuple[tuple[struct.Struct, int], ...]:
        """Do for the first DIE what serves all others."""
        self.slots = {}
        self.forms = []
        # (format, form of varying size after it)
        steps: list[tuple[struct.Struct, int]] = []
        codes = ""
        for at, form, _ in self._attributes:
            if form in (dw.DW_FORM_implicit_const, dw.DW_FORM_flag_present):
                continue
            code = fixed_code(form, unit)
            if code is None:
                steps.append((unit.sections.struct(codes), form))
                codes = ""
            else:
                codes += code
            self._add(at, form)
        self._tail = unit.sections.struct(codes)
        # The values that need no bytes come after those that do.
        constants: list[int] = []
        for at, form, constant in self._attributes:
            if form == dw.DW_FORM_implicit_const:
                self._add(at, form)
                constants.append(constant)
            elif form == dw.DW_FORM_flag_present:
                self._add(at, form)
                constants.append(1)
        self._constants = tuple(constants)
        self.decoders = [DECODERS.get(form) for form in self.forms]
        self._steps = tuple(steps)
        return self._steps

    def _add(self, at: int, form: int) -> None:
        self.slots.setdefault(at, len(self.forms))
        self.forms.append(form)

    def read(self, unit: Unit, position: int) -> tuple[tuple[Raw, ...], int]:
        """The raw values of a DIE whose attributes start at a position of its section.

        Also returns the position after the DIE. Raises struct.error, IndexError or
        ValueError if the bytes do not hold such a DIE.
        """
        steps = self._steps
        if steps is None:
            steps = self._prepare(unit)
        values: tuple[Raw, ...] = ()
        for layout, form in steps:
            value, end = read_variable(form, unit, position + layout.size)
            values += layout.unpack_from(unit.data, position)
            values += (value,)
            position = end
        tail = self._tail
        values += tail.unpack_from(unit.data, position)
        return values + self._constants, position + tail.size


_USUAL_SIZE = 1 << 14
"""Bytes that hold the abbreviations of nearly every unit."""


def read_abbrevs(table: memoryview, offset: int, where: str) -> dict[int, Abbrev]:
    """The abbreviations at an offset of ``.debug_abbrev`` by their codes.

    Raises BadDataError, which says ``where``, if the section does not hold them.
    """
    # Bytes are faster to read than the mapping; a unit's table is small.
    data = bytes(table[offset : offset + _USUAL_SIZE])
    try:
        try:
            return _parse(data)
        except IndexError:
            return _parse(bytes(table[offset:]))
    except (IndexError, ValueError) as error:
        raise BadDataError(
            f"{where}: .debug_abbrev+{offset:#x}: invalid abbreviations: {error}"
        ) from None


def _parse(data: bytes) -> dict[int, Abbrev]:
    abbrevs: dict[int, Abbrev] = {}
    position = 0
    while True:
        code, position = uleb128(data, position)
        if code == 0:
            return abbrevs
        tag, position = uleb128(data, position)
        has_children = data[position] != 0
        position += 1
        attributes: list[tuple[int, int, int]] = []
        while True:
            at, form = data[position], data[position + 1]
            if at < 0x80 and form < 0x80:
                position += 2
                if not at and not form:
                    break
            else:
                at, position = uleb128(data, position)
                form, position = uleb128(data, position)
            constant = 0
            if form == dw.DW_FORM_implicit_const:
                constant, position = sleb128(data, position)
            attributes.append((at, form, constant))
        if code in abbrevs:
            raise ValueError(f"code {code} appears twice")
        abbrevs[code] = Abbrev(tag, has_children, attributes)
