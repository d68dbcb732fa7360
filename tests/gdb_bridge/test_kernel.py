"""A kernel in QEMU, moved by KASLR: GDB's prog is what a dump of that moment is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import keeper, manifest
from lab.keeper import SharedGuest
from lab.manifest import Lab

from drgn import Program
from drgn.engine.elf.file import open_elf
from drgn.engine.kernel.vmcoreinfo import Vmcoreinfo

HERE = Path(__file__).parent
TESTS = HERE.parent
CASES = TESTS / "oracle" / "cases"
NAMES = [path.stem for path in sorted(CASES.glob("*.py"))]
# The others want a crash, tell one from a live kernel, load modules by hand, pipe to
# programs, put other memory over the target's, or say what is wrong on standard error.
COMMANDS = ("commands_files", "commands_stacks", "commands_state")
OTHERS = ("crash", "types", "helpers_default", "helpers_made")
NAMES = [
    name
    for name in NAMES
    if name in COMMANDS or (name not in OTHERS and not name.startswith("commands_"))
]
ATTEMPTS = 5
"""How many GDBs may be needed: a step that is too slow ends one."""


class Visit:
    """What kernel/visit.py has seen in a guest, and the dumps that it took.

    Its steps are apart: what one of them did not see fails the tests that want it.
    """

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.lab = lab
        self.directory = directory
        self._facts: dict[str, Any] = {}
        if (directory / "facts.json").exists():
            self._facts = json.loads((directory / "facts.json").read_text())

    def is_done(self) -> bool:
        return bool(self._facts.get("done"))

    def __getitem__(self, name: str) -> Any:
        """A fact."""
        assert name in self._facts, self.what_failed()
        return self._facts[name]

    def shown(self, path: str) -> str:
        """What a script has shown: ``first/tasks``."""
        file = self.directory / path
        assert file.exists(), self.what_failed(path)
        return file.read_text()

    def what_failed(self, path: str | None = None) -> str:
        failed: dict[str, str] = self._facts.get("failed", {})
        if path in failed:
            return f"{path}: {failed[path]}"
        texts = [f"{name}: {text}" for name, text in failed.items()]
        return "\n".join([*texts, (self.directory / "errors").read_text()])

    def dump(self, name: str) -> Path:
        return self.directory / f"{name}.elf"

    def standalone(self, name: str, case: str) -> str:
        """What a script prints of a dump."""
        result = subprocess.run(
            [sys.executable, "-m", "drgn", "-q", "-c", self.dump(name),
             "-s", self.lab.vmlinux, *self.modules(), CASES / f"{case}.py"],
            env={**os.environ, "COLUMNS": "80"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return result.stdout

    def modules(self) -> list[str]:
        return [word for path in self.lab.module_files() for word in ("-s", str(path))]


VISITS = [lab.kernel for lab in manifest.find_all()] or ["none"]


@pytest.fixture(scope="session", params=VISITS)
def visit(
    request: pytest.FixtureRequest,
    kernel_gdb: Any,
    shared_guest: Callable[[Lab], SharedGuest],
) -> Visit:
    lab = manifest.find(request.param)
    if lab is None:
        pytest.skip("no kernel lab: run scripts/kernel-lab")
    guest = shared_guest(lab)
    directory = guest.directory / "visit"
    variables = {
        "VISIT": str(directory),
        "VISIT_CASES": json.dumps([str(CASES / f"{name}.py") for name in NAMES]),
        "VISIT_GDB": guest.gdb_socket,
        "VISIT_PYTHON": sys.executable,
        "VISIT_QMP": guest.qmp_socket,
        "VISIT_TESTS": str(TESTS),
    }
    with guest.lock():
        if not directory.exists():  # Once for all workers.
            directory.mkdir()
            for _ in range(ATTEMPTS):
                errors = _go_on(kernel_gdb, lab, variables)
                with (directory / "errors").open("a") as file:
                    file.write(errors)
                if Visit(lab, directory).is_done():
                    break
    return Visit(lab, directory)


def _go_on(kernel_gdb: Any, lab: Lab, variables: dict[str, str]) -> str:
    """Take the steps that were not taken; what was written to standard error."""
    command = f"source {HERE}/kernel/visit.py"
    try:
        # Its steps are limited, each of them.
        result = kernel_gdb(lab.vmlinux, command, variables=variables, seconds=1800)
        return str(result.err)
    except subprocess.TimeoutExpired as error:
        return f"{error}\n"


def test_kaslr(visit: Visit) -> None:
    info = Vmcoreinfo(visit["offset"].encode())
    dump = Program()
    dump.set_core_dump(visit.dump("first"))
    assert visit["offset"].encode() == dump["VMCOREINFO"].string_()
    assert info.kaslr_offset > 0
    assert visit["flags"] == 3  # IS_LINUX_KERNEL | IS_LIVE


def test_static(visit: Visit) -> None:
    assert visit["static"].startswith("struct list_head {\n")


@pytest.mark.parametrize("case", NAMES)
def test_same_as_the_dump(visit: Visit, case: str) -> None:
    shown = visit.shown(f"first/{case}")
    assert len(shown) > 50
    assert shown == visit.standalone("first", case)


@pytest.mark.parametrize("case", ["session", "stacks"])
def test_stopped_in_user_mode(visit: Visit, case: str) -> None:
    registers = visit["user mode"]
    assert registers["cs"] & 3 == 3
    if visit.lab.kernel == manifest.find_all()[0].kernel:
        assert registers["cr3"] & 1 << 12  # PTI: the user's page table.
    else:
        assert registers["cr4"] & 1 << 12  # LA57: five levels.
    assert visit.shown(f"user/{case}") == visit.standalone("user", case)


@pytest.mark.parametrize("case", ["session", "stacks"])
def test_without_physical_memory(visit: Visit, case: str) -> None:
    assert visit["virtual"] == visit["physical"][0]
    assert visit.shown(f"virtual/{case}") == visit.standalone("virtual", case)


def test_crash_commands(visit: Visit) -> None:
    shown, error, completed, name = visit["crash commands"]
    assert shown == "init_task.pid = (pid_t)0\n"
    assert error.endswith("nothing: command not found\n")
    assert completed == "drgn crash struct\n"
    assert name == "drgn crash\n"


def test_qemu_says_the_same(visit: Visit) -> None:
    assert visit.shown("qemu")
    assert visit.shown("qemu") == visit.shown("first/session")


def test_memory(visit: Visit) -> None:
    virtual, physical = visit["physical"]
    assert virtual == physical
    assert visit["physical mode"] == '"0"'
    assert (
        "could not find physical memory segment: 0x10000000000"
        in visit["beyond memory"]
    )
    assert "address is not mapped: 0x0" in visit["not mapped"]
    assert visit["written"] == ["written", "written"]


def test_the_selected_processor(visit: Visit) -> None:
    same, word = visit["selected"]
    assert same and word == "at"


def test_nothing_is_stale(visit: Visit) -> None:
    before, after = visit["jiffies"]
    assert after > before
    assert visit["same program"]
    same, static = visit["disconnected"]
    assert not same and static == visit["static"]


def test_symbols_of_gdb_itself(visit: Visit) -> None:
    offset = Vmcoreinfo(visit["offset"].encode()).kaslr_offset
    number = len(visit.lab.module_files())
    moved, added = visit["symbols"].splitlines()
    path, how_far = moved.split(" is moved by ")
    assert Path(path).samefile(visit.lab.vmlinux)  # GDB's has no links.
    assert how_far == f"{offset:#x}"
    assert added == f"symbols of {number} of {number} modules were added"
    assert visit["symbols again"] == f"symbols of 0 of {number} modules were added\n"
    same, comm, name, gdb_address, address, *of_a_cpu = visit["same address"]
    assert same
    assert of_a_cpu[0] == of_a_cpu[1]
    assert '"swapper/0' in comm
    assert re.match(r"loop_queue_rq in section \.text of .*/loop\.ko\n", name)
    assert gdb_address == address


def test_boot_reset_and_loss(kernel_gdb: Any, lab: Lab, tmp_path: Path) -> None:
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("no qemu-system-x86_64")
    for _ in range(3):
        with keeper.machine(lab, tmp_path, paused=True) as guest:
            variables = {
                "VISIT": str(tmp_path),
                "VISIT_GDB": guest.gdb_socket,
                "VISIT_PYTHON": sys.executable,
                "VISIT_QMP": guest.qmp_socket,
                "VISIT_TESTS": str(TESTS),
            }
            result = kernel_gdb(
                lab.vmlinux, f"source {HERE}/kernel/boot.py", variables=variables
            )
            if not guest.has_panicked:  # As it may on a busy machine.
                break
    assert "Traceback" not in result.err, result.err
    facts = json.loads((tmp_path / "facts.json").read_text())

    paging = "no kernel is running yet: paging is off"
    error, symbols, read = facts["first instruction"]
    assert error == f"error: _drgn.ObjectNotFoundError: {paging}\n"
    assert symbols == f"error: ValueError: {paging}\n"
    assert read.startswith("b'")
    errors, offset = facts["boot"]
    # The page tables with which it begins map a part of the kernel.
    early = "no kernel is running yet", "FaultError: address is not mapped"
    assert all(any(text in line for text in early) for line in errors)
    assert offset > 0

    reason, pc, schedule, hits, name = facts["breakpoint"]
    assert (reason, pc, hits, name) == (
        "StopReason.BREAKPOINT",
        schedule,
        1,
        "schedule",
    )

    before, after = facts["modules"]
    assert before < after

    same, error = facts["reset"]
    assert not same and "no kernel is running yet" in error
    again, same, comm = facts["again"]
    assert not same and comm.startswith("swapper")
    assert again > 0  # Seldom the same offset by chance.

    assert re.match(
        r"error: _drgn\.FaultError: could not read memory: .*\n", facts["lost"]
    )
    assert facts["lost"].count("\n") == 1
    assert facts["alive"][0].endswith(" = 2\n")
    assert facts["alive"][1].startswith("struct list_head {\n")
    assert (
        facts["old"] and "could not read memory: the guest is gone" in facts["old"][0]
    )


def test_another_vmlinux(
    kernel_gdb: Any,
    labs: list[Lab],
    shared_guest: Callable[[Lab], SharedGuest],
) -> None:
    if len(labs) < 2:
        pytest.skip("one kernel lab alone")
    running, other = labs[:2]
    guest = shared_guest(running)
    with guest.lock():
        result = kernel_gdb(
            other.vmlinux,
            f"target remote {guest.gdb_socket}",
            "echo --\\n",
            'drgn prog["init_task"].comm',
            "drgn-symbols",
        )  # fmt: skip
    errors = [line for line in result.err.splitlines() if "another kernel" in line]
    assert len(errors) == 2
    for lab in (other, running):
        assert f'"Linux version {lab.kernel} (' in errors[0]
    build_ids = re.findall("build ID ([0-9a-f]{40})", errors[0])
    assert build_ids == [
        (open_elf(lab.vmlinux).build_id or b"").hex() for lab in (other, running)
    ]
