"""The example scripts: what they print of the labs' dumps, and upstream's the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lab import manifest
from lab.manifest import Lab
from lab.parameters import lab_parameters
from oracle import runner, venv

EXAMPLES = Path(__file__).parents[2] / "scripts" / "examples"

each_lab = pytest.mark.parametrize("lab", list(lab_parameters()))


def _arguments(lab: Lab, dump: str, script: str, *more: str) -> list[str | Path]:
    return ["-q", "-c", lab.dump(dump), "-s", lab.vmlinux, EXAMPLES / script, *more]


def _output(lab: Lab, dump: str, script: str, *more: str) -> list[str]:
    answer = runner.ours(*_arguments(lab, dump, script, *more))
    assert (answer.errors, answer.status) == ("", 0)
    return answer.output


def _report(lab: Lab, dump: str, *parts: str) -> dict[str, Any]:
    text = "\n".join(_output(lab, dump, "vmcore_report.py", "--json", *parts))
    return {part["name"]: part for part in json.loads(text)["parts"]}


# They are scripts of upstream's API: its wheel runs them too.


@each_lab
@pytest.mark.parametrize(
    "script, arguments",
    [
        ("bpf_inspect.py", []),
        ("iocost_monitor.py", []),
        ("rcu_callbacks.py", ["--functions"]),
        ("vmcore_report.py", ["system", "memory", "modules", "mounts", "bpf"]),
    ],
)
@pytest.mark.parametrize("dump", ["live.kdump.zlib", "panic.kdump.zlib"])
def test_upstream_prints_the_same(
    lab: Lab, dump: str, script: str, arguments: list[str]
) -> None:
    if venv.find() is None:
        pytest.skip("no upstream wheel: run python -m oracle.venv in tests")
    command = _arguments(lab, dump, script, *arguments)
    theirs, ours = runner.upstream(*command), runner.ours(*command)
    for answer in theirs, ours:
        # Headings have times and are as long as they are.
        # Upstream does not find a program that a link attaches to a cgroup, nor where
        # a namespace file is mounted.
        answer.output[:] = [
            re.sub(r" \([\d.]+ s\)$|; cgroup_\w+ of cgroup \S+$", "", line)
            for line in answer.output
            if set(line) != {"-"}
            and not line.lstrip().startswith("nsfs ")
            and "CONFIG_SLUB_DEBUG" not in line  # which each says in its own words
        ]
    comparison = runner.compare(theirs, ours)
    assert comparison.same, comparison.report()


# vmcore_report.py


def _is_of_kernel(line: str) -> bool:
    """Whether a part is skipped of any dump of a kernel, as it was built."""
    return "CONFIG_SLUB_DEBUG" in line or "'struct sched_info' has no member" in line


@each_lab
def test_report_has_what_the_guest_said(lab: Lab) -> None:
    report = _report(lab, "live.elf")
    skipped = [line for part in report.values() for line in part["skipped"]]
    assert [line for line in skipped if not _is_of_kernel(line)] == []
    assert report["system"]["data"]["release"] == lab.kernel
    assert report["panic"]["data"]["message"] == "the kernel has not panicked"

    loaded = {line.split()[0] for line in lab.fact("proc/modules").splitlines()}
    modules = report["modules"]["data"]["modules"]
    assert {each["name"] for each in modules} == loaded
    assert all(int(each["address"], 16) >> 63 for each in modules)

    mounted = [line.split()[:3] for line in lab.fact("proc/mounts").splitlines()]
    found = [
        [each["source"], each["directory"], each["type"]]
        for each in report["mounts"]["data"]["mounts"]
        if each["type"] != "nullfs"
    ]
    # Btrfs asks its devices for the source, which the mount has not known since 6.8.
    for each in [*found, *mounted]:
        if each[2] == "btrfs":
            each[0] = ""
    assert sorted(found) == sorted(mounted)

    memory = report["memory"]["data"]
    total = re.search(r"MemTotal: +(\d+) kB", lab.fact("proc/meminfo"))
    assert total is not None
    assert memory["total"] == f"{int(total[1]) / 1024:.1f}M"
    slab = re.search(r"Slab: +(\d+) kB", lab.fact("proc/meminfo"))
    assert slab is not None
    # Writing it all down took more.
    grown = float(memory["slab"].removesuffix("M")) * 1024 / int(slab[1])
    assert 0.95 < grown < 2
    meminfo = lab.fact("proc/meminfo")
    huge = dict(re.findall(r"^Huge(?:Pages_|page)(\w+): +(\d+)", meminfo, re.M))
    for name, key in (("huge pages", "Total"), ("free huge pages", "Free")):
        number = int(huge.get(key, 0)) * int(huge.get("size", 0)) // 1024
        assert memory[name].removesuffix("M") == str(number)
    slabs = {line.split()[0] for line in lab.fact("proc/slabinfo").splitlines()[2:]}
    assert {cache["name"] for cache in memory["slab caches"]} <= slabs
    for cache in memory["slab caches"]:
        assert 0 < cache["used"] <= cache["objects"]


@each_lab
def test_report_of_a_panic(lab: Lab) -> None:
    report = _report(lab, "panic.elf", "system", "panic", "cpus", "blocked")
    panic = report["panic"]["data"]
    # PREEMPT_RT's patches for 5.10 log the reason as a line of its own.
    assert panic["message"] in (
        "Kernel panic - not syncing: sysrq triggered crash",
        "Kernel panic - not syncing:",
        "Kernel panic - not syncing: Fatal exception",  # before 5.5
    )
    assert panic["task"] == "1 (init)"
    assert any("sysrq: Trigger a crash" in line for line in panic["log"])
    stacks = report["cpus"]["data"]["stacks"]
    (crashed,) = [each for each in stacks if each["tasks"][0].startswith("1 (init), ")]
    assert any(frame.startswith("sysrq_handle_crash ") for frame in crashed["stack"])
    # The panic has stopped the other CPU, which is offline by that.
    assert sorted(each["tasks"][0].split(", ")[1] for each in stacks) == [
        "CPU 0",
        "CPU 1",
    ]
    assert report["system"]["data"]["CPUs"] == 2
    waiting = [
        who for each in report["blocked"]["data"]["stacks"] for who in each["tasks"]
    ]
    times = not any(map(_is_of_kernel, report["blocked"]["skipped"]))
    wanted = "(vfork-parent), for " if times else "(vfork-parent), blocked"
    assert any(wanted in who for who in waiting)


@each_lab
def test_report_of_a_kernel_that_does_not_say_how_long_tasks_wait(lab: Lab) -> None:
    """As one built without CONFIG_SCHED_INFO."""
    script = EXAMPLES / "vmcore_report.py"
    code = (
        "import runpy, sys\n"
        "import drgn.helpers.linux\n"
        "def task_since_last_arrival_ns(task): return task.sched_info.no_arrival\n"
        "drgn.helpers.linux.task_since_last_arrival_ns = task_since_last_arrival_ns\n"
        "sys.argv = ['', '--json', 'blocked']\n"
        f"runpy.run_path({str(script)!r}, {{'prog': prog}}, '__main__')\n"
    )
    command = ["-q", "-c", lab.dump("live.elf"), "-s", lab.vmlinux, "-e", code]
    answer = runner.ours(*command)
    assert (answer.errors, answer.status) == ("", 0)
    (part,) = json.loads("\n".join(answer.output))["parts"]
    missing = "'struct sched_info' has no member 'no_arrival'"
    assert part["skipped"] == [f"times: {missing}"]
    found = _report(lab, "live.elf", "blocked")["blocked"]["data"]["stacks"]
    stacks = part["data"]["stacks"]
    assert {tuple(group["stack"]) for group in stacks} == {
        tuple(group["stack"]) for group in found
    }
    assert all(
        "), blocked" in task and ", for " not in task
        for group in stacks
        for task in group["tasks"]
    )


@each_lab
@pytest.mark.parametrize("options", [[], ["--json"]], ids=str)
def test_report_on_a_full_disk(lab: Lab, options: list[str]) -> None:
    arguments = _arguments(lab, "live.elf", "vmcore_report.py", "mounts", *options)
    command = [sys.executable, "-m", "drgn", *arguments]
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr == "error: [Errno 28] No space left on device\n"


@each_lab
def test_report_names_who_holds_a_lock(lab: Lab) -> None:
    stacks = _report(lab, "live.elf", "blocked")["blocked"]["data"]["stacks"]
    waiting = [task for group in stacks for task in group["tasks"]]

    def waits(comm: str) -> str:
        (found,) = [task for task in waiting if f" ({comm})," in task]
        return found.partition(" held by ")[2]

    holder = lab.task("mutex-holder")["pid"]
    assert waits("mutex-waiter") == waits("mutex-second") == f"{holder} (mutex-holder)"
    holder = lab.task("write-holder")["pid"]
    assert waits("write-waiter") == f"{holder} (write-holder)"
    assert waits("vfork-parent") == ""


@each_lab
def test_report_groups_stacks(lab: Lab) -> None:
    """Tasks that wait in the same place are one entry."""
    stacks = _report(lab, "live.elf", "blocked")["blocked"]["data"]["stacks"]
    assert len({tuple(each["stack"]) for each in stacks}) == len(stacks)


def test_report_says_what_it_skips(tmp_path: Path) -> None:
    lab = manifest.find()
    if lab is None:
        pytest.skip("no kernel lab: run scripts/kernel-lab")
    script = tmp_path / "damaged.py"
    script.write_text(
        "import sys\n"
        "from drgn.helpers.linux import module\n"
        "def broken(prog):\n"
        "    raise prog.read(0, 8)\n"
        "import drgn.helpers.linux\n"
        "drgn.helpers.linux.for_each_module = broken\n"
        "sys.argv[1:] = ['modules', 'mounts']\n"
        f"exec(open({str(EXAMPLES / 'vmcore_report.py')!r}).read())\n"
    )
    answer = runner.ours("-q", "-c", lab.dump("live.elf"), "-s", lab.vmlinux, script)
    assert answer.status == 0
    skipped = "skipped: the rest of modules: address is not mapped: 0x0"
    assert skipped in answer.output
    assert any(line.startswith("mounts: ") for line in answer.output)


@each_lab
def test_report_of_a_dump_without_the_memory_of_cpus(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "incomplete.py"
    script.write_text(
        "import sys\n"
        "from drgn import FaultError, sizeof\n"
        "from drgn.helpers.linux import for_each_present_cpu, per_cpu\n"
        "def read(address, *_):\n"
        "    raise FaultError('not in the dump', address)\n"
        "for cpu in for_each_present_cpu(prog):\n"
        "    rq = per_cpu(prog['runqueues'], cpu)\n"
        "    prog.add_memory_segment(rq.address_, sizeof(rq), read, False)\n"
        "sys.argv[1:] = ['--json', 'panic', 'cpus', 'blocked']\n"
        f"exec(open({str(EXAMPLES / 'vmcore_report.py')!r}).read())\n"
    )
    answer = runner.ours("-q", "-c", lab.dump("panic.elf"), "-s", lab.vmlinux, script)
    assert (answer.errors, answer.status) == ("", 0)
    parts = json.loads("\n".join(answer.output))["parts"]
    panic, cpus, blocked = (part["data"] for part in parts)
    whole = _report(lab, "panic.elf", "panic", "blocked")
    assert panic["message"] == whole["panic"]["data"]["message"]
    assert panic["log"] == whole["panic"]["data"]["log"]
    assert cpus["stacks"] == []
    assert all(
        "not in the dump" in line or _is_of_kernel(line)
        for part in parts
        for line in part["skipped"]
    )
    assert [line.split(": ")[0] for line in parts[1]["skipped"]] == ["CPU 0", "CPU 1"]
    stacks = sorted(each["stack"] for each in blocked["stacks"])
    assert stacks == sorted(
        each["stack"] for each in whole["blocked"]["data"]["stacks"]
    )


def test_report_refuses_an_unknown_part(tmp_path: Path) -> None:
    lab = manifest.find()
    if lab is None:
        pytest.skip("no kernel lab: run scripts/kernel-lab")
    answer = runner.ours(*_arguments(lab, "live.elf", "vmcore_report.py", "nothing"))
    assert answer.status == 2
    assert "no part 'nothing'" in answer.errors


# The others


@each_lab
def test_bpf_programs_and_what_they_are_attached_to(lab: Lab) -> None:
    output = _output(lab, "live.elf", "bpf_inspect.py")
    rows = [re.split(" {2,}", line.rstrip()) for line in output]
    found = {row[2]: row for row in rows if len(row) > 2}
    assert found["lab_prog"][1] == "socket_filter"
    assert found["lab_lookup"][3] == "1,2"
    assert found["lab_egress"][-1] == "cgroup_inet_egress of cgroup /lab"
    assert found["lab_inner"][-1] == "link 1 (cgroup) to cgroup /lab/inner"
    assert found["lab_xdp"][-1] == "link 2 (xdp) to device dummy0"
    if "link.tracepoint" in lab.task("hold-bpf"):  # else no CONFIG_BPF_EVENTS
        trace = found["lab_trace"]
        assert trace[-1].startswith("link 3 (raw_tracepoint) to tracepoint ")
    assert found["lab_hash"][1:] == ["hash", "lab_hash", "4", "8", "32", "2"]
    assert ["2", "xdp", "5", "device dummy0"] in rows


# Lines of links.py, where the kernel has the structure.
LINKS = {
    "tcx_link tcx_ingress of device lo",
    "tcx_link a device that is gone",
    "netkit_link netkit_peer of device lo",
    "bpf_nf_link hook 3 of protocol family 0 in network namespace ",
    "bpf_kprobe_multi_link functions schedule, vfs_read",
    "bpf_kprobe_multi_link functions vfs_write, 0x1, 0x0 and 4 more",
    "bpf_struct_ops_link a map that is gone",
    "sockmap_link a map that is gone",
}


@each_lab
def test_bpf_links_that_no_guest_has(lab: Lab) -> None:
    script = Path(__file__).with_name("links.py")
    command = ["-q", "-c", lab.dump("live.elf"), "-s", lab.vmlinux, script]
    answer = runner.ours(*command, EXAMPLES / "bpf_inspect.py")
    assert (answer.errors, answer.status) == ("", 0)
    shown = {re.sub("(namespace )[0-9]+$", r"\1", line) for line in answer.output}
    there = {line for line in shown if not line.endswith(" is not there")}
    missing = {line.split()[0] for line in shown - there}
    assert there == {line for line in LINKS if line.split()[0] not in missing}


@each_lab
def test_rcu_callbacks_add_up(lab: Lab) -> None:
    text = "\n".join(_output(lab, "live.elf", "rcu_callbacks.py", "--functions"))
    flavors = re.split(r"^(\w+):\n.*\n", text, flags=re.MULTILINE)[1:]
    # Three flavors, one of them with CONFIG_PREEMPT only, before 4.20.
    assert flavors[::2] in (["rcu_data"], ["rcu_sched_data", "rcu_bh_data"])
    for lines in map(str.splitlines, flavors[1::2]):
        counts = [line.split() for line in lines[:2]]
        assert [cpu for cpu, *_ in counts] == ["0", "1"]
        for _, total, *segments, gathered in counts:
            assert int(total) == sum(map(int, segments))
            # Before 5.6, kfree_rcu() gathered nothing.
            assert gathered == "-" or int(gathered) >= 0
        functions = [int(line.split()[0]) for line in lines[2:]]
        assert sum(functions) == sum(int(total) for _, total, *_ in counts)


@each_lab
def test_slab_objects_of_cgroups(lab: Lab) -> None:
    """The tasks that were moved to a cgroup have been charged to it since."""
    output = _output(lab, "live.elf", "slab_by_cgroup.py")
    assert output[0].split() == ["CGROUP", "OBJECTS", "SIZE"]
    totals = {path: int(count) for path, count, _ in map(str.split, output[1:])}
    assert totals["/lab/inner"] > 0
    cgroups = {
        path.removeprefix("/sys/fs/cgroup") or "/"
        for path in lab.fact("sys/cgroups").splitlines()
    }
    assert totals.keys() <= cgroups

    output = _output(lab, "live.elf", "slab_by_cgroup.py", "--caches", "/lab/inner")
    assert output[0] == "/lab/inner:"
    caches = {name: int(count) for name, count, _ in map(str.split, output[2:])}
    assert sum(caches.values()) == totals["/lab/inner"]
    # Before 5.9, a cgroup's caches are named for it: "sock_inode_cache(17:inner)".
    assert any(name.split("(")[0] == "sock_inode_cache" for name in caches)


def _said(lab: Lab, name: str) -> str:
    """What the guest's files of that name said of iocost, each line with its path."""
    # Labs had no such disk before.
    there = (lab.facts / "sys/iocost").exists()
    lines = lab.fact("sys/iocost").splitlines() if there else []
    return "\n".join(line for line in lines if line.split(":")[0].endswith(name))


@each_lab
def test_iocost_controls_a_disk(lab: Lab) -> None:
    output = _output(lab, "live.elf", "iocost_monitor.py")
    if "enable=1" not in _said(lab, "/io.cost.qos"):
        assert output == ["iocost controls no such device"]
        return
    latency = re.search(r" rpct=90.00 rlat=(\d+) ", _said(lab, "/io.cost.qos"))
    rate = re.search(r" cost.vrate=([\d.]+) ", _said(lab, "/cgroup/io.stat"))
    assert latency is not None and rate is not None
    # Where a tenth of the requests may take longer, a period is twice the latency.
    period = 2 * int(latency[1]) / 1000
    assert re.fullmatch(
        rf"vdd: running, period {period} ms, virtual time at {rate[1]} %, busy [+-]\d+",
        output[0],
    )
    rows = [line.split() for line in output[2:]]
    weights = {
        path: int(_said(lab, f"{path}/io.weight").rpartition(" ")[2])
        for path in ("/disk/heavy", "/disk/light")
    }
    for (path, weight), row in zip(weights.items(), rows, strict=True):
        share = f"{100 * weight / sum(weights.values()):.2f}"
        assert row[:3] == [path, str(weight), share]
        assert row[6:] == ["0.0", "0.0"]
    only = _output(lab, "live.elf", "iocost_monitor.py", "vda")
    assert only == ["iocost controls no such device"]
