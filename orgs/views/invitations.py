"""Invitations: sent from an organization's pages, answered on pages of whoever they are to.

Programs that read mail follow links, so to open one does nothing; to answer it takes a button.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import signed_in, viewer_of
from accounts.models import User
from freehold.access import act, public
from freehold.errors import DomainError, Invalid, NotPermitted
from freehold.origin import client_address
from freehold.pages import private_page
from orgs.actors import ALLOWED, Actor, lacks_second_factor
from orgs.invitees import FILE_SIZE, read_csv, read_paste, written
from orgs.models import Invitation
from orgs.selectors_people import (
    Entry,
    Known,
    has_account,
    invitations_for,
    invitations_left,
    invitations_of,
    is_addressee,
    open_invitation,
    preview,
)
from orgs.services.invitations import (
    Outcome,
    accept_invitation,
    can_accept,
    can_invite,
    decline_invitation,
    invite,
    just_sent,
    resend_invitation,
    revoke_invitation,
)
from orgs.views.access import Here, organization_page
from orgs.views.forms.people import MEANINGS, InviteForm, InviteManyForm
from orgs.views.people import CURRENT, frame
from orgs.views.shell import attempt, organization_response, submit
from orgs.vocabulary import Permission, Role

# --- Sent by an organization ----------------------------------------------------------------------------------------

PER_PAGE = 50


@organization_page(Permission.MANAGE_PEOPLE)
@require_safe
def sent(request: HttpRequest, here: Here) -> HttpResponse:
    page = Paginator(invitations_of(here.organization), PER_PAGE).get_page(request.GET.get("page"))
    now, may_send = timezone.now(), can_invite(here.organization, here.actor)
    rows = [
        {
            "invitation": one,
            "is_open": one.expires_at > now,
            "may_resend": may_send and not just_sent(one),
            "teams": list(one.teams.all()),
        }
        for one in page.object_list
    ]
    context = {
        "rows": rows,
        "page": page,
        "numbers": list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)),
        **frame(here, "organization-invitations"),
    }
    return organization_response(request, here, "manage/people/invitations.html", context, current=CURRENT)


def invitation_in(here: Here, number: int) -> Invitation:
    """The invitation of this organization with this number; 404 for any other."""
    found = invitations_of(here.organization).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


@act
@organization_page(Permission.MANAGE_PEOPLE)
def resend(request: HttpRequest, here: Here, invitation: int) -> HttpResponseBase:
    found = invitation_in(here, invitation)
    done = gettext("The invitation of %(who)s was sent again; the link before it works no more.")
    attempt(request, lambda: resend_invitation(actor=here.actor, invitation=found), done % {"who": found.addressee})
    return redirect("organization-invitations", here.organization.name)


@act
@organization_page(Permission.MANAGE_PEOPLE)
def revoke(request: HttpRequest, here: Here, invitation: int) -> HttpResponseBase:
    found = invitation_in(here, invitation)
    done = gettext("The invitation of %(who)s is revoked.") % {"who": found.addressee}
    attempt(request, lambda: revoke_invitation(actor=here.actor, invitation=found), done)
    return redirect("organization-invitations", here.organization.name)


@organization_page(Permission.MANAGE_PEOPLE, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def invite_one(request: HttpRequest, here: Here) -> HttpResponseBase:
    """Any role, so it asks again who one is: an owner may do everything."""
    form = InviteForm(here.organization, request.POST or None)
    outcomes: list[Outcome] = []

    def send(_: dict[str, Any]) -> None:
        outcomes.extend(invite(actor=here.actor, organization=here.organization, invitees=[form.invitee()]))

    if request.method == "POST" and submit(request, form, send):
        if outcomes[0].known:
            form.add_error("who", _is_already(outcomes[0]))
        else:
            messages.success(request, gettext("%(who)s is invited.") % {"who": outcomes[0].invitee.addressee})
            return redirect("organization-invitations", here.organization.name)
    context = {"form": form, "verdict": can_invite(here.organization, here.actor), **frame(here, "")}
    return organization_response(request, here, "manage/people/invite.html", context, current=CURRENT)


def _is_already(outcome: Outcome) -> str:
    if outcome.known is Known.MEMBER:
        return gettext("%(who)s is in the organization already.") % {"who": outcome.invitee.addressee}
    return gettext("%(who)s is invited already.") % {"who": outcome.invitee.addressee}


@organization_page(Permission.MANAGE_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
def invite_many(request: HttpRequest, here: Here) -> HttpResponseBase:
    """A list is shown as it was understood, and sent when that is confirmed."""
    if "lines" in request.POST:
        return _confirm(request, here)
    form = InviteManyForm(here.organization, request.POST or None, request.FILES or None)
    entries: list[Entry] = []

    def look(cleaned: dict[str, Any]) -> None:
        lines = read_csv(cleaned["file"].read(FILE_SIZE + 1)) if cleaned["file"] else read_paste(cleaned["paste"])
        entries.extend(preview(here.organization, lines, cleaned["role"], form.teams_chosen()))
        if not entries:
            raise Invalid(gettext("There is nobody in this list."))

    understood = request.method == "POST" and submit(request, form, look)
    return _list(request, here, form, entries if understood else [])


def _list(request: HttpRequest, here: Here, form: InviteManyForm, entries: list[Entry]) -> HttpResponse:
    new = [entry for entry in entries if entry.is_new]
    left, shared = invitations_left(here.organization), frame(here, "")
    context = {
        "form": form,
        "entries": entries,
        "new": new,
        "known": [entry for entry in entries if entry.known],
        "problems": [entry for entry in entries if entry.problem],
        "lines": written(entry.as_line() for entry in new),
        "left": left,
        "too_many": len(new) > left,
        "short": shared["seats"].short_of(len(new)),
        "verdict": can_invite(here.organization, here.actor),
        **shared,
    }
    return organization_response(request, here, "manage/people/invite_many.html", context, current=CURRENT)


def _confirm(request: HttpRequest, here: Here) -> HttpResponseBase:
    """The lines come back from the page, so they are read and judged anew."""
    name = here.organization.name
    try:
        entries = preview(here.organization, read_csv(request.POST["lines"].replace("\x00", "")), Role.MEMBER, ())
        wanted = [entry.invitee for entry in entries if entry.invitee]
        outcomes = invite(actor=here.actor, organization=here.organization, invitees=wanted)
    except NotPermitted:
        raise
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("organization-invite-many", name)
    count = sum(1 for outcome in outcomes if outcome.invitation)
    text = ngettext("%(count)s invitation was sent.", "%(count)s invitations were sent.", count)
    messages.success(request, text % {"count": count})
    return redirect("organization-invitations", name)


# --- Answered by whoever it is to -----------------------------------------------------------------------------------


@signed_in
@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """The viewer's open ones."""
    user = viewer_of(request)
    rows = [_for_viewer(one, user) for one in invitations_for(user)]
    return private_page(request, "orgs/invitations.html", {"rows": rows, "section": "organizations"})


def _for_viewer(invitation: Invitation, user: User | None) -> dict[str, Any]:
    """An invitation as its addressee sees it: whether it can be accepted now, and what is to be done after."""
    organization = invitation.organization
    return {
        "invitation": invitation,
        "organization": organization,
        "inviter": invitation.invited_by.user if invitation.invited_by else None,
        "role": Role(invitation.role).label,
        "meaning": MEANINGS[Role(invitation.role)],
        "teams": list(invitation.teams.order_by("name")),
        "verdict": can_accept(invitation, Actor.person(user)) if user else ALLOWED,
        "needs_second_factor": organization.requires_second_factor and not (user and user.second_factor),
    }


def own_invitation(request: HttpRequest, number: int) -> Invitation:
    """One of the viewer's own; 404 for any other."""
    found = invitations_for(viewer_of(request)).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def acting(request: HttpRequest) -> Actor:
    return Actor.person(viewer_of(request), origin=client_address(request))


@act
@signed_in
def accept(request: HttpRequest, invitation: int) -> HttpResponseBase:
    found = own_invitation(request, invitation)
    organization = found.organization
    try:
        membership = accept_invitation(actor=acting(request), invitation=found)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("invitations")
    done = gettext("Welcome to %(organization)s.") % {"organization": organization.display_name}
    messages.success(request, done)
    if lacks_second_factor(membership):
        text = gettext("%(organization)s requires two-step verification: set it up before you publish.")
        messages.warning(request, text % {"organization": organization.display_name})
    return redirect("organization-overview", organization.name)


@act
@signed_in
def decline(request: HttpRequest, invitation: int) -> HttpResponseBase:
    found = own_invitation(request, invitation)
    try:
        decline_invitation(actor=acting(request), invitation=found)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        done = gettext("You have declined the invitation of %(organization)s.")
        messages.success(request, done % {"organization": found.organization.display_name})
    return redirect("invitations")


# --- Its link -------------------------------------------------------------------------------------------------------


@public
@require_safe
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Where the mail leads. Whoever has the link reads the addressee's mail; to answer it takes their account."""
    invitation = open_invitation(token)
    if invitation is None:
        return gone(request)
    user = request.user if isinstance(request.user, User) else None
    context = {
        "row": _for_viewer(invitation, user),
        "organization": invitation.organization,
        "token": token,
        "is_theirs": user is not None and is_addressee(user, invitation),
        "has_account": bool(invitation.email) and has_account(invitation.email),
        "back": urlencode({"next": request.path}),
        "path": request.path,
    }
    return private_page(request, "orgs/invitation.html", context)


def gone(request: HttpRequest) -> HttpResponse:
    """The same for a link that was never sent, and for one that is answered, revoked, replaced or expired."""
    return private_page(request, "orgs/invitation_gone.html", status=404)


@act
@public
def sign_up(request: HttpRequest, token: str) -> HttpResponseBase:
    """To the sign-up, which asks for no code by mail where it is with the address that got this link.

    It takes a button: else a link that was planted on somebody would lend them an address that is not theirs.
    """
    invitation = open_invitation(token)
    if invitation is None:
        return gone(request)
    query = {"next": reverse("invitation", args=[token])}
    if invitation.email:
        get_adapter(request).stash_verified_email(request, invitation.email)
        query["email"] = invitation.email
    return redirect(f"{reverse('account_signup')}?{urlencode(query)}")


@act
@public
def decline_by_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Without an account: who does not want in need not sign up."""
    invitation = open_invitation(token)
    if invitation is None:
        return gone(request)
    actor = Actor(label=invitation.addressee, origin=client_address(request))
    try:
        decline_invitation(actor=actor, invitation=invitation, token=token)
    except DomainError:  # answered or replaced in this instant
        return gone(request)
    return private_page(request, "orgs/invitation_declined.html", {"organization": invitation.organization})
