"""The customer's portal: subscriptions, the way to pay, details, invoices."""

from __future__ import annotations

from collections.abc import Callable

from billing.sandbox import buying, payment_methods, portal, tax_ids
from billing.sandbox.buying import Errors, Way, way_of
from billing.sandbox.calling import call
from billing.sandbox.errors import StripeFault
from billing.sandbox.hosted.invoice import TYPES, state_of
from billing.sandbox.hosted.pieces import SELLER, back_link, place_fields, place_lines, tax_fields, ways_to_pay
from billing.sandbox.hosted.site import Shown, Visit, address, elsewhere, sorry
from billing.sandbox.html import (
    NOTHING,
    Html,
    badge,
    button,
    day,
    every,
    facts,
    form,
    h,
    link,
    money,
    notice,
    page,
    table,
    text_field,
    wrong,
)
from billing.sandbox.store import Object, Sandbox
from billing.sandbox.subscriptions import ENDED, ends, items_of

STATES = {
    "active": ("Active", "good"),
    "trialing": ("On trial", "good"),
    "past_due": ("Past due", "warn"),
    "unpaid": ("Unpaid", "bad"),
    "incomplete": ("Not paid yet", "warn"),
    "paused": ("Paused", "calm"),
}
FLOWS = {"payment_method_update": "pay", "customer_update": "details", "subscription_cancel": "cancel"}
GONE = ("This page has expired", "Go back to where you came from, and open it again.", 410)
Inside = Callable[[Visit, Object], Shown]


def opened(method: str, pattern: str, feature: str = "") -> Callable[[Inside], Inside]:
    """A page of a session that is still open, and of a feature that is switched on."""

    def enter(answer: Inside) -> Inside:
        def checked(visit: Visit) -> Shown:
            session = portal.by_secret(visit.sandbox, visit["secret"])
            if session is None:
                return sorry(*GONE)
            if feature and not portal.allows(visit.sandbox, session, feature):
                return sorry("This is switched off", "Ask those who sent you here.", 403, back=_home(session))
            return answer(visit, session)

        address(method, pattern)(checked)
        return answer

    return enter


def _home(session: Object) -> str:
    return f"/p/session/{session['_secret']}"


def _done(session: Object) -> Shown:
    """After something was done: to where the caller wanted, or back to the first page."""
    after = (session["flow"] or {}).get("after_completion") or {}
    if after.get("type") == "redirect":
        return elsewhere(after["redirect"]["return_url"])
    session["flow"] = None
    return elsewhere(_home(session))


def _page(session: Object, title: str, *body: Html, status: int = 200) -> Shown:
    onward = [session["return_url"] or ""]
    after = (session["flow"] or {}).get("after_completion") or {}
    onward.append((after.get("redirect") or {}).get("return_url") or "")
    return Shown(page(title, *body), status, onward=tuple(onward))


def _customer(visit: Visit, session: Object) -> Object:
    return visit.sandbox.get("customer", session["customer"])


# --- The first page ---------------------------------------------------------------------------------------------------


@opened("GET", "/p/session/{secret}")
def home(visit: Visit, session: Object) -> Shown:
    flow = session["flow"] or {}
    if flow.get("type") in FLOWS:
        about = (flow.get("subscription_cancel") or {}).get("subscription", "")
        return elsewhere(f"{_home(session)}/{FLOWS[flow['type']]}{'/' if about else ''}{about}")
    customer = _customer(visit, session)
    return _page(
        session,
        "Billing",
        back_link(session["return_url"], f"Back to {SELLER}"),
        h("<div><h1>Billing</h1><p>{name}</p></div>", name=customer["name"] or customer["email"] or customer["id"]),
        h('<div class="stack">{subs}</div>', subs=_subscriptions(visit, session)),
        _method_card(visit, session, customer),
        _details_card(visit, session, customer),
        _invoices_card(visit, session),
    )


def live(sandbox: Sandbox, customer: str) -> list[Object]:
    return [sub for sub in sandbox.find("subscription", customer=customer) if sub["status"] not in ENDED]


def _subscriptions(visit: Visit, session: Object) -> list[Html]:
    found = [_subscription(visit, session, sub) for sub in live(visit.sandbox, session["customer"])]
    return found or [notice("There is no subscription.")]


def _subscription(visit: Visit, session: Object, sub: Object) -> Html:
    sandbox = visit.sandbox
    rows = [
        h(
            '<li><span>{name}</span><span class="quiet">{each}</span></li>',
            name=sandbox.get("product", item["price"]["product"])["name"],
            each=_each(item),
        )
        for item in items_of(sub)
    ]
    return h(
        '<section class="card"><div class="row row--ends"><h2>{title}</h2>{state}</div><ul class="lines">{rows}</ul>'
        "{owed}<p>{when}</p>{acts}</section>",
        title="Subscription",
        state=badge(*STATES.get(sub["status"], (sub["status"], "calm"))),
        rows=rows,
        owed=_owed(sandbox, sub),
        when=_when(sub),
        acts=_acts(visit, session, sub),
    )


def _each(item: Object) -> str:
    price = item["price"]
    if "quantity" not in item:
        return f"by use, {every(price['recurring'])}"
    amount = money(price["unit_amount"], price["currency"]) if price["unit_amount"] is not None else "in tiers"
    return f"{item['quantity']} × {amount} {every(price['recurring'])}"


def _owed(sandbox: Sandbox, sub: Object) -> Html:
    invoice = sandbox.objects.get("invoice", {}).get(sub["latest_invoice"])
    if invoice is None or invoice["status"] != "open" or sub["status"] == "active":
        return NOTHING
    amount = money(invoice["amount_remaining"], invoice["currency"])
    text = h(
        "{amount} could not be collected. {pay}", amount=amount, pay=link("Pay now", invoice["hosted_invoice_url"])
    )
    return notice(text, "warn")


def _when(sub: Object) -> Html:
    if sub["cancel_at"]:
        return h("Ends on {day}, and is not renewed.", day=day(sub["cancel_at"]))
    return h("Renews on {day}.", day=day(ends(sub)))


def _acts(visit: Visit, session: Object, sub: Object) -> Html:
    if not portal.allows(visit.sandbox, session, "subscription_cancel"):
        return NOTHING
    if sub["cancel_at"]:
        return form(f"{_home(session)}/renew/{sub['id']}", h("<div>{b}</div>", b=button("Don’t cancel", tone="plain")))
    url = f"{_home(session)}/cancel/{sub['id']}"
    return h("<p>{cancel}</p>", cancel=link("Cancel the subscription", url, class_="button button--bad"))


def _card(title: str, body: Html, *, change: Html = NOTHING) -> Html:
    return h(
        '<section class="card"><div class="row row--ends"><h2>{title}</h2>{change}</div>{body}</section>',
        title=title,
        change=change,
        body=body,
    )


def _change(visit: Visit, session: Object, feature: str, where: str, label: str) -> Html:
    if not portal.allows(visit.sandbox, session, feature):
        return NOTHING
    return link(label, f"{_home(session)}/{where}", class_="button button--small")


def _method_card(visit: Visit, session: Object, customer: Object) -> Html:
    found = _method(visit.sandbox, customer)
    text = _method_words(found) if found else "None yet."
    change = _change(visit, session, "payment_method_update", "pay", "Change the way to pay")
    return _card("Way to pay", h("<p>{text}</p>", text=text), change=change)


def _method(sandbox: Sandbox, customer: Object) -> Object | None:
    subs = live(sandbox, customer["id"])
    explicit = next((sub["default_payment_method"] for sub in subs if sub["default_payment_method"]), None)
    return payment_methods.of_customer(sandbox, customer, explicit=explicit)


def _method_words(method: Object) -> str:
    details = method[method["type"]]
    name = {
        "card": str(details.get("brand", "")).title(),
        "us_bank_account": "Bank account",
        "sepa_debit": "SEPA debit",
    }
    return f"{name[method['type']]} •••• {details['last4']}"


def _details_card(visit: Visit, session: Object, customer: Object) -> Html:
    lines = place_lines(customer["address"])
    numbers = visit.sandbox.find("tax_id", customer=customer["id"])
    told = facts(
        ("Name", customer["name"] or "–"),
        ("E-mail", customer["email"] or "–"),
        ("Address", lines or "–"),
        ("Tax ids", [h("<div>{t}</div>", t=_tax_words(one)) for one in numbers] or "–"),
    )
    return _card("Details", told, change=_change(visit, session, "customer_update", "details", "Change the details"))


def _tax_words(tax_id: Object) -> str:
    return f"{tax_id['value']} ({tax_id['verification']['status']})"


def _invoices_card(visit: Visit, session: Object) -> Html:
    if not portal.allows(visit.sandbox, session, "invoice_history"):
        return NOTHING
    found = [one for one in visit.sandbox.find("invoice", customer=session["customer"]) if one["hosted_invoice_url"]]
    rows = [
        (
            link(one["number"], one["hosted_invoice_url"]),
            day(one["created"]),
            money(one["total"], one["currency"]),
            state_of(one),
        )
        for one in reversed(found)
    ]
    made = table("The newest first", ("Invoice", "Date", "Amount", "State"), rows, empty="There is no invoice yet.")
    return _card("Invoices", made)


# --- Cancelling -------------------------------------------------------------------------------------------------------


def _own(visit: Visit, session: Object) -> Object:
    """The subscription that the address names; raises ``StripeFault`` for somebody else's."""
    sub = visit.sandbox.get("subscription", visit["sub"])
    if sub["customer"] != session["customer"] or sub["status"] in ENDED:
        raise StripeFault("There is no such subscription any more.", status=404)
    return sub


@opened("GET", "/p/session/{secret}/cancel/{sub}", "subscription_cancel")
def ask_cancel(visit: Visit, session: Object) -> Shown:
    sub = _own(visit, session)
    at_once = _cancel_settings(visit, session)["mode"] == "immediately"
    text = h("It ends at once.") if at_once else h("It stays until {day}, and is not renewed.", day=day(ends(sub)))
    body = form(visit.path, h("<p>{text}</p>", text=text), button("Cancel the subscription", tone="bad"))
    return _page(session, "Cancel", back_link(_back(session), "Back"), h("<h1>Cancel the subscription?</h1>"), body)


def _back(session: Object) -> str:
    """From a page that was come to directly, to where one came from."""
    return str(session["return_url"] or _home(session)) if session["flow"] else _home(session)


def _cancel_settings(visit: Visit, session: Object) -> Object:
    made = visit.sandbox.get(portal.CONFIGURATION, session["configuration"])
    settings: Object = made["features"]["subscription_cancel"]
    return settings


@opened("POST", "/p/session/{secret}/cancel/{sub}", "subscription_cancel")
def cancel(visit: Visit, session: Object) -> Shown:
    sub, settings = _own(visit, session), _cancel_settings(visit, session)
    if settings["mode"] == "immediately":
        prorate = settings["proration_behavior"] != "none"
        invoice_now = settings["proration_behavior"] == "always_invoice"
        call(
            visit.sandbox, "DELETE", f"/v1/subscriptions/{sub['id']}", {"prorate": prorate, "invoice_now": invoice_now}
        )
    else:
        call(visit.sandbox, "POST", f"/v1/subscriptions/{sub['id']}", {"cancel_at_period_end": True})
    return _done(session)


@opened("POST", "/p/session/{secret}/renew/{sub}", "subscription_cancel")
def renew(visit: Visit, session: Object) -> Shown:
    sub = _own(visit, session)
    params = {"cancel_at_period_end": False} if sub["cancel_at_period_end"] else {"cancel_at": ""}
    call(visit.sandbox, "POST", f"/v1/subscriptions/{sub['id']}", params)
    return elsewhere(_home(session))


# --- The way to pay ---------------------------------------------------------------------------------------------------


@opened("GET", "/p/session/{secret}/pay", "payment_method_update")
def ask_method(visit: Visit, session: Object) -> Shown:
    return _ask_method(visit, session, {})


def _ask_method(visit: Visit, session: Object, errors: Errors, status: int = 200) -> Shown:
    body = form(
        visit.path,
        ways_to_pay(TYPES, visit.form.get("way", ""), "From now on, payments go so"),
        h("<div>{b}</div>", b=button("Save")),
    )
    head = h("<h1>Way to pay</h1>")
    return _page(session, "Way to pay", back_link(_back(session), "Back"), wrong(errors), head, body, status=status)


@opened("POST", "/p/session/{secret}/pay", "payment_method_update")
def set_method(visit: Visit, session: Object) -> Shown:
    way = way_of(visit.form.get("way", ""), TYPES)
    if way is None:
        return _ask_method(visit, session, {"way-succeed": "Choose one."}, 422)
    if way is Way.DECLINE:
        return _ask_method(visit, session, {"": "Your card was declined. The old one stays."}, 402)
    customer = _customer(visit, session)
    method = payment_methods.attach(visit.sandbox, buying.token_of(way, TYPES), customer["id"])
    settings = {"invoice_settings": {"default_payment_method": method["id"]}}
    call(visit.sandbox, "POST", f"/v1/customers/{customer['id']}", settings)
    for sub in live(visit.sandbox, customer["id"]):
        call(visit.sandbox, "POST", f"/v1/subscriptions/{sub['id']}", {"default_payment_method": method["id"]})
    return _done(session)


# --- Details ----------------------------------------------------------------------------------------------------------


@opened("GET", "/p/session/{secret}/details", "customer_update")
def ask_details(visit: Visit, session: Object) -> Shown:
    return _ask_details(visit, session, {})


def _ask_details(visit: Visit, session: Object, errors: Errors, status: int = 200) -> Shown:
    customer, sent = _customer(visit, session), visit.form
    place = {name: sent[name] for name in buying.PLACE if name in sent} or customer["address"]
    body = form(
        visit.path,
        text_field("name", "Name or company", sent.get("name", customer["name"]), error=errors.get("name", "")),
        text_field(
            "email", "E-mail", sent.get("email", customer["email"]), error=errors.get("email", ""), type="email"
        ),
        place_fields(place, errors),
        tax_fields(sent.get("tax_type", ""), sent.get("tax_value", ""), errors),
        h("<div>{b}</div>", b=button("Save")),
    )
    head = h("<h1>Details</h1>")
    return _page(session, "Details", back_link(_back(session), "Back"), wrong(errors), head, body, status=status)


@opened("POST", "/p/session/{secret}/details", "customer_update")
def set_details(visit: Visit, session: Object) -> Shown:
    sent = visit.form
    place = {name: sent.get(name) or None for name in buying.PLACE}
    typed = {"name": sent.get("name", ""), "email": sent.get("email", "")}
    errors = {**buying.check_person(typed), **buying.check_place(place, whole=False)}
    errors |= _tax_errors(sent)
    if errors:
        return _ask_details(visit, session, errors, 422)
    told = {**typed, "address": {name: value for name, value in place.items() if value}}
    call(visit.sandbox, "POST", f"/v1/customers/{session['customer']}", told)
    if value := sent.get("tax_value"):
        number = {"type": sent["tax_type"], "value": value}
        call(visit.sandbox, "POST", f"/v1/customers/{session['customer']}/tax_ids", number)
    return _done(session)


def _tax_errors(sent: dict[str, str]) -> Errors:
    if not sent.get("tax_value"):
        return {}
    if not sent.get("tax_type"):
        return {"tax_type": "Say what kind of number it is."}
    try:
        tax_ids.checked(sent["tax_type"], sent["tax_value"])
    except StripeFault:
        return {"tax_value": "A number of this kind looks different."}
    return {}
