"""Each night: what Stripe moved and nobody told us is booked, what was earned too, and the balances compared: Stripe's
own, and the credit of each customer."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from billing.gateway.calls import gateway
from billing.gateway.errors import GatewayError
from billing.models import Drift, Reconciliation
from billing.reports.balances import Difference, clearing, differences
from billing.services.alerts import raise_alert, withdraw_alert
from billing.services.credit import balance_credit
from billing.services.recognition import recognize
from billing.services.settling import settle_movements

LEDGER = "ledger"
LOOKED_BACK = timedelta(days=40)


def balance_ledger(*, everything: bool = False) -> Reconciliation:
    """Book what is missing of the last weeks, or of all time, and compare. One that Stripe's outage breaks off says so
    and has no end."""
    recognize()
    run = Reconciliation.objects.create(kind=LEDGER)
    since = None if everything else run.started_at - LOOKED_BACK
    try:
        run.repaired = settle_movements(since=since)
        found = _settled_differences(run, everything=everything)
        credit = balance_credit(run)
    except GatewayError as error:
        run.error = str(error)[:500]
        run.save()
        raise
    run.compared, run.open, run.ended_at = len(clearing()), len(found) + credit, timezone.now()
    run.save()
    _report(run, found)
    return run


def _settled_differences(run: Reconciliation, *, everything: bool) -> list[Difference]:
    """What moved while we looked is no difference: so what there is is looked at once more. And if it is still there,
    all that ever moved."""
    found = differences(gateway().balance())
    if found:
        run.repaired += settle_movements(since=run.started_at - timedelta(hours=1))
        found = differences(gateway().balance())
    if found and not everything:
        run.repaired += settle_movements()
        found = differences(gateway().balance())
    return found


def _report(run: Reconciliation, found: list[Difference]) -> None:
    apart = {each.currency for each in found}
    for currency in clearing().keys() - apart:
        withdraw_alert(f"ledger-clearing:{currency}")
    for each in found:
        Drift.objects.create(
            run=run,
            object_type="balance",
            object_id=each.currency,
            field="clearing",
            ours=str(each.ours),
            theirs=str(each.theirs),
            repaired=False,
        )
        text = _("The ledger has %(ours)s at Stripe, and Stripe says %(theirs)s.")
        raise_alert(f"ledger-clearing:{each.currency}", text % {"ours": each.ours, "theirs": each.theirs})


def last_balanced() -> Reconciliation | None:
    return Reconciliation.objects.filter(kind=LEDGER).order_by("-started_at", "-pk").first()
