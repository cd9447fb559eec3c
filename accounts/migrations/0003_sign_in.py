"""The outbox, codes for the index, the table of the cache, and the trigger that keeps ``second_factor`` true."""

import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# A passkey or an authenticator app is a second factor; recovery codes alone are none.
SECOND_FACTOR = """
CREATE FUNCTION accounts_second_factor(who bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE accounts_user u SET second_factor = has.it
    FROM (SELECT EXISTS (SELECT FROM mfa_authenticator a WHERE a.user_id = who AND a.type IN ('totp', 'webauthn')) AS it) has
    WHERE u.id = who AND u.second_factor IS DISTINCT FROM has.it;
$$;

CREATE FUNCTION accounts_authenticator_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (OLD.user_id, OLD.type) = (NEW.user_id, NEW.type) THEN
    RETURN NULL;  -- Django writes all columns when one is used
  END IF;
  -- One at a time for each user, or two removals beside each other would each see the other's row.
  IF TG_OP <> 'INSERT' THEN
    PERFORM FROM accounts_user WHERE id = OLD.user_id FOR NO KEY UPDATE;
    PERFORM accounts_second_factor(OLD.user_id);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM FROM accounts_user WHERE id = NEW.user_id FOR NO KEY UPDATE;
    PERFORM accounts_second_factor(NEW.user_id);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER second_factor AFTER INSERT OR DELETE OR UPDATE OF user_id, type ON mfa_authenticator
  FOR EACH ROW EXECUTE FUNCTION accounts_authenticator_changed();
"""
NO_SECOND_FACTOR = """
DROP TRIGGER second_factor ON mfa_authenticator;
DROP FUNCTION accounts_authenticator_changed();
DROP FUNCTION accounts_second_factor(bigint);
"""

# As Django's createcachetable makes it. It stands here so that migrating is all that a deployment does.
CACHE = """
CREATE TABLE IF NOT EXISTS freehold_cache (
  cache_key varchar(255) NOT NULL PRIMARY KEY,
  value text NOT NULL,
  expires timestamp with time zone NOT NULL
);
CREATE INDEX IF NOT EXISTS freehold_cache_expires ON freehold_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_second_factor"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]
    operations = [
        migrations.CreateModel(
            name="IndexCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(editable=False, max_length=32, unique=True, verbose_name="digest")),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                ("user", models.OneToOneField(on_delete=models.deletion.CASCADE, related_name="index_code", to=settings.AUTH_USER_MODEL)),
            ],
            options={"verbose_name": "index code", "verbose_name_plural": "index codes"},
        ),
        migrations.CreateModel(
            name="Mail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(blank=True, max_length=200, null=True, unique=True, verbose_name="key")),
                ("to", models.EmailField(max_length=254, verbose_name="to")),
                ("sender", models.CharField(max_length=400, verbose_name="from")),
                ("subject", models.CharField(max_length=500, verbose_name="subject")),
                ("text", models.TextField(verbose_name="text")),
                ("html", models.TextField(blank=True, verbose_name="HTML")),
                ("headers", models.JSONField(default=dict, verbose_name="headers")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="queued")),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="next attempt")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent")),
                ("failed_at", models.DateTimeField(blank=True, null=True, verbose_name="given up")),
                ("error", models.CharField(blank=True, max_length=500, verbose_name="last error")),
            ],
            options={
                "verbose_name": "mail",
                "verbose_name_plural": "mails",
                "indexes": [
                    models.Index(condition=models.Q(("failed_at__isnull", True), ("sent_at__isnull", True)), fields=["due_at"], name="mail_due"),
                    models.Index(fields=["created_at"], name="mail_by_age"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("sent_at__isnull", True), ("failed_at__isnull", True), _connector="OR"), name="mail_sent_or_given_up"),
                ],
            },
        ),
        migrations.RunSQL(SECOND_FACTOR, NO_SECOND_FACTOR),
        migrations.RunSQL(CACHE, "DROP TABLE freehold_cache"),
    ]
