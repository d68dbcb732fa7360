"""``struct``, ``union`` and ``*``: types, and what lies at an address as one."""

from __future__ import annotations

import argparse
from typing import Any

from drgn import Object, Program, Type, sizeof
from drgn.commands import CommandError, argument, drgn_argument
from drgn.helpers.linux.percpu import per_cpu_ptr

from ._address import Location, parse_location
from ._code import CrashCodeBuilder
from ._define import crash_command, radix_arguments
from ._members import (
    MemberOffset,
    TypeSpec,
    find_type,
    member_variable,
    members_code,
    parse_offset,
    parse_type_spec,
    print_object,
)
from ._output import format_options


def _arguments(kind: str) -> tuple[argument, ...]:
    return (
        argument(
            "-l",
            dest="offset",
            metavar="OFFSET",
            help="the address is this far into the object: a number of bytes or"
            f" {kind}_name.member",
        ),
        *radix_arguments,
        argument("-c", dest="count", type=int, help="how many stand one after another"),
        drgn_argument,
        argument(
            "spec",
            metavar=f"{kind}_name[.member[,member]]",
            help="name of the type, and members to show alone, which may be nested and"
            " have array subscripts",
        ),
        argument(
            "location",
            metavar="address_or_symbol[:cpuspec]",
            nargs="?",
            help="hexadecimal address or symbol; without one, the type itself is shown."
            " For a per-CPU variable, a colon and CPUs may follow: numbers and ranges"
            " with commas between, ``a`` for all possible CPUs, nothing for that of the"
            " context",
        ),
        argument(
            "positional_count",
            metavar="count",
            nargs="?",
            type=int,
            help="as -c; a negative one shows those up to the address",
        ),
    )


@crash_command(
    description="show a structure type, or memory as one",
    arguments=_arguments("struct"),
)
def _crash_cmd_struct(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    _run(prog, args, ("struct", "class"))


@crash_command(
    description="show a union type, or memory as one",
    arguments=_arguments("union"),
)
def _crash_cmd_union(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    _run(prog, args, ("union",))


@crash_command(
    name="*",
    description="struct or union, whichever a type is",
    usage=r"**\*** [*arguments of struct or union*]",
    long_description="The name may follow at once (``*list_head``), and the star may be"
    " left out where no\ncommand has the name of the type.",
    arguments=_arguments("struct"),
)
def _crash_cmd_any(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    _run(prog, args, ("struct", "union", "class"))


def _run(prog: Program, args: argparse.Namespace, kinds: tuple[str, ...]) -> None:
    spec = parse_type_spec(args.spec)
    type = find_type(prog, spec.type_name, kinds)
    count = args.count if args.positional_count is None else args.positional_count
    offset = None if args.offset is None else parse_offset(prog, args.offset)
    if args.location is None:
        for given, what in ((count, "a count"), (args.offset, "-l")):
            if given is not None:
                raise CommandError(f"{what} needs an address or a symbol")
        if args.drgn:
            _print_type_code(prog, type, spec)
        else:
            _print_type(type, spec)
        return
    location = parse_location(prog, args.location)
    count = 1 if count is None else count
    if args.drgn:
        _print_code(prog, type, spec, location, offset, count)
        return
    address = location.resolve(prog) - (offset.bytes if offset else 0)
    pointer = Object(prog, prog.pointer_type(type), address)
    options = format_options(prog, args.integer_base)
    if location.cpus is None:
        _print_objects(pointer, count, spec, options)
        return
    for cpu in location.cpus.resolve(prog):
        each = per_cpu_ptr(pointer, cpu)
        print(f"[{cpu}]: {each.value_():x}")
        _print_objects(each, count, spec, options)


def _range(count: int) -> range:
    """Indices of the objects; a negative count ends with that at the address."""
    return range(count) if count >= 0 else range(count + 1, 1)


def _print_objects(
    pointer: Object, count: int, spec: TypeSpec, options: dict[str, Any]
) -> None:
    indices = _range(count)
    for i in indices:
        if i != indices.start:
            print()
        print_object(pointer[i], spec.members, options)


def _print_type(type: Type, spec: TypeSpec) -> None:
    if not spec.members:
        print(type)
        print(f"SIZE: {sizeof(type)}")
        return
    for member in spec.members:
        print(_declaration(type, member))


def _declaration(type: Type, member: str) -> str:
    """A member as ``[offset] type name;``, with its designator if that is no name."""
    found = Object(type.prog, type, address=0).subobject_(member)
    name = member_variable(member)
    text = f"[{found.address_}] {found.type_.variable_declaration(name)};"
    return text if name == member else f"{text} /* {member} */"


def _print_type_code(prog: Program, type: Type, spec: TypeSpec) -> None:
    code = CrashCodeBuilder(prog)
    code.append(f'type = prog.type("{type.type_name()}")\n')
    if not spec.members:
        code.add_from_import("drgn", "sizeof")
        code.append("size = sizeof(type)\n")
    else:
        code.add_from_import("drgn", "Object")
        code.append("object = Object(prog, type, address=0)\n")
    for member in spec.members:
        name = member_variable(member)
        code.append(
            f'\n{name} = object.subobject_("{member}")\n'
            f"{name}_type = {name}.type_\n"
            f"{name}_offset = {name}.address_\n"
        )
    code.print()


def _print_code(
    prog: Program,
    type: Type,
    spec: TypeSpec,
    location: Location,
    offset: MemberOffset | None,
    count: int,
) -> None:
    code = CrashCodeBuilder(prog)
    _append_pointer(code, type, location, offset)
    if location.cpus is None:
        _append_objects(code, spec, count, "pointer")
    else:
        code.add_from_import("drgn.helpers.linux.percpu", "per_cpu_ptr")
        with code.begin_cpus(location.cpus):
            code.append("cpu_pointer = per_cpu_ptr(pointer, cpu)\n")
            _append_objects(code, spec, count, "cpu_pointer")
    code.print()


def _append_pointer(
    code: CrashCodeBuilder, type: Type, location: Location, offset: MemberOffset | None
) -> None:
    """Assign a pointer to the first object to ``pointer``."""
    name = type.type_name()
    address = location.code()
    code.add_from_import("drgn", "Object")
    if offset is None or offset.member is None:
        if offset is not None:
            address = f"{address} - {offset.bytes}"
        code.append(f'pointer = Object(prog, "{name} *", {address})\n')
        return
    assert offset.type is not None
    within = offset.type.type_name()
    if within == name:
        code.add_from_import("drgn", "container_of")
        code.append(f'member = Object(prog, "void *", {address})\n')
        code.append(f'pointer = container_of(member, "{name}", "{offset.member}")\n')
        return
    code.add_from_import("drgn", "offsetof")
    code.append(
        f'offset = offsetof(prog.type("{within}"), "{offset.member}")\n'
        f'pointer = Object(prog, "{name} *", {address} - offset)\n'
    )


def _append_objects(
    code: CrashCodeBuilder, spec: TypeSpec, count: int, pointer: str
) -> None:
    members = members_code(spec.members)
    if count == 1:
        code.append(f"object = {pointer}[0]\n{members}")
        return
    indices = _range(count)
    with code.begin_block(
        f"for object in {pointer}[{indices.start}:{indices.stop}]:\n"
    ):
        code.append(members or "...\n")
