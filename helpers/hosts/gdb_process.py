"""What GDB says of the program that it debugs, in GDB and from outside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from drgn import (
    Architecture,
    BadDataError,
    DebugInfoOptions,
    Platform,
    PlatformFlags,
    Program,
    ProgramFlags,
    UnsupportedOperation,
)
from drgn.hosts.linked import linked_addresses
from drgn.target import (
    Mapping,
    Memory,
    Target,
    TargetThread,
    open_core,
)

_ARCHITECTURES = {
    "i386:x86-64": Architecture.X86_64,
    "i386": Architecture.I386,
    "aarch64": Architecture.AARCH64,
    "powerpc:common64": Architecture.PPC64,
    "riscv:rv64": Architecture.RISCV64,
    "riscv:rv32": Architecture.RISCV32,
    "s390:64-bit": Architecture.S390X,
    "s390:31-bit": Architecture.S390,
    "Loongarch64": Architecture.LOONGARCH64,
}
# GDB's names of registers that DWARF calls otherwise.
_REGISTER_NAMES = {"eflags": "rflags", "fs_base": "fs.base", "gs_base": "gs.base"}

_CORE = re.compile(r"^Local core dump file:\n\t`(.*)', file type", re.M)
_EXECUTABLE = re.compile(r"^Local exec file:\n\t`(.*)', file type", re.M)
_AUXV = re.compile(r"^(\d+)\s.*?\s(0x[0-9a-f]+|\d+)(?: \".*\")?$", re.M)
_MAPPING = re.compile(
    r"^\s*0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)"
    r"(?:\s+([r-][w-][x-]\S))?[ \t]*(.*?)[ \t]*$",  # GDB 16 pads lines.
    re.M,
)
_SECTION = re.compile(r"^\s*0x([0-9a-f]+) - 0x([0-9a-f]+) is ", re.M)
_ALLOCATED = re.compile(r"^ \[\d+\]\s+0x([0-9a-f]+)->\S+ at \S+ \S+ ALLOC", re.M)
_OWN_SECTION = re.compile(r"^\s*0x([0-9a-f]+) - 0x[0-9a-f]+ is [^ \n]+$", re.M)

_AT_PHDR = 3
_MASK = 2**64 - 1


def core_path(files: str) -> str | None:
    """The path of the core dump that GDB has opened, by what ``info files`` prints."""
    found = _CORE.search(files)
    return None if found is None else found[1]


def executable_path(files: str) -> str | None:
    """The path of the executable file, by what ``info files`` prints."""
    found = _EXECUTABLE.search(files)
    return None if found is None else found[1]


class GdbProcess(Target):
    """An inferior as it is from its start, or from its exec, to its end.

    Without a process there is only what the executable file has.
    """

    pid: int
    """0 without a process."""
    executable: str | None
    kind: str | None
    """Of the connection, as ``native`` or ``core``; None without a process."""
    fault: str
    """What is wrong with an address that cannot be read."""
    running = False
    debug_directories: Sequence[str] = ()
    """Where its debugging information may be, as in ``debug-file-directory``."""
    kernel_directories: Sequence[str] = ()
    """Where modules of the kernel may be."""
    loads_files = False
    """Whether it may load files, without GDB knowing of it."""
    keeps_files = False
    """Whether GDB may forget its files and read them again, and nothing is wrong."""
    _memory: Memory | None = None
    _knows_files = False

    @property
    def alive(self) -> bool:
        """Whether this still is what the inferior runs."""
        raise NotImplementedError

    def is_current(self) -> bool:
        """Whether this is what the inferior runs, of the same executable file."""
        raise NotImplementedError

    def changed(self) -> None:
        """Forget the memory that was read: it may be another now."""
        if self._memory is not None:
            self._memory.invalidate()

    def text(self, command: str) -> str:
        """What a command of GDB prints about the inferior; nothing if it fails."""
        raise NotImplementedError

    def set_kind(self, kind: str | None) -> None:
        """Take what follows from the kind of GDB's connection."""
        self.kind = kind
        if kind is None:
            self.noun = "program that was not started"
            self.fault = "could not find memory segment"
        elif kind == "core":
            self.noun = "core dump"
            self.fault = "could not find memory segment"
            self.path = core_path(self.text("info files"))
        else:
            self.noun = "inferior"
            self.fault = "could not read memory"
            self.writable = True
            self.flags = ProgramFlags.IS_LIVE
            if kind == "native":
                self.flags |= ProgramFlags.IS_LOCAL

    @cached_property
    def _core_names(self) -> dict[int, str | None]:
        """Names of a core dump's threads, which GDB does not read."""
        try:
            threads = () if self.path is None else open_core(self.path).threads()
        except (OSError, ValueError, BadDataError):
            return {}
        return {thread.tid: thread.name for thread in threads}

    def named(
        self, tid: int, name: str | None, values: dict[str, int] | None = None
    ) -> TargetThread:
        """A thread with the name that GDB, or else the core dump, has for it."""
        if name is None:
            name = self._core_names.get(tid)
        return TargetThread(tid, name, values=values)

    def main_thread(self) -> TargetThread | None:
        found = self.thread(self.pid)
        if found is None:
            # A stub's number of the process need not be that of a thread.
            threads = self.threads()
            if len(threads) == 1:
                found = self.thread(threads[0].tid)
        return found

    def platform_of(self, architecture: str) -> Platform | None:
        """The platform of what GDB calls an architecture."""
        if not self.pid and self.executable is None:
            return None  # GDB only guesses.
        arch = _ARCHITECTURES.get(architecture)
        if arch is None and architecture.startswith("arm"):
            arch = Architecture.ARM
        if arch is None:
            return None
        flags = Platform(arch).flags & ~PlatformFlags.IS_LITTLE_ENDIAN
        if "little endian" in self.text("show endian"):
            flags |= PlatformFlags.IS_LITTLE_ENDIAN
        return Platform(arch, flags)

    def files_changed(self) -> None:
        """The user gave GDB another file."""
        self._knows_files = False

    def load_given(self, prog: Program) -> None:
        """Find the files that the user gave GDB."""
        if not self._knows_files:
            self._knows_files = True
            files = self.text("info files")
            if " in /" in files:
                from drgn.hosts.gdb_files import add_given_files

                # The dynamic linker itself tells a process of its libraries, later.
                libraries = self.text("info sharedlibrary") if self.auxv() else ""
                add_given_files(prog, files, libraries)

    def load(self, prog: Program) -> None:
        """Find what is loaded, and the debugging information of all of it.

        What has none is no error: GDB's users know of it. Raises LookupError if there
        is something else that they should know.
        """
        if self.auxv():
            modules = [module for module, _ in prog.loaded_modules()]
            prog.load_module_debug_info(*modules)
        elif self.executable is not None:
            # Its headers are not in memory: a kernel or firmware, where it is linked.
            main = prog.main_module(self.executable, create=True)
            main.try_file(self.executable)
        self.load_given(prog)

    # What the kernel told the process.

    @cached_property
    def _auxv(self) -> dict[int, int]:
        entries = _AUXV.findall(self.text("info auxv"))
        return {int(key): int(value, 0) for key, value in entries if key != "0"}

    @cached_property
    def is_process(self) -> bool:
        """Whether it is one of an operating system.

        Then memory may be read that nobody asked for: there are no devices in it.
        """
        return self.kind in ("native", "core") or bool(self._auxv)

    def auxv(self) -> dict[int, int]:
        if not self.alive:
            return {}
        if self.pid and self._auxv:
            return self._auxv
        # No process, or one without a kernel: GDB knows where the executable lies.
        phdr = self._executable_headers()
        return {} if phdr is None else {_AT_PHDR: phdr}

    def mappings(self) -> Sequence[Mapping]:
        maps = [
            Mapping(start, end, offset, path)
            for start, end, offset, _, path in self._maps()
            if path.startswith("/")
        ]
        if not maps and self.executable is not None:
            phdr = self._executable_headers()
            if phdr is not None:
                return [Mapping(phdr, phdr + 1, 0, self.executable)]
        return maps

    def _executable_headers(self) -> int | None:
        """The address of the executable's program headers; None without one."""
        if self.executable is None:
            return None
        linked = linked_addresses(self.executable)
        # Not its entry point: GDB looks for that in the libraries of the last process.
        sections = _OWN_SECTION.findall(self.text("info files"))
        if not sections:
            # Of a file that was given for its symbols alone.
            listed = self.text("maint info sections -all-objects")
            _, _, listed = listed.partition(f"`{self.executable}',")
            sections = _ALLOCATED.findall(listed.partition("Object file:")[0])
        if linked is None or not sections:
            return None
        # After its end a program stays where it was, for GDB.
        moved = min(int(address, 16) for address in sections) - linked.sections
        return (linked.headers + moved) & _MASK

    def _maps(self) -> list[tuple[int, int, int, str | None, str]]:
        """(start, end, file offset, permissions if known, path) of each mapping."""
        text = self.text("info proc mappings") if self.alive else ""
        return [
            (int(low, 16), int(high, 16), int(offset, 16), flags or None, path)
            for low, high, offset, flags, path in _MAPPING.findall(text)
        ]

    def readable(self) -> list[tuple[int, int]]:
        """The ranges of memory, as far as GDB knows them.

        Raises UnsupportedOperation if it does not.
        """
        if self.pid and self.kind != "core":
            ranges = [
                (start, end)
                for start, end, _, flags, _ in self._maps()
                if flags is None or flags.startswith("r")
            ]
        else:
            sections = _SECTION.findall(self.text("info files"))
            ranges = [(int(low, 16), int(high, 16)) for low, high in sections]
        if not ranges:
            raise UnsupportedOperation("GDB does not know what memory there is")
        return _disjoint(ranges)


def add_directories(target: GdbProcess, prog: Program, given: Sequence[str]) -> None:
    """Look where GDB looks, and near the files that it has, besides."""
    options = prog.debug_info_options
    places = *filter(None, given), *target.debug_directories, *options.directories
    kernels = *options.kernel_directories, *target.kernel_directories
    prog.debug_info_options = DebugInfoOptions(
        options,
        directories=tuple(dict.fromkeys(places)),
        kernel_directories=tuple(dict.fromkeys(kernels)),
    )


def register_value(name: str, value: int) -> tuple[str, int]:
    """A register as DWARF names it, and its bits."""
    return _REGISTER_NAMES.get(name, name), value & _MASK


def in_one_line(error: object) -> str:
    """What GDB says is wrong, without what it says on further lines."""
    line, _, rest = str(error).strip().partition("\n")
    if rest and not line.endswith("."):
        # A sentence over more than one line.
        line += " " + " ".join(rest.split()).partition(". ")[0]
    return line.rstrip(".") or "GDB failed"


def _disjoint(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low < merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        elif low < high:
            merged.append((low, high))
    return merged
