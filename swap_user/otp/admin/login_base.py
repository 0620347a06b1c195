"""
The template that the login pages of an admin site extend.

It must have the block ``content``, which the login pages fill. A template without it would be shown
as it is, for example with fields for a name and a password, and no user could log in.
"""

from typing import Any

from django.template import Context, Template, TemplateDoesNotExist, TemplateSyntaxError, loader
from django.template.base import Node, NodeList
from django.template.loader_tags import BlockNode, ExtendsNode

BLOCK = "content"

DEFAULT = "admin/login.html"

PLAIN = "swap_user/admin/plain_base.html"
"""The template that is extended if the template of the site lacks the block."""

TEMPLATE_ERRORS = (TemplateDoesNotExist, TemplateSyntaxError)


def base_template(login_template: str | None) -> str:
    """
    Return the name of the template that the login pages extend.

    Args:
        login_template: the ``login_template`` of the admin site.

    Raises:
        TemplateDoesNotExist: the template, or one that it extends, does not exist.
        TemplateSyntaxError: it can't be compiled.
    """
    name = login_template or DEFAULT
    return name if has_block(name, BLOCK) else PLAIN


def has_block(name: str, block: str) -> bool:
    """
    Return whether a template shows a block that another template can fill.

    Args:
        name: name of the template. A template of another engine can't be extended at all.
        block: name of the block.

    Raises:
        TemplateDoesNotExist: the template, or one that it extends, does not exist.
        TemplateSyntaxError: it can't be compiled.
    """
    template = getattr(loader.get_template(name), "template", None)
    if not isinstance(template, Template):
        return False
    # The blocks of the template and of those that it extends: the first one with a name is shown.
    blocks: dict[str, BlockNode] = {}
    while (extends := _extends(template)) is not None:
        for each in extends.blocks.values():
            blocks.setdefault(each.name, each)
        context = Context()
        context.template = template
        with context.render_context.push_state(template):
            template = extends.get_parent(context)
            if not isinstance(template, Template):
                template = template.template
    return _shows(template.nodelist, block, blocks)


def _extends(template: Template) -> ExtendsNode | None:
    found: list[Any] = template.nodelist.get_nodes_by_type(ExtendsNode)
    return found[0] if found else None


def _shows(nodes: NodeList, block: str, blocks: dict[str, BlockNode]) -> bool:
    """Return whether one of the nodes is the block, or contains it."""
    for node in nodes:
        shown: Any = node
        if isinstance(node, BlockNode):
            if node.name == block:
                return True
            shown = blocks.get(node.name, node)
        if any(_shows(children, block, blocks) for children in _children(shown)):
            return True
    return False


def _children(node: Node) -> list[NodeList]:
    """Return the lists of nodes within a node, such as those of the branches of an ``if``."""
    lists = [getattr(node, name, None) for name in node.child_nodelists]
    branches = getattr(node, "conditions_nodelists", [])
    return [*(each for each in lists if each), *(nodes for _, nodes in branches)]
