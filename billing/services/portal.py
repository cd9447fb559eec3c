"""The pages at Stripe where cards, addresses and tax ids are kept; quantities and plans are changed here."""

from __future__ import annotations

from django.utils.translation import gettext as _

from billing.gateway.calls import gateway
from billing.gateway.errors import GatewayError, NotThere
from billing.selectors.buying import customer_of
from billing.services.checkout import PaymentPageFailed
from billing.services.customers import sync_customer
from freehold.errors import NotPermitted
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Organization
from orgs.services.notices import site_url
from orgs.services.organizations import NotNow
from orgs.vocabulary import Permission


def portal_address(*, actor: Actor, organization: Organization) -> str:
    """Where they go from here, for a few minutes. Nothing changes here by it, so nothing is written down."""
    if not (verdict := may(actor, Permission.MANAGE_BILLING, organization)):
        raise NotPermitted(verdict.reason)
    if not (verdict := can_open_portal(organization)):
        raise NotNow(verdict.reason)
    customer, back = customer_of(organization), site_url("organization-plan", organization.name)
    assert customer is not None, "can_open_portal() has just said so"
    try:
        configuration = gateway().ensure_portal_configuration(return_url=back)
        return gateway().portal(customer.stripe_id, back, configuration)
    except NotThere as error:
        sync_customer(customer.stripe_id)
        raise NotNow(_("Stripe has nothing of you any more. Buy a plan, and there will be.")) from error
    except GatewayError as error:
        raise PaymentPageFailed(_("Stripe does not answer just now. Try again in a moment.")) from error


def can_open_portal(organization: Organization) -> Verdict:
    if customer_of(organization) is None:
        return Verdict(False, _("There are no cards or invoices yet: nothing was bought."))
    return ALLOWED
