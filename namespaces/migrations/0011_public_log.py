"""The public log is written by a trigger alone, numbered in the order of the commits, and changed by nobody.

At commit and under the one lock that everything has that is numbered then: so a line becomes visible after all that
have smaller numbers, and who has read up to one has missed none before it.
"""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION namespaces_log(changed_grant namespaces_grant, what text, is_public boolean) RETURNS void
  LANGUAGE sql AS $$
  -- Who waits for a namespace stays private until it is enforced.
  INSERT INTO namespaces_logentry (at, namespace, change, organization)
  SELECT clock_timestamp(), changed_grant.name, what,
         coalesce((SELECT name FROM orgs_organization WHERE id = changed_grant.owner_id AND is_public), '')
$$;

CREATE FUNCTION namespaces_log_begun(made namespaces_grant) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF made.state = 'held' THEN PERFORM namespaces_log(made, 'held', false);
  ELSIF made.root_id IS NOT NULL THEN PERFORM namespaces_log(made, 'child', true);
  ELSIF made.state <> 'released' THEN PERFORM namespaces_log(made, 'granted', true);
  END IF;
END $$;

CREATE FUNCTION namespaces_log_ended(gone namespaces_grant) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF gone.state <> 'released' THEN PERFORM namespaces_log(gone, 'released', gone.state <> 'held'); END IF;
END $$;

CREATE FUNCTION namespaces_log_moved(before namespaces_grant, after namespaces_grant) RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  IF after.state = 'released' THEN
    PERFORM namespaces_log_ended(before);
  ELSIF before.state = 'released' THEN
    PERFORM namespaces_log_begun(after);
  ELSE
    PERFORM namespaces_log(after, CASE
      WHEN after.state <> 'active' THEN after.state
      WHEN before.state = 'held' THEN 'activated'
      WHEN before.state = 'locked' THEN 'unlocked'
      ELSE 'reinstated' END, after.state <> 'held');
  END IF;
END $$;

CREATE FUNCTION namespaces_grant_logged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM freehold_commit_lock();
  IF TG_OP = 'INSERT' THEN
    PERFORM namespaces_log_begun(NEW);
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM namespaces_log_ended(OLD);
  ELSIF NEW.name <> OLD.name THEN
    PERFORM namespaces_log_ended(OLD);
    PERFORM namespaces_log_begun(NEW);
  ELSE
    IF NEW.owner_id <> OLD.owner_id THEN PERFORM namespaces_log(NEW, 'transferred', NEW.state <> 'held'); END IF;
    IF NEW.state <> OLD.state THEN PERFORM namespaces_log_moved(OLD, NEW); END IF;
  END IF;
  RETURN NULL;
END $$;

-- What there is already, as far as it can still be told: how it began, and what it has come to.
INSERT INTO namespaces_logentry (at, namespace, change, organization)
SELECT past.at, past.name, past.change, past.organization FROM (
  SELECT g.id, 1 AS part, g.created_at AS at, g.name,
         CASE WHEN g.effective_at IS NULL THEN 'held' WHEN g.root_id IS NULL THEN 'granted' ELSE 'child' END AS change,
         CASE WHEN g.effective_at IS NULL THEN '' ELSE o.name END AS organization
    FROM namespaces_grant g JOIN orgs_organization o ON o.id = g.owner_id
  UNION ALL
  SELECT g.id, 2, g.state_changed_at, g.name, g.state, CASE WHEN g.effective_at IS NULL THEN '' ELSE o.name END
    FROM namespaces_grant g JOIN orgs_organization o ON o.id = g.owner_id
   WHERE g.state IN ('locked', 'quarantined', 'released')
) past ORDER BY past.at, past.part, past.id;

CREATE CONSTRAINT TRIGGER grant_logged AFTER INSERT OR DELETE ON namespaces_grant
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION namespaces_grant_logged();
CREATE CONSTRAINT TRIGGER grant_change_logged AFTER UPDATE ON namespaces_grant
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN ((OLD.name, OLD.owner_id, OLD.state) IS DISTINCT FROM (NEW.name, NEW.owner_id, NEW.state))
  EXECUTE FUNCTION namespaces_grant_logged();

CREATE FUNCTION namespaces_log_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' AND current_setting('freehold.allow_truncate', true) = 'on' THEN RETURN NULL; END IF;
  -- A line that a trigger writes is written one trigger deep.
  IF TG_OP = 'INSERT' AND pg_trigger_depth() > 1 THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'The log of grants is append-only, and written by the database alone.'
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER logentry_append_only BEFORE INSERT OR UPDATE OR DELETE ON namespaces_logentry
  FOR EACH ROW EXECUTE FUNCTION namespaces_log_append_only();
CREATE TRIGGER logentry_no_truncate BEFORE TRUNCATE ON namespaces_logentry
  FOR EACH STATEMENT EXECUTE FUNCTION namespaces_log_append_only();
"""

BACKWARD = """
DROP TRIGGER logentry_no_truncate ON namespaces_logentry;
DROP TRIGGER logentry_append_only ON namespaces_logentry;
DROP TRIGGER grant_change_logged ON namespaces_grant;
DROP TRIGGER grant_logged ON namespaces_grant;
DROP FUNCTION namespaces_log_append_only();
DROP FUNCTION namespaces_grant_logged();
DROP FUNCTION namespaces_log_moved(namespaces_grant, namespaces_grant);
DROP FUNCTION namespaces_log_ended(namespaces_grant);
DROP FUNCTION namespaces_log_begun(namespaces_grant);
DROP FUNCTION namespaces_log(namespaces_grant, text, boolean);
TRUNCATE namespaces_logentry;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("namespaces", "0010_disputes"),
        ("orgs", "0002_audit_chain"),
    ]
    operations = [
        migrations.AddIndex(
            model_name="logentry",
            index=models.Index(fields=["change", "-id"], name="log_entry_of_change"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("appealed_at__isnull", False)), fields=["appealed_at"], name="case_appealed"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
