"""The cache that debuginfod's clients share (debuginfod_find_debuginfo(3), "CACHE").

Files are ``BUILDID/debuginfo`` and ``BUILDID/executable``; an empty one stands for what
no server has. Three files beside them hold a number of seconds each, which users may
change: how long that is believed, how often the cache is cleaned (the file's own time
is when it was last), and how long a file stays that nobody uses.
"""

from __future__ import annotations

import os
import re
import time

from ..files import is_leftover, remove

_CACHE_MISS = "cache_miss_s"
_CLEAN_INTERVAL = "cache_clean_interval_s"
_MAX_UNUSED_AGE = "max_unused_age_s"
_SETTINGS = {
    _CACHE_MISS: 600,
    _CLEAN_INTERVAL: 24 * 3600,
    _MAX_UNUSED_AGE: 7 * 24 * 3600,
}
_BUILD_ID = re.compile(r"(?:[0-9a-f]{2})+")
_DOWNLOADED = re.compile(r"debuginfo|executable|(?:source|section).*")


def cache_directory() -> str:
    """The directory of the cache; it may not exist."""
    path = os.environ.get("DEBUGINFOD_CACHE_PATH")
    if path:
        return path
    old = os.path.expanduser("~/.debuginfod_client_cache")
    if os.path.isdir(old):
        return old
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "debuginfod_client")


def is_missing_since(cache: str, modified: float) -> bool:
    """Whether an empty file of that time is believed still that no server has it."""
    age = time.time() - modified
    # The clock may have been set back since.
    return 0 <= age < _setting(cache, _CACHE_MISS)


def mark_missing(path: str) -> None:
    """Remember that no server has a file."""
    if os.path.exists(path):
        os.unlink(path)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))


def prepare(cache: str, directory: str) -> None:
    """Make the cache and a directory in it, and clean them. OSError if they cannot be.

    What other users may not read stays unread by them.
    """
    for each in (os.path.dirname(cache) or ".", cache, directory):
        os.makedirs(each, mode=0o700, exist_ok=True)
    for name in filter(is_leftover, os.listdir(directory)):
        remove(os.path.join(directory, name))
    for name, seconds in _SETTINGS.items():
        try:
            with open(os.path.join(cache, name), "x") as file:
                file.write(str(seconds))
        except FileExistsError:
            pass
    interval = os.path.join(cache, _CLEAN_INTERVAL)
    now = time.time()
    if now - os.stat(interval).st_mtime >= _setting(cache, _CLEAN_INTERVAL):
        os.utime(interval)
        _clean(cache, now - _setting(cache, _MAX_UNUSED_AGE), directory)


def _setting(cache: str, name: str) -> int:
    try:
        with open(os.path.join(cache, name), "rb") as file:
            return int(file.read(32))
    except (OSError, ValueError):
        return _SETTINGS[name]


def _clean(cache: str, oldest: float, kept: str) -> None:
    """Remove what was last used before a time, and the directories that are empty then.

    The one that is ``kept`` is about to be filled.
    """
    for build_id in filter(_BUILD_ID.fullmatch, os.listdir(cache)):
        directory = os.path.join(cache, build_id)
        try:
            for name in filter(_DOWNLOADED.fullmatch, os.listdir(directory)):
                path = os.path.join(directory, name)
                status = os.lstat(path)
                if max(status.st_atime, status.st_mtime) < oldest:
                    os.unlink(path)
            if directory != kept:
                os.rmdir(directory)
        except OSError:
            continue  # Somebody else's, or not empty.
