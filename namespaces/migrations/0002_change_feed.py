"""The feed: whatever can alter a decision leaves a row, and gets its revision as the transaction commits.

By triggers, so that nothing can alter a decision and not be in the feed: no service, no admin page, no SQL by hand.
"""

from django.db import migrations

FORWARD = """
-- Revisions are given out under a lock that is held until the transaction has committed: they become visible in their
-- order, and whoever has read up to one has missed none before it.
CREATE FUNCTION namespaces_change_number() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  number bigint;
BEGIN
  PERFORM freehold_commit_lock();
  INSERT INTO namespaces_revision AS r (id, value) VALUES (1, 1)
    ON CONFLICT (id) DO UPDATE SET value = r.value + 1 RETURNING value INTO number;
  UPDATE namespaces_change SET revision = number WHERE id = NEW.id;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER change_number AFTER INSERT ON namespaces_change
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION namespaces_change_number();

CREATE FUNCTION namespaces_note(changed_kind text, changed_name text) RETURNS void LANGUAGE sql AS
$$ INSERT INTO namespaces_change (kind, name) VALUES (changed_kind, changed_name) $$;

CREATE FUNCTION namespaces_note_grant(grant_id bigint) RETURNS void LANGUAGE sql AS
$$ INSERT INTO namespaces_change (kind, name) SELECT 'grant', name FROM namespaces_grant WHERE id = grant_id $$;

CREATE FUNCTION namespaces_note_organization(organization_id bigint) RETURNS void LANGUAGE sql AS
$$ INSERT INTO namespaces_change (kind, name) SELECT 'organization', name FROM orgs_organization
    WHERE id = organization_id $$;

CREATE FUNCTION namespaces_note_team(team bigint) RETURNS void LANGUAGE sql AS
$$ INSERT INTO namespaces_change (kind, name)
   SELECT 'grant', g.name FROM namespaces_teamgrant tg JOIN namespaces_grant g ON g.id = tg.grant_id
    WHERE tg.team_id = team $$;

CREATE FUNCTION namespaces_grant_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (OLD.name, OLD.display_name, OLD.owner_id, OLD.root_id, OLD.state, OLD.effective_at)
     IS NOT DISTINCT FROM (NEW.name, NEW.display_name, NEW.owner_id, NEW.root_id, NEW.state, NEW.effective_at) THEN
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' THEN PERFORM namespaces_note('grant', OLD.name); END IF;
  IF TG_OP = 'INSERT' OR NEW.name <> OLD.name THEN PERFORM namespaces_note('grant', NEW.name); END IF;
  -- An organization is in the snapshot while it holds something.
  IF TG_OP <> 'INSERT' THEN PERFORM namespaces_note_organization(OLD.owner_id); END IF;
  IF TG_OP = 'INSERT' OR NEW.owner_id <> OLD.owner_id THEN PERFORM namespaces_note_organization(NEW.owner_id); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER grant_changed AFTER INSERT OR UPDATE OR DELETE ON namespaces_grant
  FOR EACH ROW EXECUTE FUNCTION namespaces_grant_changed();

CREATE FUNCTION namespaces_share_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    PERFORM namespaces_note_grant(OLD.grant_id);
    PERFORM namespaces_note_organization(OLD.organization_id);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM namespaces_note_grant(NEW.grant_id);
    PERFORM namespaces_note_organization(NEW.organization_id);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER share_changed AFTER INSERT OR UPDATE OR DELETE ON namespaces_share
  FOR EACH ROW EXECUTE FUNCTION namespaces_share_changed();

CREATE FUNCTION namespaces_teamgrant_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM namespaces_note_grant(OLD.grant_id); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM namespaces_note_grant(NEW.grant_id); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER teamgrant_changed AFTER INSERT OR UPDATE OR DELETE ON namespaces_teamgrant
  FOR EACH ROW EXECUTE FUNCTION namespaces_teamgrant_changed();

CREATE FUNCTION namespaces_teammember_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM namespaces_note_team(OLD.team_id); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM namespaces_note_team(NEW.team_id); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER teammember_changed AFTER INSERT OR UPDATE OR DELETE ON orgs_teammember
  FOR EACH ROW EXECUTE FUNCTION namespaces_teammember_changed();

-- Memberships and trusted publishers alike: what belongs to an organization changes the organization.
CREATE FUNCTION namespaces_organizations_part_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM namespaces_note_organization(OLD.organization_id); END IF;
  IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.organization_id <> OLD.organization_id) THEN
    PERFORM namespaces_note_organization(NEW.organization_id);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER membership_changed AFTER INSERT OR UPDATE OR DELETE ON orgs_membership
  FOR EACH ROW EXECUTE FUNCTION namespaces_organizations_part_changed();
CREATE TRIGGER trustedpublisher_changed AFTER INSERT OR UPDATE OR DELETE ON orgs_trustedpublisher
  FOR EACH ROW EXECUTE FUNCTION namespaces_organizations_part_changed();

CREATE FUNCTION namespaces_organization_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM namespaces_note('organization', OLD.name);
  IF TG_OP = 'UPDATE' AND NEW.name <> OLD.name THEN
    PERFORM namespaces_note('organization', NEW.name);
    INSERT INTO namespaces_change (kind, name)
      SELECT 'grant', g.name FROM namespaces_grant g
       WHERE g.owner_id = NEW.id
          OR g.id IN (SELECT s.grant_id FROM namespaces_share s WHERE s.organization_id = NEW.id);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER organization_deleted AFTER DELETE ON orgs_organization
  FOR EACH ROW EXECUTE FUNCTION namespaces_organization_changed();
CREATE TRIGGER organization_changed AFTER UPDATE OF name, kind, state, standing ON orgs_organization
  FOR EACH ROW
  WHEN ((OLD.name, OLD.kind, OLD.state, OLD.standing) IS DISTINCT FROM (NEW.name, NEW.kind, NEW.state, NEW.standing))
  EXECUTE FUNCTION namespaces_organization_changed();

CREATE FUNCTION namespaces_user_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM namespaces_note_organization(m.organization_id) FROM orgs_membership m WHERE m.user_id = NEW.id;
  PERFORM namespaces_note_team(tm.team_id)
     FROM orgs_teammember tm JOIN orgs_membership m ON m.id = tm.membership_id WHERE m.user_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER user_changed AFTER UPDATE OF index_username, is_active ON accounts_user
  FOR EACH ROW
  WHEN ((OLD.index_username, OLD.is_active) IS DISTINCT FROM (NEW.index_username, NEW.is_active))
  EXECUTE FUNCTION namespaces_user_changed();

-- Projects come by the hundred thousand: one row for each statement that changes many.
CREATE FUNCTION namespaces_projects_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT count(*) FROM (SELECT FROM changed LIMIT 101) few) > 100 THEN
    PERFORM namespaces_note('projects', '');
  ELSE
    INSERT INTO namespaces_change (kind, name) SELECT 'project', name FROM changed ORDER BY name;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER projects_inserted AFTER INSERT ON namespaces_project REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION namespaces_projects_changed();
CREATE TRIGGER projects_updated AFTER UPDATE ON namespaces_project REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION namespaces_projects_changed();
CREATE TRIGGER projects_deleted AFTER DELETE ON namespaces_project REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION namespaces_projects_changed();
"""

BACKWARD = """
DROP TRIGGER projects_deleted ON namespaces_project;
DROP TRIGGER projects_updated ON namespaces_project;
DROP TRIGGER projects_inserted ON namespaces_project;
DROP TRIGGER user_changed ON accounts_user;
DROP TRIGGER organization_changed ON orgs_organization;
DROP TRIGGER organization_deleted ON orgs_organization;
DROP TRIGGER trustedpublisher_changed ON orgs_trustedpublisher;
DROP TRIGGER membership_changed ON orgs_membership;
DROP TRIGGER teammember_changed ON orgs_teammember;
DROP TRIGGER teamgrant_changed ON namespaces_teamgrant;
DROP TRIGGER share_changed ON namespaces_share;
DROP TRIGGER grant_changed ON namespaces_grant;
DROP TRIGGER change_number ON namespaces_change;
DROP FUNCTION namespaces_projects_changed();
DROP FUNCTION namespaces_user_changed();
DROP FUNCTION namespaces_organization_changed();
DROP FUNCTION namespaces_organizations_part_changed();
DROP FUNCTION namespaces_teammember_changed();
DROP FUNCTION namespaces_teamgrant_changed();
DROP FUNCTION namespaces_share_changed();
DROP FUNCTION namespaces_grant_changed();
DROP FUNCTION namespaces_note_team(bigint);
DROP FUNCTION namespaces_note_organization(bigint);
DROP FUNCTION namespaces_note_grant(bigint);
DROP FUNCTION namespaces_note(text, text);
DROP FUNCTION namespaces_change_number();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("namespaces", "0001_initial"),
        ("orgs", "0002_audit_chain"),
        ("accounts", "0001_initial"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
