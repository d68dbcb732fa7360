"""
Kconfig
-------

``drgn.helpers.linux.kconfig`` reads the configuration that the kernel was built with.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from drgn import BadDataError, Program
from drgn.helpers.common.prog import takes_program_or_default

__all__ = ("get_kconfig",)

_MAX_SIZE = 16 << 20  # that of a usual kernel is below 1 MiB


@takes_program_or_default
def get_kconfig(prog: Program) -> Mapping[str, str]:
    """Return the options that are set in the kernel's configuration.

    >>> get_kconfig()["CONFIG_NR_CPUS"]
    '8192'

    This needs ``CONFIG_IKCONFIG``, which many distributions do not set.

    :raises LookupError: if the kernel does not have its configuration
    :raises BadDataError: if it is damaged
    """
    config: Mapping[str, str] | None = prog.cache.get(get_kconfig)
    if config is None:
        lines = kconfig_text(prog).splitlines()
        options = (line.partition("=") for line in lines if line[:1] not in ("", "#"))
        config = MappingProxyType({name: value for name, _, value in options})
        prog.cache[get_kconfig] = config
    return config


def kconfig_text(prog: Program) -> str:
    """Return the kernel's configuration as its file is, comments and all.

    :raises LookupError: if the kernel does not have its configuration
    :raises BadDataError: if it is damaged
    """
    return _decompress(_config_data(prog))


def _decompress(data: bytes) -> str:
    import zlib

    gzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        text = gzip.decompress(data, _MAX_SIZE)
        if not gzip.eof:
            raise ValueError("its end is missing")
        return text.decode()
    except (ValueError, zlib.error) as error:
        raise BadDataError(f"kernel configuration is damaged: {error}") from None


def _config_data(prog: Program) -> bytes:
    try:
        # Since 5.1 (13610aa908dc).
        start = prog.symbol("kernel_config_data").address
        end = prog.symbol("kernel_config_data_end").address
        return prog.read(start, end - start)
    except LookupError:
        pass
    try:
        # Before, it was an array between two markers of 8 bytes.
        return prog["kernel_config_data"].to_bytes_()[8:-9]
    except KeyError:
        raise LookupError(
            "kernel configuration data not found; "
            "kernel must be compiled with CONFIG_IKCONFIG"
        ) from None
