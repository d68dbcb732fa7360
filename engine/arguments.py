"""Checks of the arguments that users pass."""

from __future__ import annotations

import operator
import os
from enum import Enum
from typing import Any, SupportsIndex

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
UINT64_MAX = 0xFFFFFFFFFFFFFFFF


def type_label(value: object) -> str:
    """The class of an argument as messages name it, None as itself."""
    return "None" if value is None else class_label(value)


def class_label(value: object) -> str:
    """The class of ``value`` as messages name it."""
    cls = type(value)
    if isinstance(value, type) and cls.__module__.startswith("drgn."):
        return "type"  # Whose metaclass is a detail.
    if cls.__module__.partition(".")[0] in ("drgn", "_drgn") and not isinstance(
        value, (Enum, tuple)
    ):
        return f"_drgn.{cls.__name__}"
    return cls.__name__


def check_argument(
    function: str, position: int, value: object, cls: type, label: str | None = None
) -> None:
    """Raise TypeError unless argument ``position`` of ``function`` is a ``cls``."""
    if not isinstance(value, cls):
        raise TypeError(
            f"{function}() argument {position} must be {label or cls.__name__}, "
            f"not {type_label(value)}"
        )


def uint64(value: SupportsIndex) -> int:
    """``value`` as an unsigned 64-bit integer, OverflowError if it is none."""
    number = operator.index(value)
    if number < 0:
        raise OverflowError("can't convert negative int to unsigned")
    if number > UINT64_MAX:
        raise OverflowError("int too big to convert")
    return number


def buffer_bytes(value: Any) -> bytes:
    """The bytes of a bytes-like object, TypeError if it is none."""
    try:
        return memoryview(value).tobytes()
    except TypeError:
        raise TypeError(
            f"a bytes-like object is required, not '{class_label(value)}'"
        ) from None


def path_argument(path: Path) -> str:
    """A path as str; ValueError for what no file can be called."""
    name = os.fsdecode(path)
    if "\0" in name:
        raise ValueError("embedded null byte")
    return name


def can_be_subscripted(value: object) -> bool:
    """Whether ``value[...]`` means something to the class of ``value``."""
    # Not to the class's own class: those of enums can be subscripted.
    return any("__getitem__" in vars(cls) for cls in type(value).__mro__)


def text_argument(text: str) -> str:
    """``text``; ValueError if no name in a program can be so."""
    if "\0" in text:
        raise ValueError("embedded null character")
    return text


def is_sequence(value: object) -> bool:
    """Whether ``value`` can be indexed by position."""
    return not isinstance(value, dict) and can_be_subscripted(value)
