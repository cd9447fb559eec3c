from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from billing.gateway.calls import gateway
from billing.gateway.errors import GatewayError, NotThere
from billing.models import Event
from billing.services import inbox
from freehold.commands import FreeholdCommand
from freehold.errors import NotFound


class Command(FreeholdCommand):
    help = (
        "Look once more at what events of Stripe's are about. It can do no harm: what is found is the state of now. "
        "One that is not in the inbox is fetched from Stripe, which keeps events for thirty days."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("events", metavar="EVENT", nargs="*", help="ids of events, such as evt_…")
        parser.add_argument("--dead", action="store_true", help="all that were given up")

    def perform(self, *, events: list[str], dead: bool, **options: Any) -> str:
        found = [_event(stripe_id) for stripe_id in events]
        found += list(Event.objects.filter(state="dead").order_by("pk")) if dead else []
        for event in found:
            if inbox.can_replay(event):
                inbox.replay(actor=self.actor, event=event)
        inbox.settle()
        return "\n".join(_became(Event.objects.get(pk=event.pk)) for event in found) or "There is none."


def _event(stripe_id: str) -> Event:
    known = Event.objects.filter(stripe_id=stripe_id).first()
    if known is not None:
        return known
    try:
        inbox.store(gateway().event(stripe_id))
    except NotThere as error:
        raise NotFound(f"{stripe_id!r} is not in the inbox, and Stripe has no such event.") from error
    except GatewayError as error:
        raise CommandError(f"{stripe_id!r} is not in the inbox, and Stripe does not answer as it should.") from error
    return Event.objects.get(stripe_id=stripe_id)


def _became(event: Event) -> str:
    why = event.error or event.note
    return f"{event.stripe_id} {event.type}: {event.get_state_display()}{f' ({why})' if why else ''}"
