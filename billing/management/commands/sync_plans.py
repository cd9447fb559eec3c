from __future__ import annotations

from typing import Any

from billing.services.plans import sync_plans
from freehold.commands import FreeholdCommand


class Command(FreeholdCommand):
    help = "Make the tiers plans with prices, here and at Stripe. Safe to run again; other prices become a new version."

    def perform(self, **options: Any) -> str:
        return "\n".join(f"{plan}: {plan.product}" for plan in sync_plans(actor=self.actor))
