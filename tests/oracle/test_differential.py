"""Each script of ``cases/`` under upstream's wheel and us, on the lab's dumps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from lab import manifest
from lab.manifest import Lab

from oracle import runner
from oracle.runner import (
    ENTRIES_OF_BT,
    NAMESPACE_FILES,
    TASK_STATES,
    USER_FRAMES,
    USER_FRAMES_OF_BT,
    ZOMBIES,
    Allowance,
)

CASES = Path(__file__).parent / "cases"

#: Dumps that upstream cannot read, and one of the same moment that it can. It takes the
#: physical addresses of QEMU's ELF dumps for virtual ones, so that on them a null
#: pointer has a target; flattened and split dumps it does not open.
SAME_MOMENT = {
    "live.elf": "live.kdump.zlib",
    "panic.elf": "panic.kdump.zlib",
    "la57.elf": "la57.kdump.zlib",
    "live.kdump-flat": "live.kdump.zlib",
    "live.kdump.split": "live.kdump.zlib",
    "panic.kdump-flat": "panic.kdump.zlib",
    "panic.kdump-flat-lzo": "panic.kdump.zlib",
    "panic.kdump-flat-snappy": "panic.kdump.zlib",
}
#: Every case runs on these; the others differ only in how they hold the same bytes.
MAIN_DUMPS = ("live.elf", "panic.elf", "la57.elf", "live.kdump.zlib")
ON_EVERY_DUMP = ("session", "stacks")
#: What helpers return and commands print depends on the kernel, hardly on the dump.
HELPERS = ("helpers_", "commands_")
DUMPS_FOR_HELPERS = ("live.elf", "panic.elf")
#: Cases that want the debug info of modules too.
WITH_MODULES = ("module_debug",)

ALLOWANCES: dict[str, tuple[Allowance, ...]] = {
    "stacks": (ZOMBIES, USER_FRAMES),
    "blocked": (USER_FRAMES,),
    "crash": (USER_FRAMES,),
    "commands_stacks": (USER_FRAMES_OF_BT, ENTRIES_OF_BT),
    "commands_kmem": (TASK_STATES,),
    "commands_system": (TASK_STATES, NAMESPACE_FILES),
    "commands_memory": (TASK_STATES,),
    "commands_session": (TASK_STATES,),
    "commands_types": (TASK_STATES,),
}

#: Cases that print the values of local variables.
WITH_ENTRY_VALUES = ("blocked", "locals")


class Dump(NamedTuple):
    lab: Lab
    name: str

    @property
    def arguments(self) -> list[str | Path]:
        """For us; the parts of a split dump find one another."""
        return self._arguments(self.name)

    @property
    def arguments_for_upstream(self) -> list[str | Path]:
        return self._arguments(SAME_MOMENT.get(self.name, self.name))

    def _arguments(self, name: str) -> list[str | Path]:
        dump = self.lab.dumps[name][0]
        return ["-q", "-c", dump, "-s", self.lab.vmlinux]


def runs() -> Iterator[object]:
    """(dump, case) pairs; one that says so where there is no lab."""
    cases = sorted(path.stem for path in CASES.glob("*.py"))
    found = False
    for lab in manifest.find_all():
        for name in lab.dumps:
            for case in cases:
                if case.startswith(HELPERS):
                    if name not in DUMPS_FOR_HELPERS:
                        continue
                elif case not in ON_EVERY_DUMP and name not in MAIN_DUMPS:
                    continue
                if case == "crash" and not name.startswith("panic"):
                    continue
                found = True
                yield pytest.param(
                    Dump(lab, name), case, id=f"{lab.kernel}-{name}-{case}"
                )
    if not found:
        reason = "no kernel lab: run scripts/kernel-lab"
        yield pytest.param(None, "", marks=pytest.mark.skip(reason=reason))


@pytest.mark.parametrize(("dump", "case"), list(runs()))
def test_same_output(dump: Dump, case: str, oracle: Path) -> None:
    script = CASES / f"{case}.py"
    symbols: list[str | Path] = []
    if case in WITH_MODULES:
        for path in dump.lab.module_files():
            symbols += ["-s", path]
    comparison = runner.compare(
        runner.upstream(*dump.arguments_for_upstream, *symbols, script),
        runner.ours(*dump.arguments, *symbols, script),
        ALLOWANCES.get(case, ()),
        entry_values=case in WITH_ENTRY_VALUES,
    )
    if not comparison.same:
        pytest.fail(comparison.report(), pytrace=False)
    assert comparison.ours.output, "the case printed nothing"
