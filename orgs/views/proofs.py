"""Proofs of an organization: what there is, how to add one, what was seen; and for sponsors who asks them to vouch."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from freehold.access import act
from freehold.errors import DomainError, NotPermitted
from freehold.pages import PRIVATE
from orgs import selectors_proofs
from orgs.models import Proof
from orgs.proofs import instructions
from orgs.proofs.subjects import TYPED_LENGTH
from orgs.services import proof_checks, vouches
from orgs.services.proofs import add_proof, can_renew, confirm_mailbox, remove_proof, renew_challenge
from orgs.views.access import Here, organization_page
from orgs.views.forms.proofs import FORMS, CodeForm
from orgs.views.shell import attempt, organization_response, submit
from orgs.vocabulary import Permission, ProofKind, ProofState

CURRENT = "organization-proofs"
BY_HAND = frozenset({ProofKind.DNS, ProofKind.HTTPS, ProofKind.FORGE})
"""Kinds for which something has to be published."""

# In a sentence each: what it takes, and whom it suits.
KINDS: tuple[tuple[ProofKind, Any, Any], ...] = (
    (
        ProofKind.DNS,
        lazy("Add one TXT record to your domain's DNS. The strongest proof, and the best one for a company."),
        lazy("5 minutes, where your domain is managed"),
    ),
    (
        ProofKind.HTTPS,
        lazy("Put one text file on your website. Good if you can change the site, but not its DNS."),
        lazy("5 minutes, on your web server"),
    ),
    (
        ProofKind.FORGE,
        lazy("Put one file into a public repository on GitHub, GitLab, Codeberg or a forge of your own."),
        lazy("2 minutes, with the right to push"),
    ),
    (
        ProofKind.EMAIL_DOMAIN,
        lazy("Type in a code that we mail to an address at your domain. It shows that you have a mailbox there."),
        lazy("1 minute, with the mailbox open"),
    ),
    (
        ProofKind.PROJECTS,
        lazy("Show that your organization owns projects with this prefix on the index. Nothing to publish."),
        lazy("At once"),
    ),
    (
        ProofKind.VOUCH,
        lazy("Ask your fiscal sponsor to vouch for you, if it is one that we know."),
        lazy("As soon as it answers"),
    ),
)


@organization_page(Permission.VIEW)
@require_safe
def proofs_page(request: HttpRequest, here: Here) -> HttpResponse:
    organization = here.organization
    context = {
        "rows": selectors_proofs.proofs_of(organization),
        "asked": selectors_proofs.asked_to_vouch(organization) if organization.is_sponsor else [],
        "may_change": here.may(Permission.MANAGE_PEOPLE),
        "may_vouch": bool(vouches.can_vouch(organization, here.actor)),
    }
    return organization_response(request, here, "manage/proofs/proofs.html", context, current=CURRENT)


@organization_page(Permission.MANAGE_PEOPLE)
@require_safe
def new(request: HttpRequest, here: Here) -> HttpResponse:
    has_sponsors = selectors_proofs.sponsors_for(here.organization).exists()
    kinds = [
        {"kind": kind, "text": text, "takes": takes}
        for kind, text, takes in KINDS
        if kind is not ProofKind.VOUCH or has_sponsors
    ]
    return organization_response(request, here, "manage/proofs/new.html", {"kinds": kinds}, current=CURRENT)


@organization_page(Permission.MANAGE_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
def new_of_kind(request: HttpRequest, here: Here, kind: str) -> HttpResponse:
    form_class = FORMS.get(kind)
    if form_class is None:
        raise Http404
    sponsors = list(selectors_proofs.sponsors_for(here.organization)) if kind == ProofKind.VOUCH else []
    # Who comes from a claim brings what it is about.
    initial = {"subject": request.GET.get("subject", "")[:TYPED_LENGTH]}
    form = form_class(request.POST or None, sponsors=sponsors, initial=initial)
    made: list[Proof] = []

    def add(cleaned: dict[str, Any]) -> None:
        made.append(
            add_proof(
                actor=here.actor, organization=here.organization, kind=ProofKind(kind), subject=cleaned["subject"]
            )
        )

    if request.method == "POST" and submit(request, form, add):
        _look_at_once(here, made[0])
        return redirect("organization-proof", here.organization.name, made[0].pk)
    context = {"form": form, "kind": kind, "label": ProofKind(kind).label, "sponsors": sponsors}
    status = 422 if form.is_bound else 200
    return organization_response(request, here, "manage/proofs/new_kind.html", context, current=CURRENT, status=status)


def _look_at_once(here: Here, proof: Proof) -> None:
    """What needs no publishing may be there already."""
    if proof.kind == ProofKind.PROJECTS:
        proof_checks.check_proof_now(actor=here.actor, proof=proof)


@organization_page(Permission.VIEW)
@require_safe
def proof_page(request: HttpRequest, here: Here, proof: int) -> HttpResponse:
    return _shown(request, here, _find(here, proof), CodeForm())


def _find(here: Here, pk: int) -> Proof:
    return get_object_or_404(here.organization.proofs.select_related("organization"), pk=pk)


def _shown(request: HttpRequest, here: Here, proof: Proof, form: forms.Form, status: int = 200) -> HttpResponse:
    context = {**_look(here, proof), "form": form, "how": _how(proof), "partial": _partial(proof)}
    return organization_response(request, here, "manage/proofs/proof.html", context, current=CURRENT, status=status)


def _look(here: Here, proof: Proof) -> dict[str, Any]:
    """What changes with each look."""
    return {
        "organization": here.organization,
        "row": selectors_proofs.row_of(proof),
        "proof": proof,
        "may_change": here.may(Permission.MANAGE_PEOPLE),
        "may_renew": bool(can_renew(proof, here.actor)),
        "is_checkable": proof.kind != ProofKind.EMAIL_DOMAIN,
        "is_by_hand": proof.kind in BY_HAND,
        "is_settled": proof.state == ProofState.VERIFIED,
        "typical": [hint.label for hint in instructions.TYPICAL.get(proof.kind, ())],
    }


def _how(proof: Proof) -> Any:
    match ProofKind(proof.kind):
        case ProofKind.DNS:
            return instructions.of_dns(proof.subject, proof.challenge)
        case ProofKind.HTTPS:
            return instructions.of_file(proof.subject, proof.challenge)
        case ProofKind.FORGE:
            return instructions.of_forge(proof.subject, proof.challenge, settings.FREEHOLD_FORGES)
        case _:
            return None


def _partial(proof: Proof) -> str:
    return f"manage/proofs/_how_{proof.kind}.html"


@act
@organization_page(Permission.MANAGE_PEOPLE)
def check(request: HttpRequest, here: Here, proof: int) -> HttpResponse:
    """With htmx, the part of the page that says what was seen; else back to the page."""
    found = _find(here, proof)
    refusal = ""
    try:
        proof_checks.check_proof_now(actor=here.actor, proof=found)
    except NotPermitted:
        raise
    except DomainError as error:
        refusal = error.message
    if getattr(request, "htmx", False):
        context = {**_look(here, _find(here, proof)), "refusal": refusal, "is_swap": True}
        response = render(request, "manage/proofs/_look.html", context)
        response["Cache-Control"] = PRIVATE
        return response
    if refusal:
        messages.error(request, refusal)
    return redirect("organization-proof", here.organization.name, proof)


@act
@organization_page(Permission.MANAGE_PEOPLE)
def confirm(request: HttpRequest, here: Here, proof: int) -> HttpResponse:
    found = _find(here, proof)
    form = CodeForm(request.POST)
    done = _("The mailbox is confirmed.")
    if submit(request, form, lambda data: confirm_mailbox(actor=here.actor, proof=found, code=data["code"]), done):
        return redirect("organization-proof", here.organization.name, proof)
    return _shown(request, here, _find(here, proof), form, status=422)


@act
@organization_page(Permission.MANAGE_PEOPLE)
def renew(request: HttpRequest, here: Here, proof: int) -> HttpResponse:
    found = _find(here, proof)
    if found.kind == ProofKind.EMAIL_DOMAIN:
        done = _("A new code is on its way to %(mailbox)s.") % {"mailbox": found.mailbox}
    else:
        done = _("There is a new value to publish. The old one counts no more.")
    attempt(request, lambda: renew_challenge(actor=here.actor, proof=found), done)
    return redirect("organization-proof", here.organization.name, proof)


@organization_page(Permission.MANAGE_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, here: Here, proof: int) -> HttpResponse:
    found = _find(here, proof)
    row = selectors_proofs.row_of(found)
    if request.method == "POST":
        done = _("The proof of %(subject)s is removed.") % {"subject": row.shown.text}
        attempt(request, lambda: remove_proof(actor=here.actor, proof=found), done)
        return redirect(CURRENT, here.organization.name)
    context = {"row": row, "proof": found}
    return organization_response(request, here, "manage/proofs/remove.html", context, current=CURRENT)


def _asked(here: Here, pk: int) -> Proof:
    """A request to this sponsor, and to no other."""
    asked = Proof.objects.filter(kind=ProofKind.VOUCH, subject__in=here.organization.names.values("name"))
    return get_object_or_404(asked.select_related("organization"), pk=pk)


@act
@organization_page(Permission.MANAGE_PEOPLE)
def vouch(request: HttpRequest, here: Here, proof: int) -> HttpResponse:
    asked = _asked(here, proof)
    done = _("%(name)s is vouched for.") % {"name": asked.organization.display_name}
    attempt(request, lambda: vouches.vouch(actor=here.actor, sponsor=here.organization, proof=asked), done)
    return redirect(CURRENT, here.organization.name)


@act
@organization_page(Permission.MANAGE_PEOPLE)
def decline(request: HttpRequest, here: Here, proof: int) -> HttpResponse:
    asked = _asked(here, proof)
    done = _("The request of %(name)s is declined.") % {"name": asked.organization.display_name}
    attempt(request, lambda: vouches.decline_vouch(actor=here.actor, sponsor=here.organization, proof=asked), done)
    return redirect(CURRENT, here.organization.name)


@act
@organization_page(Permission.MANAGE_PEOPLE)
def withdraw(request: HttpRequest, here: Here, proof: int) -> HttpResponse:
    asked = _asked(here, proof)
    done = _("%(name)s is vouched for no longer.") % {"name": asked.organization.display_name}
    attempt(request, lambda: vouches.withdraw_vouch(actor=here.actor, sponsor=here.organization, proof=asked), done)
    return redirect(CURRENT, here.organization.name)
