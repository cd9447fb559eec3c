"""What the services of billing leave in the trail: the rows of all its parts, for ``test_audit``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.billing.buying import audit_rows as buying
from tests.billing.inbox import audit_rows as inbox
from tests.billing.ledger import audit_rows as ledger
from tests.billing.operator import audit_rows as operator
from tests.billing.quantities import audit_rows as quantities
from tests.billing.standing import audit_rows as standing
from tests.billing.sustainability import audit_rows as sustainability
from tests.billing.syncing import audit_rows as syncing

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]

ROWS: dict[str, Row] = (
    buying.ROWS | inbox.ROWS | ledger.ROWS | operator.ROWS | quantities.ROWS | standing.ROWS | sustainability.ROWS
)
ELSEWHERE: dict[str, str] = (
    {"make_demo_billing": "it is made of the other services"} | buying.ELSEWHERE | syncing.ELSEWHERE
)
