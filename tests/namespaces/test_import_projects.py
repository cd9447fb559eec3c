"""The bulk import: what it writes, what it leaves alone, what it survives, and what the command says of it."""

from __future__ import annotations

import gzip
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from freehold.errors import NotPermitted
from namespaces.models import Change, Project, Revision
from namespaces.readers import Row
from namespaces.services import imports
from namespaces.services.imports import ImportResult, ImportRunning, Phase, Step, can_import, import_projects
from orgs.actors import Actor
from orgs.models import AuditEvent
from tests.commands import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

OPERATOR = Actor.operator()
T2020, T2021, T2022 = (datetime(year, 1, 2, 3, 4, 5, tzinfo=UTC) for year in (2020, 2021, 2022))
SAMPLE = Path(settings.BASE_DIR) / "namespaces" / "data" / "sample.tsv.gz"


def run(*rows: Row, **options: Any) -> ImportResult:
    return import_projects(actor=OPERATOR, rows=rows, **options)


def many(count: int, **fields: Any) -> list[Row]:
    return [Row(f"project-{number:05}", **fields) for number in range(count)]


def mirror() -> dict[str, tuple[str, datetime]]:
    return {project.name: (project.owner, project.first_uploaded) for project in Project.objects.all()}


def versions() -> list[Any]:
    """The row versions: whatever writes a row, even if the same, changes them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, xmin::text, ctid::text FROM namespaces_project ORDER BY name")
        return list(cursor.fetchall())


def traces() -> tuple[int, int, int]:
    """Entries of the feed, the revision, audit events."""
    revision = Revision.objects.values_list("value", flat=True).first() or 0
    return Change.objects.count(), revision, AuditEvent.objects.count()


@pytest.fixture
def other() -> Iterator[Any]:
    """Somebody else's connection."""
    wrapper = connection.copy()
    yield wrapper
    wrapper.close()


class TestMerge:
    def test_new_projects(self):
        before = timezone.now()
        assert run(Row("a", "acme", T2020), Row("b", "user:Bob")) == ImportResult(
            read=2, new=2, changed=0, unchanged=0, again=0
        )
        found = mirror()
        assert found["a"] == ("acme", T2020)
        assert found["b"][0] == "user:Bob" and before <= found["b"][1] <= timezone.now()

    def test_what_is_given_replaces_and_what_is_empty_leaves(self):
        run(Row("a", "acme", T2021), Row("b", "acme", T2021), Row("c", "acme", T2021), Row("d", "acme", T2021))
        result = run(Row("a", "bolt"), Row("b", "", T2022), Row("c"), Row("e"))
        assert (result.new, result.changed, result.unchanged) == (1, 2, 1)
        found = mirror()
        assert found.pop("e")[0] == ""
        assert found == {
            "a": ("bolt", T2021), "b": ("acme", T2022), "c": ("acme", T2021), "d": ("acme", T2021),
        }  # fmt: skip

    @pytest.mark.parametrize("chunk", [1, 100])
    def test_of_a_name_given_again_the_earliest_time_and_the_last_owner_hold(self, chunk: int):
        result = run(
            Row("a", "old", T2021), Row("b"), Row("a", "new", T2020), Row("a", "", T2022), Row("a"), chunk=chunk
        )
        assert result == ImportResult(read=5, new=2, changed=0, unchanged=0, again=3)
        assert mirror()["a"] == ("new", T2020)

    @pytest.mark.parametrize("chunk", [1, 7, 50, 51])
    def test_chunks_lose_nothing_and_take_nothing_twice(self, chunk: int):
        assert run(*reversed(many(50, first_uploaded=T2020)), chunk=chunk).new == 50
        assert run(*many(51, owner="acme"), chunk=chunk) == ImportResult(
            read=51, new=1, changed=50, unchanged=0, again=0
        )
        assert {owner for owner, _ in mirror().values()} == {"acme"}

    def test_any_printable_owner_is_stored_as_it_is(self):
        owners = ["user:\\N", "user:a\\tb", "user:'\"%s{}", "user:\\."]
        run(*(Row(f"p{number}", owner) for number, owner in enumerate(owners)))
        assert [owner for owner, _ in mirror().values()] == owners

    def test_nothing_is_nothing(self):
        assert run() == ImportResult(read=0, new=0, changed=0, unchanged=0, again=0)
        assert traces() == (0, 0, 0)


class TestTraces:
    def test_running_it_again_writes_nothing_at_all(self):
        rows = [*many(150, owner="acme", first_uploaded=T2020), Row("without"), Row("project-00007", "acme", T2021)]
        run(*rows, chunk=40)
        before = versions(), traces()
        assert run(*rows, chunk=40).written == 0
        assert (versions(), traces()) == before

    def test_only_what_differs_is_written(self):
        run(*many(20, owner="acme", first_uploaded=T2020))
        before = versions()
        run(*many(19, owner="acme", first_uploaded=T2020), Row("project-00019", "bolt"))
        assert [row[0] for row in set(versions()) - set(before)] == ["project-00019"]
        assert Change.objects.latest("revision").name == "project-00019"

    def test_each_chunk_that_changes_something_is_one_entry_of_the_feed(self):
        run(*many(450), chunk=150)
        assert list(Change.objects.values_list("kind", "name")) == [("projects", "")] * 3

    def test_one_audit_event_for_an_import(self):
        run(*many(30), Row("project-00001"), chunk=10)
        event = AuditEvent.objects.get()
        assert (event.actor, event.action, event.origin) == ("operator", "projects.import", "command line")
        assert event.after == {"read": 31, "new": 30, "changed": 0, "unchanged": 0, "again": 1}
        assert event.hash is not None

    def test_progress_tells_what_is_read_and_what_is_committed(self, other: Any):
        def committed() -> int:
            with other.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM namespaces_project")
                return int(cursor.fetchone()[0])

        steps: list[tuple[Step, int]] = []
        run(*many(25), chunk=10, progress=lambda step: steps.append((step, committed())))
        assert steps == [(Step(Phase.READING, 25, 25), 0)] + [
            (Step(Phase.MERGING, done, 25), done) for done in (10, 20, 25)
        ]

    def test_the_number_of_statements_depends_on_the_chunks_alone(self):
        def statements(count: int, chunk: int, owner: str = "") -> int:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                run(*many(count, owner=owner), chunk=chunk)
            return len(captured)

        few = statements(10, 5)
        Project.objects.all().delete()
        assert statements(1000, 500) == few
        assert statements(1000, 1000, "acme") < few

    def test_many_new_rows_are_vacuumed_so_that_checks_read_the_index_alone(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(imports, "VACUUM_FROM", 1000)
        run(*many(1000))
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN SELECT owner, first_uploaded FROM namespaces_project WHERE name = 'project-00500'")
            assert "Index Only Scan" in cursor.fetchone()[0]
            cursor.execute("SELECT relallvisible > 0 FROM pg_class WHERE relname = 'namespaces_project'")
            assert cursor.fetchone() == (True,)


class TestTrouble:
    def test_an_import_that_was_stopped_is_finished_by_the_next(self):
        rows = many(50, first_uploaded=T2020)

        def stop(step: Step) -> None:
            if step.phase is Phase.MERGING and step.done == 20:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(*rows, chunk=10, progress=stop)
        kept = versions()
        assert len(kept) == 20
        assert run(*rows, chunk=10) == ImportResult(read=50, new=30, changed=0, unchanged=20, again=0)
        assert versions()[:20] == kept

    def test_a_chunk_is_merged_whole_or_not_at_all(self):
        rows = [*many(15), Row("project-99999", "Not Normalized")]
        with pytest.raises(Exception, match="project_owner_shape"):
            run(*rows, chunk=10)
        assert len(mirror()) == 10
        assert AuditEvent.objects.count() == 0

    def test_rows_that_break_off_change_nothing_and_leave_the_connection_usable(self):
        def rows() -> Iterator[Row]:
            yield from many(10)
            raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            import_projects(actor=OPERATOR, rows=rows())
        assert mirror() == {}
        assert run(*many(3)).new == 3

    def test_only_one_import_at_a_time(self, other: Any):
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [imports._ONE_AT_A_TIME])
            with pytest.raises(ImportRunning, match="Another import is running"):
                run(Row("a"))
            cursor.execute("SELECT pg_advisory_unlock(%s)", [imports._ONE_AT_A_TIME])
        assert run(Row("a")).new == 1

    def test_no_import_inside_a_transaction(self):
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            run(Row("a"))

    def test_only_the_operator_may(self):
        stranger = Actor.service("index")
        assert not can_import(stranger)
        with pytest.raises(NotPermitted):
            import_projects(actor=stranger, rows=[Row("a")])
        assert mirror() == {}


@contextmanager
def in_background(work: Callable[[], ImportResult]) -> Iterator[Future[ImportResult]]:
    """Runs it in a thread with a connection of its own."""

    def worker() -> ImportResult:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(worker)


class TestOthersWriteMeanwhile:
    @staticmethod
    def wait_until_blocked_by(wrapper: Any) -> None:
        pid = wrapper.connection.info.backend_pid
        for _ in range(500):
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))", [pid])
                if cursor.fetchone() != (0,):
                    return
            time.sleep(0.02)
        raise AssertionError("Nobody waits.")

    @staticmethod
    def put(wrapper: Any, name: str) -> None:
        wrapper.set_autocommit(False)
        with wrapper.cursor() as cursor:
            cursor.execute(
                "INSERT INTO namespaces_project (name, owner, first_uploaded) VALUES (%s, 'other', %s) "
                "ON CONFLICT (name) DO UPDATE SET owner = 'other', first_uploaded = EXCLUDED.first_uploaded",
                [name, T2022],
            )

    def test_a_name_that_is_put_meanwhile_gets_what_the_catalogue_gives(self, other: Any):
        self.put(other, "b")
        with in_background(lambda: run(Row("a"), Row("b", "acme", T2020), Row("c"))) as background:
            self.wait_until_blocked_by(other)
            other.commit()
        assert background.result() == ImportResult(read=3, new=2, changed=1, unchanged=0, again=0)
        assert mirror()["b"] == ("acme", T2020)

    def test_and_keeps_what_the_catalogue_does_not_give(self, other: Any):
        self.put(other, "b")
        with in_background(lambda: run(Row("a"), Row("b"))) as background:
            self.wait_until_blocked_by(other)
            other.commit()
        assert background.result() == ImportResult(read=2, new=1, changed=0, unchanged=1, again=0)
        assert mirror()["b"] == ("other", T2022)

    def test_one_that_is_rolled_back_is_imported(self, other: Any):
        self.put(other, "b")
        with in_background(lambda: run(Row("b", "acme"))) as background:
            self.wait_until_blocked_by(other)
            other.rollback()
        assert background.result().new == 1
        assert mirror()["b"][0] == "acme"

    def test_a_change_of_an_existing_one_is_waited_for(self, other: Any):
        run(Row("b", "acme", T2020))
        self.put(other, "b")
        with in_background(lambda: run(Row("b", "bolt"))) as background:
            self.wait_until_blocked_by(other)
            other.commit()
        assert background.result().changed == 1
        assert mirror()["b"] == ("bolt", T2022)


# --- The command ----------------------------------------------------------------------------------------------------


def command(*arguments: str, **options: Any) -> str:
    """What it says on standard error; nothing goes to standard output."""
    out, err = io.StringIO(), io.StringIO()
    call_command("import_projects", *arguments, stdout=out, stderr=err, **options)
    assert out.getvalue() == ""
    return err.getvalue()


@pytest.fixture
def catalogue(tmp_path: Path) -> Callable[[bytes], str]:
    def write(content: bytes) -> str:
        path = tmp_path / "catalogue"
        path.write_bytes(content)
        return str(path)

    return write


class TestCommand:
    def test_the_shipped_sample_imports_whole(self):
        with gzip.open(SAMPLE, "rt", encoding="utf-8") as lines:
            expected = {line.split("\t")[0] for line in lines} - {"name"}
        assert len(expected) >= 30_000
        assert command(str(SAMPLE)) == (
            f"{len(expected):,} read: {len(expected):,} new, 0 changed, 0 unchanged, 0 skipped.\n"
        )
        assert set(mirror()) == expected
        assert command(str(SAMPLE)).endswith(f"0 new, 0 changed, {len(expected):,} unchanged, 0 skipped.\n")

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(gzip.compress(b'{"name": "A_b"}\n'))))
        assert command("-").startswith("1 read: 1 new")
        assert set(mirror()) == {"a-b"}

    def test_bad_lines_are_reported_and_skipped(self, catalogue: Callable[[bytes], str]):
        said = command(catalogue(b"name\towner\nacme\t\nbad name\t\nacme\tbolt\nb\tx y\n")).splitlines()
        assert said[0].startswith("line 3: 'bad name' is not a valid project name: ")
        assert said[1:] == [
            "line 5: 'x y' is no owner: give an organization's name, or 'user:' and a user's name.",
            "4 read: 1 new, 0 changed, 0 unchanged, 1 given again, 2 skipped.",
        ]
        assert set(mirror()) == {"acme"}

    def test_of_many_bad_lines_the_first_twenty(self, catalogue: Callable[[bytes], str]):
        said = command(catalogue(b"name\nacme\n" + b"-\n" * 1234)).splitlines()
        assert len(said) == 22
        assert said[19].startswith("line 22: ")
        assert said[20] == "… and 1,214 more."
        assert said[21] == "1,235 read: 1 new, 0 changed, 0 unchanged, 1,234 skipped."

    def test_strict_changes_nothing_when_a_line_is_bad(self, catalogue: Callable[[bytes], str]):
        path = catalogue(b"name\nacme\n-\nbolt\n")
        with pytest.raises(CommandError, match=r"line 3: .*Nothing was changed\."):
            command(path, "--strict")
        assert mirror() == {}
        assert command(catalogue(b"name\nacme\n"), "--strict").startswith("1 read: 1 new")

    def test_the_format_may_be_given(self, catalogue: Callable[[bytes], str]):
        path = catalogue(b'name\n"acme"\n')
        with pytest.raises(CommandError, match="no line that could be used"):
            command(path)
        assert command(path, "--format", "csv").startswith("1 read: 1 new")

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "The file is empty. Nothing was changed."),
            (b"project\nacme\n", "The first line must name the columns, and one of them must be 'name'. Nothing"),
            (b"name\n", "Nothing was imported: there was no line that could be used."),
            (b"name\n-\n", "Nothing was imported: there was no line that could be used."),
            (b'{"meta": {}, "projects": [{"name": "a"}, ', "The JSON is damaged or cut off after project 1: "),
            (gzip.compress(b"name\nacme\n")[:-4], "The gzip data is damaged or cut off: "),
            ("name\nacme\n".encode("utf-16"), "The file is UTF-16; save it as UTF-8. Nothing was changed."),
        ],
        ids=["empty", "no name column", "only a header", "only bad lines", "cut JSON", "cut gzip", "UTF-16"],
    )
    def test_what_cannot_be_read_is_one_sentence(
        self, catalogue: Callable[[bytes], str], content: bytes, sentence: str
    ):
        with pytest.raises(CommandError) as caught:
            command(catalogue(content))
        assert str(caught.value).startswith(sentence)
        assert caught.value.returncode == 1
        assert mirror() == {}

    def test_a_file_that_is_not_there(self, tmp_path: Path):
        with pytest.raises(CommandError, match=r"nowhere cannot be read: No such file or directory\."):
            command(str(tmp_path / "nowhere"))
        with pytest.raises(CommandError, match=r"cannot be read: Is a directory\."):
            command(str(tmp_path))

    def test_an_interrupt_says_what_was_kept(self, catalogue: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch):
        path = catalogue(b"name\na\nb\nc\n")
        merge = imports._merge_chunk

        def interrupted(after: int, upto: int, began: datetime) -> tuple[int, int]:
            if after:
                raise KeyboardInterrupt
            return merge(after, upto, began)

        monkeypatch.setattr(imports, "_merge_chunk", interrupted)
        monkeypatch.setattr(imports.import_projects, "__kwdefaults__", {"progress": None, "chunk": 2})
        with pytest.raises(CommandError, match="2 of 3 names are merged and stay; run it again for the rest") as caught:
            command(path)
        assert caught.value.returncode == 130
        assert set(mirror()) == {"a", "b"}

    def test_a_database_that_refuses_is_one_sentence(
        self, catalogue: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
    ):
        def refused(*args: Any) -> tuple[int, int]:
            raise OperationalError("canceling statement due to lock timeout\nCONTEXT: …")

        monkeypatch.setattr(imports, "_merge_chunk", refused)
        with pytest.raises(CommandError) as caught:
            command(catalogue(b"name\na\n"))
        assert str(caught.value) == (
            "The database stopped the import: canceling statement due to lock timeout. Nothing was changed."
        )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestProgressBar:
    def test_is_drawn_on_a_terminal_and_wiped_for_sentences(self, catalogue: Callable[[bytes], str]):
        path, err = catalogue(b"name\n" + b"".join(b"p%d\n" % n for n in range(12_000)) + b"-\n"), Terminal()
        call_command("import_projects", path, stderr=err)
        drawn = err.getvalue()
        assert "\r\x1b[KReading " in drawn and "% : ".replace(" : ", ": ") in drawn
        assert "Merging ██████████████████████████████ 100 %: 12,000" in drawn
        assert "\r\x1b[Kline 12002: " in drawn
        assert drawn.endswith("\r\x1b[K12,001 read: 12,000 new, 0 changed, 0 unchanged, 1 skipped.\n")

    def test_of_a_pipe_it_counts(self, monkeypatch: pytest.MonkeyPatch):
        content, err = b"name\n" + b"".join(b"p%d\n" % n for n in range(6000)), Terminal()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        call_command("import_projects", "-", stderr=err)
        assert "\r\x1b[KReading: 5,000\r" in err.getvalue()

    def test_can_be_left_out(self, catalogue: Callable[[bytes], str]):
        err = Terminal()
        call_command("import_projects", catalogue(b"name\na\n"), "--no-progress", stderr=err)
        assert "\x1b[K" not in err.getvalue()


class TestProcess:
    """The real command in a real process."""

    @pytest.fixture
    def process(self) -> Iterator[subprocess.Popen[bytes]]:
        # In the background of a shell the signal is ignored, and would be by our children.
        inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
        with subprocess.Popen(
            [sys.executable, "manage.py", "import_projects", "--skip-checks", "-"],
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATABASE_URL": database_url()},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as started:
            signal.signal(signal.SIGINT, inherited)
            yield started
            started.kill()

    @staticmethod
    def wait_for(condition: str) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {condition}"
                )
                if cursor.fetchone() != (0,):
                    return
            time.sleep(0.05)
        raise AssertionError(f"never: {condition}")

    def test_an_interrupt_while_reading(self, process: subprocess.Popen[bytes]):
        assert process.stdin and process.stderr
        process.stdin.write(b"name\n" + b"".join(b"p%d\n" % n for n in range(100_000)))
        process.stdin.flush()
        self.wait_for("query LIKE 'COPY import_stage%'")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == b"Interrupted. Nothing was changed.\n"
        assert mirror() == {}

    def test_an_interrupt_while_merging(self, process: subprocess.Popen[bytes], other: Any):
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("INSERT INTO namespaces_project (name, owner, first_uploaded) VALUES ('b', '', now())")
        assert process.stdin and process.stderr
        process.stdin.write(b"name\na\nb\nc\n")
        process.stdin.close()
        self.wait_for("wait_event_type = 'Lock' AND query LIKE '%INSERT INTO namespaces_project%'")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == b"Interrupted. Nothing was changed.\n"
        other.rollback()
        assert mirror() == {}

    def test_a_kill_frees_the_next_import(self, process: subprocess.Popen[bytes]):
        assert process.stdin
        process.stdin.write(b"name\n" + b"".join(b"p%d\n" % n for n in range(100_000)))
        process.stdin.flush()
        self.wait_for("query LIKE 'COPY import_stage%'")
        process.kill()
        process.wait(10)
        assert self.run_when_free() == 1

    @staticmethod
    def run_when_free() -> int:
        for _ in range(100):
            with suppress(ImportRunning):
                return run(Row("a")).new
            time.sleep(0.1)
        raise AssertionError("The lock outlived its process.")


def test_help_says_what_a_stranger_has_to_know(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        call_command("import_projects", "--help")
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    for word in (
        "TSV",
        "CSV",
        "NDJSON",
        "PEP 691",
        "gzip",
        "first_uploaded",
        "user:NAME",
        "before granting",
        "exit status",
    ):
        assert word in text
