"""The register names of each architecture, in the order of its psABI's numbers."""

from __future__ import annotations

# The AAPCS: four arguments, eight variables (some with a special use), the rest.
_ARM_ALIASES = (
    *(("a1",), ("a2",), ("a3",), ("a4",)),
    *(("v1",), ("v2",), ("v3",), ("v4",), ("v5",)),
    *(("v6", "sb"), ("v7", "sl"), ("v8", "fp")),
    *(("ip",), ("sp",), ("lr",), ("pc",)),
)


def _x86_64() -> list[tuple[str, ...]]:
    names = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"]
    names += [f"r{i}" for i in range(8, 16)]
    names += ["rip", "rflags", "es", "cs", "ss", "ds", "fs", "gs", "fs.base", "gs.base"]
    return [(name,) for name in names]


def _aarch64() -> list[tuple[str, ...]]:
    aliases = {29: ("fp",), 30: ("lr",)}
    names = [(f"x{i}", *aliases.get(i, ())) for i in range(31)]
    return [*names, ("sp",), ("pstate",)]


def _arm() -> list[tuple[str, ...]]:
    return [(f"r{i}", *aliases) for i, aliases in enumerate(_ARM_ALIASES)]


def _ppc64() -> list[tuple[str, ...]]:
    names = [f"r{i}" for i in range(32)] + ["lr"] + [f"cr{i}" for i in range(8)]
    return [(name,) for name in names]


def _s390x() -> list[tuple[str, ...]]:
    names = [f"r{i}" for i in range(16)] + [f"a{i}" for i in range(16)]
    return [(name,) for name in [*names, "pswm", "pswa"]]


_NAMES = {
    "X86_64": _x86_64,
    "AARCH64": _aarch64,
    "ARM": _arm,
    "PPC64": _ppc64,
    "S390X": _s390x,
}


def register_names(architecture: str) -> list[tuple[str, ...]]:
    """All names of each register of an architecture, none if it is not known.

    ``architecture`` is the name of an ``Architecture``.
    """
    names = _NAMES.get(architecture)
    return names() if names is not None else []
