"""A storm of one's own: ``python -m tests.billing.storm --seed 7 --operations 20000``. It prints its figures."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.billing.storm", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=5_000)
    given = parser.parse_args()
    os.environ["FREEHOLD_STORM"] = f"{given.seed}:{given.operations}"
    return pytest.main(["-q", "-s", "--reuse-db", str(Path(__file__).with_name("test_storm.py"))])


if __name__ == "__main__":
    sys.exit(main())
