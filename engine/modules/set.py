"""The modules of a program: created, looked up, placed."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, SupportsIndex, TypeVar

from .. import log
from ..arguments import check_argument, path_argument, uint64
from ..closed import make
from .file_status import ModuleFileStatus
from .module import (
    ExtraModule,
    MainModule,
    Module,
    RelocatableModule,
    SharedLibraryModule,
    VdsoModule,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..arguments import Path
    from ..objects.object import Object
    from ..program import Program

M = TypeVar("M", bound=Module)


class ModuleSet:
    """All modules of a program, by kind and name, and by address.

    Iteration yields the main module, then the others, the newest name first.
    """

    __slots__ = (
        "_by_name",
        "_by_range",
        "_created",
        "_main",
        "_prog",
        "_starts",
        "pending",
    )

    pending: Callable[[], None] | None
    """Called once before modules are looked for, by a debugger that loads them late.

    If it raises, it is called again the next time.
    """

    def __init__(self, prog: Program) -> None:
        self._prog = prog
        self._main: MainModule | None = None
        self._created = 0
        # The newest module of a name goes first.
        self._by_name: dict[str, list[Module]] = {}
        # (start, end, module), ascending and disjoint, and the starts alone.
        self._by_range: list[tuple[int, int, Module]] = []
        self._starts: list[int] = []
        self.pending = None

    def settle(self) -> None:
        """Call what is pending."""
        pending = self.pending
        if pending is not None:
            self.pending = None
            try:
                pending()
            except BaseException:
                self.pending = pending
                raise

    def __iter__(self) -> Iterator[Module]:
        """The main module, then the others as `newest_first()`."""
        self.settle()
        main = self._main
        if main is not None:
            yield main
        for module in self.newest_first():
            if module is not main:
                yield module

    def newest_first(self) -> Iterator[Module]:
        """The modules by name, those of the newest name first, of each the newest.

        That is the order in which symbols are looked up.
        """
        self.settle()
        for name in list(reversed(self._by_name)):
            yield from self._by_name.get(name, ())[:]

    def unchanged(self) -> Iterator[Module]:
        """As iteration; RuntimeError once there is another module."""
        self.settle()
        created = self._created
        for module in self:
            yield module
            if self._created != created:
                raise RuntimeError("modules changed during iteration")

    # Lookups.

    def by_name(self, name: str) -> Module:
        """A module of a name; LookupError if there is none."""
        self.settle()
        for module in self._by_name.get(name, ()):
            return module
        raise LookupError("module not found")

    def for_address(self, address: int) -> Module | None:
        """The module that is loaded at an address, None if none is."""
        if self.pending is not None:
            self.settle()
        i = bisect_right(self._starts, address) - 1
        if i >= 0:
            _start, end, module = self._by_range[i]
            if address < end:
                return module
        return None

    def by_address(self, address: int) -> Module:
        """The module that is loaded at an address; LookupError if none is."""
        module = self.for_address(address)
        if module is None:
            raise LookupError("module not found")
        return module

    def set_ranges(
        self, module: Module, ranges: Sequence[tuple[int, int]] | None
    ) -> None:
        """Place a module.

        Raises ValueError, and changes nothing, if a range is empty or overlaps.
        """
        new = None if ranges is None else tuple(sorted(ranges))
        others = [item for item in self._by_range if item[2] is not module]
        added = [(start, end, module) for start, end in new or ()]
        for start, end, _ in added:
            if start >= end:
                raise ValueError("invalid module address range")
        merged = sorted(others + added, key=lambda item: item[0])
        for before, after in itertools.pairwise(merged):
            if after[0] < before[1]:
                self._raise_overlap(module, before, after)
        module._ranges = new
        self._by_range = merged
        self._starts = [start for start, _, _ in merged]
        if module._debug_file is not None or module._loaded_file is not None:
            self._prog._modules_moved()

    @staticmethod
    def _raise_overlap(
        module: Module, first: tuple[int, int, Module], second: tuple[int, int, Module]
    ) -> None:
        if first[2] is not module:
            first, second = second, first
        other = "" if second[2] is module else f"{second[2].name} "
        raise ValueError(
            f"{module.name} [{first[0]:#x}, {first[1]:#x}) overlaps"
            f" {other}[{second[0]:#x}, {second[1]:#x})"
        )

    # The methods of Program that find or create modules.

    def main(self, name: Path | None = None, *, create: bool = False) -> MainModule:
        """The main module, which has this name if one is given.

        Raises LookupError if there is none and it is not to be created.
        """
        self.settle()
        if name is None:
            if create:
                raise TypeError("name must be given if create=True")
            if self._main is None:
                raise LookupError("module not found")
            return self._main
        given = path_argument(name)
        if self._main is not None:
            if self._main.name == given:
                return self._main
            if create:
                raise LookupError("main module already exists with different name")
        elif create:
            self._main = self._add(MainModule, given, 0)
            self._by_name[given].append(self._by_name[given].pop(0))
            return self._main
        raise LookupError("module not found")

    def shared_library(
        self, name: Path, dynamic_address: SupportsIndex, *, create: bool = False
    ) -> SharedLibraryModule:
        """The shared library with its dynamic section at an address."""
        return self._get(SharedLibraryModule, name, dynamic_address, create)

    def vdso(
        self, name: Path, dynamic_address: SupportsIndex, *, create: bool = False
    ) -> VdsoModule:
        """The vDSO with its dynamic section at an address."""
        return self._get(VdsoModule, name, dynamic_address, create)

    def relocatable(
        self, name: Path, address: SupportsIndex, *, create: bool = False
    ) -> RelocatableModule:
        """The relocatable module at an address."""
        return self._get(RelocatableModule, name, address, create)

    def extra(
        self, name: Path, id: SupportsIndex, *, create: bool = False
    ) -> ExtraModule:
        """The user's module with a number."""
        return self._get(ExtraModule, name, id, create)

    def linux_kernel_loadable(
        self, module_obj: Object, *, create: bool = False
    ) -> RelocatableModule:
        """The module of a ``struct module *``."""
        from ..objects.object import Object

        function = "linux_kernel_loadable_module"
        check_argument(function, 1, module_obj, Object, "_drgn.Object")
        from .kernel import loadable_module

        return loadable_module(self._prog, module_obj, create)[0]

    def _get(self, kind: type[M], name: Path, key: SupportsIndex, create: bool) -> M:
        return self.get_or_create(kind, path_argument(name), uint64(key), create)[0]

    def get_or_create(
        self, kind: type[M], name: str, key: int, create: bool = True
    ) -> tuple[M, bool]:
        """The module of a kind, name and key, and whether it is new.

        Raises LookupError if there is none and it is not to be created.
        """
        for module in self._by_name.get(name, ()):
            if type(module) is kind and module._key == key:
                return module, False
        if not create:
            raise LookupError("module not found")
        return self._add(kind, name, key), True

    def _add(self, kind: type[M], name: str, key: int) -> M:
        if "\0" in name:
            raise ValueError("embedded null byte")
        module = make(kind, self._prog, name, key)
        self._by_name.setdefault(name, []).insert(0, module)
        self._created += 1
        log.debug("created %s", module._description())
        if self._prog._kernel is not None and issubclass(
            kind, (MainModule, RelocatableModule)
        ):
            # The kernel's code and data are in the dump.
            module._loaded_file_status = ModuleFileStatus.DONT_NEED
        return module

    def get_or_create_main(self, name: str) -> tuple[MainModule, bool]:
        """The main module and whether it is new.

        Raises LookupError if there is one of another name.
        """
        new = self._main is None
        return self.main(name, create=True), new

    # What is loaded.

    def loaded(self) -> Iterator[tuple[Module, bool]]:
        """Determine what the program has loaded; each module and whether it is new.

        Modules are created as the iterator goes on.
        """
        if self._prog._kernel is not None:
            from .kernel import loaded_modules
        elif self._prog._target is not None:
            from .userspace import loaded_modules
        else:
            return iter(())
        return loaded_modules(self._prog)
