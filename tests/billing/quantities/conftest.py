"""What the tests of quantities share."""

from __future__ import annotations

import pytest

from tests.billing.quantities.asking import Shop


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(**{name: request.getfixturevalue(name) for name in Shop.__dataclass_fields__})
