"""The debuginfod finder: files by build ID over HTTP.

Environment variables are those of libdebuginfod (debuginfod_find_debuginfo(3)), with
which the cache is shared.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import log
from ..files import remove, temporary_name
from .debuginfod_cache import (
    cache_directory,
    is_missing_since,
    mark_missing,
    prepare,
)
from .files import (
    build_id_text,
    open_candidate,
    try_path,
    wanted_text,
    wants_files,
)

if TYPE_CHECKING:
    import http.client
    from typing import BinaryIO

    from .module import Module

_TIMEOUT = 90.0
"""Seconds to wait for a server that sends nothing, or next to nothing."""
_LONGEST_TIMEOUT = 1e6
_PROGRESS = 100 << 10
"""Bytes that have to come within that time."""
_MISSING = {400, 401, 403, 404, 405, 410, 451}
"""Answers of a server that will not have the file a moment later either."""
_MAX_SIZE = 8 << 30
_MAX_HEADERS = 1 << 16
_PIECE = 1 << 20


def debuginfod_finder(modules: Sequence[Module]) -> None:
    """Ask the servers in ``$DEBUGINFOD_URLS`` for what the modules want."""
    # A server that does not answer is not asked about the other modules.
    urls = os.environ.get("DEBUGINFOD_URLS", "").split()
    told = False
    for module in modules:
        if not wants_files(module):
            continue
        what = wanted_text(module)
        if module.build_id is None:
            log.debug(
                "%s (no build ID): can't query debuginfod for %s", module.name, what
            )
            continue
        log.debug(
            "%s (%s): querying debuginfod for %s",
            module.name,
            build_id_text(module),
            what,
        )
        if urls:
            _find(module, urls)
        elif not told:
            told = True
            log.debug(
                "no debuginfod servers configured;"
                " try setting the DEBUGINFOD_URLS environment variable"
            )


def _find(module: Module, urls: list[str]) -> None:
    build_id = module.build_id
    assert build_id is not None
    if module.wants_debug_file() and module._pending is None:
        _try(module, urls, build_id, "debuginfo")
    if module._pending is not None:
        _try(module, urls, module._pending[2].checksum, "debuginfo")
    if module.wants_loaded_file():
        _try(module, urls, build_id, "executable")


def _try(module: Module, urls: list[str], build_id: bytes, kind: str) -> None:
    path = _fetch(urls, build_id, kind)
    if path is not None:
        try_path(module, path)


def _fetch(urls: list[str], build_id: bytes, kind: str) -> str | None:
    """The path of a file in the cache, downloaded if need be; None if nobody has it.

    Servers that do not answer are taken out of ``urls``.
    """
    cache = cache_directory()
    directory = os.path.join(cache, build_id.hex())
    path = os.path.join(directory, kind)
    try:
        status = os.stat(path)
    except OSError:
        pass
    else:
        if status.st_size:
            return path
        if is_missing_since(cache, status.st_mtime):
            log.debug("%s: not found on debuginfod servers recently", path)
            return None
    try:
        prepare(cache, directory)
        missing = True
        for server in list(urls):
            scheme = "" if "://" in server else "http://"
            url = f"{scheme}{server.rstrip('/')}/buildid/{build_id.hex()}/{kind}"
            try:
                found = _download(url, path, build_id)
            except TimeoutError as error:
                log.warning("%s: %s; not asked again", server, error)
                urls.remove(server)
                found = None
            if found:
                return path
            missing = missing and found is False
        if missing:
            mark_missing(path)
    except OSError as error:
        log.warning("%s: %s", directory, error.strerror or error)
    return None


def _download(url: str, path: str, build_id: bytes) -> bool | None:
    """Whether a server had a file, which is at ``path`` then; None if it failed.

    Raises TimeoutError if the server is too slow.
    """
    import http.client
    import urllib.error
    import urllib.request

    timeout = _timeout()
    limit = _limit("MAXSIZE")
    temporary = temporary_name(path)
    try:
        request = urllib.request.Request(url, headers=_headers())
        with urllib.request.urlopen(request, timeout=timeout) as response:
            log.debug("downloading from debuginfod at %s", response.geturl())
            with open(temporary, "wb", opener=_private) as file:
                _copy(response, file, timeout, limit or _MAX_SIZE)
        answer = open_candidate(temporary)
        if answer is None or answer.build_id != build_id:
            # What is in the cache is not asked for again.
            log.debug("%s: not a file with that build ID", url)
            return None
        os.replace(temporary, path)
        return True
    except urllib.error.HTTPError as error:
        error.close()
        log.debug("%s: %s", url, error)
        return False if error.code in _MISSING else None
    except (OSError, ValueError, http.client.HTTPException) as error:
        # In the error of a connection there is the one of its socket.
        if isinstance(getattr(error, "reason", error), TimeoutError):
            raise TimeoutError(f"too slow for {timeout:g} s") from None
        log.debug("%s: %s", url, error)
        return None
    finally:
        remove(temporary)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o400)


def _headers() -> dict[str, str]:
    """What servers are told: the greatest size, and what the user's file has to say."""
    headers = {"User-Agent": "pydrgn"}
    if limit := _limit("MAXSIZE"):
        headers["X-DEBUGINFOD-MAXSIZE"] = str(limit)
    path = os.environ.get("DEBUGINFOD_HEADERS_FILE")
    if path:
        try:
            with open(path, encoding="latin-1") as file:
                lines = file.read(_MAX_HEADERS).splitlines()
        except OSError as error:
            log.debug("%s: %s", path, error.strerror)
            return headers
        for line in lines:
            name, colon, value = line.partition(":")
            if colon and name and not name[0].isspace():
                headers[name.strip()] = value.strip()
    return headers


def _limit(name: str) -> int:
    """Bytes of a file or seconds for it, 0 if there is no limit."""
    try:
        return max(int(os.environ.get(f"DEBUGINFOD_{name}", "")), 0)
    except ValueError:
        return 0


def _timeout() -> float:
    try:
        timeout = float(os.environ.get("DEBUGINFOD_TIMEOUT", ""))
    except ValueError:
        return _TIMEOUT
    return timeout if 0 < timeout < _LONGEST_TIMEOUT else _TIMEOUT


def _copy(
    response: http.client.HTTPResponse, file: BinaryIO, timeout: float, limit: int
) -> None:
    """Copy what a server sends; ValueError if it is cut short or too much.

    Raises TimeoutError if it comes too slowly.
    """
    expected = response.headers.get("Content-Length")
    size = 0
    due, deadline = _PROGRESS, time.monotonic() + timeout
    longest = _limit("MAXTIME")
    end = time.monotonic() + longest
    while piece := response.read1(_PIECE):
        size += len(piece)
        now = time.monotonic()
        if size >= due:
            due, deadline = size + _PROGRESS, now + timeout
        elif now > deadline:
            raise TimeoutError
        if longest and now > end:
            raise ValueError(f"download takes more than {longest} s")
        if size > limit:
            raise ValueError("file is too large")
        file.write(piece)
    if expected is not None and expected.isdigit() and size != int(expected):
        raise ValueError(f"got {size} of {expected} bytes")
