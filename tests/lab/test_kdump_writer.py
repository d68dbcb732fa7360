"""The kdump files of the lab are what makedumpfile would write: upstream reads them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from oracle import runner

from lab.kdump_writer import FLAGS
from lab.manifest import Lab
from lab.page_filter import free_and_user_pages, zero_pages
from lab.vmcore import PAGE_SIZE, Vmcore

SESSION = Path(__file__).parent.parent / "oracle/cases/session.py"


#: Every byte of memory, through upstream.
MEMORY = """\
import hashlib
for address in range(0, 512 << 20, 1 << 20):
    print(hex(address), hashlib.sha256(prog.read(address, 1 << 20, True)).hexdigest())
"""


def upstream(lab: Lab, dump: str, script: Path) -> runner.Answer:
    return runner.upstream("-q", "-c", lab.dump(dump), "-s", lab.vmlinux, script)


@pytest.mark.parametrize("kind", FLAGS)
def test_upstream_reads_the_memory_of_the_elf_dump(
    lab: Lab, oracle: Path, tmp_path: Path, kind: str
) -> None:
    script = tmp_path / "memory.py"
    script.write_text(MEMORY)
    comparison = runner.compare(
        upstream(lab, "live.elf", script), upstream(lab, f"live.kdump.{kind}", script)
    )
    assert comparison.same, comparison.report()
    assert len(comparison.theirs.output) == 512


@pytest.mark.parametrize("kind", sorted({*FLAGS, "excluded"} - {"raw"}))
def test_upstream_answers_from_each_alike(lab: Lab, oracle: Path, kind: str) -> None:
    comparison = runner.compare(
        upstream(lab, "live.kdump.raw", SESSION),
        upstream(lab, f"live.kdump.{kind}", SESSION),
    )
    assert comparison.same, comparison.report()
    assert comparison.theirs.status == 0


def test_parts_of_a_split_dump_hold_every_page_once(lab: Lab) -> None:
    core = Vmcore(lab.dump("live.elf"))
    held = 0
    end = 0
    for path in lab.dumps["live.kdump.split"]:
        with open(path, "rb") as file:
            header = file.read(2 * PAGE_SIZE)
        split, start_pfn, end_pfn = struct.unpack_from("<iQQ", header, PAGE_SIZE + 12)
        (written,) = struct.unpack_from("<I", header, 452)
        assert split == 1
        assert start_pfn == end
        end = end_pfn
        held += written
    assert end == core.max_pfn
    assert held == sum(len(data) for _, data in core.segments) // PAGE_SIZE


def test_left_out_pages_are_as_many_as_the_guest_had(lab: Lab) -> None:
    meminfo = dict(
        line.split(":") for line in lab.fact("proc/meminfo").splitlines() if line
    )

    def pages(name: str) -> int:
        return int(meminfo[name].split()[0]) * 1024 // PAGE_SIZE

    core = Vmcore(lab.dump("live.elf"))
    left_out = free_and_user_pages(core)
    huge = int(meminfo["HugePages_Total"]) - int(meminfo["HugePages_Free"])
    expected = pages("MemFree") + pages("AnonPages") + huge * 512
    # The guest went on for a while after it had written that down.
    assert abs(int(left_out.sum()) - expected) < expected * 0.15
    assert zero_pages(core).sum() > 0
