"""Two organizations with one of everything each, and everybody who could come to a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.models import Alert, Allowance, Call, Customer, Drift, Event, IndexCost, Openness, Plan, Reconciliation
from billing.vocabulary import CallKind, Method
from namespaces.models import Case, Transfer
from orgs import tokens
from orgs.models import (
    AuditEndpoint,
    AuditEvent,
    Invitation,
    Membership,
    Organization,
    OrganizationToken,
    Proof,
    Recovery,
)
from orgs.vocabulary import Permission, ProofKind, Role
from tests import factories
from tests.billing.buying.rows import intent, sold
from tests.billing.standing.rows import invoice, subscription
from tests.billing.sustainability.rows import entered
from tests.sessions import signed_in

ANONYMOUS, OUTSIDER, PUBLISHER = "anonymous", "outsider", "team publisher"
REVIEWER, ADMIN = "staff reviewer", "staff admin"
COLUMNS = (ANONYMOUS, OUTSIDER, "member", PUBLISHER, "billing", "manager", "owner", REVIEWER, ADMIN)
LATER = timedelta(days=7)


class Estate:
    """An organization with one of everything; ``parts`` are the values that addresses name them by."""

    def __init__(self, name: str) -> None:
        self.organization = factories.organization(name)
        self.owner = factories.member(self.organization, f"{name}-owner")
        self.grant = factories.grant(name, self.organization)
        self.publisher = factories.member(self.organization, f"{name}-publisher", Role.MEMBER)
        self.team = factories.team(self.organization, f"{name}-publisher", grants=[self.grant])
        self.guest = factories.organization(f"{name}-guest")
        factories.share(self.grant, self.guest)
        self.parts: dict[str, Any] = {
            "name": name,
            "membership": self.publisher.pk,
            "team": self.team.pk,
            "namespace": self.grant.name,
            "guest": self.guest.name,
            "publisher": factories.trusted(self.organization, repository_owner=name).pk,
            "invitation": self._invitation().pk,
            "token": self._token().pk,
            "proof": self._proof().pk,
            "recovery": self._recovery().pk,
            "number": self._endpoint().pk,
            "position": self._event(),
            "offer": self._offer().pk,
            "request": self._request().pk,
            "case": self._case().pk,
            **self._bought(),
            "cost": self._cost().pk,
        }

    def _invitation(self) -> Invitation:
        return Invitation.objects.create(
            organization=self.organization,
            email=f"new@{self.organization.name}.example",
            role=Role.MEMBER,
            digest=tokens.digest(self.organization.name),
            invited_by=self.owner,
            expires_at=timezone.now() + LATER,
        )

    def _token(self) -> OrganizationToken:
        return OrganizationToken.objects.create(
            organization=self.organization,
            membership=self.owner,
            name="deploy",
            digest=tokens.digest(f"token of {self.organization.name}"),
            hint="abcd",
            permissions=[Permission.VIEW],
        )

    def _proof(self) -> Proof:
        subject = f"{self.organization.name}.example"
        return Proof.objects.create(organization=self.organization, kind=ProofKind.DNS, subject=subject, challenge="c")

    def _recovery(self) -> Recovery:
        return Recovery.objects.create(
            organization=self.organization,
            user=factories.user(),
            domain=f"{self.organization.name}.example",
            challenge="c",
        )

    def _endpoint(self) -> AuditEndpoint:
        return AuditEndpoint.objects.create(
            organization=self.organization,
            url="https://hooks.example/",
            secrets=["whsec_c2VjcmV0"],
            delivered_position=0,
        )

    def _event(self) -> int:
        event = AuditEvent.objects.create(
            actor="x", action="x", target="x", organization=self.organization.name, after={}
        )
        factories.seal()
        event.refresh_from_db()
        assert event.position is not None
        return event.position

    def _case(self) -> Case:
        """Filed by the organization, and waiting."""
        return factories.case(self.organization, name=f"{self.organization.name}-claimed", by=None)

    def _bought(self) -> dict[str, Any]:
        """A quote, that it may begin before it is paid, and an invoice that a wire is to pay."""
        if not Plan.objects.exists():
            sold()
        quoted = intent(self.organization, Method.INVOICE)
        allowance = Allowance.objects.create(
            organization=self.organization, reason="A wire.", intent=quoted, requested_by=quoted.requested_by
        )
        stripe_id = f"cus_{self.organization.name}"
        Customer.objects.create(organization=self.organization, stripe_id=stripe_id, livemode=False, is_current=False)
        owed = invoice(None, self.organization)
        return {"quote": quoted.number, "allowance": allowance.pk, "invoice": owed.pk} | self._for_staff()

    def _for_staff(self) -> dict[str, Any]:
        """A subscription that is over, so that nothing else depends on it, and what machines could not settle."""
        name = self.organization.name
        over = subscription(self.organization, "canceled", ended_at=timezone.now())
        event = Event.objects.create(stripe_id=f"evt_{name}", type="x", livemode=False, created=timezone.now())
        call = Call.objects.create(kind=CallKind.RESUME, organization=self.organization)
        run = Reconciliation.objects.create(kind="everything")
        drift = Drift.objects.create(run=run, object_type="subscription", object_id="sub_x", repaired=False)
        alert = Alert.objects.create(key=f"test:{name}", text="Look at it.")
        found = {"subscription": over, "event": event, "call": call, "drift": drift, "alert": alert}
        return {part: row.pk for part, row in found.items()}

    def _cost(self) -> IndexCost:
        """Of the index, which everybody may see."""
        Openness.objects.get_or_create(pk=1, defaults={"is_public": True})
        return entered("2026-01", 100, category=f"Hosting of {self.organization.name}")

    def _request(self) -> Proof:
        """That this organization, a recognized sponsor, vouches for another."""
        Organization.objects.filter(pk=self.organization.pk).update(is_sponsor=True)
        asking = factories.organization(f"{self.organization.name}-project")
        subject = self.organization.name
        return Proof.objects.create(organization=asking, kind=ProofKind.VOUCH, subject=subject, challenge="c")

    def _offer(self) -> Transfer:
        """Of somebody's namespace, to this organization; and one of its own, to another."""
        Transfer.objects.create(grant=self.grant, to=self.guest, expires_at=timezone.now() + LATER)
        giver = factories.organization(f"{self.organization.name}-giver")
        grant = factories.grant(f"{self.organization.name}given", giver)
        return Transfer.objects.create(grant=grant, to=self.organization, expires_at=timezone.now() + LATER)


def people(estate: Estate) -> dict[str, User | None]:
    """Who comes to a page, by column. All have a second factor, so that what is refused is refused by right."""
    found: dict[str, User | None] = {
        ANONYMOUS: None,
        OUTSIDER: factories.user(),
        PUBLISHER: estate.publisher.user,
        REVIEWER: factories.user(is_staff=True),
        ADMIN: factories.user(is_staff=True, is_superuser=True),
    }
    for role in Role:
        membership: Membership = factories.member(estate.organization, f"the-{role.value}", role)
        found[role.value] = membership.user
    User.objects.update(second_factor=True)
    return found


class World:
    """Two estates, everybody who could come to the first, and their sessions."""

    def __init__(self) -> None:
        self.estate = Estate("acme")
        self.other = Estate("other")
        self.people = people(self.estate)
        everybody = {*self.people.values(), self.estate.owner.user} - {None}
        self._sessions = {user: signed_in(user).cookies for user in everybody}

    def browser_of(self, user: User | None) -> Client:
        """In which the user is signed in; every time another one."""
        client = Client(raise_request_exception=False)
        for name, cookie in self._sessions[user].items() if user else ():
            client.cookies[name] = cookie.value
        return client


@contextmanager
def rolled_back() -> Iterator[None]:
    """Whatever happens inside did not happen."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
