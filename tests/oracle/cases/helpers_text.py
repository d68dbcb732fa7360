# Text and tables, flags by name, and what helpers that take a program accept.
from drgn import Object, cast
from drgn.helpers.common.format import (
    CellFormat,
    RowOptions,
    decode_enum_type_flags,
    decode_flags,
    double_quote_ascii_string,
    escape_ascii_character,
    escape_ascii_string,
    number_in_binary_units,
    print_table,
)
from drgn.helpers.common.prog import (
    takes_object_or_program_or_default,
    takes_program_or_default,
)
from drgn.helpers.linux import (
    decode_memory_block_state_value,
    decode_page_flags_value,
    decode_sigaction_flags_value,
    decode_sysv_shm_mode_flags,
    for_each_online_cpu,
    print_dmesg,
)

for c in range(256):
    print(escape_ascii_character(c), escape_ascii_character(c, True, True, True))
everything = bytes(range(256))
for quotes in ((), (True,), (False, True), (False, False, True)):
    print(escape_ascii_string(everything, *quotes))
print(double_quote_ascii_string(everything), double_quote_ascii_string(b""))
for n in (0, 1, 1023, 1024, 1025, 1 << 20, 10**12, 1 << 80, 1.5, 1535, -1, -5000):
    print(number_in_binary_units(n), number_in_binary_units(n, 3))
    print(number_in_binary_units(n, precision=0))
FLAGS = [("ONE", 0), ("TWO", 1), ("ALSO_TWO", 1), ("FIVE", 4)]
VALUES = [("ONE", 1), ("TWO", 2), ("BOTH", 3), ("FIVE", 16)]
for value in range(70):
    print(decode_flags(value, FLAGS), decode_flags(value, FLAGS, aliases=False))
    print(decode_flags(value, VALUES, False), decode_flags(value, VALUES, False, False))
for name in ("zone_watermarks", "pid_type", "pageflags"):
    type = prog.type("enum " + name)
    print([decode_enum_type_flags(1 << bit, type) for bit in range(24)])
    print([decode_enum_type_flags(value, type, False) for value in range(24)])
for rows in (
    [],
    [()],
    [("one",)],
    [("a", "bb", "ccc"), ("dddd", "e", ""), (1, 2.5, True)],
    [("name", 1), ("longer name", 22), ("x", -333)],
    [(CellFormat("A", "^"), CellFormat(255, "x")), ("bbb", CellFormat(1, "b"))],
    [("PID", "COMM"), (1, "init"), ("", "alone"), (CellFormat("r", ">"), 5)],
    [RowOptions(("a", "b"), group=1), RowOptions(("longer", "c"), group=2)],
    [("short",), ("two", "cells"), ("three", "cells", "here")],
):
    for separator in (" ", " | ", ""):
        print_table(rows, sep=separator)


@takes_program_or_default
def of_program(prog, *args, word="none"):
    return prog is not None, args, word


@takes_object_or_program_or_default
def of_object(prog, object, number, *, word="none"):
    return prog is not None, object is None, number, word


task = prog["init_task"].address_of_()
for call in (
    lambda: of_program(),
    lambda: of_program(prog),
    lambda: of_program(5, word="x"),
    lambda: of_program(prog, 1, 2),
    lambda: of_object(1),
    lambda: of_object(prog, 2),
    lambda: of_object(task),
    lambda: of_object(task, 1),
    lambda: of_object(prog, 7, word="x"),
    lambda: of_object(7),
    lambda: of_object(task.comm[0]),
    lambda: list(for_each_online_cpu()),
    lambda: list(for_each_online_cpu(prog=prog)),
    lambda: list(for_each_online_cpu(1, 2)),
):
    try:
        print(call())
    except TypeError:
        print("TypeError")
print(of_program.__name__, of_object.__name__)

for value in (0, 1, 2, 4, 7, 8, 1 << 16, 0xFFFFFFFF):
    if value in (1, 2, 4):
        print(decode_memory_block_state_value(prog, value))
    print(decode_sysv_shm_mode_flags(prog, value))
    print(decode_sigaction_flags_value(prog, value))
    print(decode_page_flags_value(prog, value))
for value in (0o1000, 0o2000, 0o3600, 0o4000, 0o10000):
    print(decode_sysv_shm_mode_flags(prog, value))
print(decode_page_flags_value(prog, Object(prog, "unsigned long", 0x5)))
print(decode_sigaction_flags_value(prog, cast("unsigned long", task)))
print_dmesg(prog)
print_dmesg(prog, timestamps=False)
