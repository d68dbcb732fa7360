"""The same commands in GDB and without it, on the same cores."""

from __future__ import annotations

from pathlib import Path

import pytest

from drgn.standalone.gdb_api.session import Session

from .conftest import Core, differences, ours

EXPRESSIONS = """
origin|&origin|*&origin|origin.next->next->x|origin.c|(enum color)5|(enum color)7
nested|&nested|nested.u|nested.points|nested.points[1].x|&nested.points[1]
nested.call|nested.text|*nested.text|nested.b|nested.c|nested.a
table|table[0]@3|*table@2|&table|&table[3]|table + 1|*(table + 1)|&table[3] - &table[0]
matrix|matrix[1]|matrix[1][2]|&matrix[1]|all|odd|none|(enum flags)3|bytes|one|negative
small|yes|big|wide|single|real|longer|zeros|runs|pointer|*pointer|nowhere|somewhere
functions|words|words[1]|lines|*lines@5|twice|&twice|*twice|main|sizeof(struct point)
sizeof origin|sizeof(int)|1 + 2 * 3|-5 / 2|-5 % 3|5u - 6|1 << 3|~5|!5|10 > 5 ? 1 : 2
1 == 1 && 2 > 1|0 || 0|1.5|5 / 2.0|1.0f|10000000000|0xffffffff|4294967295|017|0b101
'a'|'\\n'|"abc"|(char)97|(unsigned char)300|(short)70000|(long)-1|{int} &origin
{struct point} &origin|origin.x + origin.y|pointer == &origin|pointer->name[0]
(long)pointer == (long)&origin|*nowhere|*(int *)0|5[3]|origin.nosuch|nosuch|1/0|5 % 0
origin == origin|(point_t *)&origin|(byte)5|(char *)bytes|argc|local|buf|p|*p|$nosuch
inner|*inner|crash::depth|1 +|(|table[|99999999999999999999|5x
origin.name|&origin.name|&origin.name[2]|(void *)&origin|&words[1]|**words@2|$_
d|words[0][0]|(float)1|(int)2.7|1, 2|pointer[0]|(unsigned)-1|5 & 3|5 ^ 3|5 | 3
masked|(enum mask)3|(enum mask)4|narrow|tenth|huge|accents|many|accents[2]
nested.points->x|nested.points.y|table.x|nested.points.nosuch
sizeof(int) - 5|sizeof origin - 99|-sizeof(int)|_Alignof(int) - 5|sizeof(int) > -1
(int *)8 - (int *)0xfffffffffffffff8|(char *)0 - (char *)0xfff0000000000000
pointer & 1|pointer * 2|pointer % 8|~pointer|-pointer|+pointer|real % 2|real << 1|~real
nowhere[0]|origin[0]|main[0]|wide[0]|~origin.c|pointer - nowhere
(char *)pointer - origin.name
-one|+small|wide * 2|big + 1|small < one|-1 < 1u|nested.u.f|&nested.u.f
""".replace("\n", "|")

FORMATS = """
p/x origin|p/x table|p/d all|p/c 97|p/t 10|p/x -1|p/o 8|p/u -1|p/z 5|p/x real|p/d 'a'
p/a &table[1]|p/s origin.name|p/x "ab"|p/d yes|p/x nested|p/c bytes|p/u negative
p/x narrow|p/d narrow|p/x huge|p/c single|p/a real|p/a small|p/f big|p/f yes|p/o narrow
output origin.x|output/x origin|p -pretty -- origin|p -elements 3 -- table
x/4xw &origin|x/2xg &origin|x/s origin.name|x/3db origin.name|x/2c origin.name
x/s accents|x/2uh &origin|x/3tb &origin|x/3s lines|x/2dw &table|x|p $_
printf "%d %s %c %5.2f,%-5d,%x %lu %%\\n", origin.x, origin.name, 65, 1.5, 3, 255, 10
printf "%s %.3s %08lx %p\\n", words[0], words[1], big, nowhere|printf "%d\\n"|echo hi\\n
echo \\ttab\\n|ptype struct point|ptype origin.next|ptype nested|ptype twice
ptype all|ptype matrix|ptype functions|ptype point_t|ptype int *|whatis origin
whatis &origin|whatis struct point|whatis point_t|whatis pointer|whatis twice
whatis functions|whatis matrix[1]|whatis &matrix|whatis 1 + 2L|whatis 'a'|whatis 1.5f
set $i = 5|p $i|p $i++|p $i|set var $i += 3|p $i|p $i * 2|p $|p $$2|p $1|p $999
set print pretty on|p origin|p nested|p/x origin|show print pretty|set print pretty off
set print elements 4|p table|p words[0]|p zeros|set print elements 200
set print union off|p nested|set print union on|set print address off|p pointer|p twice
set print address on|set print symbol off|p somewhere|p functions|set print symbol on
set print repeats 3|p table|p runs|set print repeats 10|set print array-indexes on
p matrix[0]|set print array-indexes off|set print null-stop on|p zeros
set print null-stop off|p $_strlen("abc")|p $_streq("a", "b")|p $_isvoid($nosuch)
p $_regex("abc", "^a.c$")|foo|info foo|p/x 1|p/r origin
""".replace("\n", "|")

STACK = """
bt|bt 2|bt -2|bt full|bt full 1|info locals|info args|frame|frame 1|info locals|up|down
down|info args|frame 4|info locals|info args|p argc|p *argv@argc|p d|up|frame 99
frame function crash|info symbol crash|info symbol table|info symbol &table[2]
info symbol 1|info line crash|info line main|info address table|info address crash
info address nosuch|info line nosuch|p $pc|p $sp|info registers rip|p $rip == $pc
frame 0|info line|list main|thread 5|frame apply 2 p depth
with print pretty on -- p origin
continue|step|info symbol main
""".replace("\n", "|")


def _lines(text: str) -> list[str]:
    return [line for line in text.strip("|").split("|") if line]


def test_values_of_expressions(session: Session, c_core: Core) -> None:
    # A bar is between expressions, and an operator of C's.
    lines = [f"p {each}" for each in [*_lines(EXPRESSIONS), "5 | 3"]]
    assert len(lines) > 140
    assert differences(c_core, lines) == ""


def test_formats_and_settings(session: Session, c_core: Core) -> None:
    assert differences(c_core, _lines(FORMATS)) == ""


STATIC = """
ptype *layout.unknown|whatis pointer->next->next->c|set $null = (struct point *)0
whatis $null->next->x|whatis *$null->next|whatis $null->name|whatis &$null->next
p sizeof($null->next->name)|whatis $null->x + 1L|whatis -$null->x
whatis $null->name[2]|whatis $null->next[3].c|set $i = 5|whatis $i++|p $i
whatis $i = 6|p $i|whatis twice(3)
ptype twice(3)|whatis (*nested.call)(1)|whatis *(long *)1|p *origin
whatis {struct point} 1|whatis (char)$null->x|whatis $null->nosuch|whatis *nowhere
whatis 1 / $null->x|whatis $null - $null|whatis $null + 1|whatis !$null|whatis ~$null->x
whatis sizeof($null->x)|whatis origin.x == 1|whatis *origin|whatis table[0]
whatis *table
whatis nested.b|whatis nested.b + 1|ptype *pointer|ptype pointer->next
whatis real * 2|whatis all + 1|whatis $pc|whatis &table|whatis *&table|whatis &*pointer
""".replace("\n", "|")


def test_types_are_known_without_values(session: Session, c_core: Core) -> None:
    assert differences(c_core, _lines(STATIC)) == ""


LAYOUTS = """
ptype/o struct bits|ptype/o union either|ptype/o struct packed|ptype/o struct layout
ptype/ox struct layout|ptype/xod struct bits|ptype/o layout.more|ptype/o layout.p
ptype/o point_t|ptype/o int|ptype/o twice|ptype/o main|ptype/o *layout.unknown
ptype/o layout.mid|ptype/o enum color|ptype/o struct nosuch|ptype/o|ptype/q int
ptype/x struct layout|whatis/o layout|set print type hex on|show print type hex
ptype/o struct point|ptype/od struct point|set print type hex off
""".replace("\n", "|")


def test_layouts_of_structures(session: Session, c_core: Core) -> None:
    assert differences(c_core, _lines(LAYOUTS)) == ""


CONVERSIONS = """
p (union word)17|p (union word)one|p (union word)single|p (union word)(enum color)5
p (struct pair)17L|p (struct pair)17|p (struct pair)word|p (int[2])17L
p (struct pair)real|p (union word)(float)1.5|p (union word)pair
python seventeen = gdb.Value(17).cast(gdb.lookup_type("int"))
python print(seventeen.cast(gdb.lookup_type("union word")))
p $_thread|p $_inferior|p $_gthread|p $_gdb_setting("print elements")|p $_gdb_major
p $_gdb_setting("print pretty")|p $_gdb_setting_str("print elements")
p $_caller_is("main")
p $_gdb_setting("print repeats")|p $_caller_is("main", 4)
p $_any_caller_is("nosuch")|p $_any_caller_is("crash")|p $_caller_matches("^cra")
set print elements unlimited|p $_gdb_setting("print elements")|set print elements 200
p $_gdb_setting_str("print elements")
""".replace("\n", "|")


def test_conversions_and_what_gdb_has_by_itself(session: Session, c_core: Core) -> None:
    assert differences(c_core, _lines(CONVERSIONS)) == ""
    # GDB 13 asks the selected frame alone.
    lines = ['output $_any_caller_is("main")', 'output $_any_caller_matches("^ma")']
    assert ours(lines) == ["1", "1"]


INSTRUCTIONS = """
disassemble|disassemble main|disassemble/r twice|disassemble twice,+8|disassemble 0
disassemble twice,twice+5|disassemble /r twice,+3|disassemble main+1|disassemble nosuch
disassemble/q main|show disassembly-flavor|x/30i main|x/5i $pc|p $_|x/i twice+1|x/3i 0
x/2i crash|x|set disassembly-flavor intel|x/30i crash|disassemble twice
set disassembly-flavor att|x/4i table|frame 1|x/3i $pc|disassemble crash,+40
python a = gdb.selected_frame().architecture(); pc = gdb.selected_frame().pc()
python print(a.disassemble(pc), a.disassemble(pc, count=3), a.disassemble(pc, pc + 9))
""".replace("\n", "|")


def test_instructions(session: Session, c_core: Core) -> None:
    assert differences(c_core, _lines(INSTRUCTIONS)) == ""


def test_instructions_without_a_disassembler(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    words = "Instructions cannot be shown: objdump (binutils) is not there.\n"
    assert ours(["disassemble main"])[0].endswith(words)
    assert ours(["x/i $pc"])[0].endswith(words)


LINES = """
list|list|list -|list -|list -|frame 0|list|list 10,12|list 5|list crash,+3|list ,20
list 9,|list crash|list *$pc|list 999|list nosuch|list nosuch.c:3|list 3,1|list ,
list FILE:crash|list FILE:12|list FILE:nosuch|list nosuch.c:crash|list +
info line FILE:12|info line FILE:40|info line 40|info line 41|info line 9999
info line FILE:crash|info line nosuch.c:3|info line *crash|x/2i|info line *(crash+9)
info line *1|info line nosuch|frame 1|info source|list twice|info scope nosuch
""".replace("\n", "|")


def test_lines_of_source(session: Session, c_core: Core) -> None:
    lines = [line.replace("FILE", f"{c_core[0]}.c") for line in _lines(LINES)]
    lines.append(f"list {c_core[0].name}.c:20")
    assert differences(c_core, lines) == ""


def test_lines_of_optimized_code(optimized: Session, optimized_core: Core) -> None:
    main = optimized.prog.symbol("main")
    addresses = range(main.address, main.address + main.size, 2)
    lines = [f"info line *{address:#x}" for address in addresses]
    lines += [f"info line {line}" for line in range(37, 62)]
    assert differences(optimized_core, lines) == ""


def test_stacks(session: Session, c_core: Core) -> None:
    assert differences(c_core, _lines(STACK)) == ""


def test_cplus(cplus: Session, cplus_core: Core) -> None:
    lines = """
bt|info args|frame 1|frame 0|p global|p *b|p box|p &box|p other.next->value|p n > 3
p as_base|p *as_base|p global.b|p global.d|p b|p &global.b|whatis box|whatis &other
whatis as_base|p sizeof(Derived)|p (Base *)&global|p ns::f|ptype ns::Box<int>|p f|p &f
set print object on|p as_base|p *as_base|set print object off|set print pretty on
p ns::kind|p (ns::Kind)9|p/x ns::kind
p global|p box|whatis global|p 1 == 1|p true|p sizeof(ns::Box<int>)|p *(ns::Box<int>*)b
""".replace("\n", "|")
    skipped = {"ptype ns::Box<int>", "p ns::f", "p true"}
    lines_ = [line for line in _lines(lines) if line not in skipped]
    assert differences(cplus_core, lines_) == ""


CLASSES = """
p level|p (Level)1|p (Level)7|p/d level|ptype level|ptype Level|whatis level
p Level::LOW|p level == Level::HIGH|whatis Level::LOW|ptype ns::Kind|p kept.in
p counted|p kept|p counted.count|p kept.limit|p &counted.count|p Counted::first
p (&kept)->count|p counted.first.count|p counted.nosuch|ptype Counted|ptype/o Counted
set print static-members off|p counted|set print static-members on|p/x counted
p -static-members off -- kept|set print pretty on|p counted|p kept
python fields = gdb.lookup_type("Counted").fields()
python print([(f.name, hasattr(f, "bitpos"), f.is_base_class) for f in fields])
python print(gdb.parse_and_eval("kept")["count"])
python print(gdb.parse_and_eval("counted")[fields[1]])
""".replace("\n", "|")


def test_static_members_and_scoped_enumerators(
    cplus: Session, cplus_core: Core
) -> None:
    assert differences(cplus_core, _lines(CLASSES)) == ""


COMMANDS = r"""
set $sum = 0
set $i = 0
while $i < 5
  if $i == 3
    set $i = $i + 1
    loop_continue
  end
  set $sum += table[$i]
  set $i = $i + 1
end
printf "sum %d\n", $sum
define walk
  # Its arguments are put in as they are.
  set $p = $arg0
  set $left = $arg1
  while 1
    printf "%d of %d: %s\n", $left, $argc, $p->name
    set $left = $left - 1
    if $left == 0
      loop_break
    else
      echo again\n
    end
    set $p = $p->next
  end
end
document walk
Walk along points.
  Indented.
end
walk &origin 3
walk pointer 1
help walk
python
print(gdb.parse_and_eval("origin.x") + 41)
for name in ("table", "matrix"):
    print(gdb.lookup_symbol(name)[0].type)
end
define outer
  if $argc == 0
    echo none\n
  else
    walk $arg0 1
  end
end
outer
outer &origin
eval "p %d + %d", 1, 2
p \
 1 + 1
"""


def test_files_of_commands(session: Session, c_core: Core, tmp_path: Path) -> None:
    file = tmp_path / "commands.gdb"
    file.write_text(COMMANDS)
    failing = tmp_path / "failing.gdb"
    failing.write_text("p 1\n\np nosuch\np 2\n")
    lines = [f"source {file}", f"source {failing}"]
    assert differences(c_core, lines) == ""


PRINTERS = r"""
import gdb
import gdb.printing


class Box:
    def __init__(self, val):
        self.val = val

    def to_string(self):
        return "Box of %d" % int(self.val["value"])

    def children(self):
        yield "value", self.val["value"]
        yield "next", self.val["next"]


class Vector:
    def __init__(self, val):
        self.val = val

    def to_string(self):
        return "%d numbers" % int(self.val["end"] - self.val["begin"])

    def children(self):
        at = self.val["begin"]
        while at != self.val["end"]:
            yield "[]", at.dereference()
            at = at + 1

    def display_hint(self):
        return "array"


class Text:
    def __init__(self, val):
        self.val = val

    def to_string(self):
        return self.val["data"].lazy_string(length=int(self.val["size"]))

    def display_hint(self):
        return "string"


class Both:
    def __init__(self, val):
        self.val = val

    def children(self):
        yield "key", self.val["key"]
        yield "value", self.val["value"]

    def display_hint(self):
        return "map"


team = gdb.printing.RegexpCollectionPrettyPrinter("team")
team.add_printer("Box", "^ns::Box<.*>$", Box)
team.add_printer("Vector", "^Vector$", Vector)
team.add_printer("Text", "^Text$", Text)
team.add_printer("Both", "^Both$", Both)
gdb.printing.register_pretty_printer(None, team)
"""


def test_pretty_printers_of_a_script(
    cplus: Session, cplus_core: Core, tmp_path: Path
) -> None:
    script = tmp_path / "printers.py"
    script.write_text(PRINTERS)
    names = ("box", "other", "vector", "empty", "text", "both", "*b", "global")
    lines = [f"source {script}", *(f"p {name}" for name in names)]
    lines += ["set print pretty on", *(f"p {name}" for name in names), "info locals"]
    lines += ["p/r box", "set print array on", "p vector", "p/x vector", "info args"]
    lines += ["python print(gdb.parse_and_eval('both').format_string(raw=True))"]
    assert differences(cplus_core, lines) == ""


BAD = """
p inlined|disassemble inlined|p &inlined|p *inlined|p inlined(1)
frame apply xyz p 1|frame apply|frame apply all|frame apply 99 p 5|frame apply -1 p 5
set print elements -1|set print elements -5|set print max-depth -5|output|list 2,+x
set print max-depth -1|show print max-depth|set print max-depth 20|p $rip = 3|p $foo = 3
p 1.0e999999|x/-5x &table|p 2 +|p {int} 0|p *(struct point *)0
""".replace("\n", "|")


def test_bad_input_in_the_words_of_gdb(session: Session, c_core: Core) -> None:
    assert differences(c_core, _lines(BAD)) == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("thread apply 1-999999999999 output 5", "5"),
        ("info threads 1-999999999999", "* 1"),
        ("define rec\nrec\nend\nrec", "Max user call depth exceeded"),
        ("x/99999999999999999999999i 0", "Invalid number"),
        ("disassemble 0,0xffffffffffffffff", "18446744073709551615 bytes are too many"),
        ('printf "%99999999d", 1', "Field of the format is too wide"),
        ("list " + "9" * 5000, "Line number"),
        ("\0" * 100000, "Undefined command"),
    ],
)
def test_what_has_no_end_is_refused(session: Session, line: str, words: str) -> None:
    (found,) = ours([line])
    assert words in found
    assert len(found) < 1000


def test_tracebacks_of_scripts_end_in_the_script(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "python print(gdb.parse_and_eval('nowhere').cast(gdb.lookup_type('long')))"
    assert ours([line]) == ["0\n"]
    assert ours(["python int(gdb.Value(0).dereference())"]) == [
        "Error while executing Python code.\n"
    ]
    assert capsys.readouterr().err == (
        "Traceback (most recent call last):\n"
        '  File "<string>", line 1, in <module>\n'
        "gdb.MemoryError: Cannot access memory at address 0x0\n"
    )


@pytest.mark.parametrize(
    "expression", ["(" * 5000 + "1" + ")" * 5000, "-" * 20000 + "1", "1+" * 40000 + "1"]
)
def test_deep_expressions_end(session: Session, expression: str) -> None:
    (found,) = ours([f"p {expression}"])
    assert found.startswith(("Expression is", "A syntax", "$1 = "))
