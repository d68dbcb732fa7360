"""Loading debugging information: given files first, then what finders find."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .. import log
from ..elf.file import ElfFile
from ..errors import BadDataError, FaultError, MissingDebugInfoError
from ..files import open_file
from .file_status import ModuleFileStatus
from .files import build_id_text, map_elf, try_elf, wanted_text, wants_files
from .finders import load_module_debug_info, run_finders
from .kernel import is_vmlinux, kernel_module, kernel_modules
from .module import (
    MainModule,
    Module,
    SharedLibraryModule,
    VdsoModule,
)

if TYPE_CHECKING:
    from ..program import Program

_SHOW_MISSING = 5
_INTEGER = re.compile(r"\s*([+-]?[0-9]+)")
_MISSING = (
    "missing some debugging symbols; see"
    " https://drgn.readthedocs.io/en/latest/getting_debugging_symbols.html"
)


def load_debug_info(
    prog: Program, paths: Iterable[Any] | None, default: bool, main: bool
) -> None:
    """Load given files, and by default what all or the main module wants.

    Raises MissingDebugInfoError if a module stays without.
    """
    names = [] if paths is None else [os.fsdecode(path) for path in paths]
    if not names and not default and not main:
        return
    if default:
        log.debug("loading default debugging symbols")
    elif main:
        log.debug("loading main debugging symbols")
    else:
        log.debug("loading debugging symbols")
    _Load(prog, _Provided(names), default, main).run()


class _Provided:
    """The files that the user gave, by build ID."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.files: dict[bytes, list[tuple[str, ElfFile]]] = {}
        self._matched: set[bytes] = set()
        for path in paths:
            file = self._open(path)
            if file is not None and file.build_id is not None:
                log.debug("provided file %s build ID %s", path, file.build_id.hex())
                self.files.setdefault(file.build_id, []).append((path, file))

    @staticmethod
    def _open(path: str) -> ElfFile | None:
        try:
            fd = open_file(path)
            try:
                file = ElfFile(map_elf(fd, path), os.path.realpath(path))
            finally:
                os.close(fd)
        except OSError as error:
            log.warning("%s: %s; ignoring", path, error.strerror)
            return None
        except BadDataError as error:
            # As the user called it.
            log.warning(
                "%s; ignoring", str(error).replace(os.path.realpath(path), path)
            )
            return None
        if file.build_id is None:
            log.warning("%s: no build ID; ignoring", path)
        return file

    def identify_kernel(self, main: Module) -> None:
        """Find the build ID of a kernel that does not say it (before 5.9)."""
        kernel = main.prog._kernel
        assert kernel is not None
        for build_id, files in self.files.items():
            if any(is_vmlinux(f, kernel.vmcoreinfo.osrelease) for _, f in files):
                main.build_id = build_id
                return

    def try_for(self, module: Module) -> None:
        """Give a module its files, if they are among these."""
        files = self.files.get(module.build_id or b"")
        if files is None:
            return
        if module.build_id is not None:
            self._matched.add(module.build_id)
        if wants_files(module):
            log.debug(
                "%s (%s): trying provided files for %s",
                module.name,
                build_id_text(module),
                wanted_text(module),
            )
        for path, file in files:
            if wants_files(module):
                log.debug("%s: trying %s", module.name, path)
                try_elf(module, file)

    def warn_unmatched(self) -> None:
        """Tell of the files that no module wanted to know of, newest build ID first."""
        for build_id, files in reversed(self.files.items()):
            if build_id not in self._matched:
                for path, _ in files:
                    log.warning(
                        "provided file %s did not match any loaded modules; ignoring",
                        path,
                    )


class _Load:
    """One call of `load_debug_info()`."""

    def __init__(
        self, prog: Program, provided: _Provided, default: bool, main: bool
    ) -> None:
        self._prog = prog
        self._provided = provided
        self._default = default
        self._main = main or default
        self._missing = False

    def run(self) -> None:
        if not self._main and not self._provided.files:
            # What is loaded is not looked for in vain.
            log.debug("no usable provided files")
            return
        if self._prog._kernel is not None:
            self._kernel()
        else:
            self._process()
        if self._missing:
            raise MissingDebugInfoError(_MISSING)

    def _kernel(self) -> None:
        main, _ = kernel_module(self._prog)
        _want_again(main)
        if main.build_id is None:
            self._provided.identify_kernel(main)
        self._provided.try_for(main)
        if self._main:
            if main.wants_debug_file():
                load_module_debug_info(self._prog, [main])
            if wants_files(main):
                self._warn_missing([main])
        modules: list[Module] = []
        if main.debug_file_status is ModuleFileStatus.HAVE:
            try:
                for loadable, _ in kernel_modules(self._prog):
                    modules.append(loadable)
            except (BadDataError, FaultError) as error:
                # The kernel itself can still be looked at.
                log.warning(
                    "can't find kernel modules: couldn't read modules list: %s", error
                )
        else:
            log.debug("can't find loaded modules without kernel debug info")
        for module in modules:
            _want_again(module)
            self._provided.try_for(module)
        self._find(modules if self._default else [])

    def _process(self) -> None:
        modules = [module for module, _ in self._prog._modules.loaded()]
        for module in modules:
            _want_again(module)
            self._provided.try_for(module)
        if not self._default:
            modules = [module for module in modules if isinstance(module, MainModule)]
        self._find(modules if self._main else [])

    def _find(self, modules: list[Module]) -> None:
        """Ask the finders for what is still wanted, and tell what they do not find."""
        wanting = [module for module in modules if wants_files(module)]
        run_finders(self._prog, wanting)
        self._provided.warn_unmatched()
        self._warn_missing([module for module in wanting if wants_files(module)])

    def _warn_missing(self, modules: list[Module]) -> None:
        shown = _number_shown(len(modules))
        for module in modules[:shown]:
            name = module.name
            kernel = self._prog._kernel
            if kernel is not None and isinstance(module, MainModule):
                name += f" {kernel.vmcoreinfo.osrelease}"
            log.warning("missing %s for %s", _missing_text(module), name)
        if len(modules) > shown:
            log.warning("... missing %d more", len(modules) - shown)
        if modules:
            self._missing = True


def _number_shown(missing: int) -> int:
    """How many modules are named that miss something."""
    text = os.environ.get("DRGN_MAX_DEBUG_INFO_ERRORS")
    if text is None:
        return _SHOW_MISSING
    # As the C library reads it: 0 where there is no number.
    number = _INTEGER.match(text)
    most = int(number[1]) if number else 0
    return missing if most < 0 else most


def _want_again(module: Module) -> None:
    """Who loads debugging information wants it, whatever they said before."""
    if module.loaded_file_status is ModuleFileStatus.DONT_WANT:
        module.loaded_file_status = ModuleFileStatus.WANT
    if module.debug_file_status is ModuleFileStatus.DONT_WANT:
        module.debug_file_status = ModuleFileStatus.WANT


def _missing_text(module: Module) -> str:
    """What a module lacks, as warnings say it."""
    missing = []
    if module.wants_loaded_file():
        if isinstance(module, MainModule):
            missing.append("executable file")
        elif isinstance(module, (SharedLibraryModule, VdsoModule)):
            missing.append("shared object file")
        else:
            missing.append("loaded file")
    if module.debug_file_status is ModuleFileStatus.WANT_SUPPLEMENTARY:
        missing.append("supplementary debugging symbols")
    elif module.wants_debug_file():
        missing.append("debugging symbols")
    return " and ".join(missing)
