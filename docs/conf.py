"""How Sphinx builds the documentation."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS)]

project = "Flowy"
author = "The Flowy authors"
project_copyright = "2014-2026, The Flowy authors"
release = version = runpy.run_path(str(ROOT / "flowy" / "_version.py"))["__version__"]

extensions = [
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "commands",
    "docstrings",
    "findable",
    "links",
]
exclude_patterns = ["_build"]
html_theme = "furo"
# furo's own style underlines names of classes and modules, as if they were links.
pygments_dark_style = "github-dark"
html_title = f"Flowy {release}"
html_static_path = ["_static"]
html_css_files = ["flowy.css"]
html_js_files = ["flowy.js"]
html_favicon = "_static/flowy-mark.svg"
html_theme_options = {
    "light_logo": "flowy-light.svg",
    "dark_logo": "flowy-dark.svg",
    "light_css_variables": {"color-brand-primary": "#0b6e99", "color-brand-content": "#0b6e99"},
    "dark_css_variables": {
        "color-brand-primary": "#5cc3ec",
        "color-brand-content": "#5cc3ec",
        "color-code-background": "#1e2127",
    },
}
# A command is copied without its prompt and its output.
copybutton_prompt_text = "$ "
copybutton_copy_empty_lines = False
default_role = "code"

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
# Signatures have the types; docstrings tell in the reader's words what an argument may be.
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True


def _types_of_signatures(_app: Any, _env: Any, node: Any, shown: Any) -> Any:
    """Show a type in a signature as text if it is not documented; a link in a text must lead on."""
    return None if "refwarn" in node else shown


def setup(app: Any) -> None:
    """Register with Sphinx."""
    app.connect("missing-reference", _types_of_signatures)
