"""The page on which a subscription is bought."""

from __future__ import annotations

from urllib.parse import quote

from billing.sandbox import buying, quotes
from billing.sandbox.buying import Errors, Way, way_of
from billing.sandbox.checkout import KIND
from billing.sandbox.errors import StripeFault
from billing.sandbox.hosted.pieces import SELLER, back_link, bank, note, place_fields, sums, tax_fields, ways_to_pay
from billing.sandbox.hosted.site import Shown, Visit, address, elsewhere, sorry
from billing.sandbox.html import NOTHING, Html, button, every, form, h, money, notice, page, text_field, wrong
from billing.sandbox.store import Object

REFUSED = "The bank refused the payment. Nothing was charged; you can try another way."


def _open(visit: Visit) -> Object | Shown:
    """The session, or the page that says why it can't be paid."""
    session = visit.sandbox.objects.get(KIND, {}).get(visit["id"])
    if session is None:
        return sorry("There is no such page", "The address is not one of the sandbox's.")
    if session["status"] == "open":
        return session
    back = session["cancel_url"] or ""
    if session["status"] == "expired":
        return sorry("This page has expired", "Nothing was charged. Go back and begin again.", 410, back=back)
    done = returning(session)
    return sorry("This is paid already", "It can't be paid twice.", 200, back=done, back_text="Go on")


def returning(session: Object) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", quote(session["id"]))


@address("GET", "/c/pay/{id}")
def show(visit: Visit) -> Shown:
    session = _open(visit)
    return session if isinstance(session, Shown) else _shown(visit, session, {})


@address("POST", "/c/pay/{id}")
def act(visit: Visit) -> Shown:
    """``act`` is what to do: ``pay``, or ``look`` at the sum with what is typed so far."""
    session = _open(visit)
    if isinstance(session, Shown):
        return session
    if visit.form.get("act") == "remove":
        session["_discounts"] = []
        quotes.refresh(visit.sandbox, session)
        return elsewhere(visit.path)
    errors = buying.take(visit.sandbox, session, visit.form)
    if visit.form.get("act") != "pay":
        return _shown(visit, session, {name: text for name, text in errors.items() if visit.form.get(name)})
    way = way_of(visit.form.get("way", ""), session["payment_method_types"])
    if way is None:
        errors["way-succeed"] = "Choose how the payment goes."
    if errors or way is None:
        return _shown(visit, session, errors, 422)
    session["_typed"]["way"] = way.value
    if way is Way.AUTHENTICATE:
        return elsewhere(f"/c/pay/{session['id']}/bank")
    return _paid(visit, session, way)


def _paid(visit: Visit, session: Object, way: Way, *, approved: bool = False) -> Shown:
    try:
        buying.pay(visit.sandbox, session, way, approved=approved)
    except StripeFault as fault:
        return _shown(visit, session, {"": fault.message}, 402)
    return elsewhere(returning(session))


@address("GET", "/c/pay/{id}/bank")
def ask(visit: Visit) -> Shown:
    session = _open(visit)
    if isinstance(session, Shown):
        return session
    if session["_typed"].get("way") != Way.AUTHENTICATE:
        return elsewhere(f"/c/pay/{session['id']}")
    body = bank(visit.path, session["_due"], session["currency"], SELLER)
    return Shown(page("Your bank asks", body), onward=_onward(session))


@address("POST", "/c/pay/{id}/bank")
def answer(visit: Visit) -> Shown:
    session = _open(visit)
    if isinstance(session, Shown):
        return session
    if session["_typed"].get("way") != Way.AUTHENTICATE:
        return elsewhere(f"/c/pay/{session['id']}")
    if visit.form.get("answer") != "approve":
        return _shown(visit, session, {"": REFUSED}, 402)
    return _paid(visit, session, Way.AUTHENTICATE, approved=True)


# --- How it looks -----------------------------------------------------------------------------------------------------


def _onward(session: Object) -> tuple[str, ...]:
    return (session["success_url"], session["cancel_url"] or "")


def _shown(visit: Visit, session: Object, errors: Errors, status: int = 200) -> Shown:
    body = h(
        '<div class="sides">{note}<div class="stack">{wrong}{form}</div></div>',
        note=_note(visit, session),
        wrong=wrong(errors),
        form=_form(visit, session, errors),
    )
    back = back_link(session["cancel_url"], f"Back to {SELLER}")
    return Shown(page("Pay", back, body, wide=True), status, onward=_onward(session))


def _note(visit: Visit, session: Object) -> Html:
    lines = quotes.line_items(visit.sandbox, session)
    details, currency = session["total_details"], session["currency"]
    rows = [("Subtotal", money(session["amount_subtotal"], currency))]
    if details["amount_discount"]:
        rows.append(("Discount", money(-details["amount_discount"], currency)))
    if session["automatic_tax"]["enabled"]:
        known = session["automatic_tax"]["status"] == "complete"
        rows.append(("Tax", money(details["amount_tax"], currency) if known else "once the address is known"))
    if credit := session["amount_total"] - session["_due"]:
        rows.append(("From the balance", money(-credit, currency)))
    return note(
        f"Subscribe to {lines[0]['description']}" + (f" and {len(lines) - 1} more" if lines[1:] else ""),
        money(session["_due"], currency),
        every(next((line["price"]["recurring"] for line in lines if line["price"]["recurring"]), None)),
        h('<ul class="lines">{lines}</ul>', lines=[_line(line) for line in lines]),
        sums(rows, ("Due today", money(session["_due"], currency))),
        title="What you buy",
        serial=session["id"][:24],
    )


def _line(line: Object) -> Html:
    price, quantity = line["price"], line["quantity"]
    if quantity is None:
        each = f"by use, {every(price['recurring'])}"
    elif price["unit_amount"] is None:
        each = f"{quantity}, in tiers, {every(price['recurring'])}"
    else:
        each = f"{quantity} × {money(price['unit_amount'], price['currency'])} {every(price['recurring'])}"
    amount = money(line["amount_subtotal"], line["currency"])
    return h(
        '<li><span>{name}</span><span class="quiet">{each}</span><span class="amount">{amount}</span></li>',
        name=line["description"],
        each=each,
        amount=amount,
    )


def _form(visit: Visit, session: Object, errors: Errors) -> Html:
    typed, details = session["_typed"], session["customer_details"]
    return form(
        f"/c/pay/{session['id']}",
        _hidden_first_button(),
        _quantities(visit, session, errors),
        _code(visit, session, errors),
        h(
            '<section class="group"><h2>Who pays</h2>{email}{name}{place}{tax}{look}</section>',
            email=_email(session, errors),
            name=text_field(
                "name",
                "Name or company",
                typed.get("name") or details["business_name"] or details["name"],
                error=errors.get("name", ""),
                autocomplete="organization",
            ),
            place=place_fields(typed.get("address") or details["address"], errors),
            tax=_tax(session, visit.form, errors),
            look=h("<div>{b}</div>", b=button("Update the sum", act="act", value="look", tone="small")),
        ),
        ways_to_pay(session["payment_method_types"], visit.form.get("way", "") or typed.get("way", "")),
        button(f"Pay {money(session['_due'], session['currency'])}", act="act", value="pay", tone="big"),
        h('<p class="quiet">It renews by itself until it is cancelled. In the sandbox nothing is charged at all.</p>'),
    )


def _hidden_first_button() -> Html:
    """The Enter key presses a form's first button: it looks, and does not pay."""
    return h('<button type="submit" name="act" value="look" class="hidden" tabindex="-1" aria-hidden="true"></button>')


def _email(session: Object, errors: Errors) -> Html:
    fixed = session["customer_details"]["email"]
    return text_field(
        "email",
        "E-mail",
        fixed or session["_typed"].get("email", ""),
        error=errors.get("email", ""),
        hint="Known already" if fixed else "",
        type="email",
        autocomplete="email",
        readonly=bool(fixed),
    )


def _tax(session: Object, sent: dict[str, str], errors: Errors) -> Html:
    if not session["tax_id_collection"]["enabled"]:
        return NOTHING
    known = session["_typed"].get("tax_id") or {}
    kind, value = sent.get("tax_type", known.get("type", "")), sent.get("tax_value", known.get("value", ""))
    return tax_fields(kind, value, errors)


def _quantities(visit: Visit, session: Object, errors: Errors) -> Html:
    lines = {line["id"]: line for line in quotes.line_items(visit.sandbox, session)}
    fields = [
        text_field(
            f"quantity_{item['id']}",
            lines[item["id"]]["description"],
            visit.form.get(f"quantity_{item['id']}", item["quantity"]),
            error=errors.get(f"quantity_{item['id']}", ""),
            inputmode="numeric",
            autocomplete="off",
        )
        for item in session["_items"]
        if item["adjustable"]
    ]
    return h('<section class="group"><h2>How many</h2>{fields}</section>', fields=fields) if fields else NOTHING


def _code(visit: Visit, session: Object, errors: Errors) -> Html:
    if not session["allow_promotion_codes"]:
        return NOTHING
    if session["_discounts"]:
        code = visit.sandbox.get("promotion_code", session["_discounts"][0]["promotion_code"])["code"]
        text = h("The code <strong>{code}</strong> is used.", code=code)
        remove = button("Remove the code", act="act", value="remove", tone="small")
        return h('<div class="row row--ends">{told}{remove}</div>', told=notice(text, "good"), remove=remove)
    field = text_field(
        "code", "Promotion code", visit.form.get("code", ""), error=errors.get("code", ""), autocomplete="off"
    )
    apply = button("Apply the code", act="act", value="look", tone="plain")
    return h('<div class="row row--fields">{field}{apply}</div>', field=field, apply=apply)
