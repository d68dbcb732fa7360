"""The standard debugging information finder: where files usually are."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .. import log
from ..elf.file import ElfFile
from ..errors import BadDataError, FaultError
from ..flags import ProgramFlags
from .file_status import ModuleFileStatus
from .files import build_id_text, try_elf, try_path, wanted_text, wants_files
from .finders import check_modules
from .kmod import COMPRESSIONS, DepmodIndex, KmodWalk
from .module import (
    MainModule,
    Module,
    RelocatableModule,
    SharedLibraryModule,
    VdsoModule,
)
from .options import DebugInfoOptions, KmodSearchMethod

if TYPE_CHECKING:
    from ..program import Program

_MAX_VDSO_SIZE = 1 << 20


def _section_headers_end(header: bytes) -> int:
    """The end of an ELF file's section headers (gABI's e_shoff, e_shentsize, e_shnum).

    ``header``: its first 64 bytes.
    """
    layout = "40xQ10xHH" if header[4] == 2 else "32xI10xHH"
    order = ">" if header[5] == 2 else "<"
    offset, size, number = struct.unpack_from(order + layout, header)
    end: int = offset + size * number
    return end


def find_standard_debug_info(
    prog: Program, modules: Iterable[Module], options: DebugInfoOptions | None = None
) -> None:
    """Look for the modules' files in the standard places.

    ``options`` None are the program's own.
    """
    given = "" if options is None else "given "
    if options is None:
        options = prog.debug_info_options
    elif not isinstance(options, DebugInfoOptions):
        raise TypeError("options must be DebugInfoOptions or None")
    wanting = [m for m in dict.fromkeys(check_modules(prog, modules)) if wants_files(m)]
    if not wanting:
        return
    log.debug("trying standard debug info finder with %s%s", given, options._text())
    finder = _StandardFinder(prog, options)
    for module in wanting:
        log.debug(
            "%s (%s): trying standard paths for %s",
            module.name,
            build_id_text(module),
            wanted_text(module),
        )
        finder.find(module)


class _StandardFinder:
    """One search for the files of some modules."""

    def __init__(self, prog: Program, options: DebugInfoOptions) -> None:
        self._prog = prog
        self._options = options
        self._depmod: DepmodIndex | None = None
        self._depmod_tried = False
        self._walk: KmodWalk | None = None

    def find(self, module: Module) -> None:
        """Try one place after the other until nothing is wanted."""
        searches = [
            self._embedded_vdso,
            self._procfs,
            self._build_id,
            self._module_name,
            self._kernel,
            self._debug_link,
            self._reuse,
        ]
        if module.build_id is None:
            # The loaded file tells it.
            searches.insert(-2, self._build_id)
        for search in searches:
            if not wants_files(module):
                return
            search(module)
            self._supplementary(module)

    # Files that are at hand.

    def _embedded_vdso(self, module: Module) -> None:
        if not self._options.try_embedded_vdso or not isinstance(module, VdsoModule):
            return
        if not module.wants_loaded_file() or module.address_ranges is None:
            return
        live = self._prog.flags & ProgramFlags.IS_LIVE
        log.debug("trying vDSO in %s", "memory" if live else "core")
        for start, end in module.address_ranges:
            try:
                image = self._vdso(start, end)
                try_elf(module, ElfFile.from_bytes(image, "[vdso]"))
            except (BadDataError, FaultError) as error:
                log.debug("couldn't read the vDSO: %s", error)
            return

    def _vdso(self, start: int, end: int) -> bytes:
        """What is in memory of the vDSO whose segments are from start to end.

        Its section headers follow them, perhaps on a page of their own.
        """
        read = self._prog._memory.read
        size = max(end - start, _section_headers_end(read(start, 64)))
        return read(start, min(size, _MAX_VDSO_SIZE))

    def _reuse(self, module: Module) -> None:
        if not self._options.try_reuse:
            return
        for file in (module._loaded_file, module._debug_file):
            if file is not None and wants_files(module):
                try_elf(module, file)

    # Files by build ID.

    def _build_id(self, module: Module) -> None:
        build_id = module.build_id
        if not self._options.try_build_id or build_id is None:
            return
        name = build_id.hex()
        for directory in self._options.directories:
            path = f"{directory}/.build-id/{name[:2]}/{name[2:]}"
            if module.wants_debug_file():
                try_path(module, f"{path}.debug", without_id=True)
            if module.wants_loaded_file():
                try_path(module, path, without_id=True)

    # Files by their name.

    def _procfs(self, module: Module) -> None:
        target = self._prog._target
        if target is None or not self._options.try_procfs:
            return
        if not module.wants_loaded_file():
            return
        path = None
        if isinstance(module, MainModule):
            path = target.executable_path()
        elif isinstance(module, SharedLibraryModule):
            path = target.mapped_path(module.dynamic_address)
        if path is not None:
            try_path(module, path)

    def _module_name(self, module: Module) -> None:
        if isinstance(module, VdsoModule):  # The kernel's, whatever its name.
            return
        if self._options.try_module_name and "/" in module.name:
            try_path(module, module.name)

    def _debug_link(self, module: Module) -> None:
        file = module._loaded_file
        if not self._options.try_debug_link or file is None:
            return
        if module._debug_file_status is not ModuleFileStatus.WANT:
            return
        link = file.debuglink
        if link is None:
            return
        name, crc = link
        log.debug("%s has debuglink %s CRC %#010x", file.path, name, crc)

        def crc_matches(candidate: ElfFile) -> bool:
            matches = zlib.crc32(candidate.data) == crc
            log.debug(
                "%s: %s CRC %s",
                module.name,
                candidate.path,
                "matches" if matches else "does not match",
            )
            return matches

        for directory in self._debug_link_directories(os.path.dirname(file.path)):
            path = os.path.join(directory, name)
            if os.path.exists(path) and os.path.realpath(path) == file.path:
                continue
            # The checksum of all of the file says more than its build ID.
            try_path(module, path, force=True, check=crc_matches)
            if not module.wants_debug_file():
                return

    def _debug_link_directories(self, origin: str) -> Iterator[str]:
        for directory in self._options.debug_link_directories:
            if directory:
                for name in ("$ORIGIN", "${ORIGIN}"):
                    directory = directory.replace(name, origin)
                yield directory
            else:
                for parent in self._options.directories:
                    yield parent + origin

    # The kernel and its modules.

    def _kernel(self, module: Module) -> None:
        kernel = self._prog._kernel
        if kernel is None:
            return
        if isinstance(module, MainModule):
            self._vmlinux(module, kernel.vmcoreinfo.osrelease)
        elif isinstance(module, RelocatableModule):
            self._kmod(module, kernel.vmcoreinfo.osrelease)

    def _vmlinux(self, module: Module, release: str) -> None:
        for path in self._vmlinux_paths(release):
            if not wants_files(module):
                return
            try_path(module, path)

    def _vmlinux_paths(self, release: str) -> Iterator[str]:
        for directory in self._options.kernel_directories:
            if directory:
                yield f"{directory}/build/vmlinux"
                yield f"{directory}/vmlinux"
                continue
            for parent in self._options.directories:
                yield f"{parent}/boot/vmlinux-{release}"
                yield f"{parent}/lib/modules/{release}/vmlinux"
                yield f"{parent}/lib/modules/{release}/vmlinux.debug"
            yield f"/boot/vmlinux-{release}"
            yield f"/lib/modules/{release}/build/vmlinux"
            yield f"/lib/modules/{release}/vmlinux"

    def _kmod_directories(self, release: str) -> Iterator[str]:
        for directory in self._options.kernel_directories:
            if directory:
                yield directory
                continue
            for parent in self._options.directories:
                yield f"{parent}/lib/modules/{release}"
            yield f"/lib/modules/{release}"

    def _kmod(self, module: Module, release: str) -> None:
        method = self._options.try_kmod
        indexed = False
        if method not in (KmodSearchMethod.NONE, KmodSearchMethod.WALK):
            indexed = self._kmod_by_depmod(module, release)
        if method in (KmodSearchMethod.WALK, KmodSearchMethod.DEPMOD_AND_WALK) or (
            method is KmodSearchMethod.DEPMOD_OR_WALK and not indexed
        ):
            self._kmod_by_walk(module, release)

    def _kmod_by_depmod(self, module: Module, release: str) -> bool:
        """Try what depmod says; whether there is an index."""
        if not self._depmod_tried:
            self._depmod_tried = True
            self._depmod = self._depmod_index(release)
        if self._depmod is None:
            return False
        try:
            name = self._depmod.find(module.name)
        except BadDataError as error:
            log.debug("%s", error)
            return False
        if name is None:
            log.debug("couldn't find %s in depmod index", module.name)
            return True
        log.debug("found %s in depmod index", name)
        plain = name
        for suffix in COMPRESSIONS:
            plain = plain.removesuffix(suffix)
        for directory in self._kmod_directories(release):
            for candidate in dict.fromkeys((name, plain, f"{plain}.debug")):
                path = f"{directory}/{candidate}"
                if wants_files(module) and os.path.exists(path):
                    try_path(module, path)
        return True

    def _depmod_index(self, release: str) -> DepmodIndex | None:
        for directory in self._options.kernel_directories:
            path = f"{directory or f'/lib/modules/{release}'}/modules.dep.bin"
            try:
                index = DepmodIndex(path)
            except OSError as error:
                log.debug("%s: %s", path, error.strerror)
            except BadDataError as error:
                log.debug("%s", error)
            else:
                log.debug("found depmod index %s", path)
                return index
        log.debug("couldn't find depmod index")
        return None

    def _kmod_by_walk(self, module: Module, release: str) -> None:
        if self._walk is None:
            self._walk = KmodWalk(
                [d for d in self._kmod_directories(release) if os.path.isdir(d)]
            )
        for path in self._walk.files(module.name):
            if not wants_files(module):
                return
            try_path(module, path)
            if not wants_files(module):
                return

    # Supplementary files.

    def _supplementary(self, module: Module) -> None:
        if not self._options.try_supplementary or module._pending is None:
            return
        wanted = module._pending[2]
        log.debug(
            "%s: trying standard paths for gnu_debugaltlink %s build ID %s in file %s",
            module.name,
            wanted.supplementary_path,
            wanted.checksum.hex(),
            wanted.path,
        )
        for path in self._supplementary_paths(wanted.path, wanted.supplementary_path):
            if module._pending is None:
                return
            try_path(module, path)

    def _supplementary_paths(self, path: str, link: str) -> Iterator[str]:
        yield os.path.normpath(os.path.join(os.path.dirname(path), link))
        _, dwz, name = link.partition("/.dwz/")
        if dwz:
            for directory in self._options.directories:
                yield f"{directory}/.dwz/{name}"
