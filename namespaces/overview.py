"""What an organization's own pages say of its namespaces (``orgs.hooks``)."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from namespaces.cases import CaseKind, Party
from namespaces.models import Case, Grant, Share, TeamGrant, Verification
from namespaces.pages_cases import claims_of, questions_to, title_of
from namespaces.states import ENFORCED, HOLDING
from orgs.hooks import Fact, Listing, Step
from orgs.models import Organization
from orgs.vocabulary import Kind, State

LISTED = 24


def facts(organization: Organization) -> list[Fact]:
    """How many it holds, and how many others share with it."""
    held = Grant.objects.holding().filter(owner=organization).count()
    shared = Share.objects.current().filter(organization=organization).count()
    url = reverse("organization-namespaces", args=[organization.name])
    text = ngettext("%(count)d namespace", "%(count)d namespaces", held) % {"count": held}
    if shared:
        text = _("%(held)s, and %(shared)d shared with it") % {"held": text, "shared": shared}
    return [Fact(_("Namespaces"), text, url)]


def steps(organization: Organization) -> list[Step]:
    """To claim a namespace, or to look how far the claim is. There is nothing to do about it while it is suspended."""
    has_one = Grant.objects.holding().filter(owner=organization).exists()
    if not has_one and organization.state not in {State.APPLIED, State.ACTIVE}:
        return []
    claim = None if has_one else claims_of(organization).open().first()
    if claim is not None:
        hint = _("Your claim of %(name)s: %(state)s.") % {"name": claim.name, "state": claim.get_state_display()}
        return [Step(_("Hold a namespace"), reverse("case", args=[claim.pk]), hint)]
    url = f"{reverse('claim')}?{urlencode({'organization': organization.name})}"
    hint = _("From then on nobody else starts a project under the name.")
    return [Step(_("Hold a namespace"), url, hint, done=has_one)]


def questions(user: User) -> list[Step]:
    """What reviewers ask this person, about what they reported or what their organizations filed or hold."""
    return [
        Step(title_of(case), reverse("case", args=[case.pk]), case.organization.display_name)
        for case in questions_to(user)
    ]


def reports(organization: Organization) -> list[Step]:
    """To answer to what is reported of its namespaces, while it is looked into."""
    found = Case.objects.open().filter(kind=CaseKind.DISPUTE, organization=organization).order_by("filed_at", "pk")
    return [_to_answer(case) for case in found]


def _to_answer(case: Case) -> Step:
    url = reverse("case", args=[case.pk])
    if case.asked != Party.HOLDER or case.asked_at is None:
        hint = _("Somebody reported it. You will be asked before anything is decided; you can write already.")
        return Step(_("See the report of %(name)s") % {"name": case.name}, url, hint)
    until = date_format(case.asked_at + settings.FREEHOLD_HEARING, "j M Y")
    hint = _("A reviewer asks you. Answer until %(until)s; after that it can be decided without you.")
    return Step(_("Answer to the report of %(name)s") % {"name": case.name}, url, hint % {"until": until})


def listings(organization: Organization) -> list[Listing]:
    """The enforced namespaces that it holds and those that others share with it."""
    held = Grant.objects.enforceable().filter(owner=organization).order_by("name").values_list("name", flat=True)
    shares = Share.objects.current().filter(organization=organization, grant__state__in=ENFORCED)
    shared = shares.order_by("grant__name").values_list("grant__name", flat=True)
    found = [_listing(_("Namespaces it holds"), list(held)), _listing(_("Shared with it"), list(shared))]
    return [listing for listing in found if listing.links]


def _listing(heading: str, names: list[str]) -> Listing:
    links = tuple((name, reverse("namespace", args=[name])) for name in names[:LISTED])
    return Listing(heading, links, max(0, len(names) - LISTED))


def public_facts(organization: Organization) -> list[Fact]:
    """Since when it has been verified as a community project."""
    found = Verification.objects.filter(organization=organization).first()
    if found is None or organization.kind != Kind.COMMUNITY:
        return []
    url = f"{reverse('policy')}#organizations"
    text = _("Since %(day)s") % {"day": date_format(found.verified_at, "j M Y")}
    return [Fact(_("Verified as a community project"), text, url)]


def publishing_teams(organization: Organization) -> set[int]:
    """The ids of its teams with a right on a namespace that it holds, or that is shared with it."""
    shared = Share.objects.current().filter(organization=organization).values("grant")
    rights = TeamGrant.objects.filter(team__organization=organization, grant__state__in=HOLDING)
    return set(rights.filter(Q(grant__owner=organization) | Q(grant__in=shared)).values_list("team", flat=True))
