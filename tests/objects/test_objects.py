"""What objects do beyond the tables: where they are right and upstream is not, the
attributes of the class and of its members, memory that changes, and symbols."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from drgn import (
    Architecture,
    FaultError,
    Language,
    Object,
    ObjectAbsentError,
    OutOfBoundsError,
    Platform,
    Program,
    Type,
    TypeMember,
    TypeParameter,
    cast,
    container_of,
    implicit_convert,
    reinterpret,
    sizeof,
)
from drgn.engine.memory.segments import BufferSegment

BASE = 0xFFFF800000000000


@pytest.fixture
def prog() -> Program:
    return Program(Platform(Architecture.X86_64))


def add_memory(prog: Program, address: int, data: bytes) -> bytearray:
    """Memory whose bytes can be changed through what is returned."""
    memory = bytearray(data)
    prog.add_memory_segment(
        address, len(memory), lambda a, count, o, p: bytes(memory[o : o + count])
    )
    return memory


def structure(prog: Program, *names: str) -> Type:
    """A structure with ints of these names."""
    integer = prog.type("int")
    members = [TypeMember(integer, name, 32 * i) for i, name in enumerate(names)]
    return prog.struct_type("s", 4 * len(names), members)


class TestWhereUpstreamIsWrong:
    def test_nan_equals_nothing(self, prog: Program) -> None:
        nan = Object(prog, "double", float("nan"))
        assert (nan == nan) is False
        assert nan != nan
        assert not (nan < 1.0) and not (nan >= 1.0)

    def test_integer_becomes_float_before_it_is_compared(self, prog: Program) -> None:
        assert Object(prog, "int", 16777217) == Object(prog, "float", 16777216)

    def test_pointers_of_both_halves_can_be_subtracted(self, prog: Program) -> None:
        high = Object(prog, "int *", 0xFFFFFFFFFFFFFFF8)
        assert (high - Object(prog, "int *", 0x10)).value_() == -6

    def test_pointers_to_what_is_the_same_in_c(self, prog: Program) -> None:
        """Types of another language, and parameters' qualifiers (C11 6.7.6.3p15)."""
        int_type, const_int = prog.type("int"), prog.type("const int")
        void = prog.void_type()

        def function(parameter: Type) -> Type:
            return prog.function_type(void, [TypeParameter(parameter)])

        for to, source in (
            (int_type, prog.int_type("int", 4, True, language=Language.CPP)),
            (prog.type("_Bool"), prog.bool_type("_Bool", 1, language=Language.CPP)),
            (prog.type("double"), prog.float_type("double", 8, language=Language.CPP)),
            (function(int_type), function(const_int)),
        ):
            pointer = Object(prog, prog.pointer_type(source), 5)
            found = implicit_convert(prog.pointer_type(to), pointer)
            assert found.type_ == prog.pointer_type(to) and found.value_() == 5

    def test_negative_bit_fields_leave_those_beside_them_alone(
        self, prog: Program
    ) -> None:
        field = Object(prog, "int", bit_field_size=3)
        type = prog.struct_type(
            "s", 4, [TypeMember(field, "a"), TypeMember(field, "b", 3)]
        )
        obj = Object(prog, type, {"a": -1})
        assert obj.to_bytes_() == b"\x07\0\0\0"
        assert obj.value_() == {"a": -1, "b": 0}

    def test_unnamed_scalar_member_has_no_value(self, prog: Program) -> None:
        integer = prog.type("int")
        type = prog.struct_type(
            "s", 8, [TypeMember(integer), TypeMember(integer, "b", 32)]
        )
        assert Object(prog, type, {"b": 2}).value_() == {"b": 2}

    def test_implicit_members_with_flexible_array(self, prog: Program) -> None:
        inner = prog.struct_type(
            "inner", 4, [TypeMember(prog.array_type(prog.type("int")), "data", 32)]
        )
        outer = prog.struct_type("outer", 4, [TypeMember(inner, "a")])
        text = Object(prog, outer, {}).format_(implicit_members=False)
        assert text == "(struct outer){}"


class TestAttributes:
    def test_members_with_the_names_of_internals(self, prog: Program) -> None:
        names = ("_ref", "_val", "_absent", "_value", "_type", "__state", "format", "x")
        obj = Object(prog, structure(prog, *names), address=0x1000)
        for i, name in enumerate(names):
            for _ in range(2):
                assert getattr(obj, name).address_ == 0x1000 + 4 * i

    def test_api_names_come_first(self, prog: Program) -> None:
        obj = Object(prog, structure(prog, "address_", "value_"), address=0x1000)
        assert obj.address_ == 0x1000
        assert callable(obj.value_)
        assert obj.member_("value_").address_ == 0x1004

    def test_members_of_one_type_are_not_attributes_of_others(
        self, prog: Program
    ) -> None:
        obj = Object(prog, structure(prog, "only_here"), address=0)
        assert obj.only_here.address_ == 0
        other = Object(prog, structure(prog, "something_else"), address=0)
        integer = Object(prog, "int", 1)
        for _ in range(2):
            assert not hasattr(other, "only_here")
            assert not hasattr(integer, "only_here")
        with pytest.raises(AttributeError, match="'struct s' has no member 'only_here"):
            _ = other.only_here
        assert "only_here" in dir(obj)
        assert "only_here" not in dir(other)
        assert "only_here" not in dir(Object)

    def test_same_name_at_other_offsets(self, prog: Program) -> None:
        first = Object(prog, structure(prog, "a", "b"), address=0x1000)
        second = Object(prog, structure(prog, "b", "a"), address=0x1000)
        assert (first.a.address_, second.a.address_) == (0x1000, 0x1004)

    def test_more_names_than_are_made_properties(self, prog: Program) -> None:
        names = [f"member_{i}" for i in range(1000)]
        obj = Object(prog, structure(prog, *names), address=0)
        for _ in range(2):
            assert [getattr(obj, name).address_ for name in names[-3:]] == [
                4 * 997,
                4 * 998,
                4 * 999,
            ]
        assert all(getattr(obj, n).address_ == 4 * i for i, n in enumerate(names))
        assert not hasattr(Object(prog, "int", 1), "member_999")

    def test_nothing_can_be_assigned(self, prog: Program) -> None:
        obj: Any = Object(prog, structure(prog, "a"), address=0)
        assert obj.a.address_ == 0
        for name in ("a", "b", "type_", "address_", "absent_", "value_", "prog_"):
            with pytest.raises(AttributeError):
                setattr(obj, name, 1)
            with pytest.raises(AttributeError):
                delattr(obj, name)

    def test_class_of_the_user_is_refused(self) -> None:
        with pytest.raises(TypeError, match="not an acceptable base type"):
            type("Mine", (Object,), {})

    def test_to_numpy(self, prog: Program) -> None:
        obj = Object(prog, "int [3]", [1, 2, 3])
        assert obj.to_numpy().tolist() == [1, 2, 3]


class TestMemory:
    def test_reference_sees_changes_and_value_does_not(self, prog: Program) -> None:
        memory = add_memory(prog, 0x1000, struct.pack("<i", 1))
        ref = Object(prog, "int", address=0x1000)
        value = ref.read_()
        memory[0] = 2
        assert (ref.value_(), value.value_()) == (2, 1)
        assert value.address_ is None

    def test_values_across_pages(self, prog: Program) -> None:
        add_memory(prog, BASE, bytes(range(256)) * 64)
        for offset in (4089, 4090, 4095, 4096):
            ref = Object(prog, "long", address=BASE + offset)
            raw = prog.read(BASE + offset, 8)
            assert ref.value_() == int.from_bytes(raw, "little", signed=True)

    def test_addresses_wrap_around(self, prog: Program) -> None:
        type = structure(prog, "a", "b")
        assert Object(prog, type, address=2**64 - 4).b.address_ == 0
        array = Object(prog, prog.array_type(type, 2), address=2**64 - 8)
        assert array[1].address_ == 0
        assert array[1:].address_ == 0
        assert (Object(prog, prog.pointer_type(type), 0) - 1).value_() == 2**64 - 8
        # What lies beyond the end is at the start, whoever asks.
        add_memory(prog, 0, struct.pack("<2i", 7, 8))
        last = Object(prog, type, address=2**64 - 4).b
        assert last.value_() == 7 and last.address_of_().value_() == 0
        assert last.read_().value_() == 7 and last.to_bytes_() == b"\7\0\0\0"
        assert repr(last) == "Object(prog, 'int', address=0x0)"
        assert Object(prog, prog.pointer_type(type), 2**64 - 4).b.value_() == 7
        assert array[1].a.value_() == array[1:][0].a.value_() == 7

    def test_fault_names_its_address(self, prog: Program) -> None:
        add_memory(prog, 0x1000, bytes(16))
        type = structure(prog, *"abcdefgh")
        for read in ("value_", "read_", "to_bytes_", "__str__"):
            with pytest.raises(FaultError) as error:
                getattr(Object(prog, type, address=0x1000), read)()
            assert error.value.address == 0x1010

    def test_padding_need_not_be_readable(self, prog: Program) -> None:
        add_memory(prog, 0x1000, struct.pack("<i", 5))
        type = prog.struct_type("s", 64, [TypeMember(prog.type("int"), "a")])
        obj = Object(prog, type, address=0x1000)
        assert obj.value_() == {"a": 5}
        assert str(obj) == "(struct s){\n\t.a = (int)5,\n}"

    def test_huge_array_faults_and_does_not_hang(self, prog: Program) -> None:
        add_memory(prog, 0x1000, bytes(16))
        obj = Object(prog, prog.array_type(prog.type("int"), 2**40), address=0x1000)
        for read in (obj.value_, obj.read_, obj.to_bytes_, obj.__str__):
            with pytest.raises(FaultError):
                read()
        assert obj[2**39].address_ == 0x1000 + 2**41

    def test_value_of_part_is_checked(self, prog: Program) -> None:
        obj = Object(prog, "int [2]", [1, 2])
        for index in (-1, 2, 2**40):
            with pytest.raises(OutOfBoundsError):
                obj[index]
        with pytest.raises(OutOfBoundsError):
            reinterpret("long [2]", obj)


class TestPointers:
    def test_follow_a_list(self, prog: Program) -> None:
        pointers: list[Type] = []
        node = prog.struct_type(
            "node",
            16,
            [
                TypeMember(lambda: pointers[0], "next"),
                TypeMember(prog.type("long"), "id", 64),
            ],
        )
        pointers.append(prog.pointer_type(node))
        add_memory(prog, BASE, struct.pack("<QqQq", BASE + 16, 1, BASE, 2))
        head = Object(prog, node, address=BASE)
        assert head.next.id.value_() == 2
        assert head.next.next == head.address_of_()
        assert head.next != head.address_of_()
        assert bool(head.next)
        assert container_of(head.next.id.address_of_(), node, "id") == head.next
        assert head.next.next.next.read_().value_() == BASE + 16

    def test_what_was_asked_of_a_pointer_is_not_stale(self, prog: Program) -> None:
        type = structure(prog, "a", "b")
        data = struct.pack("<QQ4i", 0x1010, 0x1018, 1, 2, 3, 4).ljust(4096, b"\0")
        memory = bytearray(data)
        segment = BufferSegment(0x1000, len(data), memoryview(memory))
        prog._memory.add(segment)
        pointer = Object(prog, prog.pointer_type(type), address=0x1000)
        shown = repr(pointer)
        for place, (a, b) in ((0x1010, (1, 2)), (0x1018, (3, 4)), (0, (0, 0))):
            memory[:8] = struct.pack("<Q", place)
            prog._memory.invalidate()
            pointer.value_()
            for _ in range(2):
                assert bool(pointer) == bool(place)
                assert pointer.value_() == int(pointer) == place
                assert pointer.read_().value_() == (pointer + 1).value_() - 8 == place
                assert (pointer == Object(prog, pointer.type_, place)) is True
                assert repr(pointer) == shown and pointer.address_ == 0x1000
                assert pointer.bit_offset_ == 0 and pointer.bit_field_size_ is None
                if place:
                    assert (pointer.a.value_(), pointer.b.value_()) == (a, b)
                    assert pointer[0].b.value_() == pointer.member_("b").value_() == b
        assert pointer.b.address_ == 4
        # A segment that hides the pointer is asked each time.
        reads = add_memory(prog, 0x1000, struct.pack("<Q", 0x1010))
        for place in (0x1010, 0, 0x1018):
            reads[:] = struct.pack("<Q", place)
            assert bool(pointer) == bool(place)
            assert pointer.a.address_ == pointer.value_() == place

    def test_absent_pointer(self, prog: Program) -> None:
        pointer = Object(prog, prog.pointer_type(structure(prog, "a")))
        for use in (
            lambda: pointer.a,
            lambda: pointer[0],
            lambda: bool(pointer),
            lambda: pointer == pointer,
            lambda: pointer + 1,
            lambda: container_of(pointer, structure(prog, "b"), "b"),
        ):
            with pytest.raises(ObjectAbsentError, match="object absent"):
                use()

    def test_address_of_is_memoised_per_type(self, prog: Program) -> None:
        first = Object(prog, "int", address=8).address_of_()
        second = Object(prog, "const int", address=8).address_of_()
        assert first.type_.type_name() == "int *"
        assert second.type_.type_name() == "const int *"
        assert first.type_ is prog.type("int *")


class TestArithmeticFastPaths:
    """Operators remember what they did last; the next operation must not care."""

    def test_literals_after_one_another(self, prog: Program) -> None:
        byte = Object(prog, "unsigned char", 255)
        for literal in (1, 1, -1, 2**31, 1, 2**63, True, 1):
            assert (byte + literal).value_() == 255 + literal
        assert (byte + 2**31).type_.type_name() == "long"
        assert (byte + 1).type_.type_name() == "int"
        assert (byte + 1.0).type_.type_name() == "double"

    def test_pointers(self, prog: Program) -> None:
        pointer = Object(prog, "int *", 0x1000)
        for _ in range(2):
            assert (pointer + 1).value_() == 0x1004
            assert (pointer - 1).value_() == 0xFFC
            assert (pointer - 0x401).value_() == 2**64 - 4
            with pytest.raises(TypeError, match="invalid operands to binary &"):
                _ = pointer & 1

    def test_bit_fields(self, prog: Program) -> None:
        unsigned = Object(prog, "unsigned long", 5)
        field = Object(prog, "unsigned long", 5, bit_field_size=40)
        for _ in range(2):
            assert (unsigned - 6).value_() == 2**64 - 1
            assert (field - 6).value_() == 2**40 - 1
            assert (field - 6).bit_field_size_ == 40

    def test_comparisons(self, prog: Program) -> None:
        for _ in range(2):
            assert Object(prog, "unsigned int", 2**32 - 1) > 0
            assert Object(prog, "unsigned int", 2**32 - 1) == -1
            assert Object(prog, "int", -1) < 0
            assert Object(prog, "long", -1) < 2**62
            assert not Object(prog, "long", -1) < 2**63
            assert Object(prog, "int", -1) > Object(prog, "unsigned int", 1)

    def test_types_found_later(self, prog: Program) -> None:
        obj = cast("unsigned char", Object(prog, "int", 300))
        assert obj.value_() == 44
        assert sizeof(obj + 1) == 4


class TestPython:
    """What Python itself says has other class names than upstream's."""

    def test_unhashable(self, prog: Program) -> None:
        with pytest.raises(TypeError, match="unhashable type"):
            hash(Object(prog, "int", 1))
        assert Object.__hash__ is None

    @pytest.mark.parametrize("spec", ["d", "x", ">10", ".2f"])
    def test_format_specification(self, prog: Program, spec: str) -> None:
        obj = Object(prog, "int", 1)
        assert format(obj) == f"{obj}" == "(int)1"
        with pytest.raises(TypeError, match="unsupported format string"):
            format(obj, spec)

    def test_other_operands(self, prog: Program) -> None:
        obj: Any = Object(prog, "int", 1)
        for other in ("1", None, [1], 1j):
            with pytest.raises(TypeError):
                obj + other
            with pytest.raises(TypeError):
                other - obj
            with pytest.raises(TypeError):
                _ = obj < other
            assert (obj == other) is False
            assert (obj != other) is True

    def test_iterator(self, prog: Program) -> None:
        obj = Object(prog, "int [3]", [1, 2, 3])
        iterator = iter(obj)
        assert iter(iterator) is iterator
        assert next(iterator).value_() == 1
        assert iterator.__length_hint__() == 2  # type: ignore[attr-defined]
        assert [element.value_() for element in iterator] == [2, 3]
        assert [element.value_() for element in reversed(obj)] == [3, 2, 1]
        assert 2 in obj and 4 not in obj

    def test_pretty_printer(self, prog: Program) -> None:
        class Printer:
            written = ""

            def text(self, text: str) -> None:
                self.written += text

        printer = Printer()
        Object(prog, "int", 1)._repr_pretty_(printer, False)
        Object(prog, "int", 1)._repr_pretty_(printer, True)
        assert printer.written == "(int)1..."


def test_function_in_a_value(prog: Program) -> None:
    """It has an address in memory, and nothing of it is in the bytes of a value."""
    integer = prog.type("int")
    function = prog.function_type(integer, [])
    members = [TypeMember(integer, "x"), TypeMember(function, "f", 32)]
    add_memory(prog, BASE, struct.pack("<2i", 7, 0))
    obj = Object(prog, prog.struct_type("s", 8, members), address=BASE)
    shown = "(struct s){ .x = (int)7, .f = (int (void))%s }"
    assert obj.format_(members_same_line=True) == shown % hex(BASE + 4)
    assert obj.read_().format_(members_same_line=True) == shown % "<absent>"


def test_errors_are_not_of_others(prog: Program) -> None:
    """A traceback shows what is wrong, and no failed look into a memo of the engine."""
    pair = prog.struct_type("pair", 4, [TypeMember(prog.type("int"), "x")])
    link = prog.struct_type("link", 8, [TypeMember(prog.pointer_type(pair), "pair")])
    obj = Object(prog, prog.pointer_type(link), BASE)
    absent = Object(prog, prog.pointer_type(link))
    for fail in (
        lambda: obj.member_("y"),
        lambda: obj.pair.x,
        lambda: absent.pair,
        lambda: container_of(obj, pair, "y"),
        lambda: prog.read(BASE, 1),
    ):
        with pytest.raises((LookupError, FaultError, ObjectAbsentError)) as raised:
            fail()
        assert raised.value.__context__ is None
