"""What ``make run`` starts, in which order and with what: read from the environment, without Django."""

import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from billing.gateway.event_types import WANTED

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
NAME = "localhost"
STOP_SECONDS = 10.0
SANDBOX_SECRET = "whsec_freehold_sandbox"  # noqa: S105 -- of the demo's Stripe sandbox, on this machine alone
HIGHEST_PORT, DNS_OFFSET, STRIPE_OFFSET = 65535, 53, 41


class Refusal(Exception):
    """Freehold cannot run; the message is for the person who started it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run and where; all of it from the environment."""

    port: int
    workers: int
    var: Path
    database_url: str  # empty: the embedded server
    dns_port: int = 0  # of the demo's DNS; 0: there is none
    stripe_port: int = 0  # of the Stripe sandbox; 0: there is none

    @property
    def url(self) -> str:
        """The address of the site, without a slash at the end. By name, for browsers keep no passkey for a number."""
        return f"http://{NAME}:{self.port}"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read the plan; a value that makes no sense is refused in one sentence."""
        port = _number(environ, "PORT", default=8000, highest=HIGHEST_PORT)
        return cls(
            port=port,
            workers=_number(environ, "WEB_WORKERS", default=2, highest=64),
            var=Path(environ.get("FREEHOLD_VAR") or ROOT / "var").resolve(),
            database_url=environ.get("DATABASE_URL", ""),
            dns_port=_dns_port(environ, port),
            stripe_port=_stripe_port(environ, port),
        )

    def with_free_ports(self) -> Self:
        """The demo's own services beside the ports of others."""
        return replace(
            self,
            dns_port=free_dns_port(self.dns_port) if self.dns_port else 0,
            stripe_port=free_tcp_port(self.stripe_port) if self.stripe_port else 0,
        )

    @property
    def demo(self) -> dict[str, str]:
        """What the programs are told of the demo's own services."""
        dns = {"FREEHOLD_DNS_SERVERS": f"{HOST}:{self.dns_port}"} if self.dns_port else {}
        return dns | ({"STRIPE_API_BASE": f"http://{HOST}:{self.stripe_port}"} if self.stripe_port else {})


def _stripe_port(environ: Mapping[str, str], port: int) -> int:
    """Beside the site's, in a demo that bills and was not told which Stripe to ask."""
    told = [environ.get(name, "").strip() for name in ("STRIPE_API_BASE", "STRIPE_API_KEY")]
    is_off = environ.get("BILLING_ENABLED", "").strip().lower() in {"0", "false", "no", "off"}
    if environ.get("FREEHOLD_ENV", "").strip() not in {"", "demo"} or any(told) or is_off:
        return 0
    return port + STRIPE_OFFSET if port + STRIPE_OFFSET <= HIGHEST_PORT else port - STRIPE_OFFSET


def _dns_port(environ: Mapping[str, str], port: int) -> int:
    """Beside the site's, in a demo that was not told which DNS to ask."""
    if environ.get("FREEHOLD_ENV", "").strip() not in {"", "demo"} or environ.get("FREEHOLD_DNS_SERVERS", "").strip():
        return 0
    return port + DNS_OFFSET if port + DNS_OFFSET <= HIGHEST_PORT else port - DNS_OFFSET


def _number(environ: Mapping[str, str], name: str, *, default: int, highest: int) -> int:
    text = environ.get(name, "").strip() or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= highest:
        raise Refusal(f"{name} must be a number from 1 to {highest}, not {text!r}.")
    return int(text)


@dataclass(frozen=True, slots=True)
class Program:
    """One process to start: what people call it, the stem of its log file, and its command line."""

    title: str
    log: str
    command: Sequence[str]


def preparation(plan: Plan) -> Program:
    """Migrations, demo data and static files, in one process because each start of Django costs a second."""
    command = [sys.executable, "manage.py", "prepare", "--url", plan.url]
    return Program("The preparation", "prepare", command)


def first_of_all(plan: Plan) -> list[Program]:
    """What the preparation needs already."""
    sandbox = [
        *(sys.executable, "-m", "billing.sandbox", f"--port={plan.stripe_port}"),
        f"--state={plan.var / 'stripe-sandbox.json'}",
        f"--clock-file={plan.var / 'demo-clock.json'}",
        f"--webhook={plan.url}/billing/stripe/webhook",
        f"--secret={SANDBOX_SECRET}",
        f"--events={','.join(WANTED)}",  # as an endpoint at Stripe has them, and no others
        "--after-retries=past_due",  # as docs/standing.md says to set it at Stripe
    ]
    return [Program("The Stripe sandbox", "stripe", sandbox)] if plan.stripe_port else []


def services(plan: Plan) -> list[Program]:
    """The processes that stay. Worker and clock are two, so that each can be seen to die."""
    celery = [sys.executable, "-m", "celery", "-A", "freehold"]
    dns = [
        sys.executable,
        "-m",
        "freehold.demo.dns",
        f"--port={plan.dns_port}",
        f"--records={plan.var / 'demo-dns.json'}",
    ]
    alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"]  # no other worker to talk to
    return [
        Program("The web server", "web", _granian(plan)),
        Program("The worker", "worker", [*celery, "worker", "--pool=solo", "--loglevel=INFO", *alone]),
        Program("The clock", "beat", [*celery, "beat", "--loglevel=INFO", f"--schedule={plan.var / 'beat'}"]),
        *([Program("The demo's DNS", "dns", dns)] if plan.dns_port else []),
    ]


def _granian(plan: Plan) -> list[str]:
    listening = [f"--host={HOST}", f"--port={plan.port}", "--interface=wsgi", "--http=1", "--no-ws"]
    threads = [f"--workers={plan.workers}", "--blocking-threads=2"]
    # A thread that ends takes its database connection with it: idle ones stay as long as granian allows.
    patience = ["--blocking-threads-idle-timeout=600", f"--workers-kill-timeout={STOP_SECONDS:.0f}"]
    return [sys.executable, "-m", "granian", *listening, *threads, *patience, "freehold.wsgi:application"]


def require_free_port(port: int) -> None:
    """Refuse a port that we cannot listen on."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise Refusal(f"Port {port} is reserved for root: set PORT, as in make run PORT=8000.") from None
        except OSError:
            raise Refusal(f"Port {port} is in use: set PORT, as in make run PORT={_other(port)}.") from None


def free_dns_port(port: int) -> int:
    """This one, or one that the system gives, if it can't be had both for UDP and for TCP."""
    with closing(socket.socket()) as tcp, closing(socket.socket(type=socket.SOCK_DGRAM)) as udp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind((HOST, port))
            udp.bind((HOST, tcp.getsockname()[1]))
        except OSError:
            if port == 0:
                raise
            return free_dns_port(0)
        return int(tcp.getsockname()[1])


def free_tcp_port(port: int) -> int:
    """This one, or one that the system gives."""
    with closing(socket.socket()) as tcp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind((HOST, port))
        except OSError:
            if port == 0:
                raise
            return free_tcp_port(0)
        return int(tcp.getsockname()[1])


def _other(port: int) -> int:
    return port + 1 if port < HIGHEST_PORT else port - 1
