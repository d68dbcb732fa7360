"""
Interrupts
----------

``drgn.helpers.linux.irq`` works with interrupts and their descriptors.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from drgn import NULL, IntegerLike, Object, Program, TypeKind, cast
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux._raw import chain
from drgn.helpers.linux.cpumask import cpumask_of
from drgn.helpers.linux.mapletree import mt_entries, mtree_load
from drgn.helpers.linux.percpu import per_cpu_ptr
from drgn.helpers.linux.radixtree import radix_tree_for_each, radix_tree_lookup

__all__ = (
    "for_each_irq_desc",
    "gate_desc_func",
    "irq_desc_action_names",
    "irq_desc_affinity_mask",
    "irq_desc_chip_name",
    "irq_desc_kstat_cpu",
    "irq_get_nr_irqs",
    "irq_to_desc",
)


@takes_program_or_default
def irq_get_nr_irqs(prog: Program) -> int:
    """Return the number of interrupts of the system.

    :raises LookupError: if the kernel does not say

    >>> irq_get_nr_irqs(prog)
    440
    """
    # Renamed and made private in 6.13.
    for name in ("total_nr_irqs", "nr_irqs"):
        try:
            return prog[name].value_()
        except KeyError:
            continue
    raise LookupError("could not find nr_irqs")


@takes_program_or_default
def irq_to_desc(prog: Program, irq: IntegerLike) -> Object:
    """Return the descriptor of an interrupt.

    :param irq: Interrupt number.
    :return: ``struct irq_desc *``, ``NULL`` if there is none.

    >>> irq_to_desc(prog, 4).irq_data.irq
    (unsigned int)4
    """
    irq = operator.index(irq)
    try:
        # A maple tree since 6.5 (721255b9826b).
        tree = prog["sparse_irqs"].address_of_()
    except KeyError:
        pass
    else:
        return cast("struct irq_desc *", mtree_load(tree, irq))
    try:
        tree = prog["irq_desc_tree"].address_of_()
    except KeyError:
        # !CONFIG_SPARSE_IRQ
        descs = prog["irq_desc"]
        if not 0 <= irq < len(descs):
            return NULL(prog, "struct irq_desc *")
        return descs[irq].address_of_()
    return cast("struct irq_desc *", radix_tree_lookup(tree, irq))


@takes_program_or_default
def for_each_irq_desc(prog: Program) -> Iterator[tuple[int, Object]]:
    """Iterate over the descriptors of interrupts.

    :return: Iterator of (interrupt number, ``struct irq_desc *``) tuples.

    >>> [irq for irq, desc in for_each_irq_desc(prog)][:3]
    [0, 1, 2]
    """
    desc_p = prog.type("struct irq_desc *")
    if "sparse_irqs" in prog:  # Since 6.5 (721255b9826b).
        for irq, _, entry in mt_entries(prog["sparse_irqs"].address_of_()):
            yield irq, Object(prog, desc_p, entry)
    elif "irq_desc_tree" in prog:
        for irq, pointer in radix_tree_for_each(prog["irq_desc_tree"].address_of_()):
            yield irq, cast(desc_p, pointer)
    else:
        for irq, desc in enumerate(prog["irq_desc"]):
            yield irq, desc.address_of_()


def irq_desc_kstat_cpu(desc: Object, cpu: IntegerLike) -> int:
    """Return how often an interrupt has happened on a CPU.

    :param desc: ``struct irq_desc *``
    :param cpu: CPU number.

    >>> irq_desc_kstat_cpu(irq_to_desc(prog, 4), 0)
    0
    """
    counts = desc.kstat_irqs.read_()
    if not counts:
        return 0
    count = per_cpu_ptr(counts, cpu)[0]
    try:
        # A struct irqstat since 6.10 (86d2a2f51fba).
        count = count.cnt
    except AttributeError:
        pass
    return count.value_()


def irq_desc_affinity_mask(desc: Object) -> Object:
    """Return the CPUs that an interrupt may go to.

    :param desc: ``struct irq_desc *``
    :return: ``struct cpumask *``

    >>> cpumask_to_cpulist(irq_desc_affinity_mask(irq_to_desc(prog, 4)))
    '0-1'
    """
    common = desc.irq_common_data
    try:
        affinity = common.affinity
    except AttributeError:
        return cpumask_of(desc.prog_, 0)  # !CONFIG_SMP
    if affinity.type_.type.kind == TypeKind.POINTER:
        return affinity.read_()  # CONFIG_CPUMASK_OFFSTACK
    return affinity[0].address_of_()


def irq_desc_chip_name(desc: Object) -> bytes | None:
    """Return the name of the chip that an interrupt comes from.

    :param desc: ``struct irq_desc *``
    :return: Name, ``None`` if there is no chip or it has no name.

    >>> irq_desc_chip_name(irq_to_desc(prog, 4))
    b'IO-APIC'
    """
    chip = desc.irq_data.chip.read_()
    if not chip:
        return None
    name = chip.name.read_()
    return name.string_() if name else None


def irq_desc_action_names(desc: Object) -> list[bytes]:
    """Return the names of what is done on an interrupt.

    >>> irq_desc_action_names(irq_to_desc(25))
    [b'virtio0-req.0']

    :param desc: ``struct irq_desc *``
    """
    names = []
    for action in chain(desc.action, "next"):
        name = action.name.read_()
        if name:
            names.append(name.string_())
    return names


def gate_desc_func(gate: Object) -> Object:
    """Return the function that a gate of the x86 interrupt descriptor table enters.

    :param gate: ``gate_desc`` or ``gate_desc *``
    :return: ``void *``

    >>> hex(gate_desc_func(prog["idt_table"][14]))
    '0xffffffff8a200be0'
    """
    address = gate.offset_low.value_() | gate.offset_middle.value_() << 16
    try:
        address |= gate.offset_high.value_() << 32
    except AttributeError:
        pass  # i386
    return Object(gate.prog_, "void *", address)
