"""The part of a Program that knows its modules and their debugging information."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, SupportsIndex

from ..arguments import path_argument, uint64
from ..objects.construct import UNSET
from .finders import FinderRegistry

if TYPE_CHECKING:
    from ..arguments import Path
    from ..modules.module import (
        ExtraModule,
        MainModule,
        Module,
        RelocatableModule,
        SharedLibraryModule,
        VdsoModule,
    )
    from ..modules.options import DebugInfoOptions
    from ..modules.set import ModuleSet
    from ..objects.object import Object
    from ..stack.code import CodeInfo
    from .program import Program

    DebugInfoFinder = Callable[[Sequence[Module]], None]


class DebugInfoAccess:
    """Modules: the executable, libraries, kernel modules; and loading their files."""

    __slots__ = ()

    _modules: ModuleSet
    _debug_info_finders: FinderRegistry[DebugInfoFinder]
    _debug_info_options: DebugInfoOptions
    _code: CodeInfo | None

    @property
    def debug_info_options(self: Program) -> DebugInfoOptions:
        """Where the standard finder looks for debugging information."""
        return self._debug_info_options

    @debug_info_options.setter
    def debug_info_options(self: Program, options: DebugInfoOptions) -> None:
        from ..modules.options import DebugInfoOptions

        if not isinstance(options, DebugInfoOptions):
            raise TypeError("debug_info_options must be DebugInfoOptions")
        # What was asked for before shows the new ones, too.
        self._debug_info_options._assign(options)

    def load_debug_info(
        self: Program,
        paths: Iterable[Path] | None = (),
        default: bool = False,
        main: bool = False,
    ) -> None:
        """Load debugging information from files, and from where it usually is.

        With ``default`` also for all loaded modules, with ``main`` for the main
        one. Raises MissingDebugInfoError for modules that none was found for.
        """
        from ..modules import load

        load.load_debug_info(self, paths, default, main)

    def load_default_debug_info(self: Program) -> None:
        """Load debugging information for all loaded modules."""
        self.load_debug_info(default=True)

    def load_module_debug_info(self: Program, *modules: Module) -> None:
        """Load debugging information for the given modules."""
        from ..modules import finders

        finders.load_module_debug_info(self, modules)

    def find_standard_debug_info(
        self: Program,
        modules: Iterable[Module],
        options: DebugInfoOptions | None = None,
    ) -> None:
        """Look for the modules' files in the standard places."""
        from ..modules import find

        find.find_standard_debug_info(self, modules, options)

    def register_debug_info_finder(
        self: Program,
        name: str,
        fn: DebugInfoFinder,
        *,
        enable_index: int | None = None,
    ) -> None:
        """Register ``fn(modules)``, which calls ``module.try_file()``."""
        self._debug_info_finders.register(name, fn, enable_index)

    def registered_debug_info_finders(self: Program) -> set[str]:
        """The names of all debugging information finders."""
        return self._debug_info_finders.registered()

    def set_enabled_debug_info_finders(self: Program, names: Sequence[str]) -> None:
        """Enable exactly these debugging information finders, in this order."""
        self._debug_info_finders.set_enabled(names)

    def enabled_debug_info_finders(self: Program) -> list[str]:
        """The names of the enabled debugging information finders, in order."""
        return self._debug_info_finders.enabled()

    # Modules.

    def modules(self: Program) -> Iterator[Module]:
        """Iterate over the modules created so far."""
        return self._modules.unchanged()

    def loaded_modules(self: Program) -> Iterator[tuple[Module, bool]]:
        """Determine what is loaded; yield each module and whether it is new."""
        return self._modules.loaded()

    def create_loaded_modules(self: Program) -> None:
        """Determine what is loaded and create a module for each."""
        for _ in self.loaded_modules():
            pass

    def module(self: Program, address_or_name: SupportsIndex | str, /) -> Module:
        """The module that contains an address or has a name; else LookupError."""
        if isinstance(address_or_name, str):
            return self._modules.by_name(address_or_name)
        return self._modules.by_address(uint64(address_or_name))

    def main_module(
        self: Program, name: Path = UNSET, *, create: bool = False
    ) -> MainModule:
        """The main module; with ``create`` it is made if there is none."""
        given = None if name is UNSET else path_argument(name)  # None is no name.
        return self._modules.main(given, create=create)

    def shared_library_module(
        self: Program,
        name: Path,
        dynamic_address: SupportsIndex,
        *,
        create: bool = False,
    ) -> SharedLibraryModule:
        """The shared library with its dynamic section at an address."""
        return self._modules.shared_library(name, dynamic_address, create=create)

    def vdso_module(
        self: Program,
        name: Path,
        dynamic_address: SupportsIndex,
        *,
        create: bool = False,
    ) -> VdsoModule:
        """The vDSO with its dynamic section at an address."""
        return self._modules.vdso(name, dynamic_address, create=create)

    def relocatable_module(
        self: Program, name: Path, address: SupportsIndex, *, create: bool = False
    ) -> RelocatableModule:
        """The relocatable module loaded at an address."""
        return self._modules.relocatable(name, address, create=create)

    def linux_kernel_loadable_module(
        self: Program, module_obj: Object, *, create: bool = False
    ) -> RelocatableModule:
        """The module of a ``struct module *`` object."""
        return self._modules.linux_kernel_loadable(module_obj, create=create)

    def extra_module(
        self: Program, name: Path, id: SupportsIndex = 0, *, create: bool = False
    ) -> ExtraModule:
        """A module that the user made, by name and number."""
        return self._modules.extra(name, id, create=create)

    def _debug_info_changed(self: Program) -> None:
        """A module got its files: what was looked up before may be found now."""
        self._code = None
        self._forget_lookups()

    def _modules_moved(self: Program) -> None:
        """A module with files is loaded elsewhere: objects have other addresses."""
        self._code = None
        self._forget_objects()
