"""What only a sandbox can do: put the clock forward, make payments fail, disturb the way of events, open disputes. And
what somebody does in Stripe's dashboard. Each is a command with a name and parameters, by ``POST /_sandbox/NAME``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing.sandbox import cycle, disputes, endpoints, ledger, outcomes, payments, refunds, tax_ids
from billing.sandbox.calling import call
from billing.sandbox.clock import DAY
from billing.sandbox.errors import StripeFault, missing, unknown
from billing.sandbox.events import Deliverer, waiting
from billing.sandbox.faults import KINDS
from billing.sandbox.jobs import advance
from billing.sandbox.store import Object, Sandbox, public

Params = dict[str, Any]
Command = Callable[[Sandbox, Params, Deliverer | None], Any]
COMMANDS: dict[str, Command] = {}
FAULTS = KINDS
FARTHEST = 3 * 366 * DAY
"""At once; whoever wants more does it twice."""


def command(name: str) -> Callable[[Command], Command]:
    def enter(made: Command) -> Command:
        COMMANDS[name] = made
        return made

    return enter


def run(sandbox: Sandbox, name: str, params: Params, deliverer: Deliverer | None = None) -> Any:
    """Plain values; raises ``StripeFault``."""
    if name not in COMMANDS:
        raise StripeFault(f"There is no command {name!r}: {', '.join(sorted(COMMANDS))}.", status=404)
    with sandbox.work():
        return COMMANDS[name](sandbox, params, deliverer)


def state(sandbox: Sandbox, deliverer: Deliverer | None = None) -> Object:
    """Where things are."""
    return {
        "now": sandbox.clock.now(),
        "ahead": sandbox.clock.ahead,
        "faults": sandbox.faults.listed(),
        "deliveries": len(waiting(sandbox)),
        "dunning": cycle.after_retries(sandbox),
        "objects": {kind: len(known) for kind, known in sorted(sandbox.objects.items()) if not kind.startswith("_")},
    }


def shown(obj: Object) -> Object:
    answer: Object = public(obj)
    return answer


def _need(params: Params, name: str) -> str:
    if params.get(name) in {None, ""}:
        raise missing(name)
    return str(params[name])


def _number(params: Params, name: str, usual: int | None = None) -> int:
    if params.get(name) in {None, ""} and usual is not None:
        return usual
    try:
        return int(_need(params, name))
    except ValueError:
        raise StripeFault(f"{name} is a whole number.", param=name) from None


# --- Time and trouble -------------------------------------------------------------------------------------------------


@command("clock/advance")
def _advance(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """By ``seconds`` or ``days``, or ``to`` a moment; renewals and retries happen on the way."""
    now = sandbox.clock.now()
    to = _number(params, "to", now + _number(params, "seconds", 0) + DAY * _number(params, "days", 0))
    if not now <= to <= now + FARTHEST:
        raise StripeFault("The clock goes forward, by three years at most at a time.", param="to")
    advance(sandbox, to)
    return {"now": sandbox.clock.now()}


@command("faults")
def _fault(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """``kind``, ``match``, ``times``, ``chance``, ``skip``, ``seconds``: see ``faults.py``."""
    return vars(sandbox.faults.read(params))


@command("faults/clear")
def _clear(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """The one with this ``id``, or all."""
    sandbox.faults.clear(_number(params, "id") if params.get("id") else None)
    return {"faults": sandbox.faults.listed()}


@command("dunning")
def _dunning(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """What comes ``after`` the last attempt: ``cancel``, ``unpaid`` or ``past_due``."""
    after = _need(params, "after")
    if after not in {cycle.CANCEL, cycle.UNPAID, cycle.PAST_DUE}:
        raise StripeFault("It is cancel, unpaid or past_due.", param="after")
    cycle.set_after_retries(sandbox, after)
    return {"after": after}


# --- Money ------------------------------------------------------------------------------------------------------------


@command("payments/fail")
def _fail(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """The next so many (``times``) of a ``customer`` are declined, with this ``code``; ``authenticate`` asks the
    bank's customer first."""
    customer = _need(params, "customer")
    times = _number(params, "times", 1)
    if not 0 <= times <= 100:
        raise StripeFault("At most a hundred.", param="times")
    payments.fail_next(sandbox, customer, times, params.get("code") or "generic_decline")
    return {"customer": customer, "times": times}


@command("debits/settle")
def _settle(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """The money of this ``invoice`` has come."""
    return shown(outcomes.settle_debit(sandbox, _debit(sandbox, params)))


@command("debits/fail")
def _bounce(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """It won't come."""
    return shown(outcomes.settle_debit(sandbox, _debit(sandbox, params), arrives=False))


def _debit(sandbox: Sandbox, params: Params) -> str:
    invoice = sandbox.get("invoice", _need(params, "invoice"), "invoice")
    intent = payments.intent_of(sandbox, invoice)
    if intent is None:
        raise StripeFault("No bank debit of this invoice is on its way.", param="invoice")
    return str(intent["id"])


@command("refunds/conclude")
def _conclude(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """A ``refund`` arrived (``arrives`` is ``yes``), or came back."""
    made = sandbox.get("refund", _need(params, "refund"), "refund")
    return shown(refunds.conclude(sandbox, made, arrives=_need(params, "arrives") == "yes"))


@command("disputes")
def _dispute(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """The customer's bank takes the money of a ``charge`` back, or an ``amount`` of it, for a ``reason``."""
    charge = sandbox.get("charge", _need(params, "charge"), "charge")
    amount = _number(params, "amount") if params.get("amount") else None
    return shown(disputes.dispute(sandbox, charge, amount=amount, reason=params.get("reason") or "fraudulent"))


@command("disputes/close")
def _close_dispute(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """A ``dispute`` ends: ``status`` is ``won`` or ``lost``."""
    status = _need(params, "status")
    if status not in {"won", "lost"}:
        raise StripeFault("It is won or lost.", param="status")
    return shown(disputes.close(sandbox, sandbox.get("dispute", _need(params, "dispute"), "dispute"), status))


@command("payouts")
def _pay_out(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """Everything in this ``currency``, also what is pending."""
    return shown(ledger.pay_out(sandbox, params.get("currency") or "usd"))


@command("tax_ids/verify")
def _verify(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """What the authority says later of a ``tax_id``: ``status`` is ``verified``, ``unverified`` or ``pending``."""
    tax_id = sandbox.get("tax_id", _need(params, "tax_id"), "tax_id")
    tax_ids.verify(sandbox, tax_id, _need(params, "status"))
    return shown(tax_id)


# --- As in the dashboard ----------------------------------------------------------------------------------------------


@command("dashboard")
def _dashboard(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """Any call of the API, by a person: ``method``, ``path``, ``params`` as values."""
    if strange := params.keys() - {"method", "path", "params"}:
        raise unknown(min(strange))
    answer = call(sandbox, _need(params, "method").upper(), _need(params, "path"), params.get("params") or {})
    return shown(answer)


@command("events/resend")
def _resend(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """This ``event`` once more, to every endpoint that is on."""
    event = sandbox.get("event", _need(params, "event"), "event")
    if deliverer is not None:
        for endpoint in sandbox.find(endpoints.KIND, status="enabled"):
            deliverer.again(event["id"], endpoint["id"])
    return {"event": event["id"]}


@command("endpoints/roll")
def _roll(sandbox: Sandbox, params: Params, deliverer: Deliverer | None) -> Object:
    """A new ``secret`` for an ``endpoint``; the old one is used for so many ``seconds`` more."""
    seconds = _number(params, "seconds", 0)
    made = endpoints.roll(sandbox, _need(params, "endpoint"), seconds=seconds, secret=params.get("secret") or "")
    return {"secret": made}
