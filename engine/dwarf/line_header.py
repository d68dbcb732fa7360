"""Headers of line number programs, versions 2 to 5 (DWARF 5, section 6.2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import BadDataError
from . import constants as dw
from .reader import c_string, sleb128, uleb128

if TYPE_CHECKING:
    from .unit import Unit

_DW_LNCT_path = 1
_DW_LNCT_directory_index = 2

_LINE_STR = ".debug_line_str"

_Path = str | tuple[str, int]
"""A name, or the section and the offset that it is at."""

_FIXED_SIZES = {
    dw.DW_FORM_data1: 1,
    dw.DW_FORM_data2: 2,
    dw.DW_FORM_data4: 4,
    dw.DW_FORM_data8: 8,
}
_STRX_SIZES = {
    dw.DW_FORM_strx1: 1,
    dw.DW_FORM_strx2: 2,
    dw.DW_FORM_strx3: 3,
    dw.DW_FORM_strx4: 4,
}

_UNNAMED_FILE = "???"
"""How the file is called that rows have where the header names none."""


class LineHeader:
    """The header of a line number program: its parameters, directories and files."""

    __slots__ = (
        "_directories",
        "_files",
        "default_is_stmt",
        "line_base",
        "line_range",
        "max_ops_per_inst",
        "min_inst_length",
        "opcode_base",
        "opcode_lengths",
        "program_end",
        "program_start",
        "unit",
        "version",
    )

    def __init__(self, unit: Unit) -> None:
        """Read the header that DW_AT_stmt_list of a unit refers to.

        Raises BadDataError if it is malformed or there is none.
        """
        self.unit = unit
        self._directories: list[_Path] = []
        # With the numbers of their directories.
        self._files: list[tuple[_Path, int]] = []
        offset = unit.stmt_list
        if offset is None:
            raise unit.error("there is no DW_AT_stmt_list")
        try:
            self._read(unit, unit.sections.section(".debug_line"), offset)
        except (IndexError, ValueError) as error:
            raise line_error(unit, offset, str(error)) from None

    def _read(self, unit: Unit, data: memoryview, position: int) -> None:
        unsigned = unit.sections.unsigned

        def number(size: int) -> int:
            nonlocal position
            end = position + size
            if not 0 <= position <= end <= len(data):
                raise IndexError("header is truncated")
            value = unsigned(data[position:end])
            position = end
            return value

        length = number(4)
        offset_size = 4
        if length == 0xFFFFFFFF:
            length = number(8)
            offset_size = 8
        self.program_end = position + length
        if self.program_end > len(data):
            raise IndexError("line number program is truncated")
        data = data[: self.program_end]
        self.version = number(2)
        if not 2 <= self.version <= 5:
            raise ValueError(f"unknown version {self.version}")
        if self.version >= 5:
            if number(1) != unit.address_size:
                raise ValueError("addresses are not those of the unit")
            if number(1):
                raise ValueError("there are segment selectors")
        header_length = number(offset_size)
        self.program_start = position + header_length
        if self.program_start > self.program_end:
            raise IndexError("header is truncated")
        self.min_inst_length = number(1)
        self.max_ops_per_inst = number(1) if self.version >= 4 else 1
        self.default_is_stmt = bool(number(1))
        self.line_base = number(1)
        if self.line_base >= 0x80:
            self.line_base -= 0x100
        self.line_range = number(1)
        self.opcode_base = number(1)
        if 0 in (self.max_ops_per_inst, self.line_range, self.opcode_base):
            raise ValueError(
                "maximum_operations_per_instruction, line_range or opcode_base is 0"
            )
        self.opcode_lengths = [0] + [number(1) for _ in range(self.opcode_base - 1)]
        if self.version >= 5:
            self._read_tables(data, position, offset_size)
        else:
            self._read_old_tables(data, position)

    def _read_tables(self, data: memoryview, position: int, offset_size: int) -> None:
        """Read the directories and files of version 5."""
        entries, position = self._entries(data, position, offset_size)
        self._directories = [path for path, _ in entries]
        entries, position = self._entries(data, position, offset_size)
        for path, directory in entries:
            if directory is None or not 0 <= directory < len(self._directories):
                raise ValueError(f"there is no directory {directory}")
            self._files.append((path, directory))
        if position > self.program_start:
            raise IndexError("header is truncated")
        if not self._files:
            self._files.append((_UNNAMED_FILE, 0))

    def _read_old_tables(self, data: memoryview, position: int) -> None:
        """Read the directories and files of versions 2 to 4."""
        self._directories.append(self.unit.comp_dir or "")
        self._files.append((_UNNAMED_FILE, 0))  # Files count from 1.
        while True:
            name, position = c_string(data, position)
            if not name:
                break
            self._directories.append(name.decode("utf-8", "replace"))
        while data[position]:
            position = self.define_file(data, position)

    def define_file(self, data: memoryview, position: int) -> int:
        """Add the file entry (versions 2 to 4) at a position; returns its end."""
        name, position = c_string(data, position)
        directory, position = uleb128(data, position)
        _time, position = uleb128(data, position)
        _size, position = uleb128(data, position)
        if directory >= len(self._directories):
            raise ValueError(f"there is no directory {directory}")
        self._files.append((name.decode("utf-8", "replace"), directory))
        return position

    def _entries(
        self, data: memoryview, position: int, offset_size: int
    ) -> tuple[list[tuple[_Path, int | None]], int]:
        """A table of version 5 (paths and numbers of directories) and its end."""
        formats: list[tuple[int, int]] = []
        number_of_formats = data[position]
        position += 1
        for _ in range(number_of_formats):
            content, position = uleb128(data, position)
            form, position = uleb128(data, position)
            formats.append((content, form))
        count, position = uleb128(data, position)
        if count and not formats:
            raise ValueError("file entries have no format")
        if count > len(data) - position:
            raise ValueError("too many file entries")
        entries: list[tuple[_Path, int | None]] = []
        for _ in range(count):
            path: _Path | None = None
            directory: int | None = None
            for content, form in formats:
                value, position = self._value(data, position, form, offset_size)
                if position > len(data):
                    raise IndexError("file entries are truncated")
                if content == _DW_LNCT_path:
                    path = value if isinstance(value, str | tuple) else None
                elif content == _DW_LNCT_directory_index:
                    directory = value if isinstance(value, int) else None
            entries.append((self._checked(path), directory))
        return entries, position

    def _checked(self, path: _Path | None) -> _Path:
        """A path that is there; ValueError or IndexError if it is not."""
        if path is None:
            raise ValueError("a file entry has no path")
        if isinstance(path, tuple):
            section, offset = path
            if offset >= len(self.unit.sections.section(section)):
                raise IndexError(f"there is no string at {section}+{offset:#x}")
        return path

    def _value(
        self, data: memoryview, position: int, form: int, offset_size: int
    ) -> tuple[_Path | int | None, int]:
        """The path or number that an entry of version 5 has in a form, and its end.

        None if it is neither, as a checksum.
        """
        sections = self.unit.sections
        size = _FIXED_SIZES.get(form)
        if size is not None:
            end = position + size
            return sections.unsigned(data[position:end]), end
        if form == dw.DW_FORM_udata:
            return uleb128(data, position)
        if form == dw.DW_FORM_line_strp or form == dw.DW_FORM_strp:
            end = position + offset_size
            section = ".debug_str" if form == dw.DW_FORM_strp else _LINE_STR
            return (section, sections.unsigned(data[position:end])), end
        if form == dw.DW_FORM_string:
            text, end = c_string(data, position)
            return text.decode("utf-8", "replace"), end
        if form == dw.DW_FORM_block:
            size, start = uleb128(data, position)
            return None, start + size
        if form == dw.DW_FORM_sdata:
            return sleb128(data, position)
        if form == dw.DW_FORM_data16:
            return None, position + 16
        if form == dw.DW_FORM_flag:
            return None, position + 1
        if form == dw.DW_FORM_sec_offset:
            return None, position + offset_size
        if form == dw.DW_FORM_strx:
            index, end = uleb128(data, position)
            return self.unit.string_at_index(index), end
        if form in _STRX_SIZES:
            end = position + _STRX_SIZES[form]
            index = sections.unsigned(data[position:end])
            return self.unit.string_at_index(index), end
        raise ValueError(f"unknown form {form:#x} of a file entry")

    def has_file(self, index: int) -> bool:
        """Whether there is a file of a number."""
        return 0 <= index < len(self._files)

    def file_name(self, index: int) -> str:
        """The name of a file by its number, as DW_AT_decl_file and rows have it.

        It is as the compiler saw it: in its directory if that was given to it, in the
        directory of the compilation otherwise, and not normalised.
        """
        if not self.has_file(index):
            return ""
        path, directory = self._files[index]
        name = self._string(path)
        if name.startswith("/") or name == _UNNAMED_FILE:
            return name
        prefix = self._string(self._directories[directory])
        return f"{prefix}/{name}" if prefix else name

    def has_name(self, filename: str) -> bool:
        """Whether a file has the last part of a name."""
        last = filename.rpartition("/")[2]
        return any(self._string(path).endswith(last) for path, _ in self._files)

    def declaring_file(self, index: int) -> str | None:
        """The file of DW_AT_decl_file from the root on, as far as that is known.

        None if there is none; up to version 4 there is none of number 0.
        """
        name = self.file_name(index)
        if not name or (index == 0 and self.version < 5):
            return None
        directory = self.unit.comp_dir
        if name.startswith("/") or not directory:
            return name
        return f"{directory}/{name}"

    def _string(self, value: _Path) -> str:
        return value if isinstance(value, str) else self.unit.sections.string(*value)


def line_error(unit: Unit, offset: int, message: str) -> BadDataError:
    """An exception that says where in ``.debug_line`` something is wrong."""
    return BadDataError(f"{unit.sections.path}: .debug_line+{offset:#x}: {message}")
