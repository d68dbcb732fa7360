"""A guest that loads kernel modules and reads files when it is asked to."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .initramfs import extend
from .machine import Machine
from .manifest import Lab

GUEST = Path(__file__).parent / "agent_guest"


class Agent:
    """The guest's ``agent.c``. ``dump``: its memory, from when it came up."""

    def __init__(self, machine: Machine, dump: Path) -> None:
        self._machine = machine
        self.dump = dump

    def load(self, module: bytes, address: int, length: int) -> tuple[int, bytes]:
        """Load a module where ``length`` bytes are mapped at an address.

        Returns the errno of that (0: it stays), and these bytes afterwards.
        """
        self._machine.send(b"load %d %x %d\n" % (len(module), address, length))
        self._machine.send(module)
        return self._answer()

    def read(self, path: str) -> bytes:
        """Up to 8 kB of a file. Raises OSError."""
        self._machine.send(b"read %s\n" % path.encode())
        error, data = self._answer()
        if error:
            raise OSError(error, os.strerror(error), path)
        return data

    def _answer(self) -> tuple[int, bytes]:
        error, _, data = self._machine.receive_line().partition(b" ")
        return int(error), bytes.fromhex(data.decode())


@contextmanager
def boot(lab: Lab, directory: Path) -> Iterator[Agent]:
    """Boot a lab's kernel with an agent."""
    initramfs = _initramfs(lab, directory)
    kernel = lab.directory / f"root/boot/vmlinuz-{lab.kernel}"
    # A guest that has crashed ends, rather than keep the host waiting.
    append = "rdinit=/agent-init oops=panic panic=-1"
    with Machine(
        directory, kernel, initramfs, [], memory=256, append=append
    ) as machine:
        # That it is there, it says as an answer.
        machine.receive_line(180)
        machine.qmp("stop")
        dump = directory / "agent.elf"
        machine.dump(dump)
        machine.qmp("cont")
        yield Agent(machine, dump)


def _initramfs(lab: Lab, directory: Path) -> Path:
    """The lab's, and the agent."""
    tree = directory / "agent"
    tree.mkdir()
    subprocess.run(
        ["gcc", "-static", "-O1", "-Wall", "-o", tree / "agent", GUEST / "agent.c"],
        check=True,
    )
    shutil.copy(GUEST / "agent-init", tree / "agent-init")
    (tree / "agent-init").chmod(0o755)
    return extend(lab.directory / "initramfs.gz", tree, directory / "agent.gz")
