"""How Django's forms are drawn: errors are wired and led to, what is optional says so, what was typed is kept."""

from __future__ import annotations

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.template import engines

from freehold.samples import ROLES, SampleForm
from tests.design.test_components import Page

LONG = "a <b>bold</b> story & more " * 200


class Small(forms.Form):
    """What the sample does not have."""

    secret = forms.CharField(widget=forms.HiddenInput)
    when = forms.SplitDateTimeField(label="When")
    many = forms.MultipleChoiceField(label="Many", choices=ROLES, required=False)
    fixed = forms.CharField(label="Fixed", required=False, disabled=True, widget=forms.TextInput({"class": "mine"}))


def drawn(form: forms.Form) -> Page:
    return Page(str(form))


@pytest.fixture
def refused() -> forms.Form:
    return SampleForm({"name": "", "email": "ann", "kind": "farm", "about": LONG})


class TestErrors:
    @pytest.mark.parametrize(("field", "hint"), [("name", True), ("email", False)])
    def test_describe_the_field_after_its_hint(self, refused, field, hint):
        control = drawn(refused).one("input", name=field)
        wanted = f"id_{field}_helptext id_{field}_error" if hint else f"id_{field}_error"
        assert (control["aria-invalid"], control["aria-describedby"]) == ("true", wanted)

    def test_stand_where_the_description_points(self, refused):
        page = drawn(refused)
        ids = {attributes["id"] for _, attributes in page.tags if attributes.get("id")}
        described = " ".join(str(attributes.get("aria-describedby") or "") for _, attributes in page.tags).split()
        assert described
        assert set(described) <= ids

    def test_of_a_group_describe_the_group(self, refused):
        group = drawn(refused).one("fieldset", **{"aria-describedby": "id_kind_helptext id_kind_error"})
        assert "field--error" in str(group["class"])

    def test_are_summed_up_with_a_link_to_each_field(self, refused):
        page = drawn(refused)
        links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
        assert links == ["#id_name", "#id_email", "#id_role", "#id_kind_0", "#id_agreed"]
        for link in links:
            page.one("select" if link == "#id_role" else "input", id=str(link)[1:])

    def test_of_the_whole_form_stand_in_the_summary_once(self, refused):
        assert str(refused).count("Nothing was changed.") == 1

    def test_take_the_focus(self, refused):
        summary = drawn(refused).one("div", tabindex="-1")
        assert "autofocus" in summary
        assert summary["aria-label"] == "Something is not right yet"

    def test_of_a_hidden_field_are_said_without_a_link(self):
        text = str(Small({"secret": ""}))
        assert 'href="#id_secret"' not in text
        assert "This field is required." in text

    def test_of_several_controls_lead_to_the_first(self):
        page = drawn(Small({"secret": "x", "when_0": "yesterday"}))
        page.one("a", href="#id_when_0")
        page.one("input", id="id_when_0")

    def test_of_what_was_typed_are_escaped(self):
        form = SampleForm({"role": "<b>x</b>"})
        assert "<b>x" not in str(form)

    def test_are_not_there_before_anything_was_sent(self):
        text = str(SampleForm())
        assert "error" not in text
        assert "aria-invalid" not in text


class TestFields:
    def test_what_may_be_left_out_says_so_and_nothing_else_does(self):
        text = str(SampleForm())
        optional = [name for name, field in SampleForm.base_fields.items() if not field.required]
        assert text.count("(optional)") == len(optional) == 4
        assert "Website <span" in text

    def test_what_cannot_be_changed_is_not_called_optional(self):
        assert "(optional)" not in str(Small()["fixed"].as_field_group())

    def test_what_was_typed_is_kept_however_long(self, refused):
        assert LONG.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in str(refused)

    def test_every_control_has_a_label(self):
        page = drawn(SampleForm())
        labelled = {attributes.get("for") for tag, attributes in page.tags if tag == "label"}
        controls = {attributes["id"] for tag, attributes in page.tags if tag in {"input", "select", "textarea"}}
        assert controls == labelled

    def test_widgets_keep_their_own_classes(self):
        assert drawn(Small()).one("input", name="fixed")["class"] == "field__input mine"

    def test_hidden_ones_are_there_once_and_without_a_look(self):
        assert "class" not in drawn(Small()).one("input", name="secret")

    @pytest.mark.parametrize("name", ["kind", "notices"])
    def test_a_group_has_a_legend_and_a_box_for_each_choice(self, name):
        page = Page(str(SampleForm()[name].as_field_group()))
        page.one("legend")
        assert [tag for tag, _ in page.tags].count("input") == 2

    def test_a_file_that_is_there_can_be_taken_away(self):
        class Filed(forms.Form):
            file = forms.FileField(required=False)

        known = SimpleUploadedFile("<b>.csv", b"x")
        known.url = "/files/1"  # type: ignore[attr-defined]  # as a stored file has it
        text = str(Filed(initial={"file": known}))
        assert 'name="file-clear"' in text
        assert "<b>.csv" not in text

    @pytest.mark.parametrize("way", ["as_p", "as_ul", "as_div"])
    def test_every_way_to_draw_a_form_is_ours(self, way):
        assert getattr(SampleForm(), way)() == str(SampleForm())


class TestTitle:
    PAGE = '{% extends "base.html" %}{% block title %}Profile{% endblock %}'

    def title(self, **context: object) -> str:
        page = engines["django"].from_string(self.PAGE).render(context, HttpRequest())
        return str(page).split("<title>")[1].split("</title>")[0]

    def test_says_first_that_something_is_wrong(self, refused):
        assert self.title(form=refused).startswith("Error: Profile")

    def test_is_itself_when_nothing_is(self):
        assert self.title(form=SampleForm()).startswith("Profile")
        assert self.title().startswith("Profile")
