"""Which cached answers a change concerns: the keys that answers carry, and the keys that a change purges. Pure.

Both halves stand here, for they are only right together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from namespaces import names

NAMESPACES = "namespaces"
"""The list of namespaces, and every page."""
PROJECTS = "projects"
"""Every answer about a project: for when too many have changed to name them."""
PAGES = "pages"
"""Every page: each shows a little of everything, so any change purges them all."""

WITHIN_DEPTH = 6
"""Parts of a name that ``within/…`` keys tell apart. A name may have a hundred, and headers must stay small."""

# --- What answers carry ---------------------------------------------------------------------------------------------


def namespace_key(namespace: str) -> str:
    return f"namespace/{namespace}"


def namespace_keys(namespace: str) -> tuple[str, ...]:
    """Of the answer about a namespace, reserved or not. By every prefix, for it names the one around it."""
    return (namespace_key(namespace), *_within_keys(namespace))


def project_keys(project: str) -> tuple[str, ...]:
    """Of the answer about a project. By every prefix, so that a namespace that is new reaches what was said before."""
    return (f"project/{project}", PROJECTS, *_within_keys(project))


def _within_keys(normalized: str) -> list[str]:
    return [f"within/{prefix}" for prefix in names.prefixes(normalized)[:WITHIN_DEPTH]]


# --- What changes purge ---------------------------------------------------------------------------------------------


def purged(changes: Iterable[tuple[str, str]]) -> list[str]:
    """The keys that changes, pairs of kind and name as in the feed, purge; sorted, each once."""
    return sorted({key for kind, name in changes for key in _purged_by(kind, name)})


def _purged_by(kind: str, name: str) -> Iterator[str]:
    yield PAGES
    if kind == "grant":
        yield NAMESPACES
        # It is among the children of all that are around it.
        yield from map(namespace_key, names.prefixes(name))
        yield _within_keys(name)[-1]
    elif kind == "organization":
        # A new name, and what it shares or holds, come as changes of the grants besides.
        yield f"organization/{name}"
    elif kind == "project":
        yield f"project/{name}"
    else:
        yield PROJECTS
