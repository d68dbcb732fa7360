"""What takes long is told to people, not to files and pipes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from terminal import Terminal

CODE = """
import logging
from drgn.engine.log import progress
logging.getLogger("drgn").setLevel({level})
progress("working ...")
print("done")
"""


@pytest.mark.parametrize(("level", "shown"), [("WARNING", True), ("ERROR", False)])
def test_progress(level: str, shown: bool) -> None:
    argv = [sys.executable, "-c", CODE.format(level=f"logging.{level}")]
    terminal = Terminal(argv, os.environ)
    try:
        assert ("drgn: working ..." in terminal.until("done")) is shown
    finally:
        terminal.close()
    result = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("done\n", "")
