"""Sphinx: the pages by hand, and the reference that is made of the docstrings."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

import reference  # noqa: E402

from drgn.version import DISTRIBUTION  # noqa: E402

project = "pydrgn"
author = "the pydrgn authors"
copyright = author
version = release = DISTRIBUTION

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.extlinks",
]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"page_width": "68rem"}

# Signatures as they are written: IntegerLike, not what it stands for.
autodoc_typehints = "signature"
autodoc_type_aliases = {"IntegerLike": "IntegerLike"}
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
extlinks = {
    "linux": ("https://elixir.bootlin.com/linux/latest/source/%s", "%s"),
}
# "object" in an annotation could also be Module.object, for Sphinx.
suppress_warnings = ["ref.python"]


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", lambda app: reference.write(DOCS / "reference"))
