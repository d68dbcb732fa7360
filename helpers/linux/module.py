"""
Modules
-------

``drgn.helpers.linux.module`` works with loaded kernel modules.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable

from drgn import NULL, IntegerLike, Object, Program
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.panic import taint_letters

__all__ = (
    "address_to_module",
    "find_module",
    "for_each_module",
    "module_address_regions",
    "module_percpu_region",
    "module_taints",
)


@takes_program_or_default
def for_each_module(prog: Program) -> Iterable[Object]:
    """Iterate over the loaded kernel modules.

    :return: Iterator of ``struct module *`` objects.

    >>> [module.name.string_() for module in for_each_module(prog)][:2]
    [b'raid1', b'md_mod']
    """
    return list_for_each_entry("struct module", prog["modules"].address_of_(), "list")


@takes_program_or_default
def find_module(prog: Program, name: str | bytes) -> Object:
    """Return the kernel module with a name.

    :param name: Name.
    :return: ``struct module *``, ``NULL`` if there is none.

    >>> find_module(prog, "loop").num_kp
    (unsigned int)3
    """
    wanted = os.fsencode(name)
    for module in for_each_module(prog):
        if module.name.string_() == wanted:
            return module
    return NULL(prog, "struct module *")


def module_address_regions(mod: Object) -> list[tuple[int, int]]:
    """Return the ranges of addresses that a module is loaded at.

    Some may be empty. How many there are and what each is for depends on the kernel
    version. The module's per-CPU region is not among them; see
    :func:`module_percpu_region()`.

    :param mod: ``struct module *``
    :return: List of (address, size) tuples.

    >>> address, size = module_address_regions(find_module(prog, "loop"))[0]
    >>> size
    32768
    """
    try:
        # Since 6.4 (ac3b43283923).
        regions = [(memory.base, memory.size) for memory in mod.mem]
    except AttributeError:
        regions = _layout_regions(mod)
    return [(base.value_(), size.value_()) for base, size in regions]


def _layout_regions(mod: Object) -> list[tuple[Object, Object]]:
    regions = []
    # data_layout is that of CONFIG_ARCH_WANTS_MODULES_DATA_IN_VMALLOC.
    for name in ("core_layout", "init_layout", "data_layout"):
        try:
            layout = mod.member_(name)
        except LookupError:
            continue
        regions.append((layout.base, layout.size))
    if regions:
        return regions
    # Before 4.5 (7523e4dc5057).
    return [(mod.module_core, mod.core_size), (mod.module_init, mod.init_size)]


def module_percpu_region(mod: Object) -> tuple[int, int]:
    """Return the per-CPU region of a module.

    :param mod: ``struct module *``
    :return: (address, size), (0, 0) if it has none.

    >>> module_percpu_region(find_module(prog, "loop"))
    (0, 0)
    """
    try:
        return mod.percpu.value_(), mod.percpu_size.value_()
    except AttributeError:
        return 0, 0  # !CONFIG_SMP


@takes_program_or_default
def address_to_module(prog: Program, addr: IntegerLike) -> Object:
    """Return the module whose code or variables an address belongs to.

    :param addr: Address; neither memory that a module allocated nor its per-CPU
        variables are found.
    :return: ``struct module *``, ``NULL`` if there is none.

    >>> address_to_module(prog, find_module(prog, "loop")).name
    (char [56])"loop"
    """
    address = operator.index(addr)
    for module in for_each_module(prog):
        for base, size in module_address_regions(module):
            if base <= address < base + size:
                return module
    return NULL(prog, "struct module *")


def module_taints(module: Object) -> str:
    """Return the letters of the kernel taints that a module caused, e.g., ``"OE"``.

    :param module: ``struct module *``

    >>> module_taints(find_module(prog, "loop"))
    ''
    """
    taints = module.taints.value_()
    if not taints:
        return ""
    return "".join(
        letters[0]
        for i, (letters, of_module) in enumerate(taint_letters(module.prog_))
        if of_module and taints >> i & 1
    )
