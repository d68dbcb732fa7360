"""A guest that several processes share: booted once, and ended with the tests.

``python -m lab.keeper DIRECTORY KERNEL OWNER [CPU [APPEND]]`` boots a lab's kernel with
a debugging stub, and writes the paths of its sockets to ``DIRECTORY/ready`` when it is
where the lab dumps it live. It ends with the process OWNER.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from . import initramfs, manifest
from .build import go_live
from .machine import Machine
from .monitor import Monitor
from .packages import LabError

READY = "ready"
_SECONDS = 200
"""How long each half of a guest's way may take."""
_ATTEMPTS = 3
"""An emulated kernel on a busy machine can hang while it boots."""


class SharedGuest(NamedTuple):
    """Where a guest can be reached. It is stopped while nobody debugs it."""

    directory: Path
    gdb_socket: str
    qmp_socket: str

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep it for oneself, and stop it afterwards."""
        with open(self.directory / "user.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                with Monitor.connect(self.qmp_socket) as monitor:
                    monitor.execute("stop")


def machine(lab: manifest.Lab, directory: Path, **options: object) -> Machine:
    """A lab's guest with a debugging stub, in a directory of its own."""
    return Machine(
        directory,
        lab.directory / f"root/boot/vmlinuz-{lab.kernel}",
        lab.directory / "initramfs.gz",
        initramfs.build_disks(directory),
        stub=True,
        **options,  # type: ignore[arg-type]
    )


def share(lab: manifest.Lab, directory: Path, owner: int, *options: str) -> SharedGuest:
    """The guest in a directory, which the first who asks for it boots.

    Raises LabError if it does not come up.
    """
    directory.mkdir(exist_ok=True)
    ready = directory / READY
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            with open(directory / "keeper.log", "w") as log:
                keeper = subprocess.Popen(
                    [sys.executable, "-m", "lab.keeper", directory, lab.kernel,
                     str(owner), *options],
                    cwd=Path(__file__).parents[1],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True,
                )  # fmt: skip
            while not ready.exists():
                if keeper.poll() is not None:
                    raise LabError((directory / "keeper.log").read_text())
                time.sleep(0.1)
    return SharedGuest(directory, *json.loads(ready.read_text()))


def main(
    directory: str, kernel: str, owner: str, cpu: str = "max,la57=off", append: str = ""
) -> None:
    lab = manifest.find(kernel)
    assert lab is not None
    where = Path(directory)
    for attempt in range(_ATTEMPTS):
        with machine(lab, where, cpu=cpu, append=append) as guest:
            try:
                go_live(guest, _SECONDS)
            except LabError as error:
                print(f"attempt {attempt + 1}: {error}", flush=True)
                continue
            partial = where / (READY + ".tmp")
            partial.write_text(json.dumps([guest.gdb_socket, guest.qmp_socket]))
            partial.rename(where / READY)
            while _is_there(int(owner)):
                time.sleep(0.5)
            return


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
