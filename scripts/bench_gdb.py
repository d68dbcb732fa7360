"""The figures of drgn inside GDB: its start, a kernel's first type, walks of lists.

GDB's own ways take part in the same run, in turns; a figure is the median of its
rounds. Walks are timed by the processor's time, once all is loaded. Exit status 1 if
a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import NamedTuple

from lab import manifest

from bench import print_table, run

ROOT = Path(__file__).parent.parent
SOURCE = f"source {ROOT / 'gdb_bridge' / 'drgn.py'}"

#: Each prints a name and the seconds of one walk on a line.
WALKS_OF_GDB = """\
import gdb, time
def entries():
    item = gdb.lookup_type("struct item")
    pointer = item.pointer()
    offset = next(f.bitpos // 8 for f in item.fields() if f.name == "link")
    head = gdb.parse_and_eval("head")
    end = int(head.address)
    node = head["next"]
    total = 0
    while int(node) != end:
        entry = gdb.Value(int(node) - offset).cast(pointer)
        total += int(entry["a"]) + int(entry["b"]) + int(entry["c"])
        node = node["next"]
    return total
def pointers():
    item = gdb.parse_and_eval("items")
    total = 0
    while item:
        total += int(item["a"]) + int(item["b"]) + int(item["c"])
        item = item["next"]
    return total
"""
WALKS_OF_OURS = """\
import time
import drgn
from drgn.helpers.linux.list import list_for_each_entry
head = prog["head"].address_of_()
def entries():
    total = 0
    for entry in list_for_each_entry("struct item", head, "link"):
        total += entry.a.value_() + entry.b.value_() + entry.c.value_()
    return total
def pointers():
    item = prog["items"]
    total = 0
    while item:
        total += item.a.value_() + item.b.value_() + item.c.value_()
        item = item.next
    return total
def columns():
    entries = list_for_each_entry("struct item", head, "link")
    table = drgn.columns(entries, "a", "b", "c")
    return int(sum(column.sum() for column in table.values()))
"""
TIME = """\
for walk in {walks}:
    expected = walk()
    spent = []
    for _ in range(3):
        start = time.process_time()
        assert walk() == expected
        spent.append(time.process_time() - start)
    print("walk", walk.__name__, min(spent), expected)
"""


class Figure(NamedTuple):
    """One row; ``ratio`` is how many times faster we must be, ``more`` the seconds
    that we may take beyond GDB's; both None without a bar."""

    name: str
    ratio: float | None = None
    more: float | None = None

    def verdict(self, ours: float, theirs: float) -> tuple[str, bool]:
        if self.more is not None:
            return f"{self.more:.2f} s more", ours <= theirs + self.more
        if self.ratio is not None:
            return f"{self.ratio:.0f} times faster", self.ratio * ours <= theirs
        return "-", True


START = Figure("source drgn.py, GDB's start included", more=0.15)
FIRST_TYPE = Figure("gdb vmlinux to the first type", ratio=10)
LAUNCHED = Figure("drgn gdb vmlinux to the first type", ratio=10)
ENTRIES = Figure("list_for_each_entry, 10,000 entries", ratio=5)
POINTERS = Figure("while item: ... item = item.next", ratio=5)
COLUMNS = Figure("the same by columns()")
FIGURES = [START, FIRST_TYPE, LAUNCHED, ENTRIES, POINTERS, COLUMNS]
_WALKS = {"entries": ENTRIES, "pointers": POINTERS, "columns": COLUMNS}

Samples = dict[Figure, tuple[list[float], list[float]]]
"""Seconds of ours and of GDB's."""


def gdb(*arguments: str | Path) -> list[str | Path]:
    return ["gdb", "-nx", "-batch", *arguments]


def walks(program: Path, script: Path, *before: str, command: str) -> dict[str, float]:
    commands = ["break ready", "run", *before, f"{command} {script}"]
    options = [word for text in commands for word in ("-ex", text)]
    said = run(gdb(*options, program), environment=ENVIRONMENT).said
    lines = [line.split() for line in said.splitlines() if line.startswith("walk ")]
    return {words[1]: float(words[2]) for words in lines}


ENVIRONMENT = {
    "PYDRGN_SITE": sysconfig.get_path("purelib"),
    "DEBUGINFOD_URLS": "",
    "PATH": os.environ["PATH"],
}


class Bench:
    def __init__(self, vmlinux: Path | None, directory: Path) -> None:
        self.vmlinux = vmlinux
        self.samples: Samples = {figure: ([], []) for figure in FIGURES}
        self.program = directory / "walk"
        subprocess.run(
            ["gcc", "-g", "-O1", "-o", self.program, ROOT / "scripts" / "bench-walk.c"],
            check=True,
        )
        self.theirs = directory / "theirs.py"
        self.ours = directory / "ours.py"
        self.theirs.write_text(WALKS_OF_GDB + TIME.format(walks="(entries, pointers)"))
        self.ours.write_text(
            WALKS_OF_OURS + TIME.format(walks="(entries, pointers, columns)")
        )

    def one_round(self) -> None:
        ours, theirs = self.samples[START]
        theirs.append(run(gdb(), environment=ENVIRONMENT).seconds)
        ours.append(run(gdb("-ex", SOURCE), environment=ENVIRONMENT).seconds)
        if self.vmlinux is not None:
            self._types(self.vmlinux)
        found = walks(self.program, self.theirs, command="source")
        mine = walks(self.program, self.ours, SOURCE, command="drgn-script")
        for name, figure in _WALKS.items():
            self.samples[figure][0].append(mine[name])
            self.samples[figure][1].append(found.get(name, found["entries"]))

    def _types(self, vmlinux: Path) -> None:
        wanted = ("-ex", 'drgn prog.type("struct task_struct").type_name()', vmlinux)
        drgn = Path(sys.executable).parent / "drgn"
        ptype = run(gdb("-ex", "ptype struct task_struct", vmlinux)).seconds
        for figure, command in (
            (FIRST_TYPE, gdb("-ex", SOURCE, *wanted)),
            (LAUNCHED, [drgn, "gdb", "-nx", "-batch", *wanted]),
        ):
            done = run(command, environment=ENVIRONMENT)
            assert "struct task_struct" in done.said
            self.samples[figure][0].append(done.seconds)
            self.samples[figure][1].append(ptype)

    def table(self) -> tuple[list[list[str]], bool]:
        rows = [["figure", "pydrgn", "gdb", "gdb / ours", "bar", ""]]
        good = True
        for figure, (ours, theirs) in self.samples.items():
            if not ours:
                continue
            mine, other = statistics.median(ours), statistics.median(theirs)
            bar, met = figure.verdict(mine, other)
            good = good and met
            rows.append(
                [
                    figure.name,
                    f"{mine:.4f} s",
                    f"{other:.4f} s",
                    f"{other / mine:.1f}",
                    bar,
                    "" if bar == "-" else "met" if met else "MISSED",
                ]
            )
        return rows, good


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench-gdb", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--kernel", help="the lab's kernel (default: 6.1)")
    parser.add_argument(
        "--without-kernel", action="store_true", help="no vmlinux (20 s a round)"
    )
    parser.add_argument("--vmlinux", type=Path, help="of another kernel")
    # Of scripts/bench, which passes on what it is given.
    parser.add_argument("--without", action="append", help=argparse.SUPPRESS)
    parser.add_argument("--dump", help=argparse.SUPPRESS)
    options = parser.parse_args()
    vmlinux = options.vmlinux
    if options.without_kernel:
        vmlinux = None
    elif vmlinux is None and (lab := manifest.find(options.kernel)) is not None:
        vmlinux = lab.vmlinux
    if vmlinux is None:
        print("without a kernel", file=sys.stderr)
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(vmlinux, Path(directory))
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            bench.one_round()
        rows, good = bench.table()
    print_table(rows)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
