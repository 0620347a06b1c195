"""
Code blocks that name their file, in a form that GitHub shows as well.

    ```python title="mysite/settings.py" hl_lines="2 8-9"

The title is shown above the block, and those lines are marked.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.directives.code import CodeBlock

_INFO = re.compile(r'(?P<name>title|hl_lines)="(?P<value>[^"]+)"(?:\s+|$)')
_OPTIONS = {"title": "caption", "hl_lines": "emphasize-lines"}


class TitledFence(CodeBlock):
    """A fence whose language is the directive's name; Sphinx's own code block does the work."""

    required_arguments = 0
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """Make options of what follows the language."""
        rest = self.arguments[0] if self.arguments else ""
        while rest:
            found = _INFO.match(rest)
            if found is None:
                raise self.error(f'After "{self.name}" stands {rest!r}, which means nothing here.')
            value = found["value"]
            if found["name"] == "hl_lines":
                value = ",".join(value.split())
            self.options[_OPTIONS[found["name"]]] = value
            rest = rest[found.end() :]
        self.arguments = [self.name]
        return super().run()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register one for each language that the pages use."""
    for language in app.config.myst_fence_as_directive:
        directives.register_directive(language, TitledFence)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
