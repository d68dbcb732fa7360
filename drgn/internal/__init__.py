"""What scripts import from upstream's package of this name, although it is private."""

from . import version as version
