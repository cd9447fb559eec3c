"""Services that ask Stripe; what they leave in the trail is held by ``test_trail``, where there is one to be asked."""

from __future__ import annotations

NAMES = (
    "adopt_installation",
    "ensure_customer",
    "ensure_installation",
    "sync_customer",
    "sync_invoice",
    "sync_organization",
    "sync_plans",
    "sync_session",
    "sync_subscription",
)

ELSEWHERE: dict[str, str] = dict.fromkeys(NAMES, "it asks Stripe; see tests/billing/syncing/test_trail.py")

ACTIONS = frozenset({"customer.created", "customer.retired", "installation.recorded", "plan.offered"})
"""What they write themselves, beside what follows from a payment."""
