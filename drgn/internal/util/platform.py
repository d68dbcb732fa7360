"""What the machine that we run on is called, as scripts that depend on it ask."""

from __future__ import annotations

import platform
import re

# Those of the kernel's uname() that have other names, or that have several.
_OTHER_NAMES = (
    (r"i.86", "i386"),
    (r"arm64", "aarch64"),
    (r"(?:arm|sa110).*", "arm"),
    (r"ppc64le", "ppc64"),
    (r"amd64", "x86_64"),
)


def normalized(machine: str) -> str:
    """One name for each machine, whatever its byte order and its model.

    >>> normalized("armv7l")
    'arm'
    """
    for pattern, name in _OTHER_NAMES:
        if re.fullmatch(pattern, machine):
            return name
    return machine


NORMALIZED_MACHINE_NAME = normalized(platform.machine())
