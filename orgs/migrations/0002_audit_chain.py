"""The audit trail is append-only, and sealed into a chain of hashes as each transaction commits."""

from django.db import migrations

FORWARD = """
-- Taken by everything that is numbered at commit (audit positions, revisions), so that there is one lock and no cycle.
CREATE FUNCTION freehold_commit_lock() RETURNS void LANGUAGE sql AS
$$ SELECT pg_advisory_xact_lock(75200752) $$;

CREATE FUNCTION orgs_auditevent_hash(previous bytea, event orgs_auditevent) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(coalesce(previous, ''::bytea) || convert_to(jsonb_build_array(
    event.position, (extract(epoch FROM event.at) * 1000000)::bigint, event.actor, event.action, event.target,
    event.organization, event.before, event.after, event.origin)::text, 'UTF8'))
$$;

CREATE FUNCTION orgs_auditevent_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.position := NULL;
  NEW.hash := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER auditevent_unsealed BEFORE INSERT ON orgs_auditevent
  FOR EACH ROW EXECUTE FUNCTION orgs_auditevent_unsealed();

CREATE FUNCTION orgs_auditevent_seal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last orgs_auditevent;
  event orgs_auditevent;
BEGIN
  PERFORM freehold_commit_lock();
  SELECT * INTO last FROM orgs_auditevent WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1;
  SELECT * INTO event FROM orgs_auditevent WHERE id = NEW.id;
  event.position := coalesce(last.position, 0) + 1;
  UPDATE orgs_auditevent SET position = event.position, hash = orgs_auditevent_hash(last.hash, event)
   WHERE id = NEW.id;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER auditevent_seal AFTER INSERT ON orgs_auditevent
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION orgs_auditevent_seal();

CREATE FUNCTION orgs_auditevent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF OLD.hash IS NULL AND NEW.hash IS NOT NULL
       AND to_jsonb(OLD) - '{position,hash}'::text[] = to_jsonb(NEW) - '{position,hash}'::text[] THEN
      RETURN NEW;
    END IF;
  ELSIF TG_OP = 'TRUNCATE' AND current_setting('freehold.allow_truncate', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'The audit trail is append-only.' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER auditevent_append_only BEFORE UPDATE OR DELETE ON orgs_auditevent
  FOR EACH ROW EXECUTE FUNCTION orgs_auditevent_append_only();
CREATE TRIGGER auditevent_no_truncate BEFORE TRUNCATE ON orgs_auditevent
  FOR EACH STATEMENT EXECUTE FUNCTION orgs_auditevent_append_only();
"""

BACKWARD = """
DROP TRIGGER auditevent_no_truncate ON orgs_auditevent;
DROP TRIGGER auditevent_append_only ON orgs_auditevent;
DROP TRIGGER auditevent_seal ON orgs_auditevent;
DROP TRIGGER auditevent_unsealed ON orgs_auditevent;
DROP FUNCTION orgs_auditevent_append_only();
DROP FUNCTION orgs_auditevent_seal();
DROP FUNCTION orgs_auditevent_unsealed();
DROP FUNCTION orgs_auditevent_hash(bytea, orgs_auditevent);
DROP FUNCTION freehold_commit_lock();
"""


class Migration(migrations.Migration):
    dependencies = [("orgs", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
