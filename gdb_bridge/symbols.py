"""GDB's own symbols of a kernel: vmlinux where KASLR has put it, and its modules."""

from __future__ import annotations

import os
from collections.abc import Mapping

import gdb

from drgn import Program, RelocatableModule

from . import current
from .kernel import MissingKernelTarget
from .linux import LinuxTarget


def add_symbols() -> None:
    """Move GDB's symbols of vmlinux, and add those of the modules that are loaded.

    Afterwards GDB's commands know the kernel as prog does. Raises ValueError if the
    current program is no kernel.
    """
    prog = current.current_program()
    target = current.target_of(prog)
    if isinstance(target, MissingKernelTarget):
        raise ValueError(target.problem())
    if not isinstance(target, LinuxTarget):
        raise ValueError("GDB does not debug a kernel")
    modules = [m for m in prog.modules() if isinstance(m, RelocatableModule)]
    if not target.resolves_names:
        path, offset = target.vmlinux.path, target.offset
        gdb.write(f"{path} is moved by {offset:#x}\n")
        if target.vmlinux.has_other_sections:
            # -o moves them, too, and $lx_per_cpu() would look elsewhere. To GDB the
            # address 0 is none, unless it is that of the first.
            with current.held():
                _quietly("symbol-file")
                _add_file(path, target.vmlinux.sections(offset))
        else:
            _quietly(f"symbol-file -o {offset:#x} {_quoted(path)}")
    added = sum(_add_module(module) for module in modules)
    missing = sorted(m.name for m in modules if _file(m) is None)
    gdb.write(f"symbols of {added} of {len(modules)} modules were added\n")
    if missing:
        gdb.write(f"no files were found of {', '.join(missing)}\n")
    _remove_stale(prog)


_added: dict[str, int] = {}
"""Files of modules that were added, and where."""


def _file(module: RelocatableModule) -> str | None:
    return module.debug_file_path or module.loaded_file_path


def _add_module(module: RelocatableModule) -> bool:
    """Add the symbols of a module that has a file, unless they are there."""
    path = _file(module)
    if path is None:
        return False
    known = {objfile.filename for objfile in gdb.objfiles()}
    if os.path.realpath(path) in map(os.path.realpath, filter(None, known)):
        if _added.get(path) == module.address:
            return False
        _quietly(f"remove-symbol-file {_quoted(path)}")  # It was loaded anew.
    sections = {
        name: address
        for name, address in module.section_addresses.items()
        if not name.startswith(("__", ".note", ".init", ".exit", ".gnu", ".strtab"))
        and name not in (".symtab", ".data..percpu")
    }
    _add_file(path, sections)
    _added[path] = module.address
    return True


def _add_file(path: str, sections: Mapping[str, int]) -> None:
    options = [f"-s {name} {address:#x}" for name, address in sections.items()]
    _quietly(f"add-symbol-file {_quoted(path)} {' '.join(options)}")


def _remove_stale(prog: Program) -> None:
    """Remove the files of modules that are not loaded any more."""
    loaded = {_file(m) for m in prog.modules() if isinstance(m, RelocatableModule)}
    for path in set(_added) - loaded:
        del _added[path]
        try:
            _quietly(f"remove-symbol-file {_quoted(path)}")
        except gdb.error:
            continue  # The user has removed it.


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quietly(command: str) -> None:
    """Run a command that would ask the user."""
    old = gdb.parameter("confirm")
    gdb.execute("set confirm off", to_string=True)
    try:
        gdb.execute(command, to_string=True)
    finally:
        if old:
            gdb.execute("set confirm on", to_string=True)
