from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from billing.gateway.errors import GatewayError
from billing.services.syncing import sync_object, sync_organization
from freehold.commands import FreeholdCommand
from orgs.selectors import organization_named
from orgs.services.organizations import parse_name

TYPES = {
    "sub_": "subscription",
    "cus_": "customer",
    "in_": "invoice",
    "cs_": "checkout.session",
    "ch_": "charge",
    "py_": "charge",
    "re_": "refund",
    "pyr_": "refund",
    "cn_": "credit_note",
    "dp_": "dispute",
    "du_": "dispute",
    "po_": "payout",
}
"""By the beginning of an id at Stripe."""


class Command(FreeholdCommand):
    help = "Make ours equal to what Stripe has: of an organization everything, or the one object with this id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", metavar="ORGANIZATION|ID", help="an organization's name, or an id such as sub_…")

    def perform(self, *, what: str, **options: Any) -> str:
        kind = next((kind for prefix, kind in TYPES.items() if what.startswith(prefix)), "")
        try:
            return self._object(kind, what) if kind else self._organization(what)
        except GatewayError as error:
            raise CommandError(f"Stripe says: {error.message}") from error

    def _object(self, kind: str, stripe_id: str) -> str:
        found = sync_object(kind, stripe_id)
        return f"{stripe_id} is up to date." if found is not None else f"{stripe_id} is not ours."

    def _organization(self, name: str) -> str:
        organization = organization_named(parse_name(name))
        count = sync_organization(actor=self.actor, organization=organization)
        organization.refresh_from_db()
        return f"{organization.name} is up to date: subscriptions: {count}, standing: {organization.standing}."
