"""The project's figures, ours beside those of upstream's wheel, GDB and crash.

All contenders take part in one run, in turns, so that a busy machine is busy for each
of them; a figure is the median of its rounds. Starts and stack traces are wall clock,
other figures CPU time. Exit status 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lab import manifest
from oracle import venv

from bench_scripts import (
    API,
    COMMANDS,
    REFCOUNT_BY_ARRAYS,
    REFCOUNT_BY_OBJECTS,
    SCANS,
    SCANS_BY_ARRAYS,
    STACKS,
    TIME_SCANS,
)

US, UPSTREAM, GDB, CRASH = "pydrgn", "drgn", "gdb", "crash"


class Run(NamedTuple):
    """``seconds``: wall clock. ``peak``: resident set size in MB. ``said``: stdout."""

    seconds: float
    peak: float
    said: str


def run(
    command: list[str | Path],
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Run a process to its end. Raises CalledProcessError if it fails."""
    words = [str(word) for word in command]
    variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    variables |= environment or {}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as given:
        given.write(stdin)
        given.seek(0)
        start = time.perf_counter()
        process = subprocess.Popen(
            words, stdin=given, stdout=output, stderr=subprocess.STDOUT, env=variables
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words, said)
    return Run(seconds, usage.ru_maxrss / 1024, said)


Medians = dict[str, float]


class Figure(NamedTuple):
    """One row: what is measured, the bar in words, and whether medians meet it."""

    name: str
    unit: str
    bar: str
    judge: Callable[[Medians], bool]


def at_most(factor: float, other: str) -> Callable[[Medians], bool]:
    """Ours is at most ``factor`` of the other's; true where the other is not there."""
    return lambda medians: (
        other not in medians or medians[US] <= factor * medians[other]
    )


SECOND = Figure(
    "second start to first type", "s", "0.6 of drgn", at_most(0.6, UPSTREAM)
)
PEAK = Figure("its peak memory", "MB", "drgn's", at_most(1, UPSTREAM))
FIRST = Figure(
    "first start ever, compiling", "s", "15 s", lambda medians: medians[US] < 15
)
UNCACHED = Figure(
    "first start, index not cached",
    "s",
    "2.5 of drgn, 0.1 of gdb",
    lambda medians: at_most(2.5, UPSTREAM)(medians) and at_most(0.1, GDB)(medians),
)
STACK_TRACES = Figure("all stack traces", "s", "8 of drgn", at_most(8, UPSTREAM))
REFCOUNTS = Figure(
    "_refcount of every page", "s", "0.05 of drgn", at_most(0.05, UPSTREAM)
)
FIGURES = [SECOND, PEAK, FIRST, UNCACHED, STACK_TRACES, REFCOUNTS]


def _no_bar(medians: Medians) -> bool:
    return True


#: What `API` searches for in all memory.
SEARCHES = (
    "bytes",
    "a regular expression",
    "a u16",
    "a u32",
    "a u64, bits ignored",
    "words in a range",
)
API_FIGURES = {
    figure.name: figure
    for figure in (
        Figure("obj.member", "us", "-", _no_bar),
        Figure("obj.member.value_()", "us", "drgn's", at_most(1, UPSTREAM)),
        Figure("list_for_each_entry, an entry", "us", "drgn's", at_most(1, UPSTREAM)),
        Figure("prog.type()", "us", "-", _no_bar),
        Figure("prog.symbol(name)", "us", "-", _no_bar),
        Figure("str(init_task)", "s", "2 of drgn", at_most(2, UPSTREAM)),
        *(
            Figure(f"search for {what}", "s", "drgn's", at_most(1, UPSTREAM))
            for what in SEARCHES
        ),
        Figure("crash kmem -s, the first command", "s", "drgn's", at_most(1, UPSTREAM)),
        Figure("crash kmem -s", "s", "drgn's", at_most(1, UPSTREAM)),
        Figure("crash kmem -p", "s", "0.1 of drgn", at_most(0.1, UPSTREAM)),
    )
}
FIGURES += API_FIGURES.values()

SCAN_NAMES = {
    "allocated": "allocated dentries",
    "usage": "usage of all slab caches",
    "flags": "flags of all pages",
    "vmas": "VMAs of all tasks",
    "inodes": "inodes of a superblock",
}


class ScanFigures(NamedTuple):
    """Of a scan by its iterator and by arrays, the first time and later."""

    first: Figure
    again: Figure
    first_by_arrays: Figure
    again_by_arrays: Figure


SCAN_FIGURES = {
    name: ScanFigures(
        Figure(f"{name}, first", "s", "-", _no_bar),
        Figure(name, "s", "drgn's", at_most(1, UPSTREAM)),
        Figure(f"{name}, arrays, first", "s", "-", _no_bar),
        Figure(f"{name}, arrays", "s", "0.1 of drgn", at_most(0.1, UPSTREAM)),
    )
    for name in SCAN_NAMES.values()
}
FIGURES += [figure for figures in SCAN_FIGURES.values() for figure in figures]


class Bench:
    """Measures on one dump."""

    def __init__(
        self,
        dump: Path,
        vmlinux: Path,
        oracle: Path,
        others: list[str],
        directory: Path,
    ) -> None:
        self.dump = dump
        self.vmlinux = vmlinux
        self.drgn = {US: Path(sys.executable).parent / "drgn", UPSTREAM: oracle}
        self.others = others
        self.directory = directory
        self.gdb_index = (
            "-iex", f"set index-cache directory {directory}",
            "-iex", "set index-cache enabled on",
        )  # fmt: skip
        self.samples: dict[str, dict[str, list[float]]] = {
            figure.name: {} for figure in FIGURES
        }

    def start(self, who: str, **environment: str) -> Run:
        """From nothing to the first type."""
        return run(
            [self.drgn[who], "-q", "-c", self.dump, "-s", self.vmlinux,
             "-e", 'prog.type("struct task_struct")'],
            environment=environment,
        )  # fmt: skip

    def start_gdb(self, *options: str) -> Run:
        return run(
            ["gdb", "-nx", "-batch", *options, "-ex", "ptype struct task_struct",
             self.vmlinux]
        )  # fmt: skip

    def start_crash(self) -> Run:
        return run(
            ["crash", "-s", self.vmlinux, self.dump],
            stdin="struct task_struct\nquit\n",
        )

    def script(self, who: str, text: str) -> str:
        """What a script prints."""
        path = self.directory / "script.py"
        path.write_text(text)
        return run(
            [self.drgn[who], "-q", "-c", self.dump, "-s", self.vmlinux, path]
        ).said

    def seconds(self, who: str, text: str) -> float:
        """Seconds that a script says it took: the first word it prints."""
        return float(self.script(who, text).split()[0])

    def empty(self) -> str:
        return tempfile.mkdtemp(dir=self.directory)

    def warm_up(self) -> None:
        """Fill our caches and those of GDB and of the machine."""
        # The first time, loops are compiled; with an index there is no need of them.
        self.start(US, PYDRGN_CACHE_DIR=self.empty())
        self.start(US)
        self.start(UPSTREAM)
        if GDB in self.others:
            self.start_gdb(*self.gdb_index)

    def one_round(self) -> None:
        for who in (US, UPSTREAM):
            self.add_start(who, self.start(who))
        if GDB in self.others:
            self.add_start(GDB, self.start_gdb(*self.gdb_index))
            self.add(UNCACHED, GDB, self.start_gdb().seconds)
        if CRASH in self.others:
            self.add_start(CRASH, self.start_crash())
        uncached = self.start(US, PYDRGN_CACHE_DIR=self.empty())
        self.add(UNCACHED, US, uncached.seconds)
        # Upstream has no cache: each of its starts is a first one.
        self.add(UNCACHED, UPSTREAM, self.start(UPSTREAM).seconds)
        first = self.start(
            US, PYDRGN_CACHE_DIR=self.empty(), NUMBA_CACHE_DIR=self.empty()
        )
        self.add(FIRST, US, first.seconds)
        for who in (US, UPSTREAM):
            self.add(STACK_TRACES, who, self.seconds(who, STACKS))
            said = self.script(who, API) + self.script(who, COMMANDS)
            for line in said.splitlines():
                name, _, cost = line.partition(";")
                self.add(API_FIGURES[name], who, float(cost))
        self.scans()
        self.add(REFCOUNTS, US, self.seconds(US, REFCOUNT_BY_ARRAYS))
        self.add(REFCOUNTS, UPSTREAM, self.seconds(UPSTREAM, REFCOUNT_BY_OBJECTS))

    def scans(self) -> None:
        results = {}
        for who, text in (
            (US, SCANS),
            (UPSTREAM, SCANS),
            ("arrays", SCANS_BY_ARRAYS),
        ):
            said = self.script(US if who == "arrays" else who, text + TIME_SCANS)
            for line in said.splitlines():
                name, first, again, result = line.split(";")
                figures = SCAN_FIGURES[SCAN_NAMES[name]]
                if results.setdefault(name, result) != result:
                    raise AssertionError(f"{name}: {results[name]}, {who}: {result}")
                if who != "arrays":
                    self.add(figures.first, who, float(first))
                    self.add(figures.again, who, float(again))
                if who != US:
                    other = UPSTREAM if who == UPSTREAM else US
                    self.add(figures.first_by_arrays, other, float(first))
                    self.add(figures.again_by_arrays, other, float(again))

    def add_start(self, who: str, start: Run) -> None:
        self.add(SECOND, who, start.seconds)
        self.add(PEAK, who, start.peak)

    def add(self, figure: Figure, who: str, value: float) -> None:
        self.samples[figure.name].setdefault(who, []).append(value)

    def table(self) -> tuple[list[list[str]], bool]:
        """Rows of medians, our ratio to upstream's, verdicts; are all bars met?"""
        rows = [["figure", US, UPSTREAM, GDB, CRASH, "ours / drgn", "bar: at most", ""]]
        good = True
        for figure in FIGURES:
            medians = {
                who: statistics.median(values)
                for who, values in self.samples[figure.name].items()
            }
            met = figure.judge(medians)
            good = good and met
            cells = [
                f"{medians[who]:.3g} {figure.unit}" if who in medians else "-"
                for who in (US, UPSTREAM, GDB, CRASH)
            ]
            ratio = medians[US] / medians[UPSTREAM] if UPSTREAM in medians else None
            rows.append(
                [
                    figure.name,
                    *cells,
                    f"{ratio:.3f}" if ratio is not None else "-",
                    figure.bar,
                    "" if figure.bar == "-" else "met" if met else "MISSED",
                ]
            )
        return rows, good


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of cells, the columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        print("  ".join(cell.ljust(width) for cell, width in cells).rstrip())


def parse_arguments() -> tuple[argparse.Namespace, Path, Path, Path]:
    """The options; a dump, its vmlinux, and upstream's ``drgn``."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--kernel", help="the lab's kernel (default: 6.1)")
    parser.add_argument(
        "--dump",
        default="live.elf",
        help="a dump of the lab, or with --vmlinux any file (default: %(default)s)",
    )
    parser.add_argument("--vmlinux", type=Path, help="of a dump that no lab has")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=[GDB, CRASH],
        help="leave one out (gdb takes 20 s a round)",
    )
    options = parser.parse_args()
    dump, vmlinux = Path(options.dump), options.vmlinux
    if vmlinux is None:
        lab = manifest.find(options.kernel)
        if lab is None:
            parser.error("there is no lab of that kernel: run scripts/kernel-lab")
        if len(lab.dumps.get(options.dump, ())) != 1:
            parser.error(f"--dump is one of {', '.join(lab.dumps)}, in one file")
        dump, vmlinux = lab.dump(options.dump), lab.vmlinux
    try:
        oracle = venv.install()
    except venv.OracleError as error:
        parser.error(str(error))
    return options, dump, vmlinux, oracle


def installed_others(without: Sequence[str]) -> list[str]:
    """Which of GDB and crash take part; what is missing is said."""
    others = []
    for program in (GDB, CRASH):
        if program in without:
            continue
        if shutil.which(program):
            others.append(program)
        else:
            print(f"without {program}, which is not installed", file=sys.stderr)
    return others


def main() -> int:
    options, dump, vmlinux, oracle = parse_arguments()
    others = installed_others(options.without)
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(dump, vmlinux, oracle, others, Path(directory))
        try:
            bench.warm_up()
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
                bench.one_round()
        except subprocess.CalledProcessError as error:
            print(f"{error}\n{error.output[-2000:]}", file=sys.stderr)
            return 1
        rows, good = bench.table()
    print(
        f"{dump}, {vmlinux.name}, {os.cpu_count()} processors, "
        f"{options.rounds} rounds, medians"
    )
    print_table(rows)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
