"""Workers beside each other, as the real ones are: each with its own connection and transactions of its own making."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

PATIENCE = 30  # seconds


def all_hands(*acts: Callable[[], Any]) -> list[Any]:
    """Let them go at the same moment; what each returned, or raised."""
    outcomes: list[Any] = [None] * len(acts)
    go = threading.Barrier(len(acts))

    def work(number: int) -> None:
        try:
            go.wait(PATIENCE)
            outcomes[number] = acts[number]()
        except Exception as error:
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return outcomes
