"""Print all about types and variables of a file, whose memory is a pattern.

    show_program.py FILE "name of a type" ... -- variable ...

It runs under upstream's wheel and under us.
"""

import sys

from drgn import Object, Program, Qualifiers, alignof, host_platform, offsetof, sizeof

SIZE = 0x100000
MEMORY = bytes((7 * i * i + 3 * i + i // 5) & 255 for i in range(0x1000)) * 0x100


def show(label, function):
    try:
        print(label, repr(function()))
    except Exception as error:
        print(label, type(error).__name__, error)


def show_type(label, type, depth=0):
    show(label, lambda: type)
    show(f"{label} text", lambda: (str(type), type.type_name()))
    show(f"{label} declared", lambda: [type.variable_declaration(n) for n in ("v", "")])
    show(f"{label} const", lambda: str(type.qualified(Qualifiers.CONST)))
    show(f"{label} size", lambda: sizeof(type))
    show(f"{label} alignment", lambda: alignof(type))
    show(f"{label} kind", lambda: (type.kind, type.qualifiers, type.primitive))
    show(f"{label} parts", lambda: (type.is_complete(), type.unaliased()))
    for name in ("members", "enumerators", "parameters", "length", "is_signed"):
        show(f"{label} {name}", lambda name=name: getattr(type, name))
    for member in getattr(type, "members", None) or ():
        show(f"{label}.{member.name}", lambda m=member: (m.object, m.bit_field_size))
        show(f"{label}.{member.name} at", lambda m=member: offsetof(type, m.name))
        if depth < 2:
            show_type(f"{label}.{member.name}", member.type, depth + 1)
    if depth < 2 and hasattr(type, "type"):
        show_type(f"{label}*", type.type, depth + 1)


def show_object(name, obj):
    show(name, lambda: obj)
    show(f"{name} text", lambda: str(obj))
    show(f"{name} value", lambda: obj.value_())
    show(f"{name} read", lambda: (obj.read_(), str(obj.read_()), obj.to_bytes_()))
    show(f"{name} names", lambda: sorted(n for n in dir(obj) if n[-1].isdigit()))
    for options in (
        {"columns": 50, "integer_base": 16, "member_names": False},
        {"implicit_members": True, "implicit_elements": True, "element_indices": True},
        {"members_same_line": True, "type_name": False, "char": True},
        {"elements_same_line": False, "element_type_names": True, "string": False},
    ):
        show(f"{name} {options}", lambda options=options: obj.format_(**options))
    show_type(name, obj.type_)
    data = MEMORY[100:]
    show(f"{name} made", lambda: Object.from_bytes_(obj.prog_, obj.type_, data))


path, *names = sys.argv[1:]
split = names.index("--")
prog = Program(host_platform)
module = prog.main_module(path, create=True)
module.address_range = (0, SIZE)
module.try_file(path, force=True)
prog.add_memory_segment(0, SIZE, lambda a, count, o, p: MEMORY[o : o + count])
for name in names[:split]:
    show_type(name, prog.type(name))
for name in names[split + 1 :]:
    if name in prog:  # What the compiler has left.
        show_object(name, prog[name])
