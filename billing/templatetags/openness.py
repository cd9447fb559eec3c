"""Where everybody sees what the index costs, if that is public: ``{% sustainability_address as there %}``."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.urls import reverse

from billing.reports.sustainability import openness

register = template.Library()


@register.simple_tag
def sustainability_address() -> str:
    """Empty where it is not public, or billing is off."""
    is_there = settings.FREEHOLD_STRIPE.enabled and openness().is_public
    return reverse("sustainability") if is_there else ""
