"""The public log of grants: to read, and to follow."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.db.models import BigAutoField
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from freehold.access import public
from freehold.caching import cacheable, held, keyed, matches
from freehold.problems import problem_response
from namespaces import names
from namespaces.public_log import Changes, Wanted, as_jsonl, log_page, newest
from namespaces.purging import NAMESPACES, PAGES
from namespaces.views.public import page

JSONL = "application/jsonl"
MOST_DIGITS = len(str(BigAutoField.MAX_BIGINT)) - 1


class FilterForm(forms.Form):
    is_filter = True

    namespace = forms.CharField(
        label=gettext_lazy("Namespace"),
        required=False,
        max_length=names.MAX_LENGTH,
        help_text=gettext_lazy("And all inside it."),
        widget=forms.TextInput(attrs={"type": "search", "autocapitalize": "none", "spellcheck": "false"}),
    )
    change = forms.ChoiceField(label=gettext_lazy("Change"), required=False)

    def __init__(self, data: Mapping[str, str]) -> None:
        super().__init__(data)
        field = self.fields["change"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", gettext("Any")), *Changes.choices]

    def clean_namespace(self) -> str:
        text = self.cleaned_data["namespace"]
        try:
            return names.normalize(text) if text else ""
        except names.InvalidName as error:
            raise forms.ValidationError(
                gettext("No namespace can be called so: use letters, digits and hyphens.")
            ) from error

    def wanted(self) -> Wanted:
        """What was asked for; what makes no sense is shown as an error and does not narrow."""
        self.is_valid()
        return Wanted(**{name: value for name, value in self.cleaned_data.items() if value})


@public
@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """Fifty lines, the newest first; ``namespace`` and ``change`` narrow it, ``before`` goes on from a number."""
    form = FilterForm(request.GET)
    wanted, before = form.wanted(), _number(request.GET.get("before", ""))
    found = log_page(wanted, before)
    context = {
        "section": "log",
        "form": form,
        "entries": found.entries,
        "narrowed": bool(wanted),
        "is_newest": before is None,
        "older": _link(wanted, before=found.older) if found.older else "",
        "newest": _link(wanted),
        "lines": _link(wanted),
        "command": f"curl '{settings.FREEHOLD_URL}{reverse('log-lines')}?after=0'",
    }
    return page(request, "public/log.html", context)


def _link(wanted: Wanted, **more: int) -> str:
    """The query of this page, elsewhere in it."""
    asked = {name: str(value) for name in ("namespace", "change") if (value := getattr(wanted, name))}
    return f"?{query}" if (query := urlencode(asked | {name: str(value) for name, value in more.items()})) else ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


@public
@require_safe
def jsonl(request: HttpRequest) -> HttpResponseBase:
    """All lines after the number ``after``, the oldest first, one JSON object a line.

    Who has read up to a number and asks for what comes after it misses nothing: lines are numbered as their
    transactions commit.
    """
    after = _number(request.GET.get("after", "0"))
    if after is None:
        return problem_response(400, "invalid", "'after' is the number of the last line that you have.")
    form = FilterForm(request.GET)
    wanted = form.wanted()
    if form.errors:
        return problem_response(
            400, "invalid", " ".join(f"{name!r}: {found[0]}" for name, found in form.errors.items())
        )
    upto = newest()
    tag = f'"{upto}"'
    if matches(request, tag):
        return held(cacheable(request, b"", content_type=JSONL, etag=tag, keys=(PAGES, NAMESPACES)))
    response = StreamingHttpResponse(as_jsonl(wanted, after=after, upto=upto), content_type=JSONL)
    response["ETag"] = tag
    return held(keyed(response, (PAGES, NAMESPACES)))
