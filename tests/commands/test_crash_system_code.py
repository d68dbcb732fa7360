"""The code that ``--drgn`` prints runs, and leaves what the command prints."""

from __future__ import annotations

from typing import Any

import pytest
from guest_facts import counts_slabs
from lab.manifest import Lab

from drgn import FaultError, Program, get_default_prog, set_default_prog
from drgn.helpers.linux import find_task

from .crash_output import crash, rows, tables


def run_code(prog: Program, line: str) -> dict[str, Any]:
    """The variables that the code of a command leaves."""
    code = crash(prog, f"{line} --drgn")
    names: dict[str, Any] = {"prog": prog}
    try:
        old = get_default_prog()
    except Exception:
        old = None
    set_default_prog(prog)
    try:
        exec(compile(code, f"<{line}>", "exec"), names)
    finally:
        set_default_prog(old)
    return names


COMMANDS = """\
kmem -f
kmem -F
kmem -i
kmem -v
kmem -V
kmem -n
kmem -z
kmem -o
kmem -h
kmem -s
kmem -s -I dentry
kmem -s dentry filp -I filp
kmem -g
kmem -g 200
kmem ffff888000000000 0
dev
dev -i
dev -p
dev -d
dev -D
irq
irq 1 99999
irq -u
irq -d
irq -b
irq -a
irq -s
irq -s -c 0
ipcs
ipcs -m 0
ipcs -n 1
ipcs -n 1 0
ipcs ffff888000000000
mount
mount -n 1
net
net -a
swap
bpf
bpf -p 1
bpf -m 1
bpf -p 99
pte 13f600e 8000000001e001e3 0 8000000012345163
"""


@pytest.mark.parametrize("line", COMMANDS.splitlines())
def test_code_runs_and_prints_nothing(
    live: Program, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_code(live, line)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("option", ["-p", "-m flags,_refcount,lru.next"])
def test_code_about_pages_runs(live: Program, option: str) -> None:
    code = crash(live, f"kmem {option} --drgn")
    # All pages an Object at a time take seconds; some show as much.
    code = code.replace("for_each_page()", "islice(for_each_page(), 100)")
    code = code.replace(
        "for_each_valid_pfn_and_page()", "islice(for_each_valid_pfn_and_page(), 100)"
    )
    assert "islice" in code
    names: dict[str, Any] = {"prog": live}
    set_default_prog(live)
    try:
        exec("from itertools import islice\n" + code, names)
    finally:
        set_default_prog(None)
    assert names["page"].type_.type_name() == "struct page *"
    assert names["flags"].value_() >= 0


def test_code_leaves_what_is_printed(each_lab: Lab, live: Program) -> None:
    usage = crash(live, "kmem -i").splitlines()
    names = run_code(live, "kmem -i")
    assert usage[1].split()[2] == str(names["total_mem"])
    assert usage[2].split()[1] == str(names["free"])
    assert usage[5].split()[1] == str(names["cached"])
    assert usage[6].split()[1] == str(names["slab_usage"].total_pages)

    if counts_slabs(live):
        last = rows(crash(live, "kmem -s"))[-1]
        names = run_code(live, "kmem -s")
        counts = [str(names[each]) for each in ("allocated", "total", "slabs")]
        assert last[2:5] == counts
    names = run_code(live, "kmem -f")
    counts = names["expected_free_pages"], names["actual_free_pages"]
    counted, found = map(int, counts)
    # The CPUs keep some of the count to themselves for a while.
    line = "(verified)" if counted == found else f"(found {found})"
    assert f"nr_free_pages: {counted}  {line}" in crash(live, "kmem -f").splitlines()

    names = run_code(live, "mount")
    assert rows(crash(live, "mount"))[-1][4] == names["dirname"].decode()
    names = run_code(live, "ipcs -m 0")
    shm = rows(crash(live, "ipcs -m 0"))[0]
    assert shm[5] == str(names["bytes"].value_())
    names = run_code(live, "irq -s -c 1")
    assert rows(crash(live, "irq -s -c 1"))[-1][1] == str(names["counts"][0])
    names = run_code(live, "swap")
    assert rows(crash(live, "swap"))[-1][-1] == names["path"].decode()
    names = run_code(live, "bpf -m 1")
    (maps,) = tables(crash(live, "bpf -m 1"))
    assert f"MAX_ENTRIES: {names['max_entries'].value_()}" in "  ".join(maps[2])
    pte = run_code(live, "pte 12345067")
    assert pte["physical"] == 0x12345000
    assert pte["flags"] == ["PRESENT", "RW", "USER", "ACCESSED", "DIRTY"]
    task = find_task(live, 1)
    names = run_code(live, f"kmem {task.value_():x}")
    assert "task: 1 (" in str(names["identities"][0])
    names = run_code(live, f"mount -n {task.value_():x}")
    assert names["task"] == task


def test_code_finds_what_is_printed_of_tasks(live: Program) -> None:
    counts = [line.split(": ") for line in crash(live, "ps -S").splitlines()]
    names = run_code(live, "ps -S")
    assert names["counts"] == {state.strip(): int(count) for state, count in counts}
    # Without CONFIG_SCHED_INFO a kernel knows no times.
    timed = live.type("struct sched_info").has_member("last_arrival")
    for option, time in (("-l", "last_arrival"), ("-m", "elapsed_ns")) if timed else ():
        names = run_code(live, f"ps {option} -C 0")
        # Those of other CPUs come, too, and are left out.
        assert names["cpu"] == 0 and names["state"] in "RSDTtXZPI" and time in names
    assert "continue" not in crash(live, "ps -l --drgn")
    names = run_code(live, "bt 2")
    assert f"PID: {names['pid'].value_()} " in crash(live, "bt 2")
    assert names["command"].string_() == b"kthreadd"
    queues = crash(live, "runq")
    names = run_code(live, "runq")
    for name in ("prio_array", "rb_root"):
        assert f"{names[name].address_:x}" in queues
    assert names["current"].comm.string_().decode() in queues
    # The task that runs on a CPU is not one of those that wait.
    lines = [line for line in queues.splitlines() if line.startswith("     [")]
    if "prio" in names:
        last = f"     [{names['prio'].value_():3}] PID: {names['pid'].value_():<7}"
        assert any(line.startswith(last) for line in lines)
    names = run_code(live, "runq -g")
    assert f"CFS_RQ: {names['cfs_rq'].address_:x}" in crash(live, "runq -g")
    for option in ("-m", "-t") if timed else ():
        names = run_code(live, f"runq {option}")
        assert f"PID: {names['pid'].value_()} " in crash(live, f"runq {option}")


def test_code_finds_what_is_printed_of_the_system(live: Program) -> None:
    tainted = "[TAINTED]" in crash(live, "sys")
    assert bool(run_code(live, "sys")["taints"]) == tainted
    assert run_code(live, "eval 3m")["in_units"] == "3M"
    names = run_code(live, "timer -r -C 0")
    timers = crash(live, "timer -r -C 0").split()
    # Of the last timer; the last clocks have none.
    left, expires = (names[name].value_() for name in ("time_to_expiry", "expires"))
    assert {str(left), str(expires), str(expires - left)} <= set(timers)


@pytest.mark.parametrize(
    "dump", ["live.kdump.excluded", "live.kdump.split", "la57.elf"]
)
def test_dumps_of_other_kinds(each_lab: Lab, dump: str) -> None:
    """Without the pages that makedumpfile leaves out, in parts, with 5 levels."""
    prog = Program()
    prog.set_core_dump(each_lab.dumps[dump][0])
    prog.load_debug_info([each_lab.vmlinux])
    task = find_task(prog, 1)
    for line in (*COMMANDS.splitlines(), f"kmem {task.value_():x}", "kmem -p"):
        try:
            output = crash(prog, line)
        except FaultError:
            # What a table lacks is said after the rest.
            assert (dump, line) == ("live.kdump.excluded", "dev")
            continue
        assert (
            len(output.splitlines()) > 1
            or line in ("bpf -p 99", "dev -D")
            or (line.startswith(("kmem ffff", "ipcs ffff")))
        ), line
