"""How Sphinx builds the documentation."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS)]

project = "Flowy"
author = "The Flowy authors"
project_copyright = "2014-2026, The Flowy authors"
release = version = runpy.run_path(str(ROOT / "flowy" / "_version.py"))["__version__"]

extensions = ["sphinx.ext.autodoc", "docstrings"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Flowy {release}"
default_role = "code"

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
# Docstrings tell what an argument may be in the reader's words.
autodoc_typehints = "none"
