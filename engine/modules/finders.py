"""Asking a program's debugging information finders for the files of modules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .. import log
from ..arguments import class_label
from .file_status import ModuleFileStatus
from .files import wants_files
from .module import Module

if TYPE_CHECKING:
    from ..program import Program


def check_modules(prog: Program, modules: Iterable[Module]) -> list[Module]:
    """A list of modules; TypeError or ValueError if they are not the program's."""
    given = list(modules)
    for module in given:
        if not isinstance(module, Module):
            raise TypeError(f"expected Module, not {class_label(module)}")
        if module.prog is not prog:
            raise ValueError("module from wrong program")
    return given


def run_finders(prog: Program, modules: Sequence[Module]) -> None:
    """Call the enabled finders, each with the modules that still want files."""
    for finder, _ in prog._debug_info_finders:
        modules = [module for module in modules if wants_files(module)]
        if not modules:
            return
        finder(modules)


def load_module_debug_info(prog: Program, modules: Sequence[Module]) -> None:
    """Ask the enabled finders for what the modules want."""
    given = check_modules(prog, modules)
    log.debug("loading debugging symbols for %d modules", len(given))
    wanting = []
    for module in given:
        if wants_files(module):
            wanting.append(module)
            continue
        statuses = (module.loaded_file_status, module.debug_file_status)
        unwanted = ModuleFileStatus.DONT_WANT in statuses
        how = "not wanted" if unwanted else "already loaded"
        log.debug("debugging symbols %s for %s", how, module.name)
    if not wanting:
        return
    run_finders(prog, wanting)
    found = sum(not wants_files(module) for module in wanting)
    log.debug("debugging symbols loaded for %d/%d modules", found, len(wanting))
