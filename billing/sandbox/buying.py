"""What a buyer does with a checkout session: type, look at the sum, pay in one of the ways that can be tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from billing.sandbox import coupons, invoices, payment_methods, quotes, tax, tax_ids
from billing.sandbox.calling import call
from billing.sandbox.checkout import KIND, MOST
from billing.sandbox.errors import StripeFault
from billing.sandbox.store import Object, Sandbox

Errors = dict[str, str]
"""Field → what is wrong with it; an empty name is the whole."""
PLACE = ("line1", "line2", "postal_code", "city", "state", "country")


class Way(StrEnum):
    """How the payment goes."""

    SUCCEED = "succeed"
    LATER = "later"
    DECLINE = "decline"
    AUTHENTICATE = "authenticate"
    DEBIT = "debit"


TOKENS = {
    Way.SUCCEED: "pm_card_visa",
    Way.DECLINE: "pm_card_chargeCustomerFail",
    Way.AUTHENTICATE: "pm_card_authenticationRequired",
    Way.LATER: "pm_card_chargeCustomerFail",
}
_DEBIT_TOKENS = {"us_bank_account": "pm_usBankAccount", "sepa_debit": "pm_sepaDebit"}


def token_of(way: Way, types: list[str]) -> str:
    """The test token that stands for it; ``types`` are the session's."""
    if way is Way.DEBIT:
        return next(_DEBIT_TOKENS[kind] for kind in types if kind in _DEBIT_TOKENS)
    return TOKENS[way]


def ways(types: list[str]) -> list[Way]:
    """Those that can be chosen here."""
    return [way for way in Way if way is not Way.DEBIT or set(types) & set(_DEBIT_TOKENS)]


def way_of(text: str, types: list[str]) -> Way | None:
    return next((way for way in ways(types) if way == text), None)


# --- What is typed ----------------------------------------------------------------------------------------------------


def take(sandbox: Sandbox, session: Object, form: dict[str, str]) -> Errors:
    """Keep what was typed, as far as it makes sense, and count anew."""
    typed = session["_typed"]
    typed["email"] = session["customer_details"]["email"] or form.get("email", "")
    typed["name"] = form.get("name", "")
    typed["address"] = {name: form.get(name) or None for name in PLACE}
    errors = {
        **check_person(typed),
        **check_place(typed["address"], whole=session["billing_address_collection"] == "required"),
        **_take_tax_id(session, form),
        **_take_quantities(session, form),
        **_take_code(sandbox, session, form.get("code", "")),
    }
    quotes.refresh(sandbox, session)
    return errors


def check_person(typed: Object) -> Errors:
    errors = {}
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", typed["email"]):
        errors["email"] = "An e-mail address looks like name@example.org."
    if not typed["name"]:
        errors["name"] = "The invoice needs a name."
    return errors


def check_place(place: Object, *, whole: bool) -> Errors:
    """A whole address where it is asked for, else what tax and cards ask for: the country."""
    wanted = {"country": "Choose a country."}
    if whole:
        wanted |= {"line1": "Type a street or a box.", "city": "Type a town.", "postal_code": "Type a postal code."}
    errors = {name: text for name, text in wanted.items() if not place[name]}
    if place["country"] in tax.BY_STATE and tax.location(place) is None:
        errors["state"] = "Type the two letters of the state or province."
    return errors


def _take_tax_id(session: Object, form: dict[str, str]) -> Errors:
    session["_typed"].pop("tax_id", None)
    kind, value = form.get("tax_type", ""), form.get("tax_value", "")
    if not session["tax_id_collection"]["enabled"] or not value:
        return {}
    if not kind:
        return {"tax_type": "Say what kind of number it is."}
    try:
        session["_typed"]["tax_id"] = {"type": kind, "value": tax_ids.checked(kind, value)}
    except StripeFault:
        return {"tax_value": "A number of this kind looks different."}
    return {}


def _take_quantities(session: Object, form: dict[str, str]) -> Errors:
    errors = {}
    for item in session["_items"]:
        name = f"quantity_{item['id']}"
        if item["adjustable"] is None or name not in form:
            continue
        least, most = item["adjustable"]["minimum"], min(item["adjustable"]["maximum"], MOST)
        if re.fullmatch(r"[0-9]{1,6}", form[name], re.ASCII) and max(least, 1) <= int(form[name]) <= most:
            item["quantity"] = int(form[name])
        else:
            errors[name] = f"A number from {max(least, 1)} to {most}."
    return errors


def _take_code(sandbox: Sandbox, session: Object, typed: str) -> Errors:
    if not session["allow_promotion_codes"] or not typed:
        return {}
    code = coupons.find_code(sandbox, typed)
    fault = quotes.code_fault(sandbox, session, code) if code else "There is no such code."
    if code is None or fault:
        return {"code": fault}
    session["_discounts"] = [{"promotion_code": code["id"]}]
    return {}


# --- Paying -----------------------------------------------------------------------------------------------------------


def pay(sandbox: Sandbox, session: Object, way: Way, *, approved: bool = False) -> None:
    """Open the subscription and be done; raises ``StripeFault`` if the money does not come, and nothing was done then.
    ``approved`` says that the bank has asked the buyer, who agreed."""
    _refuse_as_ordered(sandbox, session, way, approved=approved)
    customer = _customer(sandbox, session)
    _note_tax_id(sandbox, session, customer)
    with charging(sandbox, customer["id"], way, session["payment_method_types"]) as method:
        opened = call(sandbox, "POST", "/v1/subscriptions", _order(session, customer, method))
    invoice = sandbox.get("invoice", opened["latest_invoice"])
    session.update(
        status="complete",
        url=None,
        customer=customer["id"],
        subscription=opened["id"],
        invoice=invoice["id"],
        payment_status=_payment_status(session, invoice),
    )
    sandbox.emit("checkout.session.completed", session)


def _refuse_as_ordered(sandbox: Sandbox, session: Object, way: Way, *, approved: bool) -> None:
    """What can be foreseen is refused before there is a customer."""
    ordered = sandbox.objects.get("customer", {}).get(session["customer"] or "", {}).get("_failures")
    if ordered:
        raise payment_methods.declined(ordered.pop(0))
    if way is Way.DECLINE:
        raise payment_methods.declined("generic_decline")
    if way is Way.AUTHENTICATE and not approved:
        raise payment_methods.declined("authentication_required")


@contextmanager
def charging(sandbox: Sandbox, customer: str, way: Way, types: list[str]) -> Iterator[Object]:
    """A method of the customer's that works meanwhile, as the buyer chose, and afterwards does what it is made for."""
    method = payment_methods.attach(sandbox, token_of(way, types), customer)
    does = method["_does"]
    if way in {Way.AUTHENTICATE, Way.LATER}:
        method["_does"] = payment_methods.SUCCEED
    try:
        yield method
    finally:
        method["_does"] = does


def _customer(sandbox: Sandbox, session: Object) -> Object:
    """The one who was named, with what is to be written down; or a new one."""
    typed, update = session["_typed"], session["_update"]
    name: str = "business_name" if "tax_id" in typed else "name"
    told: Object = {"email": typed["email"], "name": typed["name"], name: typed["name"]}
    told["address"] = _whole(typed["address"])
    session["customer_details"] |= {**told, "address": typed["address"]}
    if session["customer"] is None:
        metadata: Object = {"metadata": {}}
        return call(sandbox, "POST", "/v1/customers", {**told, **metadata})
    kept: Object = {key: told[key] for key in ("name", "business_name") if key in told and update.get("name") == "auto"}
    if update.get("address") == "auto":
        kept["address"] = told["address"]
    if kept:
        call(sandbox, "POST", f"/v1/customers/{session['customer']}", kept)
    return sandbox.get("customer", session["customer"])


def _whole(place: Object) -> dict[str, str]:
    return {name: value for name, value in place.items() if value}


def _note_tax_id(sandbox: Sandbox, session: Object, customer: Object) -> None:
    if not (typed := session["_typed"].get("tax_id")):
        return
    session["customer_details"]["tax_ids"] = [typed]
    if not sandbox.find("tax_id", customer=customer["id"], value=typed["value"]):
        call(sandbox, "POST", f"/v1/customers/{customer['id']}/tax_ids", typed)


def _order(session: Object, customer: Object, method: Object) -> Object:
    """The parameters of the subscription."""
    return {
        "customer": customer["id"],
        "items": [_row(item) for item in session["_items"]],
        "default_payment_method": method["id"],
        "payment_behavior": "allow_incomplete",
        "automatic_tax": {"enabled": session["automatic_tax"]["enabled"]},
        **session["_subscription"],
        **({"discounts": session["_discounts"]} if session["_discounts"] else {}),
    }


def _row(item: Object) -> Object:
    row = {"price": item["price"], "metadata": item["metadata"]}
    return row if item["quantity"] is None else {**row, "quantity": item["quantity"]}


def _payment_status(session: Object, invoice: Object) -> str:
    if session["_due"] == 0:
        return "no_payment_required"
    return "paid" if invoice["status"] == "paid" else "unpaid"


# --- Debits: whether the money comes is known later -------------------------------------------------------------------


def _waiting(sandbox: Sandbox, invoice: Object) -> list[Object]:
    return sandbox.find(KIND, invoice=invoice["id"], payment_status="unpaid")


def _arrived(sandbox: Sandbox, invoice: Object) -> None:
    for session in _waiting(sandbox, invoice):
        session["payment_status"] = "paid"
        sandbox.emit("checkout.session.async_payment_succeeded", session)


def _bounced(sandbox: Sandbox, invoice: Object) -> None:
    for session in _waiting(sandbox, invoice):
        sandbox.emit("checkout.session.async_payment_failed", session)


invoices.PAID.append(_arrived)
invoices.FAILED.append(_bounced)
