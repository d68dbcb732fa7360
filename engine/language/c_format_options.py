"""The options of `Object.format_`."""

from __future__ import annotations

import operator
import sys
from typing import SupportsIndex

UNLIMITED = sys.maxsize
_SIZE_MAX = 2**64 - 1


class FormatOptions:
    """What to show of an object, and how; see `Object.format_`.

    What is said here are the defaults.
    """

    columns: int = UNLIMITED
    integer_base: int = 10
    dereference: bool = True
    symbolize: bool = True
    string: bool = True
    char: bool = False
    type_name: bool = True
    member_type_names: bool = True
    element_type_names: bool = False
    members_same_line: bool = False
    elements_same_line: bool = True
    member_names: bool = True
    element_indices: bool = False
    implicit_members: bool = True
    implicit_elements: bool = False

    def __init__(
        self,
        columns: SupportsIndex | None = None,
        integer_base: SupportsIndex | None = None,
        **flags: bool | None,
    ) -> None:
        """An option that is None has its default.

        Raises ValueError for an integer base that is not 8, 10 or 16.
        """
        if columns is not None:
            self.columns = _size(columns)
        if integer_base is not None:
            self.integer_base = operator.index(integer_base)
            if self.integer_base not in (8, 10, 16):
                raise ValueError("invalid integer base")
        for name, value in flags.items():
            if value is not None:
                setattr(self, name, bool(value))


def _size(value: SupportsIndex) -> int:
    number = operator.index(value)
    if number < 0:
        raise OverflowError("can't convert negative value to size_t")
    if number > _SIZE_MAX:
        raise OverflowError("Python int too large to convert to C size_t")
    return number


DEFAULT_OPTIONS = FormatOptions()
