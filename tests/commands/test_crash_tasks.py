"""The crash commands about tasks, against what the guest said of itself."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from guest_facts import times_tasks
from lab.manifest import Lab

from drgn import FaultError, Program, offsetof
from drgn.commands import CommandArgumentError, run_command
from drgn.helpers.linux.fs import for_each_file
from drgn.helpers.linux.pid import find_task, for_each_task
from drgn.helpers.linux.stack import kernel_stack_trace

from .crash_output import lines_of


def put_word(prog: Program, address: int, value: int) -> None:
    data = value.to_bytes(8, "little")
    prog.add_memory_segment(
        address, 8, lambda at, size, *_: data[at - address :][:size], False
    )


def pid(prog: Program, name: str) -> int:
    tasks = (t for t in for_each_task(prog) if t.comm.string_() == name.encode())
    number: int = next(tasks).pid.value_()
    return number


def status(lab: Lab, pid: Path) -> dict[str, str]:
    lines = (pid / "status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (x.partition(":") for x in lines)}


def processes(lab: Lab) -> Iterator[Path]:
    """Of each process that lived until the dump, what its directory in /proc had."""
    for path in (lab.facts / "proc").iterdir():
        if path.name.isdecimal() and (path / "status").exists():
            yield path


def ps_rows(lines: list[str]) -> dict[int, list[str]]:
    rows = [line.lstrip(">").split(None, 8) for line in lines[1:]]
    return {int(row[0]): row for row in rows}


def test_ps_lists_what_proc_had(live: Program, each_lab: Lab) -> None:
    lines = lines_of(live, "ps -G")
    titles = "PID PPID CPU TASK ST %MEM VSZ RSS COMM"
    assert lines[0].split() == titles.split()
    rows = ps_rows(lines)
    compared = 0
    for process in processes(each_lab):
        facts = status(each_lab, process)
        row = rows.get(int(process.name))
        if row is None or facts["Name"] == "cat":
            continue  # Gone by the time of the dump.
        is_kthread = facts.get("Kthread") == "1" or "VmSize" not in facts
        name = facts["Name"]
        if is_kthread and not facts["State"].startswith("Z"):
            # Names of kworkers in /proc also tell what they work on.
            assert row[8].startswith("[") and row[8].strip("[]")[:7] == name[:7]
        else:
            assert row[8] == name
            assert row[6] == facts.get("VmSize", "0 kB").split()[0]
        tracer = int(facts["TracerPid"])
        assert int(row[1]) == (tracer or int(facts["PPid"]))
        compared += 1
    assert compared > 80


def test_ps_states(live: Program, each_lab: Lab) -> None:
    rows = ps_rows(lines_of(live, "ps"))
    for name, state in (("zombie", "Z"), ("stopped", "T"), ("tracee", "t")):
        assert rows[pid(live, name)][4] == state
    assert rows[pid(live, "kthreadd")][8] == "[kthreadd]"


def test_ps_summary_counts_all(live: Program) -> None:
    counts = [int(line.split(": ")[1]) for line in lines_of(live, "ps -S")]
    assert sum(counts) == len(lines_of(live, "ps")) - 1


@pytest.mark.parametrize("options", ["", "-s", "-S", "-l", "-m", "-t", "-a", "-p"])
def test_ps_of_no_task(live: Program, options: str) -> None:
    lines = lines_of(live, f"ps {options} -k init")
    assert [line.split()[-1] for line in lines] == ["COMM"] * (options in ("", "-s"))


def test_ps_elapsed_where_a_cpu_is_offline(panicked: Program) -> None:
    if not times_tasks(panicked):
        pytest.skip("this kernel does not keep when tasks last ran")
    lines = lines_of(panicked, "ps -m")
    assert len(lines) == len(lines_of(panicked, "ps")) - 1
    pattern = re.compile(r"\[\d+ \d\d:\d\d:\d\d\.\d{3}\] \[\w\]  PID: \d+ +TASK: .*")
    assert all(pattern.fullmatch(line) for line in lines)
    # The guest ran for less than an hour.
    assert all(line.startswith("[0 00:") for line in lines)


def test_ps_arguments(live: Program, each_lab: Lab) -> None:
    cmdline = (each_lab.facts / "proc/1/cmdline").read_bytes()
    words = cmdline.rstrip(b"\0").replace(b"\0", b" ").decode()
    assert lines_of(live, "ps -a 1")[1] == f"ARG: {words}"


def test_ps_limits_and_times(live: Program, each_lab: Lab) -> None:
    lines = lines_of(live, "ps -r 1")
    assert lines[5].split() == ["STACK", "8388608", "(unlimited)"]
    assert len(lines) == 18
    times = dict(line.split(": ") for line in lines_of(live, "ps -t 1")[1:])
    assert re.match(r"00:0\d:\d\d", times["    RUN TIME"])
    fields = (each_lab.facts / "proc/1/stat").read_text().rsplit(") ")[1].split()
    # In hundredths of a second; the dump was a little later.
    assert 0 <= int(times["       UTIME"]) / 1e7 - int(fields[11]) < 300


def test_sig_against_status(live: Program, each_lab: Lab) -> None:
    compared = 0
    for process in processes(each_lab):
        if process.name not in ("1", "2") and "workload" not in process.name:
            continue
        facts = status(each_lab, process)
        lines = lines_of(live, f"sig {process.name}")
        assert lines[1].endswith(f"NR_THREADS: {facts['Threads']}")
        handlers = [line.split() for line in lines[3:67]]
        ignored = sum(
            1 << int(row[0].strip("[]")) - 1 for row in handlers if row[2] == "SIG_IGN"
        )
        assert f"{ignored:016x}" == facts["SigIgn"]
        compared += 1
    assert compared == 2


def test_vm_against_maps(live: Program, each_lab: Lab) -> None:
    number = pid(live, "map-memory")
    maps = (each_lab.facts / f"proc/{number}/maps").read_text().splitlines()
    expected = []
    for line in maps:
        start, end = line.split()[0].split("-")
        name = line.split(None, 5)[5] if len(line.split()) > 5 else ""
        if name.endswith("(deleted)"):
            name = "deleted"
        if "[vsyscall]" not in name:  # It has no area.
            expected.append((int(start, 16), int(end, 16), name))
    lines = lines_of(live, f"vm {number}")
    found = []
    for line in lines[4:]:
        row = line.split(None, 4)
        name = row[4] if len(row) > 4 else ""
        found.append((int(row[1], 16), int(row[2], 16), name))
    assert len(found) == len(expected) > 10
    for area, fact in zip(found, expected, strict=True):
        assert area[:2] == fact[:2]
        # What has no name any more is shown by its filesystem.
        assert area[2] == fact[2] or (fact[2] == "deleted" and area[2])


def test_vm_goes_on_after_a_task_without_memory(live: Program) -> None:
    lines = lines_of(live, "vm 2 99999 abcdef 1")
    assert [line for line in lines if line[:3] in ("PID", "no ", "inv")] == [
        lines_of(live, "ps -p 2")[1].strip(),
        "no such process with PID 99999",
        "invalid task_struct: 0xabcdef",
        lines_of(live, "ps -p 1")[1].strip(),
    ]


def test_files_against_proc(live: Program, each_lab: Lab) -> None:
    number = pid(live, "wait-files")
    listing = (each_lab.facts / f"proc/{number}/fd").read_text().splitlines()
    expected = {}
    for line in listing:
        match = re.search(r"(\d+) -> (.*)$", line)
        if match:
            expected[int(match[1])] = match[2].removesuffix(" (deleted)")
    assert len(expected) > 5
    found = {}
    for line in lines_of(live, f"files {number}")[3:]:
        row = line.split(None, 5)
        found[int(row[0])] = row[5]
    for fd, path in expected.items():
        if path.startswith("/"):
            assert found[fd] == path
        else:  # A pipe or the like.
            assert found[fd].startswith("[")
    assert set(found) == set(expected)


def test_files_of_all_tasks(live: Program) -> None:
    lines = lines_of(live, "foreach files")
    tasks = lines_of(live, "ps -H")
    assert sum(line.startswith("PID: ") for line in lines) == len(tasks)
    zombie = lines_of(live, f"files {pid(live, 'zombie')}")
    assert zombie[1:] == ["No open files"]
    assert lines_of(live, "files 2")[1:] == ["ROOT: /  CWD: /", "No open files"]


def test_files_of_reserved_descriptors(live: Program) -> None:
    # A thread of it waits in accept(), which has reserved a descriptor.
    number = pid(live, "sockets")
    lines = lines_of(live, f"files {number}")
    assert len(lines) - 3 == len(list(for_each_file(find_task(live, number))))


def test_fuser(live: Program, each_lab: Lab) -> None:
    number = pid(live, "wait-files")
    lines = lines_of(live, "fuser /mnt/ext4")
    assert lines[0].split() == ["PID", "TASK", "COMM", "USAGE"]
    task = find_task(live, number).value_()
    assert [line.split() for line in lines[1:]] == [
        [str(number), f"{task:x}", '"wait-files"', "fd"]
    ]
    inode = dict(for_each_file(find_task(live, number)))[8].f_inode.value_()
    assert lines_of(live, f"fuser {inode:x}") == lines
    busybox = [line.split()[3:] for line in lines_of(live, "fuser /bin/busybox")[1:]]
    assert busybox and all(usage == ["mmap"] for usage in busybox)
    roots = lines_of(live, "fuser /")[1:]
    assert any(line.split()[3:] == ["root", "cwd"] for line in roots)
    assert lines_of(live, "fuser /nosuch") == ["No users of /nosuch found"]


@pytest.mark.parametrize("name", ["UN D", "ZO Z", "ST T", "IN S"])
def test_foreach_takes_the_states_of_crash(live: Program, name: str) -> None:
    theirs, ours = name.split()
    lines = lines_of(live, f"foreach {theirs} ps")
    assert len(lines) > 1
    assert lines == lines_of(live, f"foreach {ours} ps")


def test_foreach_stacks_of_all(live: Program) -> None:
    lines = lines_of(live, "foreach bt")
    tasks = lines_of(live, "ps -H")
    assert sum(line.startswith("PID: ") for line in lines) == len(tasks)


def test_foreach_vtop(live: Program) -> None:
    code = live.symbol("schedule").address
    lines = lines_of(live, f"foreach 1 2 vtop {code:x}")
    expected = lines_of(live, f"vtop {code:x}")
    assert lines == [
        lines_of(live, "ps -p 1")[1].strip(), *expected, "",
        lines_of(live, "ps -p 2")[1].strip(), *expected,
    ]  # fmt: skip
    start = find_task(live, 1).mm.arg_start.value_()
    user = lines_of(live, f"foreach 1 2 vtop {start:x}")
    assert user[2] == lines_of(live, f"vtop -c 1 {start:x}")[1] != user[-1]
    assert user[-1].endswith("(not accessible)")


def test_bt_returns_the_last_stack(live: Program) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        for line in ("bt 2", "bt 1 2", "foreach 1 2 bt", "bt -f 2 | cat"):
            stack = run_command(live, f"crash {line}")
            assert str(stack) == str(kernel_stack_trace(live, 2))
        assert run_command(live, "crash bt --drgn 2") is None


def test_bt_of_a_zombie(live: Program) -> None:
    header, *lines = lines_of(live, f"bt {pid(live, 'zombie')}")
    assert header.startswith("PID: ")
    if find_task(live, pid(live, "zombie")).stack:
        # PREEMPT_RT's patches before 5.15 let it go only with the task.
        assert any("do_task_dead" in line for line in lines)
    else:
        assert lines[0].startswith("(no stack trace: stack of task is freed")


def test_bt_variables(panicked: Program) -> None:
    lines = lines_of(panicked, "bt -V")
    assert '    buf = (char [1024])"sysrq triggered crash"' in lines
    assert lines == lines_of(panicked, "bt -V -p")


def test_bt_ends_at_the_user_frame(live: Program) -> None:
    text = "\n".join(lines_of(live, "foreach user bt"))
    pcs = re.findall(r" at ([0-9a-f]+)", text)
    assert len(pcs) > 100
    assert all(int(pc, 16) >> 63 for pc in pcs)


def test_context_of_a_dump_without_a_panic(scratch: Program) -> None:
    for line in ("bt", "files", "vm", "sig", "task comm"):
        assert lines_of(scratch, line)[0].startswith("PID: "), line


def test_no_task_has_panicked(live: Program) -> None:
    with pytest.raises(LookupError, match="panic_cpu is not set"):
        lines_of(live, "bt -p")


@pytest.mark.parametrize("command", ["bt", "files", "sig", "task", "vm"])
def test_no_such_task(live: Program, command: str) -> None:
    assert lines_of(live, f"{command} 99999") == ["no such process with PID 99999"]
    for address in ("dead", "ffff888000000008", "ffffffffffffffff"):
        expected = f"invalid task_struct: {int(address, 16):#x}"
        assert lines_of(live, f"{command} {address}") == [expected]


@pytest.mark.parametrize(
    "line",
    [
        "ps -C 0",
        "ps '['",
        "ps -s -p",
        "bt -a -c 0",
        "bt -f -F",
        "files -d 1 -c",
        "files -d 1 -p 1",
        "sig -g -l",
        "foreach",
        "foreach R D ps",
        "foreach kernel user ps",
        "foreach 1 bt -a",
    ],
)
def test_wrong_arguments(live: Program, line: str) -> None:
    with pytest.raises(CommandArgumentError), contextlib.redirect_stderr(io.StringIO()):
        lines_of(live, line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ps -y xx", "invalid scheduling policy: xx"),
        ("ps -l -C 99", "99"),
        ("bt -c 99", "99"),
        ("sig -s 10000000000000000", "64 bits"),
        ("sig -s -1", "negative"),
    ],
)
def test_wrong_values(live: Program, line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lines_of(live, line)


def test_cycles_end(scratch: Program) -> None:
    init = find_task(scratch, 1)
    kthreadd = find_task(scratch, 2)
    # Each is the other's parent.
    put_word(scratch, init.parent.address_ or 0, kthreadd.value_())
    put_word(scratch, kthreadd.parent.address_ or 0, init.value_())
    assert len(lines_of(scratch, "ps -p 1")) == 1000
    # A list of children that never comes back to its head.
    child = init.children.next.value_()
    put_word(scratch, child, child)
    with pytest.raises(Exception, match="list|cycle|loop") as caught:
        lines_of(scratch, "ps -c 1")
    assert type(caught.value).__module__.startswith("drgn")


def test_wild_pointers(scratch: Program) -> None:
    init = find_task(scratch, 1)
    put_word(scratch, init.mm.address_ or 0, 0xDEADBEEF00000000)
    assert lines_of(scratch, "ps 1")[1].split()[6:8] == ["0", "0"]
    assert lines_of(scratch, "ps -a 1")[1:] == [
        "ARG: (not in memory)",
        "ENV: (not in memory)",
    ]
    with pytest.raises(FaultError):
        lines_of(scratch, "vm 1")
    put_word(scratch, init.files.address_ or 0, 0xDEADBEEF00000000)
    with pytest.raises(FaultError):
        lines_of(scratch, "files 1")
    # Of many tasks, the others are shown.
    table = 0xDEADBEEF00000000 + offsetof(scratch.type("struct files_struct"), "fdt")
    for line in ("files 1 2", "foreach 1 2 files", "foreach 1 2 files -R nosuch"):
        lines = lines_of(scratch, line)
        damaged = [text for text in lines if text.startswith("(task ")]
        assert damaged == [
            f"(task {init.value_():x}: address is not mapped: {table:#x})"
        ]
        assert lines[-1] == "No open files" or line.endswith("nosuch")
    assert lines_of(scratch, "vm 1 2")[-1].split()[:2] == ["0", "0"]


def test_threads_share_their_memory(live: Program) -> None:
    rows = ps_rows(lines_of(live, "ps"))
    leader, thread = rows[pid(live, "threads")], rows[pid(live, "thread-0")]
    assert leader[5:8] == thread[5:8]
    assert int(leader[7]) > 0
