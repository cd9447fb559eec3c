"""Real brokers as processes of their own, on loopback ports, with all their files in a folder of the test's."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from tests.billing.running.site import START_SECONDS, Program
from tests.e2e.processes import HOST, free_port, wait_until

_RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class Broker:
    """One that can be killed without a word, and started again as it was."""

    def __init__(self, url: str, port: int, program: Program, beside: Program | None = None) -> None:
        self.url, self.port, self.program, self.beside = url, port, program, beside
        self._wait(listens=True)

    def kill(self) -> None:
        self.program.kill()
        self._wait(listens=False)

    def start(self) -> None:
        self.program.start()
        self._wait(listens=True)

    def stop(self) -> None:
        """For good."""
        self.kill()
        if self.beside is not None:
            self.beside.kill()

    def _wait(self, *, listens: bool) -> None:
        wait_until(lambda: self._listens() is listens, START_SECONDS, lambda: self.program.said()[-4000:])

    def _listens(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True


def redis(var: Path) -> Broker:
    """It keeps nothing on disk: when it dies, all messages are gone."""
    command, port = shutil.which("redis-server"), free_port()
    if command is None:
        pytest.skip("redis-server is not installed")
    words = ["--bind", HOST, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(var)]
    program = Program([command, *words], os.environ, var / "redis.log")
    return Broker(f"redis://{HOST}:{port}/0", port, program)


def rabbitmq(var: Path) -> Broker:
    names = shutil.which("epmd")
    if not Path(_RABBITMQ).exists() or names is None:
        pytest.skip("RabbitMQ is not installed")
    port, distribution, mapper = free_port(), free_port(), free_port()
    # Erlang's name server, which RabbitMQ would otherwise start for itself and leave behind.
    beside = Program([names, "-port", str(mapper), "-address", HOST], os.environ, var / "epmd.log")
    config = var / "rabbitmq.conf"
    config.write_text(f"listeners.tcp.1 = {HOST}:{port}\nlog.console = true\n", encoding="utf-8")
    (var / "plugins").write_text("[].\n", encoding="utf-8")
    environment = os.environ | {
        "HOME": str(var),
        "RABBITMQ_NODENAME": f"freehold{port}@localhost",
        "RABBITMQ_CONFIG_FILE": str(config),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(var / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(var / "mnesia"),
        "RABBITMQ_LOG_BASE": str(var / "log"),
        "RABBITMQ_PID_FILE": str(var / "rabbitmq.pid"),
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": HOST,
    }
    program = Program([_RABBITMQ], environment, var / "rabbitmq.log")
    return Broker(f"amqp://guest:guest@{HOST}:{port}//", port, program, beside)


BROKERS = {"redis": redis, "rabbitmq": rabbitmq}
