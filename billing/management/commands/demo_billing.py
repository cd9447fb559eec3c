from __future__ import annotations

from typing import Any

from billing.gateway.errors import Unavailable
from billing.services.demo import make_demo_billing
from freehold.commands import FreeholdCommand


class Command(FreeholdCommand):
    help = "Give the demo plans, customers and costs, once, by the Stripe sandbox that `make run` starts."

    def perform(self, **options: Any) -> str:
        try:
            is_new = make_demo_billing(actor=self.actor)
        except Unavailable:
            return "The Stripe sandbox does not answer, so the demo has no plans; `make run` starts one."
        return "The demo has its plans and customers." if is_new else "It was there."
