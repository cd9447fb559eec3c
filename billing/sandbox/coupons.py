"""Coupons, the codes that people type to get them, and the discounts that come of it."""

from __future__ import annotations

from stripe.params import (
    CouponCreateParams,
    CouponDeleteParams,
    CouponListParams,
    CouponRetrieveParams,
    PromotionCodeCreateParams,
    PromotionCodeListParams,
    PromotionCodeRetrieveParams,
    PromotionCodeUpdateParams,
)

from billing.sandbox.errors import StripeFault, missing, no_such
from billing.sandbox.fields import WHOLE, fill, one_of
from billing.sandbox.lists import equal_to, page
from billing.sandbox.periods import months_later
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed


@route("POST", "/v1/coupons", CouponCreateParams)
def create_coupon(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    one_of(params, "percent_off", "amount_off")
    if "percent_off" not in params and not ("amount_off" in params and "currency" in params):
        raise missing("percent_off")
    if (params.get("duration") == "repeating") != ("duration_in_months" in params):
        raise missing("duration_in_months")
    coupon = blank(
        "coupon",
        id=params.get("id") or sandbox.new_id("co", 8),
        created=sandbox.now(),
        duration=params.get("duration", "once"),
        metadata={},
        times_redeemed=0,
        valid=True,
    )
    told = ("amount_off", "applies_to", "currency", "duration_in_months", "max_redemptions", "name", "percent_off")
    fill(coupon, params, (*told, "redeem_by", "metadata"))
    sandbox.emit("coupon.created", sandbox.put("coupon", coupon))
    return coupon


@route("GET", "/v1/coupons/{id}", CouponRetrieveParams)
def retrieve_coupon(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("coupon", request["id"])


@route("GET", "/v1/coupons", CouponListParams)
def list_coupons(sandbox: Sandbox, request: Request) -> Object:
    return page(request, sandbox.find("coupon"))


@route("DELETE", "/v1/coupons/{id}", CouponDeleteParams)
def delete_coupon(sandbox: Sandbox, request: Request) -> Object:
    """Who has it keeps it: discounts go on."""
    coupon = sandbox.get("coupon", request["id"])
    sandbox.emit("coupon.deleted", coupon)
    coupon["valid"] = False
    sandbox.objects.setdefault("_coupon", {})[coupon["id"]] = coupon
    sandbox.forget("coupon", coupon["id"])
    return {"id": coupon["id"], "object": "coupon", "deleted": True}


@route("POST", "/v1/promotion_codes", PromotionCodeCreateParams)
def create_code(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    promotion = params["promotion"]
    if "coupon" not in promotion:
        raise missing("promotion[coupon]")
    coupon = sandbox.get("coupon", promotion["coupon"], "promotion[coupon]")
    usual = dict.fromkeys(("minimum_amount", "minimum_amount_currency"))
    code = blank(
        "promotion_code",
        id=sandbox.new_id("promo"),
        active=True,
        code=params.get("code") or sandbox.new_id("C", 8)[2:].upper(),
        created=sandbox.now(),
        metadata={},
        promotion={"coupon": coupon["id"], "type": "coupon"},
        restrictions={**usual, "first_time_transaction": False, **params.get("restrictions", {})},
        times_redeemed=0,
    )
    fill(code, params, ("active", "customer", "expires_at", "max_redemptions", "metadata"))
    if find_code(sandbox, code["code"]):
        raise StripeFault("An active promotion code with that code already exists.", param="code")
    sandbox.emit("promotion_code.created", sandbox.put("promotion_code", code))
    return code


@route("GET", "/v1/promotion_codes/{id}", PromotionCodeRetrieveParams)
def retrieve_code(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("promotion_code", request["id"])


@route("POST", "/v1/promotion_codes/{id}", PromotionCodeUpdateParams)
def update_code(sandbox: Sandbox, request: Request) -> Object:
    code = sandbox.get("promotion_code", request["id"])
    with changed(sandbox, code, "promotion_code.updated"):
        fill(code, request.params, ("active", "metadata"))
    return code


@route("GET", "/v1/promotion_codes", PromotionCodeListParams)
def list_codes(sandbox: Sandbox, request: Request) -> Object:
    found = equal_to(request, sandbox.find("promotion_code"), "active", "code", "customer")
    if coupon := request.params.get("coupon"):
        found = [one for one in found if one["promotion"]["coupon"] == coupon]
    return page(request, found)


def find_code(sandbox: Sandbox, typed: str) -> Object | None:
    """The active one that somebody means who types this."""
    among = sandbox.find("promotion_code", active=True)
    return next((code for code in among if code["code"].upper() == typed.strip().upper()), None)


# --- Discounts --------------------------------------------------------------------------------------------------------


def coupon_of(sandbox: Sandbox, discount: Object) -> Object:
    """Also one that was deleted since."""
    name = discount["source"]["coupon"]
    return sandbox.objects.get("_coupon", {}).get(name) or sandbox.get("coupon", name)


def redeem(sandbox: Sandbox, customer: str, sent: Object, *, preview: bool = False) -> Object:
    """A discount from ``{"coupon": …}``, ``{"promotion_code": …}`` or ``{"discount": …}``; raises ``StripeFault``.
    A preview doesn't count as a use."""
    if known := sent.get("discount"):
        return sandbox.get("discount", known, "discounts")
    code = sandbox.get("promotion_code", sent["promotion_code"], "discounts") if sent.get("promotion_code") else None
    name = code["promotion"]["coupon"] if code else sent.get("coupon", "")
    coupon = sandbox.get("coupon", name, "discounts")
    now = sandbox.now(customer)
    for limited, called in ((code, "promotion code"), (coupon, "coupon")):
        if limited is not None and not _is_open(limited, now, customer):
            raise no_such(called, limited["id"], "discounts")
    months = coupon["duration_in_months"]
    discount = blank(
        "discount",
        id=sandbox.new_id("di"),
        customer=customer,
        end=months_later(now, months) if months else None,
        promotion_code=code["id"] if code else None,
        source={"coupon": coupon["id"], "type": "coupon"},
        start=now,
    )
    if not preview:
        count(sandbox, discount)
    return sandbox.put("discount", discount)


def count(sandbox: Sandbox, discount: Object) -> None:
    """It is used now; with the last use the coupon, or the code, is used up."""
    code = sandbox.objects.get("promotion_code", {}).get(discount["promotion_code"] or "")
    for used in filter(None, (code, coupon_of(sandbox, discount))):
        used["times_redeemed"] += 1
        if used["max_redemptions"] and used["times_redeemed"] >= used["max_redemptions"]:
            used["active" if "active" in used else "valid"] = False


def _is_open(limited: Object, now: int, customer: str) -> bool:
    until = limited.get("expires_at") or limited.get("redeem_by")
    most = limited["max_redemptions"]
    return (
        bool(limited.get("active", limited.get("valid")))
        and (until is None or now < until)
        and (most is None or limited["times_redeemed"] < most)
        and limited.get("customer") in {None, customer}
    )


def share_out(amounts: list[int], total: int, currency: str) -> list[int]:
    """``total`` spread over the amounts by their size, so that the parts add up to it."""
    whole, parts, given = sum(amounts), [], 0
    unit = WHOLE.get(currency, 1)
    passed = 0
    for amount in amounts:
        passed += amount
        upto = total * passed // (whole * unit) * unit if whole else 0
        parts.append(upto - given)
        given = upto
    return parts
