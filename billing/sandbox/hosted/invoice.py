"""An invoice as its recipient sees it: to read, to print, to pay; and the pages around a payment."""

from __future__ import annotations

from billing.sandbox import buying, invoices, outcomes, payments
from billing.sandbox.buying import Way, way_of
from billing.sandbox.hosted.pdf import document
from billing.sandbox.hosted.pieces import bank, note, place_lines, sums, ways_to_pay
from billing.sandbox.hosted.site import Shown, Visit, address, elsewhere, sorry
from billing.sandbox.html import NOTHING, Html, badge, button, day, facts, form, h, link, money, notice, page, wrong
from billing.sandbox.store import Object, Sandbox
from billing.sandbox.totals import tax_of

STATES = {
    "draft": ("Draft", "calm"),
    "open": ("To be paid", "warn"),
    "paid": ("Paid", "good"),
    "uncollectible": ("Given up", "bad"),
    "void": ("Void", "calm"),
}
TYPES = ["card", "us_bank_account"]
GONE = ("There is no such invoice", "The address is not one of the sandbox's.")


def _found(visit: Visit) -> Object | None:
    """By its whole address, for the id alone is in every event."""
    invoice = visit.sandbox.objects.get("invoice", {}).get(visit["id"])
    known = (invoice or {}).get("hosted_invoice_url") or ""
    return invoice if known.endswith(f"/{visit['id']}/{visit['token']}") else None


def state_of(invoice: Object) -> Html:
    return badge(*STATES[invoice["status"]])


@address("GET", "/i/{id}/{token}")
def show(visit: Visit) -> Shown:
    invoice = _found(visit)
    return sorry(*GONE) if invoice is None else _shown(visit, invoice, {})


@address("POST", "/i/{id}/{token}")
def pay(visit: Visit) -> Shown:
    invoice = _found(visit)
    if invoice is None:
        return sorry(*GONE)
    way = way_of(visit.form.get("way", ""), TYPES)
    if invoice["status"] != "open" or is_on_its_way(visit.sandbox, invoice):
        return elsewhere(visit.path)
    if way is None:
        return _shown(visit, invoice, {"way-succeed": "Choose how the payment goes."}, 422)
    if way is Way.AUTHENTICATE:
        return elsewhere(f"{visit.path}/bank")
    return _paid(visit, invoice, way)


def _paid(visit: Visit, invoice: Object, way: Way) -> Shown:
    if not pay_by(visit.sandbox, invoice, way):
        return _shown(visit, invoice, {"": "Your card was declined. Nothing was charged; try another way."}, 402)
    return elsewhere(str(invoice["hosted_invoice_url"]).removeprefix(visit.sandbox.base))


def pay_by(sandbox: Sandbox, invoice: Object, way: Way) -> bool:
    """Whether the money is there or on its way. The method is then what renewals are charged to."""
    with buying.charging(sandbox, invoice["customer"], way, TYPES) as method:
        outcome = invoices.pay(sandbox, invoice, method=method, off_session=False)
    if outcome not in {payments.PAID, payments.PROCESSING}:
        return False
    name = invoices.subscription_of(invoice)
    if name is not None:
        sandbox.get("subscription", name)["default_payment_method"] = method["id"]
    return True


def is_on_its_way(sandbox: Sandbox, invoice: Object) -> bool:
    intent = payments.intent_of(sandbox, invoice)
    return intent is not None and intent["status"] == "processing"


@address("GET", "/i/{id}/{token}/bank")
def ask(visit: Visit) -> Shown:
    invoice = _found(visit)
    if invoice is None or invoice["status"] != "open":
        return sorry(*GONE)
    body = bank(visit.path, invoice["amount_remaining"], invoice["currency"], invoice["account_name"])
    return Shown(page("Your bank asks", body))


@address("POST", "/i/{id}/{token}/bank")
def answer(visit: Visit) -> Shown:
    invoice = _found(visit)
    if invoice is None or invoice["status"] != "open":
        return sorry(*GONE)
    if visit.form.get("answer") != "approve":
        return _shown(visit, invoice, {"": "The bank refused the payment. Nothing was charged."}, 402)
    return _paid(visit, invoice, Way.AUTHENTICATE)


# --- A payment whose bank asks, from a link in an answer of the API ---------------------------------------------------


def _waiting(visit: Visit) -> tuple[Object, Object] | None:
    """The intent and its invoice, if the bank's answer is what is missing."""
    intent = visit.sandbox.objects.get("payment_intent", {}).get(visit["id"])
    if intent is None or intent["client_secret"] != visit["secret"] or intent["status"] != "requires_action":
        return None
    invoice = visit.sandbox.objects["invoice"].get(intent["_invoice"])
    return (intent, invoice) if invoice is not None and invoice["status"] == "open" else None


@address("GET", "/authenticate/{id}/{secret}")
def ask_for_intent(visit: Visit) -> Shown:
    waiting = _waiting(visit)
    if waiting is None:
        return sorry("There is nothing to approve", "The payment was made, or called off.")
    intent, invoice = waiting
    return Shown(
        page("Your bank asks", bank(visit.path, intent["amount"], intent["currency"], invoice["account_name"]))
    )


@address("POST", "/authenticate/{id}/{secret}")
def answer_for_intent(visit: Visit) -> Shown:
    waiting = _waiting(visit)
    if waiting is None:
        return sorry("There is nothing to approve", "The payment was made, or called off.")
    intent, invoice = waiting
    outcomes.authenticate(visit.sandbox, intent["id"], approved=visit.form.get("answer") == "approve")
    return elsewhere(str(invoice["hosted_invoice_url"]).removeprefix(visit.sandbox.base))


@address("GET", "/receipt/{id}")
def receipt(visit: Visit) -> Shown:
    intent = visit.sandbox.objects.get("payment_intent", {}).get(visit["id"])
    if intent is None or intent["status"] != "succeeded":
        return sorry("There is no such receipt", "The address is not one of the sandbox's.")
    amount = money(intent["amount_received"], intent["currency"])
    told = facts(
        ("Amount", amount), ("Received", day(intent["created"])), ("Payment", h("<code>{i}</code>", i=intent["id"]))
    )
    return Shown(page("Receipt", h('<section class="card"><h1>Receipt</h1>{told}</section>', told=told)))


@address("GET", "/i/{id}/{token}/pdf")
def pdf(visit: Visit) -> Shown:
    invoice = _found(visit)
    if invoice is None:
        return sorry(*GONE)
    name = {"Content-Disposition": f'attachment; filename="invoice-{invoice["number"]}.pdf"'}
    return Shown(document(_lines_of_text(invoice)), kind="application/pdf", headers=name)


def _lines_of_text(invoice: Object) -> list[str]:
    currency = invoice["currency"]
    lines = [f"{line['description']}   {money(line['amount'], currency)}" for line in invoice["lines"]["data"]]
    return [
        "SPECIMEN - Sandbox: no money moves",
        "",
        f"Invoice {invoice['number']} of {invoice['account_name']}",
        f"To {invoice['customer_name'] or invoice['customer_email'] or ''}",
        "",
        *lines,
        "",
        *(f"{name}   {amount}" for name, amount in _rows(invoice)),
        f"Total   {money(invoice['total'], currency)}",
    ]


# --- How it looks -----------------------------------------------------------------------------------------------------


def _shown(visit: Visit, invoice: Object, errors: dict[str, str], status: int = 200) -> Shown:
    due = invoice["status"] == "open"
    amount = invoice["amount_remaining"] if due else invoice["total"]
    body = h(
        '<div class="sides">{note}<div class="stack">{wrong}{told}{pay}{facts}<p>{pdf}</p></div></div>',
        note=note(
            f"Invoice from {invoice['account_name']}",
            money(amount, invoice["currency"]),
            "due" if due else "",
            h('<ul class="lines">{lines}</ul>', lines=[_line(line) for line in invoice["lines"]["data"]]),
            sums(_rows(invoice), ("Total", money(invoice["total"], invoice["currency"])), _settled(invoice)),
            title="Invoice",
            serial=invoice["number"] or invoice["id"],
        ),
        wrong=wrong(errors),
        told=_told(visit, invoice),
        pay=_pay_form(visit, invoice),
        facts=_facts(invoice),
        pdf=link("Download as PDF", f"/i/{visit['id']}/{visit['token']}/pdf"),
    )
    return Shown(page(f"Invoice {invoice['number'] or ''}", body, wide=True), status)


def _line(line: Object) -> Html:
    period = line["period"]
    span = NOTHING if period["start"] == period["end"] else h("{a} – {b}", a=day(period["start"]), b=day(period["end"]))
    return h(
        '<li><span>{text}</span><span class="quiet">{span}</span><span class="amount">{amount}</span></li>',
        text=line["description"],
        span=span,
        amount=money(line["amount"], line["currency"]),
    )


def _rows(invoice: Object) -> list[tuple[str, str]]:
    currency = invoice["currency"]
    off = sum(part["amount"] for part in invoice["total_discount_amounts"])
    rows = [("Subtotal", money(invoice["subtotal"], currency))]
    if off:
        rows.append(("Discount", money(-off, currency)))
    if invoice["automatic_tax"]["enabled"]:
        reversed_ = any(part["taxability_reason"] == "reverse_charge" for part in invoice["total_taxes"])
        name = "Tax, paid by the customer (reverse charge)" if reversed_ else "Tax"
        rows.append((name, money(tax_of(invoice["total_taxes"]), currency)))
    return rows


def _settled(invoice: Object) -> list[tuple[str, str]]:
    """What is off the total already."""
    parts = (
        ("From the balance", (invoice["ending_balance"] or 0) - invoice["starting_balance"]),
        ("Paid", invoice["amount_paid"]),
        ("Credited", invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]),
    )
    return [(name, money(-amount, invoice["currency"])) for name, amount in parts if amount]


def _told(visit: Visit, invoice: Object) -> Html:
    if invoice["status"] == "paid":
        return notice("This invoice is paid. Thank you.", "good")
    if invoice["status"] == "open" and is_on_its_way(visit.sandbox, invoice):
        return notice("A bank debit is on its way. Whether the money comes is known in some days.", "warn")
    return NOTHING


def _pay_form(visit: Visit, invoice: Object) -> Html:
    if invoice["status"] != "open" or is_on_its_way(visit.sandbox, invoice):
        return NOTHING
    return form(
        f"/i/{visit['id']}/{visit['token']}",
        ways_to_pay(TYPES, visit.form.get("way", "")),
        button(f"Pay {money(invoice['amount_remaining'], invoice['currency'])}", tone="big"),
    )


def _facts(invoice: Object) -> Html:
    lines = place_lines(invoice["customer_address"])
    numbers = ", ".join(one["value"] for one in invoice["customer_tax_ids"] or ())
    rows: list[tuple[str, object]] = [
        ("State", state_of(invoice)),
        ("Number", invoice["number"] or "–"),
        ("Issued", day(invoice["status_transitions"]["finalized_at"])),
        ("To", h("{name}<br>{lines}", name=invoice["customer_name"] or invoice["customer_email"] or "–", lines=lines)),
    ]
    if invoice["due_date"]:
        rows.insert(3, ("Due", day(invoice["due_date"])))
    if numbers:
        rows.append(("Tax id", numbers))
    rows += [(one["name"], one["value"]) for one in invoice["custom_fields"] or ()]
    return facts(*rows)
