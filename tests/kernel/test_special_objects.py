"""Names that the kernel has but its debug info has not, and its tasks."""

from __future__ import annotations

import pytest
from mock_kernel import Kernel

from drgn import (
    FindObjectFlags,
    Object,
    ObjectNotFoundError,
    Program,
    UnsupportedOperation,
)


def program(lab, dump: str = "live.elf", vmcoreinfo: str | None = None) -> Program:
    prog = Program(vmcoreinfo=vmcoreinfo)
    prog.set_core_dump(lab.dump(dump))
    prog.debug_info_options.kernel_directories = []
    return prog


@pytest.fixture(scope="module")
def programs(labs):
    loaded = []
    for lab in labs:
        prog = program(lab)
        prog.load_debug_info([lab.vmlinux])
        loaded.append((lab, prog))
    return loaded


def test_constants(programs) -> None:
    for lab, prog in programs:
        assert prog["PAGE_SIZE"].value_() == 4096
        assert prog["PAGE_SIZE"].type_.type_name() == "unsigned long"
        assert prog["PAGE_SHIFT"].value_() == 12
        assert prog["PAGE_SHIFT"].type_.type_name() == "int"
        assert prog["PAGE_MASK"].value_() == 2**64 - 4096
        release = lab.kernel.encode()
        assert prog["UTS_RELEASE"].string_() == release
        assert (
            prog["UTS_RELEASE"].type_.type_name() == f"const char [{len(release) + 1}]"
        )
        vmcoreinfo = prog["VMCOREINFO"].string_()
        assert vmcoreinfo.startswith(b"OSRELEASE=" + release + b"\n")
        assert prog["THREAD_SIZE"].value_() == 16384
        assert prog["THREAD_SIZE"].type_.type_name() == "unsigned long"
        for name in ("SECTION_SIZE_BITS", "MAX_PHYSMEM_BITS"):
            line = f"NUMBER({name})={prog[name].value_()}\n"
            assert line.encode() in vmcoreinfo


def test_vmemmap_is_the_array_of_pages(programs) -> None:
    for _, prog in programs:
        vmemmap = prog["vmemmap"]
        assert vmemmap.type_.type_name() == "struct page *"
        assert vmemmap.value_() == prog["vmemmap_base"].value_()


@pytest.mark.parametrize(
    ("shape", "mem_map", "found"),
    [
        ("pointer", 0xFFFFEA0000000000, True),
        ("array", 0xFFFFEA0000000000, True),
        ("sections", 0xFFFFEA0000000000, True),
        ("pointer", 0xFFFF888001000000, False),  # SPARSEMEM without VMEMMAP
        ("none", 0, False),
    ],
)
def test_vmemmap_that_no_variable_has(lab, shape, mem_map, found) -> None:
    """Without CONFIG_DYNAMIC_MEMORY_LAYOUT, the first section says where it is."""
    # VMCOREINFO of newer kernels knows it (SYMBOL(vmemmap)).
    told = program(lab)["VMCOREINFO"].string_().decode().splitlines(keepends=True)
    older = "".join(line for line in told if not line.startswith("SYMBOL(vmemmap)"))
    prog = program(lab, vmcoreinfo=older)
    kernel = Kernel(prog)
    page = kernel.struct("page", flags=kernel.ulong)
    kernel.types["unsigned long"] = kernel.ulong
    section = kernel.struct("mem_section", section_mem_map=kernel.ulong)
    roots, sections = 0xFFFFC90000001000, 0xFFFFC90000002000
    kernel.words(roots, sections if shape != "none" else 0)
    # Of the first sections, one is not there, one has no pages (yet).
    kernel.words(sections, 0, 0x1, mem_map | 0xF, *(0 for _ in range(509)))
    pointer = kernel.to(section)
    if shape == "array":
        found_roots = Object(prog, prog.array_type(pointer, 1), [sections])
    elif shape == "sections":
        type = prog.array_type(prog.array_type(section, 1), 512)
        found_roots = Object(prog, type, address=sections)
    else:
        found_roots = Object(prog, kernel.to(pointer), roots)
    kernel.objects["mem_section"] = found_roots
    assert ("vmemmap" in prog) == found
    # With a variable for it, SPARSEMEM may still be without VMEMMAP.
    for base in (0xFFFFEA0000000000, mem_map):
        kernel.objects["vmemmap_base"] = Object(prog, kernel.ulong, base)
        # What was not there before is looked for anew by other finders.
        prog.set_enabled_object_finders(prog.enabled_object_finders())
        assert ("vmemmap" in prog) == (shape == "none" or base == mem_map)
    del kernel.objects["vmemmap_base"]
    prog.set_enabled_object_finders(prog.enabled_object_finders())
    if found:
        assert prog["vmemmap"].value_() == mem_map
        assert prog["vmemmap"].type_ == kernel.to(page)


def test_jiffies_is_jiffies_64(programs) -> None:
    for _, prog in programs:
        jiffies = prog["jiffies"]
        assert jiffies.type_.type_name() == "volatile unsigned long"
        assert jiffies.address_ == prog["jiffies_64"].address_
        assert jiffies.value_() == prog["jiffies_64"].value_()


def test_are_constants_or_variables(programs) -> None:
    for _, prog in programs:
        assert prog.constant("PAGE_SIZE").value_() == 4096
        assert prog.variable("jiffies").address_ is not None
        for name, flags in (
            ("PAGE_SIZE", FindObjectFlags.VARIABLE),
            ("jiffies", FindObjectFlags.CONSTANT),
        ):
            with pytest.raises(ObjectNotFoundError):
                prog.object(name, flags)
        with pytest.raises(ObjectNotFoundError):
            prog.object("PAGE_SIZE", filename="mm.h")


def test_what_needs_no_debug_info(lab) -> None:
    prog = program(lab)
    assert prog.enabled_object_finders() == ["linux", "dwarf"]
    assert prog["PAGE_SIZE"].value_() == 4096
    assert prog["UTS_RELEASE"].string_() == lab.kernel.encode()
    for name in ("jiffies", "vmemmap", "THREAD_SIZE"):
        assert name not in prog


def test_no_special_objects_without_a_kernel() -> None:
    assert "PAGE_SIZE" not in Program()


class TestTasks:
    def test_are_the_guests_by_pid(self, programs) -> None:
        for lab, prog in programs:
            pids = [thread.tid for thread in prog.threads()]
            assert pids == sorted(pids)
            # Some have gone or come between the facts and the dump.
            guest = {
                int(path.parent.name): path.read_text()
                for path in lab.facts.glob("proc/[0-9]*/status")
            }
            names = {thread.tid: thread.name for thread in prog.threads()}
            both = set(guest) & set(names)
            assert len(both) > 20
            for pid in both:
                status = guest[pid].split("\n")[0]
                name = names[pid]
                assert name is not None
                # The guest's names of kernel workers are longer.
                assert status.removeprefix("Name:\t").startswith(name)

    def test_by_pid(self, programs) -> None:
        for _, prog in programs:
            thread = prog.thread(1)
            assert (thread.tid, thread.name) == (1, "init")
            assert thread.object.type_.type_name() == "struct task_struct *"
            assert thread.object.pid.value_() == 1
            for tid in (0, 999999):
                with pytest.raises(LookupError, match=f"^thread with ID {tid} not"):
                    prog.thread(tid)

    def test_there_is_no_main_one(self, programs) -> None:
        for _, prog in programs:
            with pytest.raises(
                UnsupportedOperation, match="main thread is not defined"
            ):
                prog.main_thread()

    def test_crashed_one(self, labs) -> None:
        for lab in labs:
            prog = program(lab, "panic.elf")
            with pytest.raises(LookupError, match="^could not find 'runqueues'$"):
                prog.crashed_thread()
            prog.load_debug_info([lab.vmlinux])
            thread = prog.crashed_thread()
            assert thread.object.on_cpu.value_() == 1
            assert thread.tid == thread.object.pid.value_()

    def test_no_crashed_one_in_a_live_dump(self, programs) -> None:
        for _, prog in programs:
            with pytest.raises(LookupError, match="^panic_cpu is not set$"):
                prog.crashed_thread()
