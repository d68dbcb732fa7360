"""``gdb.Objfile`` and ``gdb.Progspace``: the files that a program is made of."""

from __future__ import annotations

from typing import Any

import drgn
from drgn import Module

from .session import current


class _Scripted:
    """What scripts add to a file, or to all of them."""

    def __init__(self) -> None:
        self.pretty_printers: list[Any] = []
        self.type_printers: list[Any] = []
        self.frame_filters: dict[str, Any] = {}
        self.frame_unwinders: list[Any] = []
        self.xmethods: list[Any] = []


class Objfile(_Scripted):
    """A module of the program, as a file with symbols."""

    def __init__(self, module: Module) -> None:
        super().__init__()
        self._module = module

    @property
    def filename(self) -> str:
        """The path of the file, or the module's name where none is known."""
        return (
            self._module.loaded_file_path
            or self._module.debug_file_path
            or self._module.name
        )

    username = filename

    @property
    def build_id(self) -> str | None:
        """The build ID in hexadecimal."""
        build_id = self._module.build_id
        return None if build_id is None else build_id.hex()

    @property
    def owner(self) -> None:
        """Separate debugging information is no file of its own here."""
        return

    @property
    def progspace(self) -> Progspace:
        """The program's."""
        return current().progspace()

    def is_valid(self) -> bool:
        """Always: modules stay."""
        return True

    def lookup_global_symbol(self, name: str, domain: int = 1) -> Any:
        """The symbol of a function or variable in this file; None if it has none."""
        from .symbols import lookup_in_module

        return lookup_in_module(self._module, name)

    lookup_static_symbol = lookup_global_symbol

    def __repr__(self) -> str:
        return f"<gdb.Objfile filename={self.filename}>"


class Progspace(_Scripted):
    """The program's files together."""

    @property
    def filename(self) -> str | None:
        """The path of the program's main file."""
        try:
            main = current().prog.main_module()
        except LookupError:
            return None
        return Objfile(main).filename

    def objfiles(self) -> list[Objfile]:
        """The files."""
        return current().objfiles()

    def is_valid(self) -> bool:
        """Always."""
        return True

    def block_for_pc(self, pc: int) -> Any:
        """The block with the code at an address."""
        from .symbols import block_for_pc

        return block_for_pc(pc)

    def find_pc_line(self, pc: int) -> Any:
        """The source line of an address."""
        from .symbols import find_pc_line

        return find_pc_line(pc)

    def solib_name(self, address: int) -> str | None:
        """The path of the shared library at an address."""
        return solib_name(address)


def objfiles() -> list[Objfile]:
    """The program's files, the main one first."""
    return current().objfiles()


def current_progspace() -> Progspace:
    """The only one."""
    return current().progspace()


def progspaces() -> list[Progspace]:
    """The only one, in a list."""
    return [current().progspace()]


def lookup_objfile(name: str, by_build_id: bool = False) -> Objfile:
    """The file of a name (a path, or its end) or a build ID."""
    for each in current().objfiles():
        if by_build_id:
            if each.build_id is not None and each.build_id.startswith(name.lower()):
                return each
        elif each.filename == name or each.filename.endswith("/" + name):
            return each
    raise ValueError("Objfile not found.")


def solib_name(address: int) -> str | None:
    """The path of the shared library at an address; None elsewhere."""
    try:
        module = current().prog.module(address)
    except LookupError:
        return None
    if not isinstance(module, drgn.SharedLibraryModule):
        return None
    return Objfile(module).filename
