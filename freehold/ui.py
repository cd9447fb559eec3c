"""The template tags by which pages are put together from the components in ``templates/components/``.

``{% component "card" heading=title %}…{% endcomponent %}`` renders ``components/card.html``, which finds what stands
between the tags as ``body`` and sees nothing of the page around it but what it is given, and the token that its forms
need. Components without a body are plain includes: ``{% include "components/badge.html" with text=… only %}``.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_block_tag(takes_context=True)
def component(context: Context, content: str, component_name: str, **props: Any) -> SafeString:
    """``content`` was rendered by the engine already, so it is escaped where it must be."""
    assert context.template is not None
    partial = context.template.engine.get_template(f"components/{component_name}.html")
    return partial.render(context.new({"csrf_token": context.get("csrf_token"), **props, "body": content}))


@register.filter
def initials(name: object) -> str:
    """One or two letters that stand for a name or an address: ``Ada Lovelace`` is ``AL``, ``ada@example`` is ``A``."""
    words = [word for word in str(name).split("@")[0].replace("-", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in [*words[:1], *words[1:][-1:]]).upper() or "?"
