"""The one error of this package."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot run; the message is a sentence for the person who started it."""
