"""What most classes of the API have in common: their names, and what they forbid."""

from __future__ import annotations

from abc import ABCMeta
from collections import ChainMap
from collections.abc import Collection
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
C = TypeVar("C", bound=type)


def _refusing(prop: property, owner: str, attribute: str, stored: bool) -> property:
    """``prop``, but with the messages of one that cannot be set, or deleted."""
    message = f"can't delete '{attribute}' attribute"
    if stored:
        message = "readonly attribute"
    elif prop.fset is None:
        message = f"attribute '{attribute}' of '_drgn.{owner}' objects is not writable"

    def refuse(self: object, value: object = None) -> NoReturn:
        raise AttributeError(message)

    return prop.setter(prop.fset or refuse).deleter(prop.fdel or refuse)


class ApiClass(type):
    """A class that the interpreter's own messages call ``_drgn.X``.

    So they do with classes of a C extension, whose ``__name__`` is ``X`` all the same.
    What its properties refuse is said in the words of such classes, too; those that
    are ``stored`` as they are have words of their own.
    """

    def __new__(
        cls: type[T],
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        stored: Collection[str] = (),
    ) -> T:
        mixins = [dict(vars(b)) for b in bases if not isinstance(b, ApiClass)]
        for attribute, value in ChainMap(namespace, *mixins).items():
            if isinstance(value, property):
                refusing = _refusing(value, name, attribute, attribute in stored)
                namespace[attribute] = refusing
        if "__init__" in namespace:
            # What Python says of wrong arguments names what was called.
            namespace["__init__"].__qualname__ = name
        made: T = super().__new__(cls, f"_drgn.{name}", bases, namespace)  # type: ignore[misc]
        return made

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        return cls.__qualname__


class AbstractApiClass(ApiClass, ABCMeta):
    """The same of a class that derives from one of ``collections.abc``."""


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
