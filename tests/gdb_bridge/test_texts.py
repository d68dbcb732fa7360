"""What GDB says in words, as its versions say it."""

from __future__ import annotations

import pytest

from drgn.hosts.gdb_process import GdbProcess
from drgn.target import Mapping

MAPPINGS = {
    "GDB 11": """\
process 12
Mapped address spaces:

          Start Addr           End Addr       Size     Offset objfile
      0x555555554000     0x555555555000     0x1000        0x0 /tmp/a program
      0x7ffff7fc1000     0x7ffff7fc5000     0x4000        0x0 [vvar]
      0x7ffff7ffe000     0x7ffff7fff000     0x1000        0x0 \n""",
    "GDB 13": """\
process 12
Mapped address spaces:

          Start Addr           End Addr       Size     Offset  Perms  objfile
      0x555555554000     0x555555555000     0x1000        0x0  r--p   /tmp/a program
      0x7ffff7fc1000     0x7ffff7fc5000     0x4000        0x0  r--p   [vvar]
      0x7ffff7ffe000     0x7ffff7fff000     0x1000        0x0  rw-p   \n""",
    # Lines are padded.
    "GDB 16": """\
process 12
Mapped address spaces:

Start Addr         End Addr           Size   Offset Perms File            \n\
0x0000555555554000 0x0000555555555000 0x1000 0x0    r--p  /tmp/a program  \n\
0x00007ffff7fc1000 0x00007ffff7fc5000 0x4000 0x0    r--p  [vvar]          \n\
0x00007ffff7ffe000 0x00007ffff7fff000 0x1000 0x0    rw-p                  \n""",
}


class Words(GdbProcess):
    """A process of which GDB says the same to every question."""

    executable = None
    kind = "native"
    pid = 12
    alive = True

    def __init__(self, words: str) -> None:
        self.words = words

    def text(self, command: str) -> str:
        return self.words


@pytest.mark.parametrize("words", MAPPINGS.values(), ids=MAPPINGS)
def test_mappings(words: str) -> None:
    expected = Mapping(0x555555554000, 0x555555555000, 0, "/tmp/a program")
    assert Words(words).mappings() == [expected]
    assert Words(words).readable() == [
        (0x555555554000, 0x555555555000),
        (0x7FFFF7FC1000, 0x7FFFF7FC5000),
        (0x7FFFF7FFE000, 0x7FFFF7FFF000),
    ]
