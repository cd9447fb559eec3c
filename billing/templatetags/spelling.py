"""Money in templates: ``{{ sum|spelled }}``, and ``{{ sum|rounded }}`` without what is less than one."""

from __future__ import annotations

from django import template

from billing import words

register = template.Library()
register.filter("spelled", words.spelled)
register.filter("rounded", words.rounded)
