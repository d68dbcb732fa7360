"""Object files as modules: where their sections are, and where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from drgn import Module, ModuleFileStatus, Program

SOURCE = """
struct point { int x, y; };
__thread int of_a_thread = 7;
static struct point here = { 3, 4 };
int function(struct point *p) { return p->x + here.y + of_a_thread; }
"""


@pytest.fixture(scope="module", params=["gcc", "clang"])
def file(request, compile_c) -> Path:
    return compile_c(SOURCE, "-g", "-c", compiler=request.param, suffix=".o")


def taken(module: Module, file: Path) -> Program:
    module.try_file(file)
    assert module.debug_file_status is ModuleFileStatus.HAVE
    return module.prog


def test_sections_that_are_loaded(file: Path) -> None:
    module = Program().relocatable_module("m", 0x100000, create=True)
    module.section_addresses[".text"] = 0x100000
    module.section_addresses[".data"] = 0x200000
    module.address_ranges = [(0x100000, 0x101000), (0x200000, 0x201000)]
    prog = taken(module, file)
    assert (module.loaded_file_bias, module.debug_file_bias) == (0, 0)
    assert prog["here"].address_ == 0x200000 == prog.symbol("here").address
    assert prog["function"].address_ == 0x100000 == prog.symbol("function").address
    assert prog.type("struct point").size == 8
    # In the storage of a thread, of which nothing is known.
    assert prog["of_a_thread"].absent_
    location = prog.source_location(0x100000)[0]
    assert location.name() == "function" and location.line == 5


def test_sections_that_are_not_loaded(file: Path) -> None:
    module = Program().relocatable_module("m", 0x100000, create=True)
    module.section_addresses[".text"] = 0x100000
    prog = taken(module, file)
    assert prog["here"].absent_
    assert not prog.symbols("here")
    assert prog["function"].address_ == 0x100000


@pytest.mark.parametrize("kind", ["extra", "relocatable"])
def test_a_file_that_is_nowhere(file: Path, kind: str) -> None:
    # As upstream has it: objects by the offset in their section, and no symbols.
    for address_range in (None, (0x5000, 0x6000)):
        module: Module
        if kind == "extra":
            module = Program().extra_module("m", create=True)
        else:
            module = Program().relocatable_module("m", 0x5000, create=True)
        module.address_range = address_range
        prog = taken(module, file)
        assert (module.loaded_file_bias, module.debug_file_bias) == (0, 0)
        assert prog["here"].address_ == 0
        assert prog["function"].address_ == 0
        for lookup in (prog.symbol, prog.source_location):
            with pytest.raises(LookupError, match="could not find symbol with name"):
                lookup("function")
        assert not prog.symbols("here")
