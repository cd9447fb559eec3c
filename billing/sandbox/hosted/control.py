"""The sandbox's own pages, below ``/_sandbox/``: everything of ``control.py`` at the press of a button."""

from __future__ import annotations

import json
from typing import Any

from billing.sandbox import control
from billing.sandbox.errors import StripeFault
from billing.sandbox.hosted.invoice import is_on_its_way, state_of
from billing.sandbox.hosted.portal import STATES
from billing.sandbox.hosted.site import Shown, Visit, address, elsewhere, sorry
from billing.sandbox.html import (
    NOTHING,
    Html,
    attributes,
    badge,
    button,
    day,
    facts,
    form,
    h,
    link,
    minute,
    money,
    page,
    select,
    table,
    text_field,
)
from billing.sandbox.store import Object, Sandbox
from billing.sandbox.subscriptions import ENDED, ends, items_of

HOME = "/_sandbox/"
SHOWN, EVENTS = 30, 12
"""Rows in a table."""


@address("POST", "/_sandbox/{name}")
@address("POST", "/_sandbox/{group}/{name}")
def command(visit: Visit) -> Shown:
    """JSON is answered in JSON; a form goes back to the page it is on (``then``)."""
    name = visit.path.removeprefix("/_sandbox/")
    if visit.headers["content-type"].startswith("application/json"):
        return _as_json(visit, name)
    params = _unflattened({key: value for key, value in visit.form.items() if key != "then"})
    control.run(visit.sandbox, name, params, visit.deliverer)
    then = visit.form.get("then", HOME)
    return elsewhere(then if then.startswith(HOME) else HOME)


def _as_json(visit: Visit, name: str) -> Shown:
    try:
        params = json.loads(visit.body or b"{}")
        if not isinstance(params, dict):
            raise TypeError
        answer, status = control.run(visit.sandbox, name, params, visit.deliverer), 200
    except StripeFault as fault:
        answer, status = fault.as_json(), fault.status
    except (ValueError, TypeError):
        answer, status = {"error": {"message": "The body is a JSON object."}}, 400
    return Shown(json.dumps(answer).encode(), status, "application/json")


def _unflattened(form: dict[str, str]) -> dict[str, Any]:
    """A form can't nest: ``params.quantity`` is the quantity of the params, a number where it looks like one."""
    made: dict[str, Any] = {}
    for name, value in form.items():
        head, _, rest = name.partition(".")
        if rest:
            made.setdefault(head, {})[rest] = _plain(value)
        else:
            made[name] = value
    if "params" in made and "item" in made["params"]:
        item = {"id": made["params"].pop("item"), "quantity": made["params"].pop("quantity")}
        made["params"]["items"] = [item]
    return made


def _plain(value: str) -> Any:
    if value in {"true", "false"}:
        return value == "true"
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 12 else value


@address("GET", "/_sandbox/state")
def state(visit: Visit) -> Shown:
    return Shown(json.dumps(control.state(visit.sandbox)).encode(), kind="application/json")


# --- The first page ---------------------------------------------------------------------------------------------------


@address("GET", "/_sandbox")
def without_slash(visit: Visit) -> Shown:
    return elsewhere(HOME)


@address("GET", "/_sandbox/")
def home(visit: Visit) -> Shown:
    sandbox = visit.sandbox
    body = h(
        '<div><h1>The sandbox</h1><p class="quiet">What Stripe’s dashboard is to Stripe, and what no dashboard can do.'
        "</p></div>{clock}{people}{faults}{ways}{events}",
        clock=_clock(sandbox),
        people=_section("Customers", _customers(sandbox)),
        faults=_section("Faults", _faults(sandbox)),
        ways=_section("Money", _money(sandbox)),
        events=_section("Events", _events(visit)),
    )
    return Shown(page("Control", body, wide=True))


def _section(title: str, *body: Html) -> Html:
    return h('<section class="card"><h2>{title}</h2>{body}</section>', title=title, body=body)


def _act(text: str, name: str, *, label: str = "", tone: str = "small", then: str = HOME, **params: object) -> Html:
    """A button that gives a command."""
    hidden = [
        h("<input{given}>", given=attributes(type="hidden", name=key, value=str(value)))
        for key, value in params.items()
    ]
    back = h("<input{given}>", given=attributes(type="hidden", name="then", value=then))
    return form(f"/_sandbox/{name}", back, *hidden, button(text, tone=tone, label=label), class_="inline")


def _clock(sandbox: Sandbox) -> Html:
    steps = (("An hour", 3_600), ("A day", 86_400), ("A week", 604_800), ("31 days", 2_678_400), ("A year", 31_622_400))
    buttons = [_act(text, "clock/advance", label="forward", seconds=seconds) for text, seconds in steps]
    return _section(
        "Clock",
        h("<p>It is <strong>{now}</strong> here.</p>", now=minute(sandbox.clock.now())),
        h('<div class="row">{buttons}</div>', buttons=buttons),
        h('<p class="quiet">Renewals, retries and reminders happen on the way, in their order.</p>'),
    )


def _customers(sandbox: Sandbox) -> Html:
    found = [one for one in sandbox.find("customer") if not one.get("deleted")]
    rows = [
        (
            link(str(one["name"] or one["email"] or one["id"]), f"/_sandbox/customers/{one['id']}"),
            one["email"] or "",
            [_sub_badge(sub) for sub in sandbox.find("subscription", customer=one["id"])][-1:],
        )
        for one in reversed(found[-SHOWN:])
    ]
    return table(
        "The newest first", ("Customer", "E-mail", "Subscription"), rows, empty="Nobody has bought anything yet."
    )


def _sub_badge(sub: Object) -> Html:
    return badge(*STATES.get(sub["status"], (sub["status"].replace("_", " ").title(), "bad")))


def _faults(sandbox: Sandbox) -> Html:
    rows = [
        (
            h("<code>{k}</code>", k=one["kind"]),
            h("<code>{m}</code>", m=one["match"]),
            "always" if one["times"] is None else one["times"],
            f"{one['chance']:g}",
            _act("Remove", "faults/clear", label=f"{one['kind']} {one['match']}", id=one["id"]),
        )
        for one in sandbox.faults.listed()
    ]
    made = table("What waits to happen", ("Fault", "To", "Times", "Chance", "Act"), rows, empty="No fault is set.")
    kinds = sorted(control.FAULTS)
    fields = h(
        '<div class="pair">{kind}{match}{times}{chance}{seconds}</div>',
        kind=select("kind", "Fault", [(kind, kind) for kind in kinds]),
        match=text_field("match", "To", "*", hint="invoice.*, or POST /v1/subscriptions*"),
        times=text_field("times", "Times", "1", hint="or always"),
        chance=text_field("chance", "Chance", "1", hint="from 0 to 1"),
        seconds=text_field("seconds", "Seconds", "0", hint="of a delay, or a skew"),
    )
    return h(
        "{made}{form}", made=made, form=form("/_sandbox/faults", fields, h("<div>{b}</div>", b=button("Set the fault")))
    )


def _money(sandbox: Sandbox) -> Html:
    pay_out = form(
        "/_sandbox/payouts",
        h(
            '<div class="row row--fields">{currency}{b}</div>',
            currency=select(
                "currency", "Pay out the balance in", [(c, c.upper()) for c in ("usd", "eur", "gbp", "jpy")]
            ),
            b=button("Pay out", tone="plain"),
        ),
    )
    options = [
        ("cancel", "the subscription is cancelled"),
        ("unpaid", "it stays, unpaid"),
        ("past_due", "it stays past due"),
    ]
    after = form(
        "/_sandbox/dunning",
        h(
            '<div class="row row--fields">{after}{b}</div>',
            after=select("after", "After the last attempt to collect", options, control.state(sandbox)["dunning"]),
            b=button("Set", tone="plain"),
        ),
    )
    return h('<div class="pair">{a}{b}</div>', a=after, b=pay_out)


def _events(visit: Visit) -> Html:
    sandbox = visit.sandbox
    told = [
        (h("<code>{u}</code>", u=one["url"]), ", ".join(one["enabled_events"][:3]), one["status"])
        for one in sandbox.find("webhook_endpoint")
    ]
    latest = list(sandbox.objects.get("event", {}).values())[-EVENTS:]
    rows = [
        (
            h("<code>{t}</code>", t=one["type"]),
            minute(one["created"]),
            "delivered" if not one["pending_webhooks"] else "waiting",
            _act("Send again", "events/resend", label=one["type"], event=one["id"]),
        )
        for one in reversed(latest)
    ]
    return h(
        "{endpoints}{events}",
        endpoints=table("Endpoints", ("Address", "Events", "State"), told, empty="There is no webhook endpoint."),
        events=table("The latest", ("Event", "Made", "State", "Act"), rows, empty="Nothing has happened yet."),
    )


# --- One customer -----------------------------------------------------------------------------------------------------


@address("GET", "/_sandbox/customers/{id}")
def customer(visit: Visit) -> Shown:
    sandbox = visit.sandbox
    found = sandbox.get("customer", visit["id"])
    if found.get("deleted"):
        return sorry("The customer was deleted", "Its invoices are kept.", 410, back=HOME)
    waits = len(found.get("_failures") or ())
    body = h(
        '<p><a class="link" href="/_sandbox/">← All customers</a></p><div><h1>{name}</h1><p><code>{id}</code></p></div>'
        "{failing}{subs}{invoices}{charges}{end}",
        name=found["name"] or found["email"] or "A customer",
        id=found["id"],
        failing=_section("Payments", _failing(found, waits)),
        subs=[_subscription(sub) for sub in reversed(sandbox.find("subscription", customer=found["id"]))],
        invoices=_section("Invoices", _invoices(sandbox, found["id"])),
        charges=_section("Charges", _charges(sandbox, found["id"])),
        end=_section("Delete", _deletion(found)),
    )
    return Shown(page(found["name"] or "Customer", body, wide=True))


def _failing(found: Object, waits: int) -> Html:
    codes = ["generic_decline", "insufficient_funds", "expired_card", "authenticate"]
    here = f"/_sandbox/customers/{found['id']}"
    fields = h(
        '<input type="hidden" name="customer" value="{id}"><input type="hidden" name="then" value="{here}">'
        '<div class="row row--fields">{times}{code}{b}</div>',
        id=found["id"],
        here=here,
        times=text_field("times", "How many of the next ones fail", "1", inputmode="numeric"),
        code=select("code", "And why", [(code, code.replace("_", " ")) for code in codes]),
        b=button("Let them fail", tone="plain"),
    )
    stop = _act("Let them work again", "payments/fail", then=here, customer=found["id"], times=0) if waits else NOTHING
    told = h("<p>The next <strong>{n}</strong> will fail.</p>{stop}", n=waits, stop=stop) if waits else NOTHING
    return h("{told}{form}", told=told, form=form("/_sandbox/payments/fail", fields))


def _subscription(sub: Object) -> Html:
    here = f"/_sandbox/customers/{sub['customer']}"
    path = f"/v1/subscriptions/{sub['id']}"
    told = facts(
        ("State", _sub_badge(sub)),
        ("Id", h("<code>{id}</code>", id=sub["id"])),
        ("Period ends", day(ends(sub))),
        ("Ends on", day(sub["cancel_at"])),
    )
    if sub["status"] in ENDED:
        return _section("Subscription", told)
    common: dict[str, Any] = {"then": here, "path": path, "method": "POST"}
    wanted = {"params.cancel_at_period_end": "false" if sub["cancel_at_period_end"] else "true"}
    acts = [
        _act("Don’t end" if sub["cancel_at_period_end"] else "End at period’s end", "dashboard", **common, **wanted),
        _act("End now", "dashboard", tone="small button--bad", **{**common, "method": "DELETE"}),
    ]
    items = [_quantity(item, path, here) for item in items_of(sub) if "quantity" in item]
    return _section("Subscription", told, *items, h('<div class="row">{acts}</div>', acts=acts))


def _quantity(item: Object, path: str, here: str) -> Html:
    name = f"quantity-{item['id']}"
    field = h(
        '<div class="field"><label class="label" for="{id}">{label}</label><input class="input" id="{id}" '
        'name="params.quantity" value="{value}" inputmode="numeric"></div>',
        id=name,
        label=f"Quantity of {item['price']['nickname'] or item['price']['id']}",
        value=item["quantity"],
    )
    hidden = {"then": here, "path": path, "method": "POST", "params.item": item["id"]}
    inputs = [h("<input{g}>", g=attributes(type="hidden", name=key, value=value)) for key, value in hidden.items()]
    row = h('<div class="row row--fields">{field}{b}</div>', field=field, b=button("Change", tone="plain"))
    return form("/_sandbox/dashboard", *inputs, row)


def _invoices(sandbox: Sandbox, customer: str) -> Html:
    rows = [
        (
            link(one["number"], one["hosted_invoice_url"]) if one["hosted_invoice_url"] else one["id"],
            day(one["created"]),
            money(one["total"], one["currency"]),
            state_of(one),
            _invoice_acts(sandbox, one),
        )
        for one in reversed(sandbox.find("invoice", customer=customer)[-SHOWN:])
    ]
    return table("The newest first", ("Invoice", "Date", "Amount", "State", "Acts"), rows, empty="There is none.")


def _invoice_acts(sandbox: Sandbox, invoice: Object) -> Html:
    here = f"/_sandbox/customers/{invoice['customer']}"
    name = str(invoice["number"] or invoice["id"])
    common: dict[str, Any] = {"then": here, "label": name}
    if invoice["status"] != "open":
        return NOTHING
    if is_on_its_way(sandbox, invoice):
        acts = [
            _act("The debit succeeds", "debits/settle", invoice=invoice["id"], **common),
            _act("The debit fails", "debits/fail", invoice=invoice["id"], **common),
        ]
    else:
        path = f"/v1/invoices/{invoice['id']}"
        wire = {"method": "POST", "path": f"{path}/pay", "params.paid_out_of_band": "true"}
        acts = [
            _act("Paid by wire", "dashboard", **common, **wire),
            _act("Void", "dashboard", **common, method="POST", path=f"{path}/void"),
            _act("Give up", "dashboard", **common, method="POST", path=f"{path}/mark_uncollectible"),
        ]
    return h('<div class="row">{acts}</div>', acts=acts)


def _charges(sandbox: Sandbox, customer: str) -> Html:
    rows = [
        (
            h("<code>{id}</code>", id=one["id"]),
            money(one["amount"], one["currency"]),
            money(one["amount_refunded"], one["currency"]),
            one["status"],
            _charge_acts(sandbox, one),
        )
        for one in reversed(sandbox.find("charge", customer=customer)[-SHOWN:])
    ]
    return table("The newest first", ("Charge", "Amount", "Refunded", "State", "Acts"), rows, empty="There is none.")


def _charge_acts(sandbox: Sandbox, charge: Object) -> Html:
    if charge["status"] != "succeeded" or charge["amount_refunded"] == charge["amount"]:
        return NOTHING
    common: dict[str, Any] = {"then": f"/_sandbox/customers/{charge['customer']}", "label": charge["id"]}
    if charge["disputed"]:
        among = [one for one in sandbox.find("dispute", charge=charge["id"]) if one["status"] not in {"won", "lost"}]
        words = {"won": "We win the dispute", "lost": "We lose it"}
        acts = [
            _act(words[end], "disputes/close", dispute=one["id"], status=end, **common)
            for one in among
            for end in words
        ]
    else:
        refund = {"method": "POST", "path": "/v1/refunds", "params.charge": charge["id"]}
        acts = [
            _act("Refund", "dashboard", **common, **refund),
            _act("Dispute", "disputes", charge=charge["id"], **common),
        ]
    return h('<div class="row">{acts}</div>', acts=acts)


def _deletion(found: Object) -> Html:
    return h(
        "<p>Its subscriptions end at once; invoices stay.</p>{act}",
        act=_act("Delete the customer", "dashboard", tone="bad", method="DELETE", path=f"/v1/customers/{found['id']}"),
    )
