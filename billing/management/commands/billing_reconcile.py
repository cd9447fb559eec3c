from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from billing.models import Drift, Reconciliation
from billing.services import reconciling
from freehold.commands import FreeholdCommand


class Command(FreeholdCommand):
    help = "Compare Freehold with Stripe, repair what differs, and say what it was. Nothing is changed at Stripe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--lately",
            action="store_true",
            help="only what changed since the last time, and what is open; else everything",
        )

    def perform(self, *, lately: bool, **options: Any) -> str:
        run = reconciling.reconcile(kind=reconciling.LATELY if lately else reconciling.EVERYTHING)
        said = "\n".join([*(_line(drift) for drift in run.drifts.order_by("pk")), _sum(run)])
        if run.ended_at is None:
            self.stdout.write(f"{said}\n{run.error}")
            raise CommandError("Stripe does not answer as it should, so the comparison broke off.")
        return said


def _line(drift: Drift) -> str:
    became = "repaired" if drift.repaired else "left for staff"
    what = " ".join(filter(None, (drift.object_type, drift.object_id, drift.field)))
    return f"{what}: {drift.ours or '-'} here, {drift.theirs or '-'} at Stripe; {became}"


def _sum(run: Reconciliation) -> str:
    return f"{run.compared} compared, {run.repaired} repaired, {run.open} left for staff."
