"""How standings came to be is added to and never changed, as the audit trail is."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION billing_standing_log_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' AND current_setting('freehold.allow_truncate', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'The log of standings is append-only.' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER standing_log_append_only BEFORE UPDATE OR DELETE ON billing_standingchange
  FOR EACH ROW EXECUTE FUNCTION billing_standing_log_append_only();
CREATE TRIGGER standing_log_no_truncate BEFORE TRUNCATE ON billing_standingchange
  FOR EACH STATEMENT EXECUTE FUNCTION billing_standing_log_append_only();
"""

BACKWARD = """
DROP TRIGGER standing_log_no_truncate ON billing_standingchange;
DROP TRIGGER standing_log_append_only ON billing_standingchange;
DROP FUNCTION billing_standing_log_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_the_mirror")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
