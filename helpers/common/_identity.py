"""What an address refers to, in any kind of program."""

from __future__ import annotations

from typing import Protocol


class IdentifiedAddress(Protocol):
    """What an address refers to.

    See :func:`~drgn.helpers.common.memory.identify_address_all()`.
    """

    address: int
    """The address."""

    def __str__(self) -> str:
        """Describe it like :func:`~drgn.helpers.common.memory.identify_address()`."""
        ...


class Identity:
    """An :class:`IdentifiedAddress` that shows and compares its attributes."""

    __slots__: tuple[str, ...] = ()

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __repr__(self) -> str:
        values = ", ".join(
            f"{name}={value!r}"
            for name, value in zip(self.__slots__, self._values(), strict=True)
        )
        return f"{type(self).__name__}({values})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    __hash__ = None  # type: ignore[assignment]
