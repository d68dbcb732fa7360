"""Run a drgn script under upstream's wheel and under us, and compare line by line.

    python -m oracle.runner -c live.elf -s vmlinux script.py [script arguments]

takes any arguments of ``drgn``. Where the two may differ, because upstream is known to
be wrong, an Allowance says which lines are left out and why, and the comparison counts
them.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from . import venv

#: Lines of differences in a report.
REPORTED = 60


class Answer(NamedTuple):
    """What one run printed, and its exit status."""

    output: list[str]
    errors: str
    status: int


class Allowance(NamedTuple):
    """Lines that are not compared.

    ``why``: what upstream does wrong there. ``keep``: takes the lines of one output and
    returns those to compare; it is applied to both.
    """

    why: str
    keep: Callable[[list[str]], list[str]]


class Comparison(NamedTuple):
    """``differences``: lines of a unified diff, upstream's first; empty if the same.

    ``left_out``: for each allowance that left lines out, why and how many of upstream's
    and of ours.
    """

    theirs: Answer
    ours: Answer
    differences: list[str]
    left_out: list[tuple[str, int, int]]

    def report(self, limit: int = REPORTED) -> str:
        """What differs and what was left out, in at most ``limit`` lines of a diff."""
        lines = [
            f"not compared, {theirs} of upstream's lines and {ours} of ours: {why}"
            for why, theirs, ours in self.left_out
        ]
        if self.ours.status != self.theirs.status:
            lines.append(
                f"exit status {self.ours.status}, upstream's {self.theirs.status}"
            )
            lines += [f"our errors: {line}" for line in _tail(self.ours.errors)]
            lines += [f"upstream's: {line}" for line in _tail(self.theirs.errors)]
        shown = self.differences[:limit]
        if len(shown) < len(self.differences):
            shown.append(f"... {len(self.differences)} lines of differences in all")
        return "\n".join([*lines, *shown])

    @property
    def same(self) -> bool:
        return not self.differences and self.ours.status == self.theirs.status


def _tail(text: str) -> list[str]:
    return text.strip().splitlines()[-12:]


def upstream(*arguments: str | Path, seconds: float = 120) -> Answer:
    """Run upstream's drgn. Raises OracleError if it is not there."""
    program = venv.find()
    if program is None:
        raise venv.OracleError(f"no upstream wheel in {venv.location()}")
    return run([program, *arguments], seconds)


def ours(*arguments: str | Path, seconds: float = 600) -> Answer:
    """Run our drgn, that of the running interpreter."""
    return run([Path(sys.executable).parent / "drgn", *arguments], seconds)


def run(command: Sequence[str | Path], seconds: float) -> Answer:
    """Run a drgn which sees neither the other's packages nor a terminal."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "DRGN", "DEBUGINFOD"))
    }
    # Hashes must not decide the order of what a script prints.
    environment["PYTHONHASHSEED"] = "0"
    result = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, env=environment,
    )  # fmt: skip
    return Answer(
        result.stdout.decode(errors="backslashreplace").splitlines(),
        result.stderr.decode(errors="backslashreplace"),
        result.returncode,
    )


_OPTIMIZED_OUT = "<optimized out>"
_NOT_IMPLEMENTED = "<not implemented>"
ENTRY_VALUES = (
    "upstream calls optimized out what the caller's call site tells (DW_OP_entry_value)"
    ", or does not know an operation"
)


def compare(
    theirs: Answer,
    ours: Answer,
    allowances: Sequence[Allowance] = (),
    *,
    entry_values: bool = False,
) -> Comparison:
    """Compare two answers.

    ``entry_values``: ours may know a value where upstream says that it is optimized out
    or not implemented (on the same line, which is else the same); those lines are
    counted as left out.
    """
    expected, actual = theirs.output, ours.output
    left_out = []
    for allowance in allowances:
        fewer_expected, fewer = allowance.keep(expected), allowance.keep(actual)
        counts = len(expected) - len(fewer_expected), len(actual) - len(fewer)
        if any(counts):
            left_out.append((allowance.why, *counts))
        expected, actual = fewer_expected, fewer
    if entry_values and len(expected) == len(actual):
        pairs = list(zip(expected, actual, strict=True))
        known = {
            index
            for index, pair in enumerate(pairs)
            if pair[0] != pair[1] and _knows_more(*pair)
        }
        if known:
            left_out.append((ENTRY_VALUES, len(known), len(known)))
        expected = [line for index, line in enumerate(expected) if index not in known]
        actual = [line for index, line in enumerate(actual) if index not in known]
    differences = list(
        difflib.unified_diff(expected, actual, "upstream", "pydrgn", lineterm="", n=4)
    )
    return Comparison(theirs, ours, differences, left_out)


def _knows_more(theirs: str, ours: str) -> bool:
    pattern = re.escape(theirs)
    for unknown in (_OPTIMIZED_OUT, _NOT_IMPLEMENTED):
        pattern = pattern.replace(re.escape(unknown), "(.+?)")
    match = re.fullmatch(pattern, ours)
    return match is not None and len(match.groups()) > 0


_FRAME = re.compile(r"^#(\d+) +(\S+)")


def _until_user_frame(lines: list[str]) -> list[str]:
    kept = []
    beyond = False
    for line in lines:
        frame = _FRAME.match(line)
        if frame is None or frame[1] == "0":
            beyond = False
        if not beyond:
            kept.append(line)
        # A frame of the kernel has a name, or an address in the upper half.
        if frame and re.fullmatch(r"0x[0-9a-f]{1,12}", frame[2]):
            beyond = True
    return kept


USER_FRAMES = Allowance(
    "upstream unwinds on into the user's stack without its debug info, through what it "
    "takes for frame pointers",
    _until_user_frame,
)


# In user space, or what upstream finds behind it, which is no address at all.
_USER_FRAME_OF_BT = re.compile(
    r" *#\d+ +(\[0000[0-7]\w{11}\]|(\[\w+\] )?0x(?!ffff)[0-9a-f]+( at \w+)?$)"
)
_REGISTERS = re.compile(r" {4,}(RIP|RAX|RDX|RBP|R10|R13|CS|ORIG_RAX):")


def _without_user_frames_of_bt(lines: list[str]) -> list[str]:
    kept = []
    of_user = False
    for line in lines:
        if _USER_FRAME_OF_BT.match(line):
            of_user = True
        elif not (of_user and line.startswith("    ")):  # its words and registers
            of_user = False
            kept.append(line)
    return kept


USER_FRAMES_OF_BT = Allowance(USER_FRAMES.why, _without_user_frames_of_bt)

NAMESPACE_FILES = Allowance(
    "upstream does not find the path at which the file of a namespace is mounted",
    lambda lines: [line for line in lines if " nsfs " not in line],
)

_ENTRY_OF_BT = re.compile(r" *#0 +(\[\w+\] )?asm_\w+ ")


def _without_registers_at_an_entry(lines: list[str]) -> list[str]:
    kept = []
    at_entry = False
    for line in lines:
        if line.lstrip().startswith("#"):
            at_entry = _ENTRY_OF_BT.match(line) is not None
        if not (at_entry and _REGISTERS.match(line)):
            kept.append(line)
    return kept


ENTRIES_OF_BT = Allowance(
    "of a processor that has just entered an interrupt, upstream does not know what "
    "that has saved (flags and segments), and forgets registers that are the same",
    _without_registers_at_an_entry,
)


def _without_zombies_frames(lines: list[str]) -> list[str]:
    kept = []
    dead = False
    for line in lines:
        # Ours is an empty line.
        is_frame = not line or _FRAME.match(line) is not None
        if not is_frame:
            dead = re.fullmatch(r"\d+ .* Z", line) is not None
        if not (dead and is_frame):
            kept.append(line)
    return kept


ZOMBIES = Allowance(
    "upstream unwinds the stack of a zombie, which the kernel has freed",
    _without_zombies_frames,
)

TASK_STATES = Allowance(
    "upstream leaves out the state of a task in dumps of kernels that did not panic",
    lambda lines: [line for line in lines if not line.startswith("  STATE: ")],
)


def main() -> int:
    arguments = sys.argv[1:]
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    venv.install()
    comparison = compare(upstream("-q", *arguments), ours("-q", *arguments))
    if comparison.same:
        print(f"the same {len(comparison.ours.output)} lines")
        return 0
    print(comparison.report(len(comparison.differences)))
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
