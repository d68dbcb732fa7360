"""Scripts in the namespace of their caller."""

from __future__ import annotations

import py_compile
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drgn import execscript


@pytest.fixture
def script(tmp_path: Path):
    def write(text: str, name: str = "script.py") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def run(path: str, *args: str, **names: Any) -> dict[str, Any]:
    execscript(path, *args, globals=names)
    return names


def test_names_go_in_and_out(script) -> None:
    path = script("new = old + 1\ndel gone\ndef function(): return new\n")
    names = run(path, old=1, gone=2, __name__="mine", __file__="my.py")
    assert (names["old"], names["new"]) == (1, 2)
    assert "gone" not in names
    assert names["function"]() == 2
    # What is the caller's own stays.
    assert (names["__name__"], names["__file__"]) == ("mine", "my.py")


def test_names_of_the_caller_by_default(script) -> None:
    namespace: dict[str, Any] = {"execscript": execscript, "path": script("x = 7\n")}
    exec("execscript(path)", namespace)
    assert namespace["x"] == 7


def test_it_is_the_main_module(script) -> None:
    path = script(
        "import sys\n"
        "main = sys.modules['__main__']\n"
        "result = [main.__dict__ is globals(), __name__, __file__, sys.argv,\n"
        "          __package__, __spec__, __loader__, __cached__]\n"
    )
    before = sys.argv, sys.modules["__main__"]
    names = run(path, "a", "b")
    assert names["result"] == [
        True, "__main__", path, [path, "a", "b"], None, None, None, None,
    ]  # fmt: skip
    assert (sys.argv, sys.modules["__main__"]) == before
    assert "__file__" not in names


def test_exceptions_leave_what_was_defined(script) -> None:
    names: dict[str, Any] = {}
    before = sys.argv, sys.modules["__main__"]
    with pytest.raises(ValueError, match="bad"):
        execscript(script("first = 1\nraise ValueError('bad')\n"), globals=names)
    assert names["first"] == 1
    with pytest.raises(SystemExit):
        execscript(
            script("import sys\nsecond = 2\nsys.argv = []\nsys.exit(3)\n"),
            globals=names,
        )
    assert names["second"] == 2
    assert (sys.argv, sys.modules["__main__"]) == before


def test_scripts_run_scripts(script) -> None:
    inner = script("import sys\ninner = sys.argv[1:]\n", "inner.py")
    path = script(
        f"from drgn import execscript\nimport sys\nexecscript({inner!r}, 'i')\n"
        "outer = sys.argv[1:]\n"
    )
    names = run(path, "o")
    assert (names["inner"], names["outer"]) == (["i"], ["o"])


@pytest.mark.parametrize(
    ("text", "error"),
    [("from . import x\n", ImportError), ("def f(:\n", SyntaxError)],
)
def test_bad_scripts(script, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        run(script(text))


def test_compiled_scripts(script, tmp_path: Path) -> None:
    compiled = tmp_path / "script.pyc"
    py_compile.compile(script("new = old + 1\n"), str(compiled))
    assert run(str(compiled), old=1)["new"] == 2


def test_bad_paths(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run(str(tmp_path / "none.py"))
    with pytest.raises(IsADirectoryError):
        run(str(tmp_path))
    with pytest.raises(TypeError, match="'path' must be str, not bytes"):
        run(b"script.py")  # type: ignore[arg-type]


def test_lazy_names_stay_lazy(script) -> None:
    path = script(
        "import sys, __main__\n"
        "before = 'drgn.helpers.common.format' in sys.modules\n"
        "text = escape_ascii_string(b'a')\n"
        "same = __main__.text == text and __main__.prog is prog\n"
    )
    code = f"execscript({path!r}); print(before, text, same)"
    result = subprocess.run(
        [sys.executable, "-m", "drgn", "-q", "-p", "0", "--no-default-symbols", "-e",
         code],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert result.stdout == "False a True\n"
