"""Every helper, given pointers to nothing, anything or garbage, ends or says why."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import itertools
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from guest_facts import times_tasks
from lab.manifest import Lab

from drgn import FaultError, Object, Program
from drgn.helpers import ValidationError, _lazy
from drgn.helpers.linux import find_task, for_each_task, pfn_to_virt

#: What a helper may raise for a structure that is none. Others are defects.
EXPECTED = (FaultError, ValidationError, ValueError, LookupError, NotImplementedError)
#: More than anything in the lab has of what they iterate over.
MANY = 20000

_PARAMETER = re.compile(r":param (\w+): ``(struct \w+ \*)``")


def helpers() -> Iterator[tuple[str, Callable[..., Any], str]]:
    """(name, helper, type of its first pointer) of those that take a pointer."""
    for module, names in _lazy.exported_names("drgn.helpers.linux").items():
        package = importlib.import_module(f"drgn.helpers.linux.{module}")
        for name in names:
            helper = getattr(package, name)
            match = _PARAMETER.search(inspect.getdoc(helper) or "")
            if match is None or inspect.isclass(helper):
                continue
            yield name, helper, match[2]


def by_address(key: int | Object, entry: Object) -> int:
    return int((key if isinstance(key, int) else key.value_()) - entry.value_())


#: Further arguments, by the name of the parameter.
ARGUMENTS: dict[str, Any] = {
    "cpu": 0, "pid": 1, "fd": 0, "index": 1, "ifindex": 1, "id": 1, "handle": 1,
    "addr": 0x1000, "address": 0x1000, "size": 64, "i": 0, "nr": 0, "path": "/a",
    "name": "lo", "pid_type": 0, "item": 0, "bpf_attach_type": 0, "n": 0, "major": 1,
    "allow_equal": False, "key": 1 << 62, "cmp": by_address,
}  # fmt: skip
#: Type and member of what is linked: nodes themselves do, which all kernels have.
ENTRIES = {
    "struct list_head *": ("struct list_head", "prev"),
    "struct hlist_head *": ("struct hlist_node", "pprev"),
    "struct hlist_nulls_head *": ("struct hlist_nulls_node", "pprev"),
    "struct llist_head *": ("struct llist_node", "next"),
    "struct llist_node *": ("struct llist_node", "next"),
    "struct plist_head *": ("struct pm_qos_request", "node"),
    "struct rb_root *": ("struct rb_node", "rb_left"),
    "struct rb_node *": ("struct rb_node", "rb_left"),
}
#: What a type is called in newer kernels: there is no tag of the old name.
RENAMED = {"struct radix_tree_root *": "struct xarray *"}  # 4.20 (f8d5d0cc145c)


def call(helper: Callable[..., Any], pointer: Object) -> object:
    """Call a helper with a pointer, and take what it yields, up to MANY."""
    pointers = dict(_PARAMETER.findall(inspect.getdoc(helper) or ""))
    first = next(iter(pointers.values()))
    type, member = ENTRIES.get(first, ENTRIES["struct list_head *"])
    known = {**ARGUMENTS, "type": type, "member": member}
    known |= {name: pointer for name in pointers if pointers[name] == first}
    arguments: list[Any] = []
    for parameter in inspect.signature(inspect.unwrap(helper)).parameters.values():
        if parameter.name == "prog":
            continue
        if parameter.default is not parameter.empty and parameter.name not in pointers:
            break
        arguments.append(known[parameter.name])
    result = helper(*arguments)
    if isinstance(result, Iterator):
        return sum(1 for _ in itertools.islice(result, MANY))
    return result


CASES = [pytest.param(helper, type, id=name) for name, helper, type in helpers()]


@pytest.fixture(scope="module")
def garbage(live: Program, each_lab: Lab) -> list[int]:
    """Addresses: of nothing, of nobody's, of text, of data of any kind."""
    task = find_task(live, int(each_lab.task("spin-kernel")["pid"]))
    rng = random.Random(7)
    frames = [rng.randrange(0x100, live["max_pfn"].value_()) for _ in range(6)]
    return [
        0,
        8,
        0x400000,
        0x4141414141414141,
        0xDEAD000000000100,
        live.symbol("schedule").address,
        live["init_task"].comm.address_,
        task.value_() + 64,
        task.tasks.address_,
        task.stack.value_() + 8192,
        *(pfn_to_virt(live, frame).value_() for frame in frames),
    ]


@pytest.mark.parametrize(("helper", "type"), CASES)
def test_wild_pointers(
    live: Program, garbage: list[int], helper: Callable[..., Any], type: str
) -> None:
    for name in (type, RENAMED.get(type, type)):
        with contextlib.suppress(LookupError):
            live.type(name.removesuffix(" *")).size  # noqa: B018
            pointer_type = live.type(name)
            break
    else:
        pytest.skip(f"this kernel has no {type}")
    if helper.__name__ == "task_since_last_arrival_ns" and not times_tasks(live):
        pytest.skip("this kernel does not keep when tasks last ran")
    for address in garbage:
        try:
            call(helper, Object(live, pointer_type, address))
        except UnicodeError:
            raise
        except EXPECTED:
            pass
        except Exception as error:
            # Of a directory that has no such name, as path_lookup says.
            assert error.__class__ is Exception and "in dcache" in error.args[0]


def test_tasks_of_a_wild_pid(live: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its members are where pointers wrap to."""
    last = (1 << 64) - 1
    monkeypatch.setattr(
        "drgn.helpers.linux.pid.pid_addresses", lambda prog, ns: iter([last])
    )
    with pytest.raises(FaultError):
        list(for_each_task(live))


#: They read the inode, and the type of the node, first, as upstream's.
NOT_LAZY = {"inode_for_each_page", "kernfs_children"}


def test_iterators_read_nothing_before_they_are_asked(live: Program) -> None:
    """The fault of a wild pointer comes with the first entry, not before."""
    made = 0
    faulted = {}
    for name, helper, _ in helpers():
        signature = inspect.signature(helper)
        if not str(signature.return_annotation).startswith(("Iterator[", "Iterable[")):
            continue
        pointers = dict(_PARAMETER.findall(inspect.getdoc(helper) or ""))
        arguments = {
            parameter.name: ARGUMENTS.get(parameter.name, "struct list_head")
            for parameter in signature.parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind is not parameter.VAR_KEYWORD
        }
        with contextlib.suppress(LookupError):  # Another kernel's.
            for pointer in pointers.keys() & arguments.keys():
                arguments[pointer] = Object(live, pointers[pointer], 0xDEAD000000000100)
        try:
            iterator = helper(**arguments)
        except FaultError as error:
            faulted[name] = str(error)
        else:
            assert iter(iterator) is iterator, name
            made += 1
    assert set(faulted) == NOT_LAZY, faulted
    assert made > 50


#: Helpers that would take anything for what a kernel without something has.
PARTICULAR = (
    "bitmap_weight", "for_each_clear_bit", "for_each_set_bit", "irq_desc_affinity_mask",
    "kuid_val", "page_to_pfn", "page_to_phys", "page_to_virt", "task_cpu",
    "task_group_name", "task_on_cpu", "task_rq",
)  # fmt: skip


@pytest.mark.parametrize("name", PARTICULAR)
@pytest.mark.parametrize("type", ["struct super_block *", "void *"])
def test_pointers_to_something_else(live: Program, name: str, type: str) -> None:
    helper = getattr(importlib.import_module("drgn.helpers.linux"), name)
    address = live["super_blocks"].next.value_()
    further = [64] if "bit" in name else []
    with pytest.raises((AttributeError, LookupError, TypeError)):
        result = helper(Object(live, type, address), *further)
        if inspect.isgenerator(result):
            next(result)
