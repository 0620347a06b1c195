"""How Sphinx builds these pages: `make docs`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "_ext"))

project = "django-swap-user"
html_title = project

extensions = ["myst_parser", "sphinx_copybutton", "sphinx_inline_tabs", "titled_fences"]
exclude_patterns = ["_*"]

# Every reference must lead somewhere, and `-W` makes an error of each that doesn't.
nitpicky = True

myst_enable_extensions = ["colon_fence", "attrs_inline"]
myst_heading_anchors = 4  # `page.md#a-heading` works as on GitHub
myst_fence_as_directive = [
    "python",
    "html",
    "css",
    "ini",
    "sh",
    "text",
    "javascript",
    "json",
]  # see _ext/titled_fences.py

html_theme = "furo"
pygments_dark_style = "github-dark"  # the theme's own underlines names, as if they were links
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = html_show_sourcelink = False
html_use_index = False
