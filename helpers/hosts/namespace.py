"""The names that are there at the prompt without an import."""

from __future__ import annotations

import importlib
from _collections_abc import dict_items, dict_keys, dict_values
from collections.abc import Container, Iterable, Iterator
from typing import Any

import drgn
from drgn import Program, ProgramFlags
from drgn.target import script_namespaces

# What the prompt offers of the drgn package itself.
DRGN_NAMES = (
    "FaultError",
    "NULL",
    "Object",
    "alignof",
    "cast",
    "container_of",
    "execscript",
    "implicit_convert",
    "offsetof",
    "reinterpret",
    "sizeof",
    "search_memory",
    "search_memory_regex",
    "search_memory_u16",
    "search_memory_u32",
    "search_memory_u64",
    "search_memory_word",
    "source_location",
    "stack_trace",
)


def helper_packages(prog: Program) -> list[str]:
    """The packages of helpers that suit a program."""
    packages = ["drgn.helpers.common"]
    if prog.flags & ProgramFlags.IS_LINUX_KERNEL:
        packages.append("drgn.helpers.linux")
    return packages


def _base_globals(prog: Program) -> dict[str, Any]:
    names = {"__name__": "__main__", "__doc__": None, "drgn": drgn, "prog": prog}
    names.update((name, getattr(drgn, name)) for name in DRGN_NAMES)
    return names


def default_globals(prog: Program) -> dict[str, Any]:
    """The globals of an interactive session for ``prog``, helpers included."""
    names = _base_globals(prog)
    for package in helper_packages(prog):
        module = importlib.import_module(package)
        names.update((name, getattr(module, name)) for name in module.__all__)
    return names


class LazyGlobals(dict[str, Any]):
    """The default globals, each helper imported when its name is first used.

    Importing sixty modules of helpers would cost a short ``drgn -e`` more time
    than all the rest of it.
    """

    def __init__(self, prog: Program) -> None:
        super().__init__(_base_globals(prog))
        self._lazy: dict[str, str] = {}
        for package in helper_packages(prog):
            self._lazy.update(importlib.import_module(package).lazy_names())

    def __missing__(self, name: str) -> Any:
        if name not in self._lazy:
            raise KeyError(name)
        value = getattr(importlib.import_module(self._lazy[name]), name)
        self[name] = value
        return value

    def copy(self) -> LazyGlobals:
        """A copy that is as lazy."""
        new = LazyGlobals.__new__(LazyGlobals)
        new.update(super().items())
        new._lazy = self._lazy
        return new

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._lazy

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def names(self) -> set[str]:
        """All names, those not imported yet included."""
        return super().keys() | self._lazy.keys()

    def here(self) -> dict[str, Any]:
        """The names that are imported."""
        return dict(super().items())

    # Whoever goes through all of them (dir(), a copy by dict()) gets all of them.

    def _import_all(self) -> None:
        for name in self._lazy:
            self.get(name)

    def __iter__(self) -> Iterator[str]:
        self._import_all()
        return super().__iter__()

    def keys(self) -> dict_keys[str, Any]:
        self._import_all()
        return super().keys()

    def values(self) -> dict_values[str, Any]:
        self._import_all()
        return super().values()

    def items(self) -> dict_items[str, Any]:
        self._import_all()
        return super().items()


def tell_current(
    namespaces: Iterable[dict[str, Any]], prog: Program, known: Container[Program]
) -> None:
    """Let ``prog`` be a program in namespaces, and in those of scripts that run.

    What is not one of the ``known`` programs is a user's, and stays.
    """
    for names in (*namespaces, *script_namespaces):
        if names.get("prog", prog) in known:
            names["prog"] = prog
    drgn.set_default_prog(prog)
