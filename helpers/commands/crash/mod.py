"""``mod``: kernel modules, and their debug info."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from drgn import MissingDebugInfoError, Object, Program, RelocatableModule
from drgn.commands import (
    CommandArgumentError,
    argument,
    drgn_argument,
    mutually_exclusive_group,
)
from drgn.helpers.common.format import CellFormat, print_table
from drgn.helpers.linux.module import (
    find_module,
    for_each_module,
    module_address_regions,
    module_taints,
)

from ._code import CrashCodeBuilder
from ._define import crash_command
from ._output import print_rows, rows_of

# What a file of a module's debug info may be called after the module's name.
_SUFFIXES = (".ko", ".ko.debug", ".ko.gz", ".ko.xz", ".ko.zst")


@crash_command(
    description="kernel modules, and loading their debug info",
    usage="**mod** [**-s** *MODULE* [*FILE*] | **-S** [*DIRECTORY*] | **-t**]"
    " [**--drgn**]",
    long_description="List the loaded modules with their address, size and the file of"
    " their debug info.",
    arguments=(
        mutually_exclusive_group(
            argument(
                "-s",
                dest="load",
                nargs="+",
                metavar=("MODULE", "FILE"),
                help="load the debug info of a module, from a file or from where it"
                " usually is",
            ),
            argument(
                "-S",
                dest="load_all",
                nargs="?",
                const="",
                metavar="DIRECTORY",
                help="load the debug info of all modules, from the files beneath a"
                " directory or from where it usually is",
            ),
            argument(
                "-t",
                dest="taints",
                action="store_true",
                help="list the modules that tainted the kernel, and how",
            ),
        ),
        drgn_argument,
    ),
)
def _crash_cmd_mod(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.load is not None and len(args.load) > 2:
        raise CommandArgumentError("mod: error: -s takes at most one file")
    if args.drgn:
        _print_code(prog, args)
    elif args.load is not None:
        _print_modules(prog, [_load(prog, *args.load)])
    elif args.load_all is not None:
        _load_all(prog, args.load_all)
        _print_modules(prog, _modules(prog))
    elif args.taints:
        _print_taints(prog)
    else:
        _print_modules(prog, _modules(prog))


def _name(module: Object) -> str:
    name: bytes = module.name.string_()
    return name.decode(errors="backslashreplace")


def _modules(prog: Program) -> Iterable[Object]:
    # !CONFIG_MODULES
    return for_each_module(prog) if "modules" in prog else ()


def _print_modules(prog: Program, modules: Iterable[Object]) -> None:
    titles = (
        CellFormat("MODULE", "^"),
        "NAME",
        CellFormat("TEXT_BASE", "^"),
        CellFormat("SIZE", ">"),
        "OBJECT FILE",
    )

    def row(module: Object) -> Sequence[Any]:
        regions = module_address_regions(module)
        return (
            CellFormat(module.value_(), "^x"),
            _name(module),
            CellFormat(regions[0][0], "^x"),
            sum(size for _, size in regions),
            _object_file(prog, module),
        )

    print_rows(chain([titles], rows_of(modules, row)))


def _object_file(prog: Program, module: Object) -> str:
    try:
        path = prog.linux_kernel_loadable_module(module).debug_file_path
    except LookupError:
        path = None
    if path is not None:
        return path
    # CONFIG_KALLSYMS keeps the symbol table; a struct of its own since 4.5
    # (8244062ef1e5).
    symbols = hasattr(module, "kallsyms") or hasattr(module, "num_symtab")
    return "(not loaded)" + ("  [CONFIG_KALLSYMS]" if symbols else "")


def _print_taints(prog: Program) -> None:
    rows = [
        [_name(module), taints]
        for module in _modules(prog)
        if (taints := module_taints(module))
    ]
    if rows:
        print_table([["NAME", "TAINTS"], *rows])
    else:
        print("no tainted modules")


def _load(prog: Program, name: str, path: str | None = None) -> Object:
    """Load the debug info of a module; what could not be found stays not loaded.

    Raises LookupError if there is no such module, OSError if there is no such file.
    """
    module = find_module(prog, name)
    if not module:
        raise LookupError(f"no module is called {name!r}")
    if path is None:
        try:
            prog.load_module_debug_info(_engine_module(prog, module))
        except MissingDebugInfoError:
            pass
    else:
        os.stat(path)
        _engine_module(prog, module).try_file(path)
    return module


def _load_all(prog: Program, directory: str) -> None:
    if not directory:
        prog.load_module_debug_info(
            *(_engine_module(prog, module) for module in for_each_module(prog))
        )
        return
    os.stat(directory)
    files: dict[str, list[str]] = {}
    for name, path in _module_files(directory):
        files.setdefault(name, []).append(path)
    for module in _modules(prog):
        loaded = _engine_module(prog, module)
        for path in files.get(_name(module), ()):
            if not loaded.wants_debug_file():
                break
            loaded.try_file(path)


def _engine_module(prog: Program, module: Object) -> RelocatableModule:
    return prog.linux_kernel_loadable_module(module, create=True)


def _module_files(directory: str) -> Iterator[tuple[str, str]]:
    """The files beneath a directory that modules may be in, with the modules' names."""
    for parent, _, names in os.walk(directory):
        for name in sorted(names):
            stem, dot, _ = name.partition(".ko")
            if dot and name[len(stem) :] in _SUFFIXES:
                yield stem.replace("-", "_"), os.path.join(parent, name)


def _print_code(prog: Program, args: argparse.Namespace) -> None:
    code = CrashCodeBuilder(prog)
    if args.load is not None:
        _append_load(code, *args.load)
        code.print()
        return
    if args.load_all:
        _append_files(code, args.load_all)
    code.add_from_import("drgn.helpers.linux.module", "for_each_module")
    with code.begin_block("for module in for_each_module():\n"):
        if args.load_all is not None:
            _append_load_from(code, args.load_all)
        elif args.taints:
            code.add_from_import("drgn.helpers.linux.module", "module_taints")
            code.append("name = module.name\ntaints = module_taints(module)\n")
        else:
            code.add_from_import("drgn.helpers.linux.module", "module_address_regions")
            code.append(
                "name = module.name\n"
                "regions = module_address_regions(module)\n"
                "text_base = regions[0][0]\n"
                "size = sum(size for _, size in regions)\n"
                "loaded = prog.linux_kernel_loadable_module(module, create=True)\n"
                "object_file = loaded.debug_file_path\n"
            )
    code.print()


def _append_load(code: CrashCodeBuilder, name: str, path: str | None = None) -> None:
    code.add_from_import("drgn.helpers.linux.module", "find_module")
    code.append(
        f"module = find_module({name!r})\n"
        "loaded = prog.linux_kernel_loadable_module(module, create=True)\n"
    )
    if path is None:
        code.append("prog.load_module_debug_info(loaded)\n")
    else:
        code.append(f"loaded.try_file({path!r})\n")


def _append_files(code: CrashCodeBuilder, directory: str) -> None:
    """Code that lists the files beneath a directory by the names of modules."""
    code.add_from_import("pathlib", "Path")
    code.append(
        f"""\
files = {{}}
for path in Path({directory!r}).rglob("*.ko*"):
    name = path.name.partition(".ko")[0].replace("-", "_")
    files.setdefault(name, []).append(path)
"""
    )


def _append_load_from(code: CrashCodeBuilder, directory: str) -> None:
    code.append("loaded = prog.linux_kernel_loadable_module(module, create=True)\n")
    if not directory:
        code.append("prog.load_module_debug_info(loaded)\n")
        return
    code.append('name = module.name.string_().decode().replace("-", "_")\n')
    with code.begin_block("for path in files.get(name, ()):\n"):
        code.append("if loaded.wants_debug_file():\n    loaded.try_file(path)\n")
