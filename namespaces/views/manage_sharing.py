"""What an owner does with a namespace of the organization: share it, offer it to another, release it, take it back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods

from freehold.access import act
from namespaces import names
from namespaces import pages_manage as reads
from namespaces.models import Grant, Share
from namespaces.services import lifecycle, shares, transfers
from namespaces.services.room import due_before
from namespaces.states import Action
from namespaces.views.manage import CURRENT, page, to_namespace
from orgs.models import Organization
from orgs.views.access import Here, organization_page
from orgs.views.shell import attempt, submit
from orgs.vocabulary import Permission, State

YEARS = 50


class OrganizationField(forms.CharField):
    """The name of another organization, present or former."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        found = None
        if names.is_valid(text):
            there = Organization.objects.exclude(state=State.CLOSED)
            found = there.filter(names__name=names.normalize(text)).first()
        if found is None:
            raise ValidationError(_("There is no organization of this name."))
        return found


class ShareForm(forms.Form):
    organization = OrganizationField(
        label=lazy("Organization"), max_length=100, help_text=lazy("Its name here, such as acme.")
    )
    until = forms.DateField(
        label=lazy("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=lazy("The last day on which it may publish, by UTC. Empty: until you end it."),
    )

    def clean_until(self) -> datetime | None:
        """The end of that day."""
        last: date | None = self.cleaned_data["until"]
        if last is None:
            return None
        today = datetime.now(UTC).date()
        if not today <= last <= today + timedelta(days=365 * YEARS):
            raise ValidationError(_("Choose today or a later day, at most %(years)s years ahead.") % {"years": YEARS})
        return datetime.combine(last + timedelta(days=1), time.min, UTC)


@organization_page(Permission.MANAGE_NAMESPACES, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def share(request: HttpRequest, here: Here, namespace: str) -> HttpResponse:
    grant = reads.own_grant(here.organization, namespace)
    form = ShareForm(request.POST if request.method == "POST" else None)

    def give(cleaned: dict[str, Any]) -> None:
        guest, until = cleaned["organization"], cleaned["until"]
        shares.share_namespace(actor=here.actor, grant=grant, organization=guest, expires_at=until)

    if form.is_bound and submit(request, form, give, _("The namespace is shared.")):
        return to_namespace(here, grant)
    return page(request, here, "share.html", {"grant": grant, "form": form})


@organization_page(Permission.MANAGE_NAMESPACES, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def unshare(request: HttpRequest, here: Here, namespace: str, guest: str) -> HttpResponse:
    grant = reads.own_grant(here.organization, namespace)
    found = Share.objects.filter(grant=grant, organization__name=guest.replace("\x00", "")).first()
    if found is None:
        raise Http404
    if request.method == "POST":
        other = found.organization
        attempt(
            request,
            lambda: shares.unshare_namespace(actor=here.actor, grant=grant, organization=other),
            _("%(name)s may no longer publish here.") % {"name": other.display_name},
        )
        return to_namespace(here, grant)
    return page(request, here, "unshare.html", {"grant": grant, "share": found})


# --- Transfers ------------------------------------------------------------------------------------------------------


class ConfirmForm(forms.Form):
    """Something that is hard to undo: the namespace's name is typed once more."""

    confirm = forms.CharField(label=lazy("Type the namespace to confirm"), max_length=names.MAX_LENGTH)

    def __init__(self, *args: Any, namespace: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.namespace = namespace
        self.fields["confirm"].widget.attrs |= {"class": "field__input--mono", "autocapitalize": "none"}

    def clean_confirm(self) -> str:
        if self.cleaned_data["confirm"] != self.namespace:
            raise ValidationError(_("That is not %(namespace)s.") % {"namespace": self.namespace})
        return self.namespace


class TransferForm(ConfirmForm):
    to = OrganizationField(label=lazy("To the organization"), max_length=100, help_text=lazy("Its name here."))
    field_order = ("to", "confirm")


@organization_page(Permission.MANAGE_NAMESPACES, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer(request: HttpRequest, here: Here, namespace: str) -> HttpResponse:
    grant = reads.own_grant(here.organization, namespace)
    form = TransferForm(request.POST if request.method == "POST" else None, namespace=grant.name)

    def offer(cleaned: dict[str, Any]) -> None:
        transfers.offer_transfer(actor=here.actor, grant=grant, to=cleaned["to"])

    if form.is_bound and submit(request, form, offer, _("It is offered. Nothing moves until an owner there accepts.")):
        return to_namespace(here, grant)
    context = {"grant": grant, "form": form, "offer": reads.open_offer(grant), **_below(grant)}
    return page(request, here, "transfer.html", context | {"days": settings.FREEHOLD_TRANSFER_TTL.days})


@act
@organization_page(Permission.MANAGE_NAMESPACES)
def withdraw(request: HttpRequest, here: Here, namespace: str) -> HttpResponse:
    grant = reads.own_grant(here.organization, namespace)
    offer = reads.open_offer(grant)
    if offer is None:
        raise Http404
    attempt(request, lambda: transfers.end_transfer(actor=here.actor, offer=offer), _("The offer is withdrawn."))
    return to_namespace(here, grant)


@organization_page(Permission.MANAGE_NAMESPACES, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: HttpRequest, here: Here, offer: int) -> HttpResponse:
    """What another organization offers to this one, and accepting it."""
    found = reads.offer_of(here.organization, offer)
    if request.method == "POST":
        if attempt(
            request, lambda: transfers.accept_transfer(actor=here.actor, offer=found), _("The namespace is yours.")
        ):
            return to_namespace(here, found.grant)
        return redirect("organization-offer", here.organization.name, found.pk)
    verdict = transfers.can_accept(found, here.actor)
    due = due_before(verdict, here.organization, here.actor)
    context = {"offer": found, "grant": found.grant, "verdict": verdict, "due": due, **_below(found.grant)}
    return page(request, here, "offer.html", context)


@act
@organization_page(Permission.MANAGE_NAMESPACES)
def decline(request: HttpRequest, here: Here, offer: int) -> HttpResponse:
    found = reads.offer_of(here.organization, offer)
    attempt(request, lambda: transfers.end_transfer(actor=here.actor, offer=found), _("The offer is declined."))
    return redirect(CURRENT, here.organization.name)


# --- Release --------------------------------------------------------------------------------------------------------


@organization_page(Permission.MANAGE_NAMESPACES, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def release(request: HttpRequest, here: Here, namespace: str) -> HttpResponse:
    grant = reads.own_grant(here.organization, namespace)
    form = ConfirmForm(request.POST if request.method == "POST" else None, namespace=grant.name)

    def give_up(cleaned: dict[str, Any]) -> None:
        lifecycle.release_namespace(actor=here.actor, grant=grant)

    if form.is_bound and submit(request, form, give_up, _("The namespace is released.")):
        return redirect(CURRENT, here.organization.name)
    context = {"grant": grant, "form": form, "verdict": lifecycle.can_release(grant, here.actor), **_below(grant)}
    return page(request, here, "release.html", context | {"days": settings.FREEHOLD_QUARANTINE.days})


@organization_page(Permission.MANAGE_NAMESPACES, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def take_back(request: HttpRequest, here: Here, namespace: str) -> HttpResponse:
    """A namespace that the organization gave up and that is still in quarantine."""
    grant = reads.own_grant(here.organization, namespace)
    if request.method == "POST":
        attempt(
            request,
            lambda: lifecycle.reinstate_namespace(actor=here.actor, grant=grant),
            _("The namespace is in use again."),
        )
        return to_namespace(here, grant)
    verdict = lifecycle.can(Action.REINSTATE, grant, here.actor)
    due = due_before(verdict, here.organization, here.actor)
    return page(request, here, "take_back.html", {"grant": grant, "verdict": verdict, "due": due})


def _below(grant: Grant) -> dict[str, Any]:
    """The namespaces that go where the grant goes."""
    children = Grant.objects.holding().filter(root=grant).order_by("name")
    return {"children": children.values_list("name", flat=True)}
