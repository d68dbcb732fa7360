"""What users can not do with most classes of the API: derive, copy, create."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
C = TypeVar("C", bound=type)


def closed(cls: C) -> C:
    """Let nobody derive from ``cls``, nor copy or pickle its instances.

    Instances belong to a program, whose memory and files cannot be copied.
    """

    def __init_subclass__(subclass: type) -> NoReturn:
        raise TypeError(f"type '_drgn.{cls.__name__}' is not an acceptable base type")

    def __reduce_ex__(self: object, protocol: object) -> NoReturn:
        raise TypeError(f"cannot pickle '_drgn.{cls.__name__}' object")

    closed_class: Any = cls
    closed_class.__init_subclass__ = classmethod(__init_subclass__)
    closed_class.__reduce_ex__ = __reduce_ex__
    return cls


def not_constructible(cls: C) -> C:
    """Let only ``make()`` create instances of ``cls`` and of its subclasses."""

    def __new__(subclass: type, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError(f"cannot create '_drgn.{subclass.__name__}' instances")

    unconstructible: Any = cls
    unconstructible.__new__ = __new__
    return cls


def make(cls: type[T], *args: Any, **kwargs: Any) -> T:
    """Create an instance of a class that users cannot create."""
    instance: Any = object.__new__(cls)
    instance.__init__(*args, **kwargs)
    made: T = instance
    return made
