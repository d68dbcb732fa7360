"""The options of `Object.format_`."""

from __future__ import annotations

import operator
import sys
from typing import SupportsIndex

UNLIMITED = sys.maxsize
_SIZE_MAX = 2**64 - 1


class FormatOptions:
    """What to show of an object, and how; see `Object.format_`."""

    __slots__ = (
        "char",
        "columns",
        "dereference",
        "element_indices",
        "element_type_names",
        "elements_same_line",
        "implicit_elements",
        "implicit_members",
        "integer_base",
        "member_names",
        "member_type_names",
        "members_same_line",
        "string",
        "symbolize",
        "type_name",
    )

    columns: int
    integer_base: int
    dereference: bool
    symbolize: bool
    string: bool
    char: bool
    type_name: bool
    member_type_names: bool
    element_type_names: bool
    members_same_line: bool
    elements_same_line: bool
    member_names: bool
    element_indices: bool
    implicit_members: bool
    implicit_elements: bool

    def __init__(
        self,
        columns: SupportsIndex | None = None,
        integer_base: SupportsIndex | None = None,
        **flags: bool | None,
    ) -> None:
        """An option that is None has its default.

        Raises ValueError for an integer base that is not 8, 10 or 16.
        """
        self.columns = UNLIMITED if columns is None else _size(columns)
        self.integer_base = 10
        if integer_base is not None:
            self.integer_base = operator.index(integer_base)
            if self.integer_base not in (8, 10, 16):
                raise ValueError("invalid integer base")
        for name, default in _DEFAULTS.items():
            value = flags.get(name)
            setattr(self, name, default if value is None else bool(value))


_DEFAULTS = {
    "dereference": True,
    "symbolize": True,
    "string": True,
    "char": False,
    "type_name": True,
    "member_type_names": True,
    "element_type_names": False,
    "members_same_line": False,
    "elements_same_line": True,
    "member_names": True,
    "element_indices": False,
    "implicit_members": True,
    "implicit_elements": False,
}


def _size(value: SupportsIndex) -> int:
    number = operator.index(value)
    if number < 0:
        raise OverflowError("can't convert negative value to size_t")
    if number > _SIZE_MAX:
        raise OverflowError("Python int too large to convert to C size_t")
    return number


DEFAULT_OPTIONS = FormatOptions()
