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
        "_constants",
        "_head",
        "_steps",
        "attributes",
        "decoders",
        "forms",
        "has_children",
        "slots",
        "tag",
    )

    tag: int
    has_children: bool
    slots: dict[int, int]
    """Attribute -> index of its value in what `read()` returns."""
    forms: list[int]
    """Form of each value in what `read()` returns."""
    decoders: list[Callable[[Unit, Raw], Value] | None]
    """How to decode each value; None if the raw value is the value."""

    def __init__(
        self,
        tag: int,
        has_children: bool,
        attributes: list[tuple[int, int, int]],
        unit: Unit,
    ) -> None:
        self.tag = tag
        self.has_children = has_children
        self.slots = {}
        self.forms = []
        # (format, form of varying size after it or 0)
        steps: list[tuple[struct.Struct, int]] = []
        codes = ""
        for at, form, _ in attributes:
            if form in (dw.DW_FORM_implicit_const, dw.DW_FORM_flag_present):
                continue
            code = fixed_code(form, unit)
            if code is None:
                steps.append((unit.file.struct(codes), form))
                codes = ""
            else:
                codes += code
            self._add(at, form)
        tail = unit.file.struct(codes)
        # The values that need no bytes come after those that do.
        constants: list[int] = []
        for at, form, constant in attributes:
            if form == dw.DW_FORM_implicit_const:
                self._add(at, form)
                constants.append(constant)
            elif form == dw.DW_FORM_flag_present:
                self._add(at, form)
                constants.append(1)
        self._constants = tuple(constants)
        self._steps = tuple(steps)
        self._head = tail
        self.decoders = [DECODERS.get(form) for form in self.forms]

    def _add(self, at: int, form: int) -> None:
        self.slots.setdefault(at, len(self.forms))
        self.forms.append(form)

    def read(self, unit: Unit, position: int) -> tuple[tuple[Raw, ...], int]:
        """The raw values of a DIE whose attributes start at a position of its section.

        Also returns the position after the DIE. Raises struct.error, IndexError or
        ValueError if the bytes do not hold such a DIE.
        """
        values: tuple[Raw, ...] = ()
        for layout, form in self._steps:
            value, end = read_variable(form, unit, position + layout.size)
            values += layout.unpack_from(unit.data, position)
            values += (value,)
            position = end
        tail = self._head
        values += tail.unpack_from(unit.data, position)
        return values + self._constants, position + tail.size


def read_abbrevs(unit: Unit, table: memoryview, offset: int) -> dict[int, Abbrev]:
    """The abbreviations of a unit by their codes; they start at an offset of a section.

    Raises BadDataError if the section does not hold them.
    """
    abbrevs: dict[int, Abbrev] = {}
    position = offset
    try:
        while True:
            code, position = uleb128(table, position)
            if code == 0:
                return abbrevs
            tag, position = uleb128(table, position)
            has_children = table[position] != 0
            position += 1
            attributes: list[tuple[int, int, int]] = []
            while True:
                at, position = uleb128(table, position)
                form, position = uleb128(table, position)
                if at == 0 and form == 0:
                    break
                constant = 0
                if form == dw.DW_FORM_implicit_const:
                    constant, position = sleb128(table, position)
                attributes.append((at, form, constant))
            if code in abbrevs:
                raise ValueError(f"code {code} appears twice")
            abbrevs[code] = Abbrev(tag, has_children, attributes, unit)
    except (IndexError, ValueError) as e:
        raise BadDataError(
            f"{unit.file.path}: .debug_abbrev+{offset:#x}: invalid abbreviations: {e}"
        ) from None
