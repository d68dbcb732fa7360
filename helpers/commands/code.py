"""Writing the Python code that does what a command does."""

from __future__ import annotations

import re
from types import TracebackType

from drgn import Program, ProgramFlags


class DrgnCodeBlockContext:
    """An indented block, ended explicitly or by leaving the ``with``."""

    def __init__(self, builder: DrgnCodeBuilder, indent: str, end: str) -> None:
        self._builder = builder
        self._indent = indent
        self._end = end

    def __enter__(self) -> DrgnCodeBlockContext:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """End this block, which must be the innermost."""
        self._builder._end_block(self)


class DrgnCodeBuilder:
    """Joins fragments of code; imports are sorted and stand once, at the top."""

    def __init__(self, prog: Program) -> None:
        self._prog = prog
        self._fragments: list[str] = []
        self._imports: set[str] = set()
        self._from_imports: dict[str, set[str]] = {}
        self._blocks: list[DrgnCodeBlockContext] = []
        self._indent = ""

    def add_import(self, module: str) -> None:
        """Add ``import module``."""
        self._imports.add(module)

    def add_from_import(self, module: str, *names: str) -> None:
        """Add ``from module import names``."""
        self._from_imports.setdefault(module, set()).update(names)

    def append(self, code: str) -> None:
        """Add code, indented as the current block is."""
        at_line_start = not self._fragments or self._fragments[-1].endswith("\n")
        lines = code.splitlines(keepends=True)
        for i, line in enumerate(lines):
            if line.strip() and (i > 0 or at_line_start):
                line = self._indent + line
            self._fragments.append(line)

    def begin_block(self, code: str, end: str = "") -> DrgnCodeBlockContext:
        """Add code whose last line begins a block; ``end`` comes after the block.

        Empty ``code`` begins a block that is not indented.

        Raises ValueError if ``code`` does not end with a newline.
        """
        if code and not code.endswith("\n"):
            raise ValueError("code does not end with newline")
        self.append(code)
        block = DrgnCodeBlockContext(self, self._indent, end)
        self._blocks.append(block)
        if code:
            last = code.rstrip().rsplit("\n", 1)[-1]
            self._indent += last[: len(last) - len(last.lstrip())] + "    "
        return block

    def end_block(self) -> None:
        """End the block begun last."""
        self._blocks[-1].end()

    def _end_block(self, block: DrgnCodeBlockContext) -> None:
        if not self._blocks or self._blocks[-1] is not block:
            raise ValueError("block is not the innermost one")
        self._blocks.pop()
        self._indent = block._indent
        self.append(block._end)

    def begin_retry_loop_if_live(self, num_attempts: int) -> DrgnCodeBlockContext:
        """Begin a loop that tries again when a live program changed under it."""
        if not self._prog.flags & ProgramFlags.IS_LIVE:
            return self.begin_block("")
        self.add_from_import("drgn", "FaultError")
        self.add_from_import("drgn.helpers", "ValidationError")
        return self.begin_block(
            f"for attempts_left in range({num_attempts - 1}, -1, -1):\n    try:\n",
            "        break\n"
            "    except (FaultError, ValidationError):\n"
            "        if not attempts_left:\n"
            "            raise\n",
        )

    def get(self) -> str:
        """All of the code. Raises AssertionError while a block is not ended."""
        if self._blocks:
            raise AssertionError("a block is not ended")
        imports = [(module, 0, f"import {module}\n") for module in self._imports]
        for module, names in self._from_imports.items():
            text = f"from {module} import {', '.join(sorted(names))}\n"
            if len(text) > 89:
                lines = "".join(f"    {name},\n" for name in sorted(names))
                text = f"from {module} import (\n{lines})\n"
            imports.append((module, 1, text))
        groups: tuple[list[str], list[str]] = ([], [])
        for module, _, text in sorted(imports):
            groups[module.partition(".")[0] == "drgn"].append(text)
        parts = ["".join(group) for group in groups if group]
        code = "".join(self._fragments)
        return "\n".join(parts) + ("\n\n" if parts and code else "") + code

    def print(self) -> None:
        """Print all of the code."""
        print(self.get(), end="")

    def has_declaration(self, variable: str) -> bool:
        """Whether a line of the code assigns ``variable``."""
        pattern = rf"^\s*{re.escape(variable)} = "
        return re.search(pattern, "".join(self._fragments), re.M) is not None
