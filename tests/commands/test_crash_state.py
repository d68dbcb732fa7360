"""The crash commands about the system's state, against what the guest said of it."""

from __future__ import annotations

import contextlib
import io
import re

import pytest
from guest_facts import has_modules, needs_modules, shows_times
from lab.manifest import Lab

from drgn import FaultError, Program, Symbol, SymbolBinding, SymbolKind
from drgn.helpers.linux.pid import find_task, for_each_task
from drgn.helpers.linux.wait import waitqueue_for_each_entry

from .crash_output import lines_of


def fact(lab: Lab, name: str) -> list[str]:
    return (lab.facts / name).read_text().splitlines()


def test_log_against_dmesg(live: Program, each_lab: Lab) -> None:
    facts = fact(each_lab, "proc/dmesg")
    assert len(facts) > 300
    # The guest wrote it down a little before the dump.
    bare = [re.sub(r"^\[ *\d+\.\d+\] ", "", line) for line in facts]
    assert lines_of(live, "log -t")[: len(facts)] == bare
    lines = lines_of(live, "log" if shows_times(live) else "log -t")
    assert lines[0] == facts[0]
    # The guest's dmesg repeats a message's time on each of its lines.
    for line, *expected in zip(lines, facts, bare, strict=False):
        assert line in expected
    date = r"\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \w+ \d{4}\] Linux version"
    assert re.match(date, lines_of(live, "log -T")[0])


def test_mod_against_proc(live: Program, each_lab: Lab) -> None:
    expected = []
    for line in fact(each_lab, "proc/modules"):
        name, size, *_, address = line.split()[:6]
        expected.append((name, int(size), int(address, 16)))
    rows = [line.split() for line in lines_of(live, "mod")[1:]]
    assert [(row[1], int(row[3]), int(row[2], 16)) for row in rows] == expected
    assert all(row[4:6] == ["(not", "loaded)"] for row in rows)


def test_mod_loads_debug_info(scratch: Program, each_lab: Lab) -> None:
    needs_modules(scratch)
    path = next(p for p in each_lab.module_files() if p.name.startswith("loop."))
    (row,) = lines_of(scratch, f"mod -s loop {path}")[1:]
    assert row.split()[1] == "loop" and row.endswith(str(path))
    assert scratch.type("struct loop_device").has_member("lo_number")
    rows = lines_of(scratch, f"mod -S {each_lab.debug_modules}")[1:]
    assert len(rows) == len(fact(each_lab, "proc/modules"))
    assert not any("not loaded" in row for row in rows)


def test_mod_of_no_module_or_file(live: Program) -> None:
    with pytest.raises(LookupError, match="'nosuch'"):
        lines_of(live, "mod -s nosuch")
    if has_modules(live):
        with pytest.raises(FileNotFoundError, match=r"/nosuch\.ko"):
            lines_of(live, "mod -s loop /nosuch.ko")
    with pytest.raises(FileNotFoundError, match="/nosuch"):
        lines_of(live, "mod -S /nosuch")
    assert lines_of(live, "mod -t") == ["no tainted modules"]


def test_sys_against_uname(live: Program, each_lab: Lab) -> None:
    lines = dict(line.split(": ", 1) for line in lines_of(live, "sys"))
    values = {name.strip(): value for name, value in lines.items()}
    version = fact(each_lab, "proc/version")[0]
    assert values["RELEASE"] == each_lab.kernel == version.split()[2]
    assert version.endswith(values["VERSION"])
    file, *tainted = values["KERNEL"].split("  ")
    assert file in (str(each_lab.vmlinux), str(each_lab.vmlinux.resolve()))
    taints = fact(each_lab, "proc/sys/kernel/tainted")[0]
    assert tainted == ([] if taints == "0" else ["[TAINTED]"])
    assert values["DUMPFILE"] == str(each_lab.dump("live.elf").resolve())
    assert values["CPUS"] == "2"
    up = float(fact(each_lab, "proc/uptime")[0].split()[0])
    hours, minutes, seconds = map(int, values["UPTIME"].split(":"))
    assert 0 <= hours * 3600 + minutes * 60 + seconds - int(up) < 600
    total = fact(each_lab, "proc/meminfo")[0].split()
    assert values["MEMORY"] == f"{int(total[1]) / 1024:.1f}M"
    assert int(values["TASKS"]) == len(list(for_each_task(live, idle=True)))
    assert "PANIC" not in values


def test_sys_of_a_panic(panicked: Program) -> None:
    lines = lines_of(panicked, "sys")
    assert lines[2].strip() == "CPUS: 2 [OFFLINE: 1]"
    # PREEMPT_RT's patches for 5.10 log the reason as a line of its own.
    assert lines[-1].strip() in (
        'PANIC: "Kernel panic - not syncing: sysrq triggered crash"',
        'PANIC: "Kernel panic - not syncing:"',
        'PANIC: "Kernel panic - not syncing: Fatal exception"',  # before 5.5
    )


def test_mach(live: Program, panicked: Program, each_lab: Lab) -> None:
    lines = dict(line.split(": ", 1) for line in lines_of(live, "mach"))
    values = {name.strip(): value for name, value in lines.items()}
    assert values["MACHINE TYPE"] == "x86_64"
    assert values["PAGE SIZE"] == "4096"
    assert values["HZ"] == "250"
    assert values["KERNEL STACK SIZE"] == "16384"
    mhz = re.findall(
        r"^cpu MHz\s*: (\d+)", "\n".join(fact(each_lab, "proc/cpuinfo")), re.M
    )
    assert values["PROCESSOR SPEED"] == f"{mhz[0]} MHz"
    assert "IRQ STACK OF CPU 1" in values and "NMI STACK OF CPU 0" in values
    assert lines_of(panicked, "mach")[2].strip() == "CPUS: 2 [OFFLINE: 1]"


def test_mach_memory_map(live: Program, each_lab: Lab) -> None:
    log = "\n".join(fact(each_lab, "proc/dmesg"))
    firmware = re.findall(r"BIOS-e820: \[mem 0x(\w+)-0x(\w+)\] +(.+)", log)
    # Usable memory is called System RAM since Linux 7.
    usable = ("usable", "System RAM")
    ram = [(int(a, 16), int(b, 16) + 1) for a, b, kind in firmware if kind in usable]
    found = []
    for line in lines_of(live, "mach -m")[1:]:
        start, _, end, kind = line.split()
        if kind == "E820_RAM":
            found.append((int(start, 16), int(end, 16)))
    # The kernel keeps the first page for itself.
    assert found[0] == (0x1000, ram[0][1]) and found[1:] == ram[1:]


def test_mach_cpuinfo(live: Program, each_lab: Lab) -> None:
    lines = lines_of(live, "mach -c")
    assert [line for line in lines if line.startswith("CPU ")] == ["CPU 0:", "CPU 1:"]
    assert any("AuthenticAMD" in line or "GenuineIntel" in line for line in lines)
    assert any("= (u16)0x" in line for line in lines_of(live, "mach -c -x"))


def test_timers_of_sleepers(live: Program, each_lab: Lab) -> None:
    lines = lines_of(live, "timer")
    assert lines[0] == "JIFFIES"
    jiffies = int(lines[1])
    assert any(line.endswith("<process_timeout>") for line in lines)
    for line in lines:
        row = line.split()
        if row and row[0].isdecimal() and len(row) > 3:
            assert int(row[0]) - jiffies == int(row[1])
    ticks = [line for line in lines_of(live, "timer -r") if "<hrtimer_wakeup>" in line]
    # A sleep of a million seconds.
    assert any(9.9e14 < int(line.split()[2]) < 1e15 for line in ticks)


def test_runq(live: Program, panicked: Program) -> None:
    # Each keeps a CPU busy, and hardly anything else runs.
    first, second = "\n".join(lines_of(live, "runq")).split("\n\n")
    assert '"spin-kernel"' in first and '"spin-user"' in second
    assert first.count("CURRENT: PID: ") == second.count("CURRENT: PID: ") == 1
    # The panic took one CPU offline, but its tasks are there.
    assert sum(line.startswith("CPU ") for line in lines_of(panicked, "runq")) == 2
    assert len(lines_of(panicked, "runq -T")) == 2


def _need_auditing(prog: Program) -> None:
    if "kauditd_wait" not in prog:
        pytest.skip("this kernel has no kauditd_wait (CONFIG_AUDIT)")


def test_waitq(live: Program) -> None:
    _need_auditing(live)
    (line,) = lines_of(live, "waitq kauditd_wait")
    assert line.endswith('COMMAND: "kauditd"')
    queue = find_task(live, 1).signal.wait_chldexit.address_
    assert lines_of(live, f"waitq {queue:x}") == [f"wait queue {queue:x} is empty"]
    with pytest.raises(LookupError, match="nosuch"):
        lines_of(live, "waitq nosuch")
    with pytest.raises(FaultError):
        lines_of(live, "waitq deadbeef00000000")


def test_waitq_with_an_entry_of_no_task(scratch: Program) -> None:
    # Such are epoll's, which say elsewhere whom to wake.
    _need_auditing(scratch)
    (entry,) = waitqueue_for_each_entry(scratch["kauditd_wait"].address_of_())
    address = entry.private.address_
    scratch.add_memory_segment(address, 8, lambda at, size, *_: bytes(size), False)
    (line,) = lines_of(scratch, "waitq kauditd_wait")
    assert line == "(an entry of no task, private: 0)"


CODE = (
    "ps", "ps -s 1", "ps -p 1", "ps -c 1", "ps -t 1", "ps -l 1", "ps -m 1", "ps -a 1",
    "ps -g 1", "ps -r 1", "ps -S", "ps -k", "ps -u -G", "ps -A", "ps -y FIFO",
    "ps init 2 'k.*d'", "task 1", "task -R comm,se.vruntime 1 2", "task -R pid",
    "bt", "bt 1 2", "bt -l 1", "bt -V 2", "bt -a", "bt -c 0", "bt -p", "bt 0",
    "bt -f", "bt -F -l 1 2", "bt -FF -V -a", "foreach bt", "foreach ps -s", "mod -S",
    "foreach user sig -g", "foreach active bt", "foreach D files -R dev",
    "foreach gleader vm", "foreach 1 2 ps -t", "foreach 1 set",
    "foreach 1 vtop ffffffff81000000", "foreach 1 vtop 1000", "files 1",
    "files -c -R init 1", "vm 1", "sig 1", "sig -l", "sig -s ff", "runq", "runq -T",
    "runq -m", "runq -t -c 0", "runq -g", "timer", "timer -r", "timer -C 1",
    "waitq kauditd_wait", "log", "log -T", "log -t", "sys", "mod", "mod -t", "mach",
    "mach -m", "mach -c", "fuser /init",
)  # fmt: skip


@pytest.mark.parametrize("line", CODE)
def test_code_runs(panicked: Program, line: str) -> None:
    if "kauditd_wait" in line:
        _need_auditing(panicked)
    if line.startswith(("ps -l", "ps -m", "runq -m", "runq -t")) and not (
        panicked.type("struct sched_info").has_member("last_arrival")
    ):
        pytest.skip("this kernel has no times of tasks (CONFIG_SCHED_INFO)")
    command, _, rest = line.partition(" ")
    code = "\n".join(lines_of(panicked, f"{command} --drgn {rest}")) + "\n"
    names: dict[str, object] = {"prog": panicked}
    with contextlib.redirect_stdout(io.StringIO()):
        from drgn import set_default_prog

        set_default_prog(panicked)
        try:
            exec(compile(code, line, "exec"), names)
        finally:
            set_default_prog(None)
    assert set(names) - {"prog", "__builtins__"}, code


@pytest.mark.parametrize(
    "form", ["schedule+{0:#x}/0xb2", "schedule+{0:#x}", "schedule+{0}"]
)
def test_sym_of_a_place_in_the_log(live: Program, form: str) -> None:
    start = live.symbol("schedule").address
    offset = next(
        i
        for i in range(live.symbol("schedule").size)
        if live.source_location(start + i)[0] != live.source_location(start)[0]
    )
    word = form.format(offset)
    where = live.source_location(start + offset)[0]
    assert lines_of(live, f"sym {word}") == [
        f"{start + offset:x} {word} {where.filename}: {where.line}"
    ]
    assert lines_of(live, f"sym -n {word}")[0] == lines_of(live, f"sym {word}")[0]
    assert (
        lines_of(live, f"sym nosuch_{word}")[0] == "symbol not found: nosuch_schedule"
    )


@pytest.mark.parametrize("noise", ["__kstrtab", "__crc_", ".L"])
def test_sym_of_what_lists_leave_out_has_no_neighbours(
    live: Program, noise: str
) -> None:
    symbols = (s for s in live.symbols() if s.name.startswith(noise))
    symbol = next(symbols, None)
    if symbol is None:  # __crc_ needs CONFIG_MODVERSIONS.
        pytest.skip(f"this kernel has no symbols that begin with {noise}")
    for options in ("", "-n", "-p", "-n -p"):
        (line,) = lines_of(live, f"sym {options} {symbol.name}")
        assert line.split()[1] == symbol.name


def test_sym_lists_no_hashes_of_types(scratch: Program) -> None:
    """Kernels built by clang with kCFI have symbols of which the values are hashes."""
    hashed = [
        Symbol(name, 0x13C1CB0B, 0, SymbolBinding.WEAK, SymbolKind.UNKNOWN)
        for name in ("__kcfi_typeid_proc_dobool", "typeid_proc_dobool")
    ]

    def find(
        prog: Program, name: str | None, address: int | None, one: bool
    ) -> list[Symbol]:
        return hashed if name is None and address is None else []

    scratch.register_symbol_finder("hashes", find, enable_index=0)
    assert lines_of(scratch, "sym -q typeid_proc") == ["13c1cb0b typeid_proc_dobool"]
