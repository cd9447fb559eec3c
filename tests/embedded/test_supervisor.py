"""The supervisor with stand-ins for its programs: what it starts and says, and that nothing is left."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from billing.gateway.event_types import WANTED
from freehold import programs, supervisor
from freehold.embedded import EmbeddedPostgres
from freehold.embedded.locks import is_held
from freehold.embedded.processes import postmaster, processes_of
from freehold.programs import Plan, Program, Refusal
from freehold.supervisor import MARK, Family

ANSWERING = """
    import http.server, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/readyz" else 404)
            self.end_headers()
    print("listening", flush=True)
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
SLEEPING = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
DYING = "import sys, time; time.sleep(1); print('out of luck'); sys.exit(3)"


def code(source: str, *arguments: object) -> list[str]:
    """A Python process with this source."""
    return [sys.executable, "-c", textwrap.dedent(source), *map(str, arguments)]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def driver(prepare: list[str], services: list[list[str]]) -> list[str]:
    """A supervisor that starts these commands in place of Freehold's."""
    return code(
        f"""
        import sys
        from freehold import supervisor
        from freehold.supervisor import Program
        supervisor.STOP_SECONDS = 1.0
        supervisor.preparation = lambda plan: Program("The preparation", "prepare", {prepare!r})
        supervisor.services = lambda plan: [
            Program(f"Service {{number}}", f"service{{number}}", command)
            for number, command in enumerate({services!r})
        ]
        status = supervisor.main()
        print("django" in sys.modules, flush=True)
        sys.exit(status)
        """
    )


class Run:
    """A supervisor as a process, with what it printed."""

    def __init__(
        self,
        var: Path,
        port: int,
        services: list[list[str]],
        *,
        prepare: list[str] | None = None,
        database_url: str = "postgresql://nowhere.invalid/none",
    ) -> None:
        self.var, self.port = var, port
        plan = {"FREEHOLD_VAR": str(var), "PORT": str(port), "DATABASE_URL": database_url}
        self.process: subprocess.Popen[str] = subprocess.Popen(
            driver(prepare or code("pass"), services),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | plan,
            cwd=programs.ROOT,
        )

    def await_line(self, beginning: str) -> str:
        """Read standard output up to a line that begins so; a run that does not say it in a minute is ended."""
        assert self.process.stdout is not None
        too_late = threading.Timer(60, self.process.kill)
        too_late.start()
        try:
            line: str
            for line in self.process.stdout:
                if line.startswith(beginning):
                    return line.strip()
        finally:
            too_late.cancel()
        raise AssertionError(f"{beginning!r} was not said; stderr: {self.finish()[1]}")

    def finish(self) -> tuple[str, str]:
        """Wait for the end; return the rest of the output and the errors."""
        return self.process.communicate(timeout=30)

    def supervised(self) -> list[psutil.Process]:
        """All living processes that were started for this directory."""
        return [process for process in psutil.process_iter() if supervisor._bears_mark(process, self.var)]


def ignores_terminations(process: psutil.Process) -> bool:
    """Whether it is the stubborn one; its brothers die with the run, perhaps while they are asked."""
    try:
        return "SIG_IGN" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    """Runs that are ended after the test."""
    made: list[Run] = []
    yield made
    for run in made:
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait()
        for process in run.supervised():
            process.kill()
        for pipe in (run.process.stdout, run.process.stderr):
            if pipe:
                pipe.close()


def start(
    runs: list[Run],
    var: Path,
    *services: list[str],
    port: int = 0,
    prepare: list[str] | None = None,
    database_url: str = "postgresql://nowhere.invalid/none",
) -> Run:
    """Start a run whose web server answers, with these other services."""
    port = port or free_port()
    run = Run(var, port, [code(ANSWERING, port), *services], prepare=prepare, database_url=database_url)
    runs.append(run)
    return run


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def wait_until_gone(run: Run, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while run.supervised():
        assert time.monotonic() < deadline, run.supervised()
        time.sleep(0.05)


# The plan


def plan(**environment: str) -> Plan:
    return Plan.from_environment(environment)


def test_the_plan_has_defaults() -> None:
    assert plan() == Plan(
        port=8000, workers=2, var=programs.ROOT / "var", database_url="", dns_port=8053, stripe_port=8041
    )
    assert plan().url == "http://localhost:8000"


def test_the_plan_is_read_from_the_environment(tmp_path: Path) -> None:
    read = plan(PORT="81", WEB_WORKERS="3", FREEHOLD_VAR=str(tmp_path), DATABASE_URL="postgresql://db/x")
    assert read == Plan(
        port=81, workers=3, var=tmp_path, database_url="postgresql://db/x", dns_port=134, stripe_port=122
    )


@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ({}, 8053),
        ({"FREEHOLD_ENV": "demo"}, 8053),
        ({"PORT": "65535"}, 65482),
        ({"FREEHOLD_ENV": "production"}, 0),
        ({"FREEHOLD_ENV": "test"}, 0),
        ({"FREEHOLD_DNS_SERVERS": "9.9.9.9"}, 0),
    ],
)
def test_a_demo_that_was_not_told_which_dns_to_ask_has_one_of_its_own(environment: dict[str, str], port: int) -> None:
    made = plan(**environment)
    assert made.dns_port == port
    assert ("FREEHOLD_DNS_SERVERS" in made.demo) == bool(port)
    assert ("dns" in [program.log for program in programs.services(made)]) == bool(port)


@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ({}, 8041),
        ({"PORT": "65535"}, 65494),
        ({"FREEHOLD_ENV": "production"}, 0),
        ({"FREEHOLD_ENV": "test"}, 0),
        ({"BILLING_ENABLED": "false"}, 0),
        ({"STRIPE_API_KEY": "sk_test_ours"}, 0),
        ({"STRIPE_API_BASE": "http://127.0.0.1:9"}, 0),
    ],
)
def test_a_demo_that_was_not_told_which_stripe_to_ask_has_a_sandbox(environment: dict[str, str], port: int) -> None:
    made = plan(**environment)
    assert made.stripe_port == port
    assert made.demo.get("STRIPE_API_BASE") == (f"http://127.0.0.1:{port}" if port else None)
    commands = [" ".join(program.command) for program in programs.first_of_all(made)]
    assert [f"--port={port}" in command for command in commands] == ([True] if port else [])
    assert all(f"--webhook={made.url}/billing/stripe/webhook" in command for command in commands)


def test_the_sandbox_of_a_demo_tells_what_an_endpoint_at_stripe_is_told_and_nothing_else() -> None:
    (sandbox,) = programs.first_of_all(plan())
    told = next(word for word in sandbox.command if word.startswith("--events="))
    assert sorted(told.removeprefix("--events=").split(",")) == sorted(WANTED)


def test_the_sandbox_takes_another_port_if_its_own_is_in_use() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert plan(PORT=str(port - 41)).with_free_ports().stripe_port not in {0, port}
    assert programs.free_tcp_port(port) == port


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_the_dns_takes_another_port_if_its_own_is_in_use(kind: socket.SocketKind) -> None:
    with socket.socket(type=kind) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert programs.free_dns_port(port) not in {0, port}
    assert programs.free_dns_port(port) == port


@pytest.mark.parametrize("value", ["0", "65536", "eighty", "-1", "8000.5", "٨٠"])
def test_a_port_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(Refusal, match="PORT must be a number from 1 to 65535"):
        plan(PORT=value)


def test_the_services_are_a_web_server_a_worker_a_clock_and_the_dns_of_the_demo() -> None:
    commands = {program.log: " ".join(program.command) for program in programs.services(plan(PORT="81"))}
    assert list(commands) == ["web", "worker", "beat", "dns"]
    assert "--port=134" in commands["dns"]
    assert "--port=81" in commands["web"]
    assert "--workers=2" in commands["web"]
    assert "--pool=solo" in commands["worker"]
    assert f"--schedule={programs.ROOT / 'var' / 'beat'}" in commands["beat"]


def test_granian_knows_the_options_we_give_it() -> None:
    command = programs.services(plan())[0].command
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("status", "words"),
    [(3, "ended with status 3"), (0, "ended with status 0"), (-9, "was ended by SIGKILL")],
)
def test_an_exit_in_words(status: int, words: str) -> None:
    assert supervisor.describe_exit(status) == words


def test_a_port_in_use_is_refused() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refusal, match=f"Port {port} is in use: set PORT"):
            programs.require_free_port(port)
    programs.require_free_port(port)


# Processes


def family(var: Path, environment: Mapping[str, str] = os.environ) -> Family:
    return Family(var, environment)


def test_a_program_that_fails_is_refused_with_the_end_of_its_log(tmp_path: Path) -> None:
    failing = Program("The preparation", "prepare", code("print('\\n'.join(map(str, range(99)))); exit(4)"))
    with pytest.raises(Refusal) as refusal:
        family(tmp_path).run(failing)
    message = str(refusal.value)
    assert message.startswith(f"The preparation ended with status 4. The end of {tmp_path}/log/prepare.log:")
    assert "\n  98" in message
    assert "\n  9\n" not in message


def test_stop_ends_grandchildren_too(tmp_path: Path) -> None:
    members = family(tmp_path)
    spawning = """
        import subprocess, sys, time
        print(subprocess.Popen(sys.argv[1:]).pid, flush=True)
        time.sleep(600)
    """
    members.start(Program("A parent", "parent", code(spawning, *code(SLEEPING))))
    log = tmp_path / "log" / "parent.log"
    while not log.read_text().endswith("\n"):
        time.sleep(0.02)
    grandchild = psutil.Process(int(log.read_text()))
    members.stop()
    assert not psutil.wait_procs([grandchild], timeout=5)[1] or not is_alive(grandchild)


def test_a_big_log_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOG_LIMIT_BYTES", 10)
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "web.log").write_text("more than ten bytes")
    family(tmp_path).run(Program("It", "web", code("print('new')")))
    assert (tmp_path / "log" / "web.log").read_text() == "new\n"
    assert (tmp_path / "log" / "web.log.1").read_text() == "more than ten bytes"


# Whole runs


@pytest.mark.slow
@pytest.mark.parametrize("request_to_stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_says_its_address_once_and_stops_when_asked(
    tmp_path: Path, runs: list[Run], request_to_stop: signal.Signals
) -> None:
    run = start(runs, tmp_path, code(SLEEPING))
    assert run.await_line("Freehold is ready") == f"Freehold is ready: http://localhost:{run.port}/"
    assert len(run.supervised()) == 2
    assert psutil.Process(run.process.pid).memory_info().rss < 50_000_000
    run.process.send_signal(request_to_stop)
    output, errors = run.finish()
    assert (run.process.returncode, errors) == (0, "")
    assert output == "Freehold has stopped.\nFalse\n"  # and Django was not imported
    assert not run.supervised()


@pytest.mark.slow
def test_a_stubborn_child_is_killed_when_the_time_is_over(tmp_path: Path, runs: list[Run]) -> None:
    run = start(runs, tmp_path, code(STUBBORN))
    run.await_line("Freehold is ready")
    run.process.terminate()
    run.finish()
    assert run.process.returncode == 0
    assert not run.supervised()


@pytest.mark.slow
def test_a_child_that_dies_ends_the_run_with_its_last_words(tmp_path: Path, runs: list[Run]) -> None:
    run = start(runs, tmp_path, code(DYING))
    _, errors = run.finish()
    assert run.process.returncode == 1
    assert errors == f"Service 1 ended with status 3. The end of {tmp_path}/log/service1.log:\n  out of luck\n"
    assert not run.supervised()


@pytest.mark.slow
def test_a_preparation_that_fails_ends_the_run(tmp_path: Path, runs: list[Run]) -> None:
    run = start(runs, tmp_path, prepare=code("exit('no table')"))
    _, errors = run.finish()
    assert run.process.returncode == 1
    assert "The preparation ended with status 1" in errors
    assert "no table" in errors
    assert not (tmp_path / "log" / "service0.log").exists()


@pytest.mark.slow
def test_a_port_in_use_ends_the_run_before_anything_starts(tmp_path: Path, runs: list[Run]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        run = start(runs, tmp_path, port=taken.getsockname()[1])
        _, errors = run.finish()
    assert run.process.returncode == 1
    assert errors.count("\n") == 1
    assert "is in use: set PORT" in errors
    assert not (tmp_path / "log").exists()


@pytest.mark.slow
def test_a_second_run_is_refused_and_the_first_goes_on(tmp_path: Path, runs: list[Run]) -> None:
    first = start(runs, tmp_path, code(SLEEPING))
    first.await_line("Freehold is ready")
    second = start(runs, tmp_path)
    _, errors = second.finish()
    assert second.process.returncode == 1
    assert errors == f"Freehold is already running from {tmp_path.parent} (process {first.process.pid}).\n"
    assert len(first.supervised()) == 2
    assert supervisor.answers_ready(first.port)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_children_of_a_killed_run_stop_by_themselves(tmp_path: Path, runs: list[Run]) -> None:
    run = start(runs, tmp_path, code(SLEEPING))
    run.await_line("Freehold is ready")
    run.process.kill()
    run.process.wait()
    wait_until_gone(run)


@pytest.mark.slow
def test_a_run_after_a_killed_one_ends_what_that_left(tmp_path: Path, runs: list[Run]) -> None:
    former = start(runs, tmp_path, code(STUBBORN))
    former.await_line("Freehold is ready")
    former.process.kill()
    former.process.wait()
    left = [process for process in former.supervised() if ignores_terminations(process)]
    assert len(left) == 1
    run = start(runs, tmp_path, code(SLEEPING), port=former.port)
    run.await_line("Freehold is ready")
    assert not any(is_alive(process) for process in left)
    assert len(run.supervised()) == 2


@pytest.mark.slow
def test_survivors_of_another_directory_are_left_alone(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    stranger = subprocess.Popen(code(SLEEPING), env=os.environ | {MARK: str(other)})
    process = psutil.Process(stranger.pid)
    try:
        supervisor.end_survivors(mine)
        assert is_alive(process)
        supervisor.end_survivors(other)
        assert not is_alive(process)
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.slow
def test_a_run_with_the_embedded_database(tmp_path: Path, runs: list[Run]) -> None:
    """The database's address reaches the programs; it comes back when killed; nothing of it is left."""
    asking = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL']).execute('SELECT 1')"
    run = start(runs, tmp_path / "var", prepare=code(asking), database_url="")
    run.await_line("Freehold is ready")
    database = EmbeddedPostgres(tmp_path / "var" / "postgres")
    kill_postmaster(database)
    run.await_line("The database has gone")
    run.await_line("The database is back")
    kill_postmaster(database)
    run.await_line("The database has gone")
    run.process.terminate()  # in the middle of the new start
    run.finish()
    assert run.process.returncode == 0
    assert not list(processes_of(database.data))
    assert not is_held(database.data / "freehold.alive")


def kill_postmaster(database: EmbeddedPostgres) -> None:
    process = postmaster(database.data)
    assert process is not None
    process.kill()
