"""Commands about devices and subsystems print what the guest itself printed."""

from __future__ import annotations

import io
import re
import sys

import pytest
from lab.manifest import Lab

from drgn import Program
from drgn.commands import CommandArgumentError, CommandError, run_command
from drgn.commands.crash._output import progress, working
from drgn.helpers.linux import find_task, for_each_online_cpu

from .crash_output import crash, rows, tables


def test_dev_lists_the_numbers_of_proc_devices(each_lab: Lab, live: Program) -> None:
    chars, blocks = tables(crash(live, "dev"))
    sections = re.split(r"\n*(?:Character|Block) devices:\n", "\n" + _devices(each_lab))
    expected_chars, expected_blocks = (
        [tuple(line.split(None, 1)) for line in section.splitlines()]
        for section in sections[1:]
    )
    assert [tuple(row[:2]) for row in chars[1:]] == expected_chars
    with_names = [row for row in blocks[1:] if re.fullmatch(r"\d+", row[0])]
    # The kernel prints them by number, and keeps them in a hash table.
    assert sorted(tuple(row[:2]) for row in with_names) == sorted(expected_blocks)
    operations = {row[1]: row[3] for row in chars[1:] if len(row) == 4}
    assert operations["mem"] == "memory_fops"


def _devices(lab: Lab) -> str:
    return lab.fact("proc/devices")


def test_dev_d_lists_the_disks_of_proc_partitions(each_lab: Lab, live: Program) -> None:
    disks = {row[2]: row for row in rows(crash(live, "dev -d"))}
    for line in each_lab.fact("proc/partitions").splitlines()[2:]:
        major, _, _, name = line.split()
        if name in disks:  # not a partition
            assert disks[name][0] == major
    assert {"vda", "vdb", "vdc"} <= set(disks)
    for row in disks.values():
        assert int(row[4]) == int(row[5]) + int(row[6])
    busy = rows(crash(live, "dev -D"))
    assert busy == [row for row in disks.values() if int(row[4])]


def test_dev_p_lists_what_the_guest_listed_of_pci(each_lab: Lab, live: Program) -> None:
    text = crash(live, "dev -p")
    found = re.findall(r"^ +\w+  (\S+) +(\w{4})  (\w{4}:\w{4})  (\w+)$", text, re.M)
    assert ("0000:00:00.0", "0600", "8086:1237", "ENDPOINT") in found
    # The virtio disks, whose interrupts are named by their PCI devices.
    interrupts = each_lab.fact("proc/interrupts")
    names = set(re.findall(r"PCI-MSIX-(\S+)", interrupts))
    assert names <= {name for name, *_ in found}


def test_dev_i_lists_ports(live: Program) -> None:
    table = rows(crash(live, "dev -i"))
    ranges = {row[2]: row[1] for row in table}
    assert ranges["PCI IO"] == "0000-ffff"
    assert ranges["pic1"] == "0020-0021"


def _interrupts(lab: Lab) -> dict[int, tuple[list[int], str]]:
    """Counts per CPU and names of handlers, by number."""
    lines = lab.fact("proc/interrupts").splitlines()
    cpus = len(lines[0].split())
    found = {}
    for line in lines[1:]:
        match = re.match(r"\s*(\d+):((?:\s+\d+)+)\s.*\s(\S+)$", line)
        if match:
            found[int(match[1])] = (
                [int(count) for count in match[2].split()[:cpus]],
                match[3],
            )
    return found


def test_irq_s_counts_on_from_proc_interrupts(each_lab: Lab, live: Program) -> None:
    facts = _interrupts(each_lab)
    table = {int(row[0][:-1]): row for row in rows(crash(live, "irq -s"))}
    assert set(facts) <= set(table)
    for irq, (counts, name) in facts.items():
        row = table[irq]
        assert row[-1] == name
        for before, after in zip(counts, row[1:], strict=False):
            assert before <= int(after) <= before + 1_000_000
    header = crash(live, "irq -s -c 1").splitlines()[0]
    assert header.split() == ["CPU1"]
    assert crash(live, "irq -s -c a") == crash(live, "irq -s")


def test_irq_lists_the_handlers(each_lab: Lab, live: Program) -> None:
    facts = _interrupts(each_lab)
    everything = rows(crash(live, "irq"))
    named = {int(row[0]): row[3] for row in everything if len(row) == 4}
    for irq, (_, name) in facts.items():
        assert named[irq] == f'"{name}"'
    in_use = rows(crash(live, "irq -u"))
    assert in_use == [row for row in everything if row[1] != "(unused)"]
    some = rows(crash(live, "irq 1 0"))
    assert [row[0] for row in some] == ["1", "0"]
    affinity = {int(row[0]): row[1:] for row in rows(crash(live, "irq -a"))}
    cpus = list(for_each_online_cpu(live))
    assert affinity[0] == ["timer", f"{cpus[0]}-{cpus[-1]}"]


def test_irq_d_and_b_name_functions(live: Program) -> None:
    idt = crash(live, "irq -d").splitlines()
    assert len(idt) == 256
    assert idt[0] in ("  [0] asm_exc_divide_error", "  [0] divide_error")
    assert idt[14] in (" [14] asm_exc_page_fault", " [14] page_fault")
    softirqs = crash(live, "irq -b")
    assert "<net_rx_action>" in softirqs
    assert "<run_timer_softirq>" in softirqs


def test_bad_interrupt_numbers(live: Program) -> None:
    text = crash(live, "irq 1 99999 -- -1")
    lines = text.splitlines()
    assert lines[:2] == [
        "irq: invalid IRQ number: 99999",
        "irq: invalid IRQ number: -1",
    ]
    assert len(lines) == 4
    assert crash(live, "irq 99999") == "irq: invalid IRQ number: 99999\n"
    with pytest.raises(CommandArgumentError, match="-c can only be used with -s"):
        run_command(live, "crash irq -c 0")
    with pytest.raises(ValueError, match="99"):
        run_command(live, "crash irq -s -c 99")


def test_ipcs_is_proc_sysvipc(each_lab: Lab, live: Program) -> None:
    table = tables(crash(live, "ipcs"))
    for part, file, id_name in (
        (table[0], "shm", "shmid"),
        (table[1], "sem", "semid"),
        (table[2], "msg", "msqid"),
    ):
        names, *lines = each_lab.fact(f"proc/sysvipc/{file}").splitlines()
        facts = [dict(zip(names.split(), line.split(), strict=True)) for line in lines]
        found = part[1:]
        if not facts:
            assert found == [["(none allocated)"]]
            continue
        expected = [
            (
                f"{int(fact['key']) & 0xFFFFFFFF:08x}",
                fact[id_name],
                fact["uid"],
                f"{int(fact['perms'], 8) & 0o777:o}",
            )
            for fact in facts
        ]
        assert sorted(tuple(row[1:5]) for row in found) == sorted(expected)
        sizes = {row[2]: row[5] for row in found}
        for fact in facts:
            if file == "shm":
                assert sizes[fact["shmid"]] == fact["size"]
            elif file == "sem":
                assert sizes[fact["semid"]] == fact["nsems"]
            else:
                assert sizes[fact["msqid"]] == fact["cbytes"]


def test_ipcs_by_id_and_address(live: Program) -> None:
    (shm,) = tables(crash(live, "ipcs -m"))
    address, _, id, *_ = shm[1]
    (by_id,) = tables(crash(live, f"ipcs -m {id}"))
    (by_address,) = tables(crash(live, f"ipcs {address}"))
    assert by_id[1] == by_address[1] == shm[1]
    assert crash(live, "ipcs 12345678") == "invalid id: 12345678\n"
    assert crash(live, "ipcs -s deadbeef") == "invalid address: 0xdeadbeef\n"
    assert crash(live, "ipcs -n 1 -m") == crash(live, "ipcs -m")
    with pytest.raises(LookupError):
        crash(live, "ipcs -n 4000000")


def test_mount_is_proc_mounts(each_lab: Lab, live: Program) -> None:
    expected = []
    for line in each_lab.fact("proc/mounts").splitlines():
        source, target, fstype, *_ = line.split()
        # btrfs makes up the source that it prints (btrfs_show_devname()).
        expected.append((fstype, source if fstype != "btrfs" else "none", target))
    found = [
        (fstype, source if fstype != "btrfs" else "none", target)
        for _, _, fstype, source, target in rows(crash(live, "mount"))
        if fstype != "nullfs"  # Linux 7 has it below the root of user space.
    ]
    assert found == expected
    assert crash(live, "mount -n 1") == crash(live, "mount")


def test_mounts_of_another_namespace(each_lab: Lab, live: Program) -> None:
    pid = int(each_lab.task("contained")["pid"])
    task = find_task(live, pid)
    by_address = crash(live, f"mount -n {task.value_():x}")
    assert by_address == crash(live, f"mount -n {pid}")
    facts = each_lab.fact(f"proc/{pid}/mountinfo").splitlines()
    targets = [row[4] for row in rows(by_address) if row[2] != "nullfs"]
    assert targets == [line.split()[4] for line in facts]
    assert by_address != crash(live, "mount")
    # Without -n, it is the namespace of the context.
    live.config.clear()
    crash(live, f"set {pid}")
    assert crash(live, "mount") == by_address
    assert "mnt_ns" in crash(live, "mount --drgn")
    crash(live, "set 1")
    assert crash(live, "mount") != by_address
    assert "mnt_ns" not in crash(live, "mount --drgn")
    live.config.clear()


def test_mounts_of_tasks_that_have_none(each_lab: Lab, live: Program) -> None:
    pid = int(each_lab.task("zombie")["pid"])
    with pytest.raises(ValueError, match="has exited"):
        crash(live, f"mount -n {pid}")
    with pytest.raises(ValueError, match="has exited"):
        crash(live, f"ipcs -n {pid}")


def test_net_lists_the_addresses_of_devices(each_lab: Lab, live: Program) -> None:
    expected: dict[str, set[str]] = {}
    name = ""
    for line in each_lab.fact("ip/addr").splitlines():
        if device := re.match(r"\d+: ([^:@]+)", line):
            name = device[1]
            expected[name] = set()
        elif address := re.match(r"\s+inet6? ([^/ ]+)", line):
            expected[name].add(address[1])
    found = {}
    for row in rows(crash(live, "net")):
        found[row[1]] = set(row[2].split(", ")) if len(row) > 2 else set()
    assert found == expected


def test_net_a_lists_neighbours(each_lab: Lab, live: Program) -> None:
    found = {(row[1], row[4]): row for row in rows(crash(live, "net -a"))}
    lines = each_lab.fact("ip/neigh").splitlines()
    assert lines
    for words in map(str.split, lines):
        address, device = words[0], words[2]
        row = found[address, device]
        assert row[2:4] == ["ETHER", words[words.index("lladdr") + 1]]
        assert row[5] == words[-1]


def test_swap_is_proc_swaps(each_lab: Lab, live: Program) -> None:
    found = rows(crash(live, "swap"))
    facts = [line.split() for line in each_lab.fact("proc/swaps").splitlines()[1:]]
    assert len(found) == len(facts)
    for row, (path, kind, size, used, priority) in zip(found, facts, strict=True):
        assert row[1:] == [
            kind.upper(),
            f"{size}k",
            f"{used}k",
            f"{round(100 * int(used) / int(size))}%",
            priority,
            path,
        ]


def test_bpf_lists_what_the_guest_loaded(live: Program) -> None:
    progs, maps = tables(crash(live, "bpf"))
    names = {}
    for row in maps[1:]:
        detail = crash(live, f"bpf -m {row[0]}").splitlines()[2]
        names[re.search(r'NAME: "?([^" ]+)', detail)[1]] = (row[2], detail)  # type: ignore[index]
    kind, detail = names["lab_hash"]
    assert kind == "HASH"
    assert "KEY_SIZE: 4  VALUE_SIZE: 8  MAX_ENTRIES: 32" in detail
    details = [crash(live, f"bpf -p {row[0]}") for row in progs[1:]]
    (ours,) = (text for text in details if "NAME: lab_prog" in text)
    assert "SOCKET_FILTER" in ours
    assert "GPL_COMPATIBLE: yes" in ours
    assert "XLATED: 16 " in ours  # two instructions


def test_bpf_structures(live: Program) -> None:
    id = rows(crash(live, "bpf").split("\n\n")[0])[0][0]
    text = crash(live, f"bpf -p {id} -s")
    assert "(struct bpf_prog){" in text
    assert "(struct bpf_prog_aux){" in text
    assert f".id = (u32){id}," in text
    assert f".id = (u32){int(id):#x}," in crash(live, f"bpf -p {id} -s -x")
    live.config["crash_radix"] = 16
    try:
        assert crash(live, f"bpf -p {id} -s") == crash(live, f"bpf -p {id} -s -x")
        assert crash(live, f"bpf -p {id} -s -d") == text
    finally:
        live.config.pop("crash_radix")


def test_unknown_bpf_ids(live: Program) -> None:
    assert crash(live, "bpf -p 9999") == "invalid BPF program ID: 9999\n"
    assert crash(live, "bpf -m 9999") == "invalid BPF map ID: 9999\n"
    assert crash(live, "bpf -m -5") == "invalid BPF map ID: -5\n"


@pytest.mark.parametrize(
    ("pte", "physical", "flags"),
    [
        # Intel SDM volume 3, tables 4-15 to 4-20.
        (0x8000000001E001E3, "1e00000", "PRESENT|RW|ACCESSED|DIRTY|PSE|GLOBAL|NX"),
        (0x12345067, "12345000", "PRESENT|RW|USER|ACCESSED|DIRTY"),
        (0x25, "0", "PRESENT|USER|ACCESSED"),
        (0xD01B, "d000", "PRESENT|RW|PWT|PCD"),
    ],
)
def test_pte(live: Program, pte: int, physical: str, flags: str) -> None:
    assert rows(crash(live, f"pte {pte:x}")) == [[f"{pte:x}", physical, f"({flags})"]]


def test_pte_of_nothing(live: Program) -> None:
    assert rows(crash(live, "pte 0")) == [["0", "0", "(no mapping)"]]


def test_pte_of_swap(each_lab: Lab, live: Program) -> None:
    # arch/x86/include/asm/pgtable_64.h: __swp_entry(0, 5) on a kernel that defends
    # against L1TF.
    entry = (~5 << 14 & (1 << 64) - 1) >> 5
    path = each_lab.fact("proc/swaps").splitlines()[1].split()[0]
    assert rows(crash(live, f"pte {entry:x}")) == [[f"{entry:x}", path, "5"]]
    # Of type 30: a migration entry or the like.
    special = 30 << 59 | entry
    assert rows(crash(live, f"pte {special:x}")) == [[f"{special:x}", "(type 30)", "5"]]


def test_pte_without_access(live: Program) -> None:
    # A PROT_NONE page at 0x12345000, its address inverted.
    pte = ~0x12345000 & ((1 << 52) - (1 << 12)) | 0x120
    assert rows(crash(live, f"pte {pte:x}")) == [
        [f"{pte:x}", "12345000", "(ACCESSED|PROTNONE)"]
    ]


def test_pte_of_more_than_an_entry(live: Program) -> None:
    with pytest.raises(CommandError, match="not a page table entry: 0x1000"):
        crash(live, "pte 10000000000000000")
    with pytest.raises(CommandArgumentError, match="value: 'xyz'"):
        crash(live, "pte xyz")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    output, errors = _Terminal(), _Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout", output)
    monkeypatch.setattr("sys.stderr", errors)
    for i in progress([1, 2], "Counting"):
        assert sys.stdout is output  # Nothing is between a command and its terminal.
        print(i)
    assert output.getvalue() == "1\n2\n"
    assert "Counting" in errors.getvalue()
    errors = _Terminal()
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setattr("sys.stderr", errors)
    assert list(progress([1, 2], "Counting")) == [1, 2]
    assert errors.getvalue() == ""


def test_dumb_terminals_show_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """They cannot take it back, so that it would stay among the output."""
    terminal = _Terminal()
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr("sys.stderr", terminal)
    assert list(progress([1, 2], "Counting")) == [1, 2]
    with working("Searching"):
        pass
    assert terminal.getvalue() == ""
