"""Lists a page at a time, the newest first, as ``docs.stripe.com/api/pagination`` describes."""

from __future__ import annotations

from typing import Any

from billing.sandbox.errors import StripeFault, no_such
from billing.sandbox.routing import Request

Object = dict[str, Any]

USUAL, MOST = 10, 100


def page(request: Request, objects: list[Object], *, newest_first: bool = True) -> Object:
    """The page of these that was asked for. They come oldest first, as the store has them."""
    params = request.params
    among = [obj for obj in objects if _in_range(obj.get("created", 0), params.get("created"))]
    if newest_first:
        among.reverse()
        among.sort(key=lambda obj: int(obj.get("created", 0)), reverse=True)
    limit = params.get("limit", USUAL)
    if not 1 <= limit <= MOST:
        raise StripeFault(f"Invalid limit: must be from 1 to {MOST}.", param="limit")
    if "ending_before" in params:
        before = among[: _place(among, params["ending_before"], "ending_before")]
        return listed(before[-limit:], request.path, has_more=len(before) > limit)
    after = (
        among[_place(among, params["starting_after"], "starting_after") + 1 :] if "starting_after" in params else among
    )
    return listed(after[:limit], request.path, has_more=len(after) > limit)


def listed(data: list[Object], url: str, *, has_more: bool = False) -> Object:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def equal_to(request: Request, objects: list[Object], *names: str) -> list[Object]:
    """Those whose fields are what the request asks for, where it asks."""
    wanted = {name: request.params[name] for name in names if name in request.params}
    return [obj for obj in objects if all(obj.get(name) == value for name, value in wanted.items())]


def _place(among: list[Object], identifier: str, param: str) -> int:
    for place, obj in enumerate(among):
        if obj["id"] == identifier:
            return place
    fault = no_such("object", identifier, param)
    fault.status = 400
    raise fault


def _in_range(created: int, wanted: Any) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, int):
        return created == wanted
    checks = {"gt": created.__gt__, "gte": created.__ge__, "lt": created.__lt__, "lte": created.__le__}
    return all(checks[name](bound) for name, bound in wanted.items())
