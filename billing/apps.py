from django.apps import AppConfig
from django.conf import settings


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        if not settings.FREEHOLD_STRIPE.enabled:
            return
        from billing import hooks
        from billing.pages import overview
        from billing.services import (
            effects,
            endings,
            installation,  # noqa: F401 -- registers a system check
            plan_changes,  # noqa: F401 -- enters how calls are made
            purchase_calls,  # noqa: F401 -- enters how calls are made
            quantities,  # noqa: F401 -- enters how calls are made
            syncing,  # noqa: F401 -- enters who looks at what
            usage,  # noqa: F401 -- enters how calls are made
            wire_calls,  # noqa: F401 -- enters how calls are made
        )
        from orgs import hooks as of_organizations

        hooks.enter()
        of_organizations.closing_blockers.append(endings.warn_of_closing)
        of_organizations.on_closing.append(endings.end_of_closed)
        of_organizations.on_activated.append(effects.follow_change_of_kind)
        of_organizations.overview_facts.append(overview.facts)
        of_organizations.next_steps.append(overview.steps)
