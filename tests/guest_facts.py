"""What tests of facts look up again and again."""

from __future__ import annotations

import re

from lab.manifest import Lab

from drgn import Object, Program
from drgn.helpers.linux import find_task, path_lookup


def task_of(prog: Program, lab: Lab, name: str) -> Object:
    task = find_task(prog, int(lab.task(name)["pid"]))
    assert task.comm.string_().decode() == name[:15]
    return task


def inode_at(prog: Program, path: str) -> Object:
    return path_lookup(prog, path).dentry.d_inode.read_()


def kilobytes(text: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+):\s+(\d+) kB", text, re.M))
