"""``expand[]``: objects in the place of their ids, and the fields that are shown only to those who ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing.sandbox.errors import StripeFault
from billing.sandbox.store import Sandbox, public

Object = dict[str, Any]

DEEPEST = 4
INCLUDED: dict[tuple[str, str], Callable[[Sandbox, Object], Any]] = {}
"""(kind of object, field) → what stands there for those who ask."""


def included(kind: str, field: str) -> Callable[[Callable[[Sandbox, Object], Any]], Callable[[Sandbox, Object], Any]]:
    """``@included("customer", "tax_ids")``."""

    def enter(made: Callable[[Sandbox, Object], Any]) -> Callable[[Sandbox, Object], Any]:
        INCLUDED[kind, field] = made
        return made

    return enter


def shown(sandbox: Sandbox, obj: Object, paths: list[str]) -> Object:
    """The answer: a copy without what is private, with these paths expanded. Raises ``StripeFault``."""
    answer: Object = public(obj)
    for number, path in enumerate(paths):
        names = path.split(".")
        if len(names) > DEEPEST:
            raise StripeFault(f"You cannot expand more than {DEEPEST} levels of a property.", param=f"expand[{number}]")
        if not _expand(sandbox, answer, names):
            raise StripeFault(f"This property cannot be expanded ({path}).", param=f"expand[{number}]")
    return answer


def _expand(sandbox: Sandbox, value: Any, names: list[str]) -> bool:
    """Whether there is such a path; below nothing, there may be anything."""
    if not names or value is None:
        return True
    if isinstance(value, list):
        done = [_expand(sandbox, inner, names) for inner in value]
        return all(done)
    if not isinstance(value, dict):
        return False
    name, *rest = names
    maker = INCLUDED.get((value.get("object", ""), name))
    if maker is not None and not value.get(name):
        value[name] = public(maker(sandbox, value))
    elif name not in value:
        return bool(value.get("deleted"))
    else:
        value[name] = _resolved(sandbox, value[name])
    return _expand(sandbox, value[name], rest)


def _resolved(sandbox: Sandbox, value: Any) -> Any:
    if isinstance(value, list):
        return [_resolved(sandbox, inner) for inner in value]
    kind = sandbox.kinds.get(value) if isinstance(value, str) else None
    return public(sandbox.get(kind, value)) if kind else value
