"""Write the pages of the reference: names of the API, helpers, commands."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import drgn
import drgn.commands
import drgn.control
from drgn.commands import DEFAULT_COMMAND_NAMESPACE

#: Modules of the API beside the package itself.
_MODULES = ("chains", "cli", "control", "elf", "guest", "plugins")


def write(directory: Path) -> None:
    """Write all pages into ``directory``; those that are as they were stay."""
    pages = {
        "api": _api(),
        "commands": _commands(),
        "helpers.arrays": _module("drgn.helpers.arrays"),
        **{name: _module(f"drgn.{name}") for name in _MODULES},
        "commands.api": _module("drgn.commands"),
        "commands.linux": _module(
            "drgn.commands.linux", but=(*drgn.__all__, *drgn.commands.__all__)
        ),
        "target": _module("drgn.target", but=drgn.control.__all__),
        **_helpers("drgn.helpers.common"),
        **_helpers("drgn.helpers.experimental"),
        **_helpers("drgn.helpers.linux"),
    }
    directory.mkdir(exist_ok=True)
    for page in directory.glob("*.rst"):
        if page.stem not in pages:
            page.unlink()
    for name, lines in pages.items():
        path = directory / f"{name}.rst"
        text = "\n".join(lines) + "\n"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def _title(text: str, mark: str = "=") -> list[str]:
    return [text, mark * len(text), ""]


def _api() -> list[str]:
    lines = [*_title("The drgn package"), ".. module:: drgn", ""]
    classes, functions = [], []
    for name in sorted(drgn.__all__):
        value = getattr(drgn, name)
        if inspect.isclass(value):
            classes.append(name)
        elif callable(value):
            functions.append(name)
    lines += _title("Functions", "-")
    for name in [*functions, "columns"]:
        lines += [f".. autofunction:: {name}", ""]
    lines += _title("Classes", "-")
    for name in classes:
        if issubclass(getattr(drgn, name), BaseException):
            continue
        lines += [
            f".. autoclass:: {name}",
            "   :members:",
            "   :inherited-members: int, object, tuple",
            "",
        ]
    lines += _title("Exceptions", "-")
    for name in classes:
        if issubclass(getattr(drgn, name), BaseException):
            lines += [f".. autoexception:: {name}", ""]
    return lines


def _module(name: str, *, but: Iterable[str] = ()) -> list[str]:
    """A page of all names of a module ``but`` those that another page has."""
    lines = [f".. automodule:: {name}", "   :members:", "   :imported-members:"]
    return [*lines, f"   :exclude-members: {', '.join(but)}"] if but else lines


def _helpers(package_name: str) -> dict[str, list[str]]:
    package = importlib.import_module(package_name)
    pages = {}
    overview = [*_title(package_name), f".. automodule:: {package_name}", ""]
    overview += [".. toctree::", "   :maxdepth: 1", ""]
    for module in _modules(package):
        page = module.__name__.removeprefix("drgn.")
        pages[page] = _module(module.__name__)
        overview.append(f"   {page}")
    pages[package_name.removeprefix("drgn.")] = overview
    return pages


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if not found.name.rpartition(".")[2].startswith("_"):
            yield importlib.import_module(found.name)


def _commands() -> list[str]:
    lines = [*_title("Commands")]
    enabled = dict(DEFAULT_COMMAND_NAMESPACE.enabled(drgn.Program()))
    for name, command in sorted(enabled.items()):
        lines += [*_title(f"%{name}", "-"), "::", ""]
        parts = command.format_usage(), command.description(), command.format_help()
        text = "\n\n".join(parts)
        lines += [f"   {line}".rstrip() for line in text.splitlines()]
        lines.append("")
    return lines
