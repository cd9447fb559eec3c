"""Scheduled work of billing; each task is thin and may run twice."""

from __future__ import annotations

from celery import shared_task

from billing.services import (
    balancing,
    endings,
    inbox,
    ladder,
    outbox,
    plan_changes,
    purchases,
    quantity_sweep,
    quotes,
    reconciling,
    usage,
)
from orgs.actors import Actor


@shared_task(name=inbox.SETTLE_TASK, ignore_result=True)
def settle_events() -> int:
    """Look at what events that came are about."""
    return inbox.settle()


@shared_task(name=outbox.MAKE_TASK, ignore_result=True)
def make_calls() -> int:
    """Tell Stripe what waits to be told."""
    return outbox.make_calls()


@shared_task(name="billing.reconcile_lately", ignore_result=True)
def reconcile_lately() -> int:
    """Look at what changed at Stripe since the last time, and at what is open."""
    return reconciling.reconcile(kind=reconciling.LATELY).pk


@shared_task(name="billing.reconcile_everything", ignore_result=True)
def reconcile_everything() -> int:
    """Compare every subscription with Stripe’s."""
    return reconciling.reconcile(kind=reconciling.EVERYTHING).pk


@shared_task(name="billing.follow_standings", ignore_result=True)
def follow_standings() -> int:
    """Judge anew all who owe something or soon have nothing any more, and take the steps that are due."""
    return ladder.sweep()


@shared_task(name="billing.balance_ledger", ignore_result=True)
def balance_ledger() -> int:
    """Book what was earned and what nobody told us of, and compare the ledger with Stripe’s balance."""
    return balancing.balance_ledger().pk


@shared_task(name="billing.change_plans", ignore_result=True)
def change_plans() -> int:
    """Tell Stripe of the plans that begin with the periods that begin soon, and of what is in use then."""
    actor = Actor.worker()
    told = plan_changes.make_due(actor=actor)
    return told + quantity_sweep.sweep_quantities(actor=actor, ending_within=plan_changes.LEAD)


@shared_task(name="billing.mend_quantities", ignore_result=True)
def mend_quantities() -> int:
    """Look for quantities at Stripe that are not what was wanted."""
    return quantity_sweep.sweep_quantities(actor=Actor.worker())


@shared_task(name="billing.report_served", ignore_result=True)
def report_served() -> int:
    """Tell Stripe what was served of the projects of those whose plan has a metered part."""
    return usage.report_served(actor=Actor.worker())


@shared_task(name="billing.end_purchases", ignore_result=True)
def end_purchases() -> int:
    """End what nobody went on to buy, and plans that nobody is left to end; tell of orders that Stripe did not take."""
    quotes.tell_of_stuck_orders()
    return purchases.expire_purchases(actor=Actor.worker()) + endings.end_abandoned(actor=Actor.worker())
