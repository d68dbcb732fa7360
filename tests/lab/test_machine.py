"""A guest ends with who runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

RUN = """
from pathlib import Path
from lab.machine import Machine
Machine(Path("."), Path("kernel"), Path("initramfs"), [])
"""


def test_guest_of_a_process_that_is_killed(tmp_path: Path) -> None:
    qemu = tmp_path / "qemu-system-x86_64"
    qemu.write_text("#!/bin/sh\necho $$ >pid.tmp && mv pid.tmp pid\nexec sleep 1000\n")
    qemu.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    with subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=tmp_path, env=environment
    ) as owner:
        while not (tmp_path / "pid").exists():
            assert owner.poll() is None
            time.sleep(0.05)
        guest = Path("/proc") / (tmp_path / "pid").read_text().strip() / "exe"
        assert guest.exists()
        owner.kill()
    deadline = time.monotonic() + 10
    while guest.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
