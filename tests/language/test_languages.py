"""Languages, and which one a type, a lookup and a program have."""

from __future__ import annotations

import pytest

from drgn import Architecture, Language, Platform, Program


def test_languages() -> None:
    assert repr(Language.C) == "Language.C"
    assert repr(Language.CPP) == "Language.CPP"
    assert Language.C.name == "C"
    assert Language.CPP.name == "C++"
    assert Language.C is not Language.CPP
    with pytest.raises(AttributeError):
        Language.C.name = "D"  # type: ignore[misc]
    with pytest.raises(TypeError, match="cannot create"):
        Language()


def test_default_language() -> None:
    prog = Program(Platform(Architecture.X86_64))
    assert prog.language is Language.C
    integer = prog.int_type("int", 4, True)
    assert integer.language is Language.C
    prog.language = Language.CPP
    other = prog.int_type("int", 4, True)
    assert other.language is Language.CPP
    assert other is not integer
    # What is made of a type of another language has the program's.
    assert prog.pointer_type(integer).language is Language.CPP
    assert prog.array_type(integer, 2, language=Language.C).language is Language.C


def test_repr_names_languages_that_are_not_the_programs() -> None:
    prog = Program(Platform(Architecture.X86_64))
    assert repr(prog.void_type()) == "prog.void_type()"
    cpp = prog.void_type(language=Language.CPP)
    assert repr(cpp) == "prog.void_type(language=Language.CPP)"
    prog.language = Language.CPP
    assert repr(cpp) == "prog.void_type()"


def test_tags_stand_alone_in_cpp_only() -> None:
    prog = Program(Platform(Architecture.X86_64))
    for language, name in ((Language.C, "struct s"), (Language.CPP, "s")):
        struct = prog.struct_type("s", 0, (), language=language)
        assert struct.type_name() == name
        assert prog.pointer_type(struct).type_name() == f"{name} *"
        assert struct.variable_declaration("x") == f"{name} x"
        assert str(struct) == "struct s {\n}"
