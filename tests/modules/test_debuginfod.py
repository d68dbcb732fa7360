"""The debuginfod finder, against a server of our own."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from bad_input.damage import limits

from drgn import Module, ModuleFileStatus, Program

BUILD_ID = "a1b2c3d4"


class Server:
    """What to answer by path, and what was asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.cut_short = False


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            state.headers.append(dict(self.headers.items()))
            answer = state.answers.get(self.path)
            self.send_response(404 if answer is None else 200)
            answer = answer or b""
            self.send_header("Content-Length", str(len(answer) + state.cut_short))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("DEBUGINFOD_URLS", f"http://127.0.0.1:{http.server_port}/")
    monkeypatch.setenv("DEBUGINFOD_CACHE_PATH", str(tmp_path / "cache"))
    monkeypatch.setenv("DEBUGINFOD_TIMEOUT", "5")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield state
    http.shutdown()
    http.server_close()


@pytest.fixture
def library(compile_c) -> bytes:
    source = "int number = 3; int function(int a) { return a + number; }"
    path: Path = compile_c(
        source, "-g", "-shared", "-fPIC", f"-Wl,--build-id=0x{BUILD_ID}"
    )
    return path.read_bytes()


@pytest.fixture
def module() -> Module:
    prog = Program()
    prog.set_enabled_debug_info_finders(["debuginfod"])
    module = prog.extra_module("m", create=True)
    module.build_id = bytes.fromhex(BUILD_ID)
    return module


DEBUG = f"/buildid/{BUILD_ID}/debuginfo"
LOADED = f"/buildid/{BUILD_ID}/executable"


def test_downloads_once(server: Server, module: Module, library: bytes) -> None:
    server.answers[DEBUG] = library
    module.loaded_file_status = ModuleFileStatus.DONT_WANT
    module.prog.load_module_debug_info(module)
    assert module.debug_file_path is not None
    assert module.debug_file_path.endswith(f"cache/{BUILD_ID}/debuginfo")
    assert module.prog["number"].type_.size == 4
    other = module.prog.extra_module("other", create=True)
    other.build_id = module.build_id
    other.loaded_file_status = ModuleFileStatus.DONT_WANT
    module.prog.load_module_debug_info(other)
    assert other.debug_file_path == module.debug_file_path
    assert server.asked == [DEBUG]


def test_both_files(server: Server, module: Module, library: bytes) -> None:
    server.answers = {DEBUG: library, LOADED: library}
    module.debug_file_status = ModuleFileStatus.DONT_WANT
    module.prog.load_module_debug_info(module)
    assert module.loaded_file_status is ModuleFileStatus.HAVE
    assert server.asked == [LOADED]


def test_missing_files_are_remembered(server: Server, module: Module) -> None:
    for _ in range(2):
        module.prog.load_module_debug_info(module)
        assert module.debug_file_status is ModuleFileStatus.WANT
    assert sorted(server.asked) == [DEBUG, LOADED]


def test_file_that_is_cut_short_is_no_file(
    server: Server, module: Module, library: bytes, tmp_path: Path
) -> None:
    server.answers[DEBUG] = library
    server.cut_short = True
    module.loaded_file_status = ModuleFileStatus.DONT_WANT
    module.prog.load_module_debug_info(module)
    assert module.debug_file_status is ModuleFileStatus.WANT
    assert os.listdir(tmp_path / "cache" / BUILD_ID) == []


def test_what_a_killed_process_left_is_removed(
    server: Server, module: Module, library: bytes, tmp_path: Path
) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    directory = tmp_path / "cache" / BUILD_ID
    directory.mkdir(parents=True)
    (directory / f"debuginfo.{ended.pid}.1.tmp").write_bytes(library)
    server.answers[DEBUG] = library
    module.loaded_file_status = ModuleFileStatus.DONT_WANT
    module.prog.load_module_debug_info(module)
    assert module.debug_file_status is ModuleFileStatus.HAVE
    assert os.listdir(directory) == ["debuginfo"]


def test_next_server_is_asked(
    server: Server,
    module: Module,
    library: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.answers[DEBUG] = library
    url = os.environ["DEBUGINFOD_URLS"]
    monkeypatch.setenv("DEBUGINFOD_URLS", f"http://127.0.0.1:1 bad:// {url}")
    module.prog.load_module_debug_info(module)
    assert module.debug_file_status is ModuleFileStatus.HAVE


def test_nobody_is_asked_without_build_id_or_servers(
    server: Server, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.build_id = None
    module.prog.load_module_debug_info(module)
    module.build_id = bytes.fromhex(BUILD_ID)
    monkeypatch.setenv("DEBUGINFOD_URLS", "")
    module.prog.load_module_debug_info(module)
    assert server.asked == []


def test_cache_is_private(
    server: Server, module: Module, library: bytes, tmp_path: Path
) -> None:
    server.answers[DEBUG] = library
    module.prog.load_module_debug_info(module)
    cache = tmp_path / "cache"
    for path, mode in (
        (cache, 0o700),
        (cache / BUILD_ID, 0o700),
        (cache / BUILD_ID / "debuginfo", 0o400),
    ):
        assert path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(
    ("age", "seconds", "asked"),
    [
        (100, "1000", 0),
        (100, "1", 1),
        (100, "x", 0),
        (-100000, "1000", 1),  # The clock was set back.
    ],
)
def test_how_long_missing_files_are_remembered(
    age: int, seconds: str, asked: int, server: Server, module: Module, tmp_path: Path
) -> None:
    module.loaded_file_status = ModuleFileStatus.DONT_WANT
    missing = tmp_path / "cache" / BUILD_ID / "debuginfo"
    missing.parent.mkdir(parents=True)
    missing.touch()
    before = missing.stat().st_mtime - age
    os.utime(missing, (before, before))
    (tmp_path / "cache" / "cache_miss_s").write_text(seconds)
    module.prog.load_module_debug_info(module)
    assert len(server.asked) == asked


def test_settings_of_the_cache(server: Server, module: Module, tmp_path: Path) -> None:
    """They are written for users to change, and stay what users made them."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "max_unused_age_s").write_text("7")
    module.prog.load_module_debug_info(module)
    files = {path.name: path.read_text() for path in cache.iterdir() if path.is_file()}
    assert files == {
        "cache_clean_interval_s": "86400",
        "cache_miss_s": "600",
        "max_unused_age_s": "7",
    }


@pytest.mark.parametrize(
    ("last", "left"),
    [
        (
            100,
            {"aa/debuginfo", "aa/executable", "bb/source#c", "bb/mine", "cc/source"},
        ),
        (86400, {"aa/executable", "bb/mine"}),
    ],
)
def test_unused_files_are_removed(
    last: int, left: set[str], server: Server, module: Module, tmp_path: Path
) -> None:
    """The cache was cleaned ``last`` seconds ago."""
    cache = tmp_path / "cache"
    now = time.time()
    for name, unused in {
        "aa/debuginfo": 8,
        "aa/executable": 6,
        "bb/source#c": 8,
        "bb/mine": 8,
        "cc/source": 8,
    }.items():
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).touch()
        os.utime(cache / name, (now - unused * 86400,) * 2)
    (cache / "cache_clean_interval_s").write_text("1000")
    os.utime(cache / "cache_clean_interval_s", (now - last,) * 2)
    module.prog.load_module_debug_info(module)
    found = {str(p.relative_to(cache)) for p in cache.glob("??/*")}
    assert found == left
    assert (cache / "cc").exists() == ("cc/source" in left)
    assert time.time() - (cache / "cache_clean_interval_s").stat().st_mtime < 1000


def test_cache_of_before_xdg(
    server: Server,
    module: Module,
    library: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DEBUGINFOD_CACHE_PATH")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".debuginfod_client_cache").mkdir()
    server.answers[DEBUG] = library
    module.prog.load_module_debug_info(module)
    assert module.debug_file_path == str(
        tmp_path / ".debuginfod_client_cache" / BUILD_ID / "debuginfo"
    )


@pytest.mark.parametrize(
    ("size", "status"),
    [("100", "WANT"), ("1000000", "HAVE"), ("0", "HAVE"), ("x", "HAVE")],
)
def test_limit_of_size(
    size: str,
    status: str,
    server: Server,
    module: Module,
    library: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEBUGINFOD_MAXSIZE", size)
    server.answers[DEBUG] = library
    module.prog.load_module_debug_info(module)
    assert module.debug_file_status.name == status
    said = server.headers[0].get("X-Debuginfod-Maxsize")
    assert said == (size if size.strip("x0") else None)


def test_headers_of_the_user(
    server: Server, module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "headers"
    path.write_text("X-Token: a b\nno header\nX-Other:2\n")
    monkeypatch.setenv("DEBUGINFOD_HEADERS_FILE", str(path))
    module.prog.load_module_debug_info(module)
    assert server.headers[0]["X-Token"] == "a b"
    assert server.headers[0]["X-Other"] == "2"
    monkeypatch.setenv("DEBUGINFOD_HEADERS_FILE", "/nonexistent")
    module.build_id = b"other"
    module.prog.load_module_debug_info(module)
    assert "X-Token" not in server.headers[-1]


def test_servers_without_a_scheme(
    server: Server, module: Module, library: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = os.environ["DEBUGINFOD_URLS"].removeprefix("http://")
    monkeypatch.setenv("DEBUGINFOD_URLS", f"::nonsense:: {address}")
    server.answers[DEBUG] = library
    module.prog.load_module_debug_info(module)
    assert module.debug_file_status is ModuleFileStatus.HAVE


def test_file_of_another_build_is_not_kept(
    server: Server, module: Module, library: bytes, tmp_path: Path
) -> None:
    module.loaded_file_status = ModuleFileStatus.DONT_WANT
    other = library.replace(bytes.fromhex(BUILD_ID), b"else")
    for answer in (b"<html>Please log in</html>", other, library[:-100]):
        server.answers[DEBUG] = answer
        module.prog.load_module_debug_info(module)
        assert module.debug_file_status is ModuleFileStatus.WANT
        assert os.listdir(tmp_path / "cache" / BUILD_ID) == []
    server.answers[DEBUG] = library
    module.prog.load_module_debug_info(module)
    assert module.debug_file_status is ModuleFileStatus.HAVE


@pytest.mark.parametrize("piece", [b"", b"x"])
def test_slow_server_is_asked_once(
    piece: bytes, module: Module, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUGINFOD_TIMEOUT", "0.2")
    connections = []
    done = threading.Event()

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connections.append(connection)
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                while not done.wait(0.05):
                    try:
                        connection.sendall(piece)
                    except OSError:
                        break

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("DEBUGINFOD_URLS", url)
        other = module.prog.extra_module("other", create=True)
        other.build_id = b"other"
        with limits():
            module.prog.load_module_debug_info(module, other)
        done.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert len(connections) == 1
    assert module.debug_file_status is ModuleFileStatus.WANT


@pytest.mark.parametrize("timeout", ["inf", "nan", "-1", "1e300", "soon"])
def test_timeouts_that_are_none(
    timeout: str,
    server: Server,
    module: Module,
    library: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEBUGINFOD_TIMEOUT", timeout)
    server.answers[DEBUG] = library
    module.prog.load_module_debug_info(module)
    assert module.debug_file_status is ModuleFileStatus.HAVE
