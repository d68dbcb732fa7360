"""Packages of helpers that import a module when one of its names is asked for.

Each such package has a module ``_names`` with a table of its modules and of what
they export, so that importing the package imports none of them. To write the tables
anew after a name was added::

    python -m drgn.helpers._lazy
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

PACKAGES = ("drgn.helpers.common", "drgn.helpers.linux")


def lazy_names(package: str, table: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the full name of the module that each name of a package is in."""
    return {
        name: f"{package}.{module}" for module, names in table.items() for name in names
    }


def find_name(package: str, table: Mapping[str, tuple[str, ...]], name: str) -> object:
    """Find a module of a package, or a name in one of them, by importing it.

    This is what the package's ``__getattr__`` (:pep:`562`) returns.

    :param table: Names exported by each of the package's modules.
    :raises AttributeError: if there is no such name
    """
    if name == "__all__":
        return sorted(lazy_names(package, table))
    if name in table:
        return import_module(f"{package}.{name}")
    for module, names in table.items():
        if name in names:
            return getattr(import_module(f"{package}.{module}"), name)
    raise AttributeError(f"module {package!r} has no attribute {name!r}")


def exported_names(package: str) -> dict[str, tuple[str, ...]]:
    """Import all public modules of a package and collect what they export."""
    from pkgutil import iter_modules

    return {
        module.name: tuple(sorted(import_module(f"{package}.{module.name}").__all__))
        for module in iter_modules(import_module(package).__path__)
        if not module.name.startswith("_")
    }


def _main() -> None:
    for package in PACKAGES:
        lines = [
            f'"""Names that the modules of {package} export.',
            "",
            "Written by python -m drgn.helpers._lazy.",
            '"""',
            "",
            "NAMES: dict[str, tuple[str, ...]] = {",
        ]
        for module, names in sorted(exported_names(package).items()):
            lines.append(f'    "{module}": (')
            lines += [f'        "{name}",' for name in names]
            lines.append("    ),")
        lines.append("}")
        directory = import_module(package).__path__[0]
        with open(f"{directory}/_names.py", "w") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    _main()
