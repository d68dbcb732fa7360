"""What scripts say to their tests, among what GDB says."""

from __future__ import annotations


def say(script: str) -> str:
    """A script with ``say(*values)``, which prints them for `said`."""
    return 'def say(*values): print(">", *values)\n' + script


def said(out: str) -> list[str]:
    """What a script printed with "> " before it, without GDB's own words."""
    # Newer GDB says which signal it was.
    out = out.replace("received signal SIGSEGV, Segmentation fault", "was signaled")
    return [line[2:] for line in out.splitlines() if line.startswith("> ")]
