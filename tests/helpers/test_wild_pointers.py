"""Every helper, given pointers to nothing, anything or garbage, ends or says why."""

from __future__ import annotations

import importlib
import inspect
import itertools
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
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
    """(name, helper, type of its first pointer) of those that one pointer is enough
    for."""
    for module, names in _lazy.exported_names("drgn.helpers.linux").items():
        package = importlib.import_module(f"drgn.helpers.linux.{module}")
        for name in names:
            helper = getattr(package, name)
            match = _PARAMETER.search(inspect.getdoc(helper) or "")
            if match is None or inspect.isclass(helper):
                continue
            yield name, helper, match[2]


#: Further arguments, by the name of the parameter.
ARGUMENTS: dict[str, Any] = {
    "cpu": 0, "pid": 1, "fd": 0, "index": 1, "ifindex": 1, "id": 1, "handle": 1,
    "addr": 0x1000, "address": 0x1000, "size": 64, "i": 0, "nr": 0, "path": "/a",
    "name": "lo", "pid_type": 0, "item": 0, "bpf_attach_type": 0, "n": 0,
}  # fmt: skip
#: What they find they give to a callback, or they need a type that fits.
LISTS = {
    "type": "struct task_struct",
    "member": "tasks",
}


def call(helper: Callable[..., Any], pointer: Object) -> object:
    """Call a helper with a pointer, and take what it yields, up to MANY."""
    parameters = list(inspect.signature(inspect.unwrap(helper)).parameters.values())
    names = [p.name for p in parameters if p.name != "prog"]
    match = _PARAMETER.search(inspect.getdoc(helper) or "")
    assert match
    arguments: list[Any] = []
    for parameter in parameters:
        if parameter.name == "prog":
            continue
        if parameter.name == match[1]:
            arguments.append(pointer)
        elif parameter.default is not parameter.empty:
            break
        elif parameter.name in ARGUMENTS:
            arguments.append(ARGUMENTS[parameter.name])
        else:
            pytest.skip(f"takes {names}")
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
    try:
        pointer_type = live.type(type)
        live.type(type.removesuffix(" *")).size  # noqa: B018
    except LookupError:
        pytest.skip(f"this kernel has no {type}")
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
