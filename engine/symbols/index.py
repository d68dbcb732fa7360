"""A fixed set of symbols that can be used as a symbol finder."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..arguments import check_argument, uint64
from ..closed import ApiClass, closed
from .symbol import Symbol

if TYPE_CHECKING:
    from ..program import Program


@closed
class SymbolIndex(metaclass=ApiClass):
    """Symbols that are looked up by name or address; a symbol finder.

    Ranges may overlap and names may be shared.
    """

    __slots__ = ("_addresses", "_by_name", "_ends", "_symbols")

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        given = list(symbols)
        for symbol in given:
            if not isinstance(symbol, Symbol):
                raise TypeError("expected sequence of Symbols")
        self._symbols = sorted(given, key=lambda symbol: symbol.address)
        self._addresses = [symbol.address for symbol in self._symbols]
        # The greatest end of this and all earlier symbols: where to stop looking.
        self._ends: list[int] = []
        self._by_name: dict[str, list[Symbol]] = {}
        end = 0
        for symbol in self._symbols:
            end = max(end, symbol.address + symbol.size)
            self._ends.append(end)
            self._by_name.setdefault(symbol.name, []).append(symbol)

    def __call__(
        self, prog: Program | None, name: str | None, address: int | None, one: bool
    ) -> list[Symbol]:
        """The symbols of a name and at an address, where given; the first if one."""
        if name is not None:
            check_argument("__call__", 2, name, str, "str or None")
        if address is not None:
            address = uint64(address)
        if address is not None:
            found = self._containing(address)
            if name is not None:
                found = [symbol for symbol in found if symbol.name == name]
        elif name is not None:
            found = self._by_name.get(name, [])
        else:
            found = self._symbols
        return found[:1] if one else found[:]

    def _containing(self, address: int) -> list[Symbol]:
        found = []
        i = bisect_right(self._addresses, address) - 1
        while i >= 0 and self._ends[i] > address:
            symbol = self._symbols[i]
            if address < symbol.address + symbol.size:
                found.append(symbol)
            i -= 1
        found.reverse()
        return found
