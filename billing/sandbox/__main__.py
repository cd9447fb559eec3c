"""``python -m billing.sandbox --port 8041 --state FILE --webhook URL --secret whsec_…``"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from billing.sandbox import cycle, endpoints
from billing.sandbox.clock import Clock
from billing.sandbox.events import Deliverer, is_here
from billing.sandbox.jobs import catch_up
from billing.sandbox.store import Sandbox
from billing.sandbox.web import Whole, serve

ENDINGS = frozenset({signal.SIGTERM, signal.SIGINT})
TICK = 1.0
"""Seconds between looks at what has become due."""


def arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m billing.sandbox", description="A Stripe of our own, on loopback.")
    parser.add_argument("--host", default="127.0.0.1", help="an address of this machine; no other is taken")
    parser.add_argument("--port", type=int, default=8041)
    parser.add_argument("--base", default="", help="where people find the pages, if not at host and port")
    parser.add_argument("--state", type=Path, help="the file in which everything is kept; without it nothing is")
    parser.add_argument("--clock-file", type=Path, help="where it is written by how much the clock is ahead")
    parser.add_argument("--webhook", default="", help="where events are sent")
    parser.add_argument("--secret", default="", help="with which they are signed: whsec_…")
    parser.add_argument("--events", default="*", help="the types that are sent, with commas between them")
    parser.add_argument("--key", default="sk_test_freehold", help="the only API key that is taken")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=4, help="events on their way at the same time")
    parser.add_argument(
        "--after-retries", default=cycle.CANCEL, choices=(cycle.CANCEL, cycle.UNPAID, cycle.PAST_DUE), help="what then"
    )
    parser.add_argument("--start", type=int, help="a moment at which the clock stands, instead of running")
    found = parser.parse_args(given)
    if not found.key.startswith(("sk_test_", "rk_test_")):
        parser.error("the sandbox takes test keys only: sk_test_… or rk_test_…")
    if not is_here(found.host):
        parser.error(f"the sandbox listens on this machine only, not on {found.host}")
    if bool(found.webhook) != bool(found.secret):
        parser.error("--webhook and --secret go together")
    return found


def prepared(found: argparse.Namespace) -> Sandbox:
    """With what was kept, and with the endpoint of the command line."""
    clock = Clock(found.start, file=found.clock_file)
    base = found.base or f"http://{found.host}:{found.port}"
    sandbox = Sandbox(seed=found.seed, clock=clock, path=found.state, api_key=found.key, base=base.rstrip("/"))
    sandbox.clock.tell()
    with sandbox.work():
        cycle.set_after_retries(sandbox, found.after_retries)
    if found.webhook:
        with sandbox.work():
            endpoints.ensure(sandbox, found.webhook, found.secret, found.events.split(","))
    return sandbox


@contextmanager
def running(found: argparse.Namespace) -> Iterator[tuple[int, Sandbox]]:
    """Serving in threads of its own; the port, and what is served."""
    sandbox = prepared(found)
    deliverer = Deliverer(sandbox)
    server = serve(Whole(sandbox, deliverer), found.host, found.port)
    stopping = threading.Event()
    threads = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}),
        threading.Thread(target=_tick, args=(sandbox, stopping)),
    ]
    if not found.port:
        sandbox.base = found.base or f"http://{found.host}:{server.server_port}"
    deliverer.start(found.workers)
    for thread in threads:
        thread.start()
    try:
        yield server.server_port, sandbox
    finally:
        stopping.set()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()
        deliverer.stop()
        sandbox.close()


def _tick(sandbox: Sandbox, stopping: threading.Event) -> None:
    """Renewals happen although nobody asks for anything."""
    while not stopping.wait(TICK):
        with sandbox.work():
            catch_up(sandbox)


def main(given: Sequence[str]) -> None:
    found = arguments(given)
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    with running(found) as (port, _):
        sys.stdout.write(f"The sandbox is at http://{found.host}:{port}/_sandbox/ and no money moves.\n")
        sys.stdout.flush()
        signal.sigwait(ENDINGS)


if __name__ == "__main__":
    main(sys.argv[1:])
