"""The tables of billing."""

from billing.models.costs import IndexCost, Openness
from billing.models.jobs import Alert, Call, Drift, Event, Installation, Job, Reconciliation
from billing.models.ledger import ClosedMonth, Deferral, LedgerEntry, LedgerLine, TaxRow
from billing.models.mirror import LIVE, Invoice, Subscription, SubscriptionItem, Wanted
from billing.models.plans import Plan, Price
from billing.models.purchases import Allowance, Customer, Intent, TaxEvidence
from billing.models.standing import Health, StandingChange
from billing.models.wires import Wire

__all__ = [
    "LIVE",
    "Alert",
    "Allowance",
    "Call",
    "ClosedMonth",
    "Customer",
    "Deferral",
    "Drift",
    "Event",
    "Health",
    "IndexCost",
    "Installation",
    "Intent",
    "Invoice",
    "Job",
    "LedgerEntry",
    "LedgerLine",
    "Openness",
    "Plan",
    "Price",
    "Reconciliation",
    "StandingChange",
    "Subscription",
    "SubscriptionItem",
    "TaxEvidence",
    "TaxRow",
    "Wanted",
    "Wire",
]
