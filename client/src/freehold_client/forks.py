"""What to put right in the child after a fork: locks that another thread held, sockets shared with the parent."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

from freehold_client import collector

_methods: list[weakref.WeakMethod[Callable[[], Any]]] = []


def in_child(method: Callable[[], Any]) -> None:
    """Call a bound method in every forked child, for as long as its object lives."""
    _methods[:] = [known for known in _methods if known() is not None]
    _methods.append(weakref.WeakMethod(method))


def _after_fork() -> None:
    collector.after_fork()
    for known in _methods:
        if (method := known()) is not None:
            method()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
