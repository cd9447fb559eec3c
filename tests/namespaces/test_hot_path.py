"""What keeps the check cheap, without a clock: one prepared statement, no transaction, index-only scans, few pages.

How long it takes is measured by ``make bench``; this is what would make it long.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.core.wsgi import get_wsgi_application
from django.db import DataError, OperationalError, connection, transaction
from psycopg import sql
from psycopg.pq import Trace, TransactionStatus

from freehold.prepared import Prepared
from namespaces import recorder
from namespaces.decision import Publisher, Question
from namespaces.facts import STATEMENTS, fetch, prepare
from orgs import tokens
from tests import factories

CHECK, BATCH = "/api/v1/uploads/check", "/api/v1/uploads/check/batch"
Wire = Callable[[Callable[[], object]], list[str]]


@pytest.fixture
def wire() -> Wire:
    """What goes over the wire to the database during a call: the protocol's messages, as libpq writes them down."""

    def listen(call: Callable[[], object]) -> list[str]:
        driver: psycopg.Connection[Any] = connection.connection
        with tempfile.TemporaryFile() as file:
            driver.pgconn.trace(file.fileno())
            driver.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
            call()
            assert connection.connection is driver
            driver.pgconn.untrace()
            file.seek(0)
            return file.read().decode().splitlines()

    return listen


class Index:
    """Calls the application as a web server does: with all that Django does before and after a request."""

    def __init__(self) -> None:
        self.application = get_wsgi_application()
        self.token = factories.token()
        self.status = ""
        self.headers: dict[str, str] = {}

    def post(self, path: str, value: Any) -> Any:
        body = json.dumps(value).encode()
        response = self.application(self._environ(path, body), self._start)
        content = b"".join(response)
        response.close()
        assert self.status == "200 OK", content
        return json.loads(content)

    def _environ(self, path: str, body: bytes) -> dict[str, Any]:
        return {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": f"Bearer {self.token}",
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
        }

    def _start(self, status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        self.status, self.headers = status, dict(headers)
        return lambda _: None


@pytest.fixture
def server(transactional_db: None) -> Index:
    acme = factories.organization("acme")
    factories.grant("acme", acme)
    factories.member(acme, "alice")
    caller = Index()
    for user in ("alice", "mallory"):  # connected, prepared
        caller.post(CHECK, asks(user=user))
    caller.post(BATCH, {"questions": [asks(user="alice"), asks(user="mallory")]})
    recorder.backlog._items.clear()
    return caller


def asks(project: str = "acme-new", **publisher: Any) -> dict[str, Any]:
    return {"project": project, "publisher": publisher, "first_uploaded": None}


def sent(messages: list[str]) -> list[str]:
    """The kinds of the messages to the database."""
    return [message.split("\t")[2] for message in messages if message.startswith("F\t")]


ONE_PREPARED_STATEMENT = ["Bind", "Describe", "Execute", "Sync"]


class TestOverTheWire:
    @pytest.mark.parametrize("project", ["acme-new", "unheard-of"])
    @pytest.mark.parametrize("user", ["alice", "mallory"])
    def test_a_check_is_one_prepared_statement(self, server: Index, wire: Wire, project: str, user: str) -> None:
        assert sent(wire(lambda: server.post(CHECK, asks(project, user=user)))) == ONE_PREPARED_STATEMENT

    def test_a_batch_is_one_prepared_statement(self, server: Index, wire: Wire) -> None:
        questions = [asks(f"acme-{number}", user="alice") for number in range(100)]
        assert sent(wire(lambda: server.post(BATCH, {"questions": questions}))) == ONE_PREPARED_STATEMENT

    def test_a_refusal_is_recorded_without_another_statement(self, server: Index, wire: Wire) -> None:
        messages = wire(lambda: server.post(CHECK, asks(user="mallory")))
        assert sent(messages) == ONE_PREPARED_STATEMENT
        assert len(recorder.backlog._items) == 1

    def test_a_body_that_is_not_understood_is_one_statement_too(self, server: Index, wire: Wire) -> None:
        def post_nonsense() -> None:
            with pytest.raises(AssertionError, match="invalid-name"):
                server.post(CHECK, asks("-", user="alice"))

        fetch(tokens.digest(server.token), [])  # prepared
        assert sent(wire(post_nonsense)) == ONE_PREPARED_STATEMENT

    def test_no_transaction_is_opened(self, server: Index, wire: Wire) -> None:
        messages = wire(lambda: server.post(CHECK, asks(user="alice")))
        assert [message.split() for message in messages if "ReadyForQuery" in message] == [
            ["B", "5", "ReadyForQuery", "I"]  # idle, in no transaction
        ]
        assert connection.connection.info.transaction_status is TransactionStatus.IDLE

    def test_the_answer_says_its_length(self, server: Index) -> None:
        answer = server.post(CHECK, asks(user="alice"))
        assert int(server.headers["Content-Length"]) == len(json.dumps(answer))


class TestPreparedStatements:
    one: Prepared[tuple[Any, ...]] = Prepared("test_one", "SELECT 1", 0, tuple)

    def test_prepared_once_for_each_connection(self, transactional_db: None, wire: Wire) -> None:
        connection.ensure_connection()
        assert sent(wire(lambda: self.one.fetch([])))[0] == "Parse"
        assert sent(wire(lambda: self.one.fetch([]))) == ONE_PREPARED_STATEMENT
        connection.close()
        connection.ensure_connection()
        assert sent(wire(lambda: self.one.fetch([])))[0] == "Parse"

    def test_closed_connections_are_forgotten(self, transactional_db: None) -> None:
        self.one.fetch([])
        connection.close()
        self.one.fetch([])
        assert len([driver for driver in self.one._ready if driver.closed]) == 0

    @pytest.mark.parametrize("disturbance", ["SELECT pg_terminate_backend(%s)", "DEALLOCATE ALL"])
    def test_a_session_that_was_lost_is_opened_anew(self, transactional_db: None, disturbance: str) -> None:
        self.one.fetch([])
        if "terminate" in disturbance:
            _terminate(connection.connection.info.backend_pid)
        else:
            connection.connection.execute(disturbance)
        assert self.one.fetch([]) == [(1,)]

    def test_a_connection_lost_inside_a_transaction_is_an_error(self, transactional_db: None) -> None:
        self.one.fetch([])

        def lose_it() -> None:
            with transaction.atomic():
                connection.cursor().execute("SELECT 1")
                _terminate(connection.connection.info.backend_pid)
                self.one.fetch([])

        with pytest.raises(OperationalError):
            lose_it()
        assert self.one.fetch([]) == [(1,)]

    def test_errors_are_djangos(self, transactional_db: None) -> None:
        broken: Prepared[Any] = Prepared("test_broken", "SELECT 1 / $1::text::int", 1, tuple)
        with pytest.raises(DataError, match="division by zero"):
            broken.fetch([b"0"])


def _terminate(pid: int) -> None:
    database = connection.settings_dict
    parameters = {"host": database["HOST"], "port": database["PORT"], "user": database["USER"]}
    with psycopg.connect(
        dbname=database["NAME"], password=database["PASSWORD"], **{k: v for k, v in parameters.items() if v}
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


GRANTS, PROJECTS = 20_000, 40_000
SMALL_TABLES = {"namespaces_revision", "orgs_servicetoken"}
FILL = f"""
INSERT INTO orgs_organization (id, name, display_name, kind, state, standing, created_at)
SELECT i, 'org' || i, '', 'company', 'active', 'good', now() FROM generate_series(1, 5000) i;
INSERT INTO accounts_user (id, password, is_superuser, email, name, index_username, is_staff, is_active, date_joined)
SELECT i, '!', false, i || '@example.com', '', 'user' || i, false, true, now() FROM generate_series(1, 10000) i;
INSERT INTO orgs_membership (id, organization_id, user_id, role, created_at)
SELECT i, (i + 1) / 2, i, CASE i % 2 WHEN 1 THEN 'owner' ELSE 'member' END, now() FROM generate_series(1, 10000) i;
INSERT INTO orgs_team (id, organization_id, name) SELECT i, i, 'team' FROM generate_series(1, 5000) i;
INSERT INTO orgs_teammember (team_id, membership_id) SELECT i, 2 * i FROM generate_series(1, 5000) i;
INSERT INTO orgs_trustedpublisher (organization_id, issuer, claims)
SELECT i, 'https://ci.example', jsonb_build_object('repository_owner', 'org' || i) FROM generate_series(1, 5000) i;
INSERT INTO namespaces_grant (id, name, display_name, owner_id, state, created_at, state_changed_at, effective_at)
SELECT i, 'space' || i, '', i % 5000 + 1, 'active', now(), now(), now() FROM generate_series(1, {GRANTS}) i;
INSERT INTO namespaces_teamgrant (team_id, grant_id) SELECT i % 5000 + 1, i FROM generate_series(1, {GRANTS}) i;
INSERT INTO namespaces_share (grant_id, organization_id, created_at)
SELECT i, (i + 1) % 5000 + 1, now() FROM generate_series(1, {GRANTS}) i;
INSERT INTO namespaces_project (name, owner, first_uploaded)
SELECT 'space' || i || '-old', '', now() FROM generate_series(1, {PROJECTS}) i;
"""


@pytest.fixture
def big(transactional_db: None) -> Iterator[None]:
    """Tables that nobody would read from end to end. Their triggers are held off: a row of each would cost more."""
    tables = connection.introspection.table_names()
    switch = sql.SQL("ALTER TABLE {} {} TRIGGER USER")
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(switch.format(sql.Identifier(table), sql.SQL("DISABLE")))
        # Without dead rows of tests before, which keep a page from being all visible while somebody holds it.
        cursor.execute("TRUNCATE namespaces_grant, namespaces_project CASCADE")
        try:
            cursor.execute(FILL)
        finally:
            for table in tables:
                cursor.execute(switch.format(sql.Identifier(table), sql.SQL("ENABLE")))
        cursor.execute("VACUUM (ANALYZE)")
        yield
        connection.close()  # with what was prepared


Plan = dict[str, Any]


def explain(*questions: Question) -> Plan:
    """How the database carries out the statement, as it is prepared: without knowing the questions."""
    statement, parameters = prepare(tokens.digest(factories.token()), questions)
    driver: psycopg.Connection[Any] = connection.connection
    values = [sql.Literal(value.decode()) for value in parameters[:-1]]
    execute = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained ({}, {})").format(
        sql.SQL(", ").join(values), sql.Literal(parameters[-1])
    )
    driver.execute(b"PREPARE explained AS " + statement.text.encode())
    try:
        driver.execute(execute)  # the first one reads the catalogue
        row = driver.execute(execute).fetchone()
    finally:
        driver.execute("DEALLOCATE explained")
    assert row is not None
    return dict(row[0][0]["Plan"])


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def scans_of(plan: Plan, table: str) -> list[Plan]:
    return [node for node in nodes(plan) if node.get("Relation Name") == table]


def sequentially_read(plan: Plan) -> set[str]:
    return {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}


def pages(plan: Plan) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def question(project: str, **publisher: Any) -> Question:
    return Question(project, Publisher(**publisher), ask_mirror=True)


CLAIMS = {"iss": "https://ci.example", "repository_owner": "org8"}
OF_EVERY_SHAPE = {
    "unreserved": question("unheard-of-name-of-many-parts", user="user15"),
    "existing": question("space7-old", organization="org8"),
    "refused": question("space7-new-name-of-many-parts", user="user1"),
    "holder": question("space7-new", user="user15"),
    "team": question("space7-new", user="user16"),
    "claims": question("space7-new", claims=CLAIMS),
    "both": question("space7-new", user="user15", claims=CLAIMS),
}


@pytest.mark.slow
@pytest.mark.usefixtures("big")
class TestPlans:
    def test_every_plan_reads_indexes_and_few_pages(self) -> None:
        for kind, asked in OF_EVERY_SHAPE.items():
            plan = explain(asked)
            self.check_scans(plan)
            assert pages(plan) <= (15 if kind == "unreserved" else 60), (kind, pages(plan))

    def test_a_batch_reads_as_little_for_each_question(self) -> None:
        asked = [question(f"space{number}-new", user=f"user{number}", claims=CLAIMS) for number in range(1, 101)]
        plan = explain(*asked)
        self.check_scans(plan)
        assert pages(plan) <= 60 * len(asked)

    @staticmethod
    def check_scans(plan: Plan) -> None:
        assert sequentially_read(plan) <= SMALL_TABLES
        for table in ("namespaces_grant", "namespaces_project"):
            (scan,) = scans_of(plan, table)
            assert scan["Node Type"] == "Index Only Scan"
            assert scan["Heap Fetches"] == 0


def test_a_statement_leaves_out_what_is_not_asked() -> None:
    for shape, statement in STATEMENTS.items():
        assert ("orgs_membership" in statement.text) is shape.users
        assert ("orgs_trustedpublisher" in statement.text) is shape.claims
        assert ("unnest" in statement.text) is shape.many
    assert len(STATEMENTS) == 8
