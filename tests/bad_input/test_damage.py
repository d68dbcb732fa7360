"""Whatever is in a file: a right answer or an exception of drgn's, and quickly."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_input.conftest import FLAT_STEP
from bad_input.damage import (
    Region,
    changes,
    damaged,
    elf_regions,
    flattened_regions,
    kdump_regions,
    limits,
    open_dump,
    open_file,
)
from bad_input.exercise import answers, is_error
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_KINDS = ("DWARF 5", "DWARF 4", "compressed", "relocatable")
_KDUMPS = ("zlib", "zstd", "lzo", "snappy", "flattened")

property_test = settings(
    deadline=None,
    max_examples=100,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def survive(*files: Path) -> None:
    """Use files that may be damaged."""
    with limits():
        try:
            prog = open_dump(*files) if len(files) > 1 else open_file(*files)
        except Exception as error:
            if not is_error(error):
                raise
            return
        answers(prog)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDRGN_CACHE_DIR", str(tmp_path / "cache"))


def write_damaged(
    data: st.DataObject, source: Path, target: Path, regions: list[Region]
) -> None:
    content = source.read_bytes()
    target.write_bytes(damaged(content, data.draw(changes(regions))))


@pytest.mark.parametrize("kind", _KINDS)
def test_damaged_debug_info(kind: str, programs, process, tmp_path: Path) -> None:
    regions = elf_regions(programs[kind])
    path = tmp_path / "program"

    @property_test
    @given(st.data())
    def test(data: st.DataObject) -> None:
        write_damaged(data, programs[kind], path, regions)
        if kind == "DWARF 5":
            survive(process.dump, path)
        else:
            survive(path)

    test()


def test_damaged_core(process, tmp_path: Path) -> None:
    regions = elf_regions(process.dump)
    path = tmp_path / "core"

    @property_test
    @given(st.data())
    def test(data: st.DataObject) -> None:
        write_damaged(data, process.dump, path, regions)
        survive(path, process.debug)

    test()


@pytest.mark.parametrize("kind", [*_KDUMPS, "vmcore", "flattened vmcore"])
def test_damaged_kernel_dump(kind: str, kernels, tmp_path: Path) -> None:
    dump, vmlinux = kernels[kind]
    regions = {
        "vmcore": elf_regions,
        "flattened": lambda path: flattened_regions(path, FLAT_STEP),
        "flattened vmcore": lambda path: flattened_regions(path, FLAT_STEP),
    }.get(kind, kdump_regions)(dump)
    path = tmp_path / "dump"

    @property_test
    @given(st.data())
    def test(data: st.DataObject) -> None:
        write_damaged(data, dump, path, regions)
        survive(path, vmlinux)

    test()


@pytest.mark.parametrize("kind", [*_KDUMPS, "vmcore", "flattened vmcore"])
def test_the_kernel_dump_as_it_is(kind: str, kernels) -> None:
    prog = open_dump(*kernels[kind])
    assert str(prog["nodes"][0].name) == '(char [8])"first"'
    assert str(prog["UTS_RELEASE"]) == '(const char [6])"6.1.0"'
