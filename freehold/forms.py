"""How every form looks: Django's and allauth's forms are drawn with our own field, by ``templates/django/forms/``.

``{{ form }}`` is the summary of its errors and all its fields; ``{{ form.name.as_field_group }}`` one field with its
label, hint and errors. A page that sets its fields one by one begins with ``components/error-summary.html``.
"""

from __future__ import annotations

from typing import Any

from django.forms import BoundField, Widget
from django.forms.renderers import TemplatesSetting
from django.forms.widgets import CheckboxInput

LOOKS = {"checkbox": "choice__input", "radio": "choice__input", "select": "field__input field__input--select"}
"""The class of a widget by its ``input_type``; all others are ``field__input``."""


def look_of(widget: Widget) -> str:
    """The CSS classes of a widget, those that it brings and ours. Hidden ones need none."""
    if widget.is_hidden:
        return ""
    look = LOOKS.get(getattr(widget, "input_type", ""), "field__input")
    return f"{look} {widget.attrs.get('class', '')}".strip()


class LookedField(BoundField):
    """A field that knows how it is drawn, and where a link to it must lead."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: Widget | None = None) -> dict[str, Any]:
        built = super().build_widget_attrs(attrs, widget)
        look = look_of(widget or self.field.widget)
        return {**built, "class": look} if look else built

    @property
    def is_checkbox(self) -> bool:
        """A single one, which stands before its label."""
        return isinstance(self.field.widget, CheckboxInput)

    @property
    def says_optional(self) -> bool:
        """What must be given is the rule, so the exception is marked. A box to tick need not say so."""
        is_filter = getattr(self.form, "is_filter", False)  # there every field is
        return not (self.field.required or self.field.disabled or self.is_checkbox or is_filter)

    @property
    def first_control(self) -> str:
        """The id of what takes the focus: of several controls the first."""
        return self.id_for_label or f"{self.auto_id}_0"


class Renderer(TemplatesSetting):
    """Named by ``FORM_RENDERER``."""

    bound_field_class = LookedField
