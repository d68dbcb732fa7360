"""The module of this package that each command is in."""

from __future__ import annotations

MODULES: dict[str, str] = {
    "!": "session",
    "*": "struct",
    "bpf": "bpf",
    "dev": "dev",
    "drgn": "session",
    "exit": "session",
    "help": "session",
    "ipcs": "ipcs",
    "irq": "irq",
    "kmem": "kmem",
    "mount": "mount",
    "net": "net",
    "pte": "pte",
    "q": "session",
    "set": "set",
    "struct": "struct",
    "swap": "swap",
    "sym": "sym",
    "union": "struct",
}
