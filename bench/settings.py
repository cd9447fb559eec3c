"""Freehold's settings with the benches' addresses."""

from freehold.settings import *  # noqa: F403 -- all of them, and some more

ROOT_URLCONF = "bench.urls"
