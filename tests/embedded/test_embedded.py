"""The embedded PostgreSQL with a real server: every way in which a start can find the place in disorder."""

import multiprocessing
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from freehold.embedded import EmbeddedPostgres, EmbeddedPostgresError, account, database_url
from freehold.embedded.__main__ import main
from freehold.embedded.account import Account, server_account
from freehold.embedded.locks import is_held
from freehold.embedded.processes import postmaster, processes_of
from freehold.embedded.programs import installation
from freehold.embedded.sockets import MAX_SOCKET_PATH, SOCKET, ensure_private, socket_directory

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a server as another user")
fork = multiprocessing.get_context("fork")

Factory = Callable[[Path], EmbeddedPostgres]


@pytest.fixture
def make_server() -> Iterator[Factory]:
    """Servers that are stopped after the test, whatever the test did to them."""
    servers: list[EmbeddedPostgres] = []

    def make(data: Path) -> EmbeddedPostgres:
        servers.append(EmbeddedPostgres(data))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def server(tmp_path: Path, make_server: Factory) -> EmbeddedPostgres:
    return make_server(tmp_path / "var" / "postgres")


def ask(url: str, sql: str) -> object:
    """The first value of a query's answer."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(sql.encode()).fetchone()
    return row and row[0]


def do(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.encode())


def running_pid(server: EmbeddedPostgres) -> int:
    process = postmaster(server.data)
    assert process is not None
    return process.pid


def rewrite_pid_file(server: EmbeddedPostgres, pid: int) -> None:
    """Make the pid files name another process, as after a crash when the number was given out again."""
    for path in (server.data / "postmaster.pid", server.socket_dir / f"{SOCKET}.lock"):
        lines = path.read_text().splitlines()
        path.write_text("\n".join([str(pid), *lines[1:]]) + "\n")


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


# The ordinary life


@pytest.mark.slow
def test_start_makes_a_database_in_utf8_that_only_a_socket_reaches(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert url == server.url
    assert ask(url, "SELECT current_database()") == "freehold"
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SHOW listen_addresses") == ""
    assert ask(url, "SHOW fsync") == "on"
    assert str(ask(url, "SHOW server_version")).startswith("18.")
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700


@pytest.mark.slow
def test_start_is_idempotent_and_stop_too(server: EmbeddedPostgres) -> None:
    server.stop()
    assert not server.is_running()
    server.start()
    pid = running_pid(server)
    server.start()
    assert running_pid(server) == pid
    server.stop()
    server.stop()
    assert not server.is_running()
    assert not list(processes_of(server.data))


@pytest.mark.slow
def test_a_restart_keeps_the_data_and_takes_under_a_second(server: EmbeddedPostgres) -> None:
    do(server.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    began = time.monotonic()
    assert ask(server.start(), "SELECT answer FROM kept") == 42
    assert time.monotonic() - began < 3  # a third of a second on a laptop; a busy machine gets more


@pytest.mark.slow
def test_start_creates_the_database_again_when_it_was_dropped(server: EmbeddedPostgres) -> None:
    url = server.start()
    do(url.replace("/freehold?", "/postgres?"), "DROP DATABASE freehold")
    assert ask(server.start(), "SELECT current_database()") == "freehold"


@pytest.mark.slow
def test_database_url_is_what_settings_need(tmp_path: Path, make_server: Factory) -> None:
    server = make_server(tmp_path / "var" / "postgres")
    assert database_url(tmp_path / "var") == server.url
    assert server.is_running()


@pytest.mark.slow
def test_a_server_from_a_program_with_pipes_lets_them_go(tmp_path: Path, make_server: Factory) -> None:
    """A caller that reads our output to its end must not wait for the server's end."""
    server = make_server(tmp_path / "postgres")
    command = [sys.executable, "-m", "freehold.embedded", "start", "--data", str(server.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == server.url
    assert server.is_running()


@pytest.mark.slow
def test_the_server_is_nobodys_child_and_has_no_terminal(server: EmbeddedPostgres) -> None:
    server.start()
    process = postmaster(server.data)
    assert process is not None
    assert process not in psutil.Process().children(recursive=True)
    assert process.terminal() is None


# Disorder


@pytest.mark.slow
def test_start_after_the_postmaster_was_killed(server: EmbeddedPostgres) -> None:
    do(server.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(running_pid(server), signal.SIGKILL)
    assert ask(server.start(), "SELECT answer FROM kept") == 42


@pytest.mark.slow
def test_start_while_children_of_a_killed_postmaster_go_on(server: EmbeddedPostgres) -> None:
    """A backend with a long query outlives its postmaster; the new server must not meet it."""
    connection = psycopg.connect(server.start(), autocommit=True)
    backend = psutil.Process(connection.info.backend_pid)
    connection.pgconn.send_query(b"DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$")
    os.kill(running_pid(server), signal.SIGKILL)
    time.sleep(0.2)
    assert backend.is_running()
    assert ask(server.start(), "SELECT 1") == 1
    assert not backend.is_running() or backend.status() == psutil.STATUS_ZOMBIE
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("pid", [os.getpid(), 1, 2**22 + 1], ids=["ours", "init", "nobody's"])
def test_start_with_a_stale_pid_file_whose_number_is_somebody_elses(server: EmbeddedPostgres, pid: int) -> None:
    server.start()
    copies = [(path, path.read_bytes()) for path in _pid_files(server)]
    server.stop()
    for path, content in copies:
        path.write_bytes(content)
    rewrite_pid_file(server, pid)
    assert not server.is_running()
    assert ask(server.start(), "SELECT 1") == 1
    assert psutil.pid_exists(os.getpid())


def _pid_files(server: EmbeddedPostgres) -> list[Path]:
    return [server.data / "postmaster.pid", server.socket_dir / f"{SOCKET}.lock"]


@pytest.mark.slow
def test_start_and_stop_spare_the_server_of_another_copy(tmp_path: Path, make_server: Factory) -> None:
    """A pid file that came along with a copied directory names a PostgreSQL, but not ours."""
    first, second = make_server(tmp_path / "a" / "postgres"), make_server(tmp_path / "b" / "postgres")
    first.start()
    second.start()
    copies = [path.read_bytes() for path in _pid_files(first)]
    second.stop()
    for path, content in zip(_pid_files(second), copies, strict=True):
        path.write_bytes(content)
    second.stop()
    assert first.is_running()
    assert ask(second.start(), "SHOW data_directory") == str(second.data)
    assert ask(first.url, "SHOW data_directory") == str(first.data)


@pytest.mark.slow
def test_two_copies_at_once_do_not_meet(tmp_path: Path, make_server: Factory) -> None:
    first, second = make_server(tmp_path / "a" / "postgres"), make_server(tmp_path / "b" / "postgres")
    do(first.start(), "CREATE TABLE mine AS SELECT 'a' AS name")
    do(second.start(), "CREATE TABLE mine AS SELECT 'b' AS name")
    assert (ask(first.url, "SELECT name FROM mine"), ask(second.url, "SELECT name FROM mine")) == ("a", "b")
    first.stop()
    assert second.is_running()


@pytest.mark.slow
def test_four_processes_start_one_server(tmp_path: Path, make_server: Factory) -> None:
    server = make_server(tmp_path / "postgres")
    command = [sys.executable, "-m", "freehold.embedded", "start", "--data", str(server.data)]
    starters = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = {starter.communicate(timeout=120)[0].strip() for starter in starters}
    assert [starter.returncode for starter in starters] == [0, 0, 0, 0]
    assert answers == {server.url}
    assert ask(server.url, "SELECT 1") == 1
    assert (server.log.read_text().count("starting PostgreSQL")) == 1


@pytest.mark.slow
def test_a_server_without_its_socket_is_replaced(server: EmbeddedPostgres) -> None:
    server.start()
    former = running_pid(server)
    (server.socket_dir / SOCKET).unlink()
    assert ask(server.start(), "SELECT 1") == 1
    assert running_pid(server) != former


@pytest.mark.slow
def test_a_socket_and_lock_file_left_over_do_not_matter(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.socket_dir / SOCKET).touch()
    (server.socket_dir / f"{SOCKET}.lock").write_text(f"{os.getpid()}\n")
    assert ask(server.start(), "SELECT 1") == 1


@pytest.mark.slow
def test_a_directory_that_is_removed_while_the_server_runs(server: EmbeddedPostgres) -> None:
    server.start()
    former = running_pid(server)
    shutil.rmtree(server.data)
    assert ask(server.start(), "SELECT 1") == 1
    assert running_pid(server) != former


@pytest.mark.slow
def test_a_directory_that_is_renamed_while_the_server_runs(tmp_path: Path, make_server: Factory) -> None:
    do(make_server(tmp_path / "old" / "postgres").start(), "CREATE TABLE kept AS SELECT 42 AS answer")
    (tmp_path / "old").rename(tmp_path / "new")
    moved = make_server(tmp_path / "new" / "postgres")
    assert ask(moved.start(), "SELECT answer FROM kept") == 42
    moved.stop()
    assert not list(processes_of(moved.data))
    assert ask(moved.start(), "SELECT answer FROM kept") == 42


@pytest.mark.slow
def test_an_interrupted_initdb_is_done_again(tmp_path: Path, make_server: Factory) -> None:
    data = tmp_path / "var" / "postgres"
    half = data.with_name("postgres.new-abc")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    data.mkdir()  # and an empty directory in its place is no obstacle
    assert ask(make_server(data).start(), "SELECT 1") == 1
    assert not half.exists()


@pytest.mark.slow
def test_a_start_that_was_killed_in_initdb_is_done_again(tmp_path: Path, make_server: Factory) -> None:
    server = make_server(tmp_path / "var" / "postgres")
    command = [sys.executable, "-m", "freehold.embedded", "start", "--data", str(server.data)]
    starter = subprocess.Popen(command)
    wait_until(lambda: any((tmp_path / "var").glob("postgres.new-*/PG_VERSION")))
    starter.kill()
    starter.wait()
    assert not server.data.exists()
    assert ask(server.start(), "SELECT 1") == 1
    assert not list((tmp_path / "var").glob("postgres.new-*"))


@pytest.mark.slow
def test_stop_makes_an_unwilling_server_stop(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freehold.embedded.server.STOP_SECONDS", 0.6)
    server.start()
    os.kill(running_pid(server), signal.SIGSTOP)
    server.stop()
    assert not list(processes_of(server.data))
    assert not is_held(server.data / "freehold.alive")


# Refusals


@pytest.mark.slow
def test_the_directory_of_another_major_version_is_refused_in_one_sentence(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedPostgresError) as refusal:
        server.start()
    message = str(refusal.value)
    assert "PostgreSQL 15" in message
    assert "PostgreSQL 18" in message
    assert "dump it with the old version or move the directory away, or set DATABASE_URL" in message
    assert "\n" not in message


def test_a_directory_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "letter.txt").write_text("dear")
    with pytest.raises(EmbeddedPostgresError, match="is not a PostgreSQL data directory"):
        EmbeddedPostgres(tmp_path / "postgres").start()
    assert (tmp_path / "postgres" / "letter.txt").read_text() == "dear"


@pytest.mark.slow
def test_a_server_that_cannot_start_says_why(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.data / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedPostgresError, match="pg_control"):
        server.start()


# The socket


@pytest.mark.slow
def test_a_path_too_long_for_a_socket_gets_a_private_directory(tmp_path: Path, make_server: Factory) -> None:
    server = make_server(tmp_path / ("long" * 30) / "quoted \"'% too" / "postgres")
    assert ask(server.start(), "SELECT 1") == 1
    assert server.socket_dir.parent == Path("/tmp")
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    server.stop()
    assert not server.socket_dir.exists()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "inside"), [("a b\"'$%&ä", True), ("a,b", False)])
def test_a_path_with_odd_characters_works(tmp_path: Path, make_server: Factory, name: str, inside: bool) -> None:
    server = make_server(tmp_path / name / "pg")
    assert (server.socket_dir == server.data) is inside
    assert ask(server.start(), "SELECT 1") == 1


@pytest.mark.parametrize(("length", "inside"), [(MAX_SOCKET_PATH, True), (MAX_SOCKET_PATH + 1, False)])
def test_the_socket_lies_inside_as_long_as_its_path_fits(length: int, inside: bool) -> None:
    data = Path("/" + "d" * (length - len(SOCKET) - 2))
    assert len(str(data / SOCKET)) == length
    assert (socket_directory(data) == data) is inside


def test_different_paths_have_different_socket_directories() -> None:
    deep = Path("/", "d" * 120)
    assert socket_directory(deep / "a") != socket_directory(deep / "b")
    assert socket_directory(deep / "a") == socket_directory(deep / "a")


@pytest.mark.parametrize("trap", ["open", "symlink", "file"])
def test_a_prepared_socket_directory_is_refused(tmp_path: Path, trap: str) -> None:
    directory = tmp_path / "sockets"
    if trap == "open":
        directory.mkdir()
        directory.chmod(0o777)
    elif trap == "symlink":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        directory.symlink_to(tmp_path / "elsewhere")
    else:
        directory.touch(mode=0o600)
    with pytest.raises(EmbeddedPostgresError, match="not a private directory"):
        ensure_private(directory, Account(os.geteuid(), os.getegid()))


# Users


@needs_root
@pytest.mark.slow
def test_root_hands_the_server_to_an_unprivileged_user(server: EmbeddedPostgres) -> None:
    server.start()
    process = postmaster(server.data)
    assert process is not None
    assert process.uids().effective != 0
    assert process.gids().effective != 0
    assert server.data.stat().st_uid == process.uids().real
    assert server.data.parent.stat().st_uid == 0


@needs_root
@pytest.mark.slow
def test_root_without_a_user_postgres_takes_nobody(
    tmp_path: Path, make_server: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "UNPRIVILEGED_USERS", ("no-such-user-here", "nobody"))
    server = make_server(tmp_path / "postgres")
    server.start()
    assert server.data.stat().st_uid == pwd.getpwnam("nobody").pw_uid


@needs_root
@pytest.mark.slow
def test_only_the_missing_bit_is_added_on_the_way(
    tmp_path: Path, make_server: Factory, caplog: pytest.LogCaptureFixture
) -> None:
    closed, free = tmp_path / "closed", tmp_path / "closed" / "free"
    free.mkdir(parents=True)
    closed.chmod(0o700)
    free.chmod(0o755)
    make_server(free / "postgres").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o701
    assert stat.S_IMODE(free.stat().st_mode) == 0o755
    assert f"Made {closed} passable" in caplog.text
    assert f"Made {free} passable" not in caplog.text


@needs_root
@pytest.mark.slow
def test_a_directory_that_root_copied_is_handed_over(tmp_path: Path, make_server: Factory) -> None:
    server = make_server(tmp_path / "a" / "postgres")
    do(server.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    shutil.copytree(server.data, tmp_path / "b" / "postgres")
    copy = make_server(tmp_path / "b" / "postgres")
    assert ask(copy.start(), "SELECT answer FROM kept") == 42


@needs_root
def test_programs_that_only_root_can_read_are_opened(tmp_path: Path) -> None:
    programs = tmp_path / "pginstall"
    (programs / "bin").mkdir(parents=True)
    (programs / "bin" / "postgres").touch()
    for path, mode in ((programs / "bin" / "postgres", 0o700), (programs / "bin", 0o700), (programs, 0o700)):
        path.chmod(mode)
    Account(65534, 65534).let_read(programs)
    assert stat.S_IMODE((programs / "bin" / "postgres").stat().st_mode) == 0o705


@pytest.fixture
def ordinary_place() -> Iterator[Path]:
    """A directory of the user nobody, with a way to it."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; the other tests ran as an ordinary one")
    nobody = pwd.getpwnam("nobody")
    if not _can_run(nobody.pw_uid, nobody.pw_gid):
        pytest.skip("the user nobody cannot reach the programs of this environment")
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    os.chown(place, nobody.pw_uid, nobody.pw_gid)
    yield place
    shutil.rmtree(place)


def _can_run(user: int, group: int) -> bool:
    command = [str(installation() / "bin" / "postgres"), "--version"]
    try:
        done = subprocess.run(command, user=user, group=group, stdout=subprocess.DEVNULL, check=False)
    except OSError:
        return False
    return done.returncode == 0


def as_nobody(action: Callable[[], object]) -> int:
    """Run in a child that has become the user nobody; return its exit status."""
    nobody = pwd.getpwnam("nobody")

    def become_and_act() -> None:
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        action()

    child = fork.Process(target=become_and_act)
    child.start()
    child.join(60)
    return child.exitcode if child.exitcode is not None else -1


@pytest.mark.slow
def test_an_ordinary_user_needs_no_privilege(ordinary_place: Path) -> None:
    server = EmbeddedPostgres(ordinary_place / "var" / "postgres")
    try:
        assert as_nobody(server.start) == 0
        process = postmaster(server.data)
        assert process is not None
        assert process.username() == "nobody"
        assert as_nobody(lambda: ask(server.url, "SELECT 1")) == 0
        assert ask(server.start(), "SELECT 1") == 1  # root may use it, and it stays the user's
        assert as_nobody(server.stop) == 0
        assert not list(processes_of(server.data))
    finally:
        server.stop()


@pytest.mark.slow
def test_root_serves_an_ordinary_users_directory_as_that_user(ordinary_place: Path) -> None:
    server = EmbeddedPostgres(ordinary_place / "postgres")
    try:
        as_nobody(server.start)
        as_nobody(server.stop)
        server.start()
        assert server_account(server.data).uid == pwd.getpwnam("nobody").pw_uid
        server.stop()
        assert as_nobody(server.start) == 0
    finally:
        server.stop()


@needs_root
def test_an_ordinary_user_is_told_whose_directory_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "postgres").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    with pytest.raises(EmbeddedPostgresError, match="belongs to user root"):
        server_account(tmp_path / "postgres")


@pytest.mark.slow
def test_processes_are_known_even_where_their_directory_is_hidden(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root in a container may not read another user's working directory."""

    def hidden(process: psutil.Process) -> str:
        raise psutil.AccessDenied(process.pid)

    server.start()
    everyone = sorted(process.pid for process in processes_of(server.data))
    monkeypatch.setattr(psutil.Process, "cwd", hidden)
    assert sorted(process.pid for process in processes_of(server.data)) == everyone
    assert len(everyone) > 3
    assert postmaster(server.data) is not None
    assert postmaster(server.data.parent) is None


# The command line


@pytest.mark.slow
def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = f"--data={tmp_path / 'postgres'}"
    try:
        assert main(["status", data]) == 1
        assert main(["start", data]) == 0
        assert main(["status", data]) == 0
        assert main(["url", data]) == 0
    finally:
        assert main(["stop", data]) == 0
    url = EmbeddedPostgres(tmp_path / "postgres").url
    assert capsys.readouterr().out.split("\n") == ["not running", url, "running", url, ""]


def test_the_command_line_refuses_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letter.txt").touch()
    assert main(["start", f"--data={tmp_path}"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
