"""Trusted publishers of an organization: what is trusted, adding with a look at what would match, removing."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from freehold.errors import Invalid
from orgs import issuers
from orgs.models import TrustedPublisher
from orgs.services.publishers import add_publisher, can_add_publisher, remove_publisher
from orgs.views.access import Here, organization_page
from orgs.views.shell import NavigationItem, attempt, organization_response, submit
from orgs.vocabulary import Permission

CURRENT = "organization-publishers"
_DIGITS = r"^[0-9]{1,20}$"
_ACCOUNT = r"^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?$"
_PART = r"^[A-Za-z0-9._-]+$"
_PATH = r"^[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*$"


class PublisherForm(forms.Form):
    """A form for one kind of issuer. Once it is clean, ``issuer`` and ``claims`` are what would be trusted."""

    issuer: str
    claims: dict[str, str]
    docs: ClassVar[str]

    def build(self, cleaned: dict[str, str]) -> tuple[str, dict[str, str]]:
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            issuer, claims = self.build(cleaned)
            self.issuer = issuers.parse_issuer(issuer)
            self.claims = issuers.parse_claims(self.issuer, claims)
        except Invalid as error:
            self.add_error(None, error.message)
        return cleaned


class GitHubForm(PublisherForm):
    docs = "https://docs.github.com/en/actions/reference/security/oidc"
    owner = forms.RegexField(
        _ACCOUNT, label=lazy("Organization or user"), max_length=100, help_text=lazy("Spelled as on GitHub.")
    )
    owner_id = forms.RegexField(
        _DIGITS,
        label=lazy("Number of the account"),
        required=False,
        help_text=lazy(
            "Recommended: a name can be given up and registered by somebody else, a number cannot. "
            "api.github.com/users/NAME shows it as “id”."
        ),
    )
    repository = forms.RegexField(
        _PART,
        label=lazy("Repository"),
        max_length=100,
        required=False,
        help_text=lazy("Empty: every repository of the account."),
    )
    workflow = forms.RegexField(
        r"^[A-Za-z0-9._-]+\.ya?ml$",
        label=lazy("Workflow file"),
        max_length=100,
        required=False,
        help_text=lazy("Such as release.yml. Empty: every workflow."),
    )
    environment = forms.CharField(
        label=lazy("Environment"), max_length=255, required=False, help_text=lazy("Empty: with or without one.")
    )

    def build(self, cleaned: dict[str, str]) -> tuple[str, dict[str, str]]:
        return issuers.GITHUB, issuers.github_claims(**cleaned)


class GitLabForm(PublisherForm):
    docs = "https://docs.gitlab.com/ci/secrets/id_token_authentication/"
    instance = forms.CharField(
        label=lazy("Address of GitLab"),
        max_length=issuers.ISSUER_LENGTH,
        initial=issuers.GITLAB,
        help_text=lazy("Change it for a GitLab of your own."),
    )
    group = forms.RegexField(
        _PATH, label=lazy("Group or user"), max_length=200, help_text=lazy("With its parents, such as acme/tools.")
    )
    project = forms.RegexField(
        _PART,
        label=lazy("Project"),
        max_length=150,
        required=False,
        help_text=lazy("Empty: every project of the group and of the groups below it."),
    )
    namespace_id = forms.RegexField(
        _DIGITS,
        label=lazy("Number of the group"),
        required=False,
        help_text=lazy(
            "Recommended: a name can be given up and registered by somebody else, a number cannot. "
            "With it, projects of groups below do not match."
        ),
    )
    environment = forms.CharField(
        label=lazy("Environment"), max_length=255, required=False, help_text=lazy("Empty: with or without one.")
    )

    def build(self, cleaned: dict[str, str]) -> tuple[str, dict[str, str]]:
        claims = {name: value for name, value in cleaned.items() if name != "instance"}
        return cleaned["instance"].rstrip("/"), issuers.gitlab_claims(**claims)


class GoogleForm(PublisherForm):
    docs = "https://cloud.google.com/docs/authentication/get-id-token"
    email = forms.EmailField(
        label=lazy("E-mail address of the service account"),
        max_length=300,
        help_text=lazy("Such as release@acme-builds.iam.gserviceaccount.com"),
    )
    subject = forms.RegexField(
        _DIGITS,
        label=lazy("Unique ID of the service account"),
        required=False,
        help_text=lazy(
            "Recommended: an account that is deleted can be made again by the same name, not by this number."
        ),
    )

    def build(self, cleaned: dict[str, str]) -> tuple[str, dict[str, str]]:
        return issuers.GOOGLE, issuers.google_claims(**cleaned)


class AnyIssuerForm(PublisherForm):
    docs = "https://openid.net/specs/openid-connect-core-1_0.html#IDToken"
    url = forms.CharField(
        label=lazy("Issuer"),
        max_length=issuers.ISSUER_LENGTH,
        help_text=lazy("The claim “iss” of its tokens, letter by letter: an https URL."),
    )
    lines = forms.CharField(
        label=lazy("Claims"),
        max_length=issuers.CLAIMS_LENGTH + 200,
        widget=forms.Textarea(attrs={"rows": 4, "class": "field__input--mono", "spellcheck": "false"}),
        help_text=lazy(
            "One on each line, as claim=value; a token must carry them all. "
            "A value may end in * after “/”, “:” or “@”, as in sub=project/acme/*"
        ),
    )

    def build(self, cleaned: dict[str, str]) -> tuple[str, dict[str, str]]:
        return cleaned["url"], issuers.parse_lines(cleaned["lines"])


KINDS: dict[str, tuple[Any, type[PublisherForm]]] = {
    "github": (lazy("GitHub Actions"), GitHubForm),
    "gitlab": (lazy("GitLab CI/CD"), GitLabForm),
    "google": (lazy("Google Cloud"), GoogleForm),
    "other": (lazy("Any other issuer"), AnyIssuerForm),
}


def described(publisher: TrustedPublisher) -> dict[str, Any]:
    """What a row of the table shows."""
    return {
        "pk": publisher.pk,
        "issuer": publisher.issuer,
        "label": issuers.label(publisher.issuer),
        "preview": issuers.preview(publisher.issuer, publisher.claims),
    }


@organization_page(Permission.MANAGE_TEAMS)
@require_safe
def publishers(request: HttpRequest, here: Here) -> HttpResponse:
    trusted = here.organization.trusted_publishers.order_by("issuer", "pk")
    context = {
        "publishers": [described(publisher) for publisher in trusted],
        "kinds": [(kind, label) for kind, (label, _form) in KINDS.items()],
        "verdict": can_add_publisher(here.organization, here.actor),
    }
    return organization_response(request, here, "manage/publishers/list.html", context, current=CURRENT)


@organization_page(Permission.MANAGE_TEAMS, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, here: Here, kind: str) -> HttpResponse:
    """The form; posted, what would match; posted once more with ``confirmed``, it is trusted."""
    if kind not in KINDS:
        raise Http404
    label, form_class = KINDS[kind]
    form = form_class(request.POST if request.method == "POST" else None)

    def trust(_cleaned: dict[str, Any]) -> None:
        add_publisher(actor=here.actor, organization=here.organization, issuer=form.issuer, claims=form.claims)

    if "confirmed" in request.POST and submit(request, form, trust, _("Tokens like these are trusted from now on.")):
        return redirect(CURRENT, here.organization.name)
    shown = issuers.preview(form.issuer, form.claims) if form.is_bound and form.is_valid() else None
    # Kept beside the visible fields, which have the ids.
    kept = form_class(request.POST, auto_id=False) if shown else None
    context = {"form": form, "label": label, "preview": shown, "kept": kept, "tabs": _tabs(here, kind)}
    return organization_response(request, here, "manage/publishers/new.html", context, current=CURRENT)


def _tabs(here: Here, current: str) -> list[NavigationItem]:
    address = "organization-publisher-new"
    return [
        NavigationItem(label, reverse(address, args=[here.organization.name, kind]), kind == current)
        for kind, (label, _form) in KINDS.items()
    ]


@organization_page(Permission.MANAGE_TEAMS)
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, here: Here, publisher: int) -> HttpResponse:
    found = here.organization.trusted_publishers.select_related("organization").filter(pk=publisher).first()
    if found is None:
        raise Http404
    if request.method == "POST":
        attempt(request, lambda: remove_publisher(actor=here.actor, publisher=found), _("It is trusted no more."))
        return redirect(CURRENT, here.organization.name)
    context = {"publisher": described(found)}
    return organization_response(request, here, "manage/publishers/remove.html", context, current=CURRENT)
