"""Freehold's settings with the benches' addresses."""

from freehold.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
