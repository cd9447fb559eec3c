"""Customers: who an organization is at Stripe. One is current; when it is deleted there, the next purchase makes a
successor, and what was bought before stays with the one before."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from billing.gateway.calls import gateway
from billing.gateway.errors import NotThere, WrongMode
from billing.gateway.objects import CustomerObject, Metadata
from billing.gateway.orders import CustomerOrder
from billing.models import Call, Customer, TaxEvidence
from billing.money import from_stripe
from billing.services.alerts import raise_alert
from billing.services.calls import CantBeMade, Result, makes
from billing.services.installation import ensure_installation
from billing.services.looks import looks_at, wait_for_turn
from billing.services.outbox import enqueue
from billing.vocabulary import CallKind
from freehold.errors import NotPermitted
from orgs import audit
from orgs.actors import Actor, may
from orgs.models import Membership, Organization
from orgs.vocabulary import Permission, Role

REMOVED = "removed"
ORGANIZATION, SITE = "freehold_organization", "freehold_site"
"""What is written on a customer at Stripe, so that it is known for ours, and whose."""
_PAYERS = (Role.BILLING, Role.OWNER)


def metadata_of(organization: Organization) -> Metadata:
    return {ORGANIZATION: str(organization.pk), SITE: site()}


def site() -> str:
    """Tells two installations on one account apart."""
    return urlsplit(settings.FREEHOLD_URL).netloc


def current_customer(organization: Organization) -> Customer | None:
    return Customer.objects.filter(organization=organization, is_current=True).first()


# --- Having one -------------------------------------------------------------------------------------------------------


@transaction.atomic
def ensure_customer(*, actor: Actor, organization: Organization) -> Customer:
    """The organization's customer at Stripe, which is asked whether it is still there; a new one where it is not.

    However often and by however many this is called, one is made: they wait for each other, and the key is the same.
    """
    if not (verdict := may(actor, Permission.MANAGE_BILLING, organization)):
        raise NotPermitted(verdict.reason)
    wait_for_turn(_of(organization))
    current = current_customer(organization)
    if current is not None and (found := _still_there(actor, current)) is not None:
        return _write(current, found)
    return _create(actor, organization)


def _of(organization: Organization) -> str:
    return f"customer of {organization.pk}"


def _still_there(actor: Actor, customer: Customer) -> CustomerObject | None:
    """What Stripe says of it. Only that it is no more, or never was in this mode, makes it a thing of the past: from
    silence nothing follows."""
    try:
        found = gateway().customer(customer.stripe_id)
    except NotThere as error:
        _retire_unknown(actor, customer, error)
        return None
    if found.deleted:
        _retire(actor, customer, "It was deleted at Stripe.")
        return None
    return found


def _create(actor: Actor, organization: Organization) -> Customer:
    """In two steps: what is sent with the key must be the same each time, and a name may change between two."""
    number = Customer.objects.filter(organization=organization).count() + 1
    key = f"customer-{site()}-{organization.pk}-{number}"
    told = metadata_of(organization)
    made = gateway().create_customer(key, CustomerOrder(name=organization.name, email="", metadata=told))
    return _enter(actor, organization, _described(made, organization))


def _described(made: CustomerObject, organization: Organization) -> CustomerObject:
    name, email = organization.display_name, contact_of(organization)
    order = CustomerOrder(name=name, email=email, metadata=metadata_of(organization))
    return gateway().update_customer("", made.id, order)


def contact_of(organization: Organization) -> str:
    """Where invoices are mailed to: whoever keeps the books, else the first owner."""
    people = Membership.objects.select_related("user").filter(organization=organization, user__is_active=True)
    found = (people.filter(role=role).order_by("pk").first() for role in _PAYERS)
    return next((membership.user.email for membership in found if membership), "")


def _enter(actor: Actor, organization: Organization, found: CustomerObject) -> Customer:
    customer = Customer(organization=organization, stripe_id=found.id, livemode=found.livemode)
    customer.is_current = not Customer.objects.filter(organization=organization, is_current=True).exists()
    customer = _write(customer, found)
    _record(actor, "customer.created", customer, after={"customer": customer.stripe_id})
    return customer


# --- Following what becomes of it -------------------------------------------------------------------------------------


@looks_at("customer")
@transaction.atomic
def sync_customer(stripe_id: str, *, actor: Actor | None = None) -> Customer | None:
    """Make ours equal to Stripe's; None for one that is not ours. Raises ``NotThere`` for one that neither knows."""
    actor = actor or Actor.worker()
    wait_for_turn(stripe_id)
    customer = Customer.objects.select_related("organization").filter(stripe_id=stripe_id).first()
    try:
        found = gateway().customer(stripe_id)
    except NotThere as error:
        if customer is None:
            raise
        return _retire_unknown(actor, customer, error)
    if customer is None:
        return _adopt(actor, found)
    if found.deleted:
        return _retire(actor, customer, "It was deleted at Stripe.")
    _write(customer, found)
    _renew_contact(customer)
    return customer


def _adopt(actor: Actor, found: CustomerObject) -> Customer | None:
    """One that we made, and did not live to write down."""
    organization = _named(found)
    if organization is None:
        return None
    wait_for_turn(_of(organization))
    known = Customer.objects.filter(stripe_id=found.id).first()
    if known is not None:
        return _write(known, found)
    adopted = _enter(actor, organization, found)
    if not adopted.is_current:
        told = f"{organization.name} has two customers at Stripe; {found.id} is the one that is not used."
        raise_alert(f"customer-twice:{found.id}", told, organization)
    return adopted


def _named(found: CustomerObject) -> Organization | None:
    named = found.metadata.get(ORGANIZATION, "")
    if found.deleted or found.metadata.get(SITE) != site() or not (named.isascii() and named.isdigit()):
        return None
    return Organization.objects.filter(pk=int(named[:18])).first()


def _write(customer: Customer, found: CustomerObject) -> Customer:
    customer.livemode, customer.currency = found.livemode, found.currency
    customer.email, customer.name, customer.country = found.email, found.name[:200], found.country
    customer.balance = from_stripe(found.balance, found.currency).amount if found.balance else 0
    customer.save()
    _keep_evidence(customer, found)
    return customer


def _retire_unknown(actor: Actor, customer: Customer, error: NotThere) -> Customer:
    """Unless it is the key that is the wrong one: then ``WrongInstallation`` is raised, and everybody keeps theirs."""
    ensure_installation(actor=Actor.worker())
    mode = "is of the other mode" if isinstance(error, WrongMode) else "is not known with this key"
    if customer.is_current:
        told = f"The customer {customer.stripe_id} {mode}; the next purchase makes another one."
        raise_alert(f"customer-gone:{customer.stripe_id}", told, customer.organization)
    return _retire(actor, customer, f"It {mode}.", deleted=False)


def _retire(actor: Actor, customer: Customer, reason: str, *, deleted: bool = True) -> Customer:
    if not customer.is_current and (customer.deleted_at or not deleted):
        return customer
    customer.is_current = False
    customer.deleted_at = timezone.now() if deleted else None
    customer.balance = 0
    customer.save(update_fields=["is_current", "deleted_at", "balance"])
    _record(actor, "customer.retired", customer, after={"customer": customer.stripe_id, "reason": reason})
    return customer


# --- Tax ids ----------------------------------------------------------------------------------------------------------


def _keep_evidence(customer: Customer, found: CustomerObject) -> None:
    """A row more for each tax id of which something else is known than before. Those that are there stay as they are:
    invoices were written by them."""
    latest = {(row.kind, row.value): row for row in TaxEvidence.objects.filter(customer=customer)}
    now_there = {(one.kind, one.value): one for one in found.tax_ids}
    for (kind, value), one in now_there.items():
        _add_evidence(
            latest.get((kind, value)),
            TaxEvidence(customer=customer, kind=kind, value=value, country=one.country, status=one.status[:20]),
        )
    for key, row in latest.items():
        if key not in now_there:
            _add_evidence(
                row, TaxEvidence(customer=customer, kind=row.kind, value=row.value, country=row.country, status=REMOVED)
            )


def _add_evidence(before: TaxEvidence | None, row: TaxEvidence) -> None:
    if before is None or (before.status, before.country) != (row.status, row.country):
        row.save()


# --- Telling who it is ------------------------------------------------------------------------------------------------


def _renew_contact(customer: Customer) -> None:
    """Stripe mails invoices to the address that it has. Where that is of somebody who has left, another one gets them;
    an address that was typed at the checkout is nobody's here, and stays."""
    here = User.objects.filter(memberships__organization=customer.organization)
    has_left = User.objects.filter(email__iexact=customer.email).exclude(pk__in=here.values("pk")).exists()
    if has_left and customer.is_current and (contact := contact_of(customer.organization)):
        arguments = {"email": contact}
        enqueue(kind=CallKind.DESCRIBE_CUSTOMER, organization=customer.organization, arguments=arguments)


@makes(CallKind.DESCRIBE_CUSTOMER)
def _describe(call: Call) -> Result:
    """Tell Stripe the ``name``, the ``email`` or the ``address`` that the call has; the rest stays as it is there."""
    customer = current_customer(call.organization)
    if customer is None:
        raise CantBeMade("The organization has no customer at Stripe any more.")
    found, told = gateway().customer(customer.stripe_id), call.arguments
    order = CustomerOrder(
        name=told.get("name") or found.name,
        email=told.get("email") or found.email,
        metadata=found.metadata,
        address=told.get("address") or {},
    )
    gateway().update_customer(str(call.key), customer.stripe_id, order)
    sync_customer(customer.stripe_id)
    return {"customer": customer.stripe_id}


def _record(actor: Actor, action: str, customer: Customer, *, after: dict[str, Any]) -> None:
    organization = customer.organization.name
    audit.record(actor, action, f"billing of {organization}", organization=organization, after=after)
