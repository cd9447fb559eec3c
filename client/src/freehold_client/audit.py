"""``freehold audit``: which of the packages that are to be installed belong to the holder of their namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from freehold_client.names import covers
from freehold_client.policy import EVERY, Policy
from freehold_client.public import Namespace, covering

Marks = list[tuple[str, bool]]


@dataclass(frozen=True)
class Finding:
    """What is known of one package.

    - ``name``: normalized. ``namespaces``: pairs of a covering namespace and whether the package's owner holds it,
      outermost first. ``owners``: who owns these namespaces.
    - ``verdict``: ``outside`` every namespace, ``owned``, or ``not-owned``.
    - ``violations``: sentences, empty where the policy is met. ``allowed``: whether the policy excepts this name.
    """

    name: str
    namespaces: tuple[tuple[str, bool], ...]
    owners: Mapping[str, str]
    violations: tuple[str, ...]
    allowed: bool

    @property
    def verdict(self) -> str:
        """In one word."""
        if not self.namespaces:
            return "outside"
        return "owned" if self.namespaces[-1][1] else "not-owned"

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "namespaces": [
                {"name": name, "owned": owned, "owner": self.owners.get(name)} for name, owned in self.namespaces
            ],
            "violations": list(self.violations),
            "allowed": self.allowed,
        }


def audit(
    names: Iterable[str],
    namespaces: Mapping[str, Namespace],
    project: Callable[[str], Marks | None],
    policy: Policy,
) -> list[Finding]:
    """A finding for each normalized name, in order, each once. ``project`` tells a package's namespaces and is only
    asked about those in one."""
    return [_find(name, namespaces, project, policy) for name in dict.fromkeys(names)]


def _find(
    name: str,
    namespaces: Mapping[str, Namespace],
    project: Callable[[str], Marks | None],
    policy: Policy,
) -> Finding:
    around = covering(namespaces, name)
    marks = tuple(project(name) or ()) if around else ()
    violations = [*_not_owned(name, marks, policy), *_wrong_owners(name, namespaces, policy)]
    allowed = name in policy.allow
    owners = {namespace.name: namespace.owner for namespace in around}
    return Finding(name, marks, owners, () if allowed else tuple(violations), allowed)


def _not_owned(name: str, marks: tuple[tuple[str, bool], ...], policy: Policy) -> Iterable[str]:
    for namespace, owned in marks:
        required = EVERY in policy.require_owned or namespace in policy.require_owned
        if required and not owned:
            yield f"'{name}' is in the namespace '{namespace}' and does not belong to its holder."


def _wrong_owners(name: str, namespaces: Mapping[str, Namespace], policy: Policy) -> Iterable[str]:
    for prefix, owner in policy.owners.items():
        found = namespaces.get(prefix)
        if covers(prefix, name) and (found is None or found.owner != owner):
            who = "nobody has reserved" if found is None else f"'{found.owner}' owns"
            yield f"'{name}' should be in a namespace '{prefix}' of '{owner}', but {who} it."
