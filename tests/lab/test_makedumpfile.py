"""makedumpfile reads the kdump files that the lab writes, and says what we say."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from drgn import Program
from drgn.helpers.linux.printk import get_dmesg
from lab.manifest import Lab


def test_kernel_log(lab: Lab, tmp_path: Path) -> None:
    makedumpfile = shutil.which("makedumpfile")
    if makedumpfile is None:
        pytest.skip("no makedumpfile")
    dump = lab.dump("live.kdump.zlib")
    log = tmp_path / "log"
    subprocess.run(
        [makedumpfile, "--dump-dmesg", dump, log],
        check=True,
        capture_output=True,
        timeout=120,
    )
    prog = Program()
    prog.set_core_dump(dump)
    prog.load_debug_info([lab.vmlinux])
    # makedumpfile has spaces where a record goes on in the next line. Newer ones
    # (1.7.6) tell the thread or CPU, too.
    text = re.sub(
        rb"^(\[ *\d+\.\d+\]) \[ *[TC]\d+\]", rb"\1", log.read_bytes(), flags=re.M
    )
    expected = [line.strip() for line in text.splitlines()]
    ours = [line.strip() for line in get_dmesg(prog).splitlines()]
    assert len(expected) > 100
    assert ours == expected
