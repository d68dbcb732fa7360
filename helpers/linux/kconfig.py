"""
Kconfig
-------

``drgn.helpers.linux.kconfig`` reads the configuration that the kernel was built with.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from drgn import Program
from drgn.helpers.common.prog import takes_program_or_default

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("get_kconfig",)


@takes_program_or_default
def get_kconfig(prog: Program) -> Mapping[str, str]:
    """Return the options that are set in the kernel's configuration.

    >>> get_kconfig()["CONFIG_NR_CPUS"]
    '8192'

    This needs ``CONFIG_IKCONFIG``, which many distributions do not set.

    :raises LookupError: if the kernel does not have its configuration
    """
    config: Mapping[str, str] | None = prog.cache.get(get_kconfig)
    if config is None:
        import gzip

        lines = gzip.decompress(_config_data(prog)).decode().splitlines()
        options = (line.partition("=") for line in lines if line[:1] not in ("", "#"))
        config = MappingProxyType({name: value for name, _, value in options})
        prog.cache[get_kconfig] = config
    return config


def _config_data(prog: Program) -> bytes:
    try:
        # Since 5.1 (13610aa908dc); before, the data stood between two markers.
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
