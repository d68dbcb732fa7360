"""Where the sections of a relocatable module were loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from typing import TYPE_CHECKING

from ..arguments import uint64

if TYPE_CHECKING:
    from .module import RelocatableModule


class ModuleSectionAddresses(MutableMapping[str, int]):
    """Section name -> address; the last one added comes first.

    Raises ValueError on changes once the module has a file.
    """

    __slots__ = ("_addresses", "_module")

    def __init__(self, module: RelocatableModule) -> None:
        self._module = module
        self._addresses: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        return self._addresses[name]

    def __setitem__(self, name: str, address: int) -> None:
        if not isinstance(name, str):
            raise TypeError("section_addresses key must be str")
        name.encode()  # Raises UnicodeEncodeError: names are UTF-8.
        value = uint64(address)
        self._check()
        self._addresses[name] = value

    def fill(self, addresses: Iterable[tuple[str, int]]) -> None:
        """Add what the kernel says, whether or not the module has a file."""
        for name, address in addresses:
            self._addresses[name] = address

    def __delitem__(self, name: str) -> None:
        if not isinstance(name, str):
            raise KeyError(name)
        self._check()
        del self._addresses[name]

    def clear(self) -> None:
        """Forget all addresses."""
        if self._addresses:
            self._check()
            self._addresses.clear()

    def _check(self) -> None:
        if self._module._has_file():
            raise ValueError("section addresses cannot be modified after file is set")

    def __iter__(self) -> Iterator[str]:
        return self._unchanged(self._addresses.copy())

    def _unchanged(self, addresses: dict[str, int]) -> Iterator[str]:
        """The names in ``addresses``; RuntimeError once there are others."""
        for name in reversed(addresses):
            if self._addresses.keys() != addresses.keys():
                raise RuntimeError("section addresses changed during iteration")
            yield name

    def __len__(self) -> int:
        return len(self._addresses)

    def __repr__(self) -> str:
        if not self._addresses:
            return "ModuleSectionAddresses()"
        items = ", ".join(f"{name!r}: {self[name]:#x}" for name in self)
        return f"ModuleSectionAddresses({{{items}}})"
