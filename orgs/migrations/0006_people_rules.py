"""What must hold of names and people, whatever writes them: names are for ever, there is always an owner, seats are a
limit, and what belongs together is of one organization."""

from django.db import migrations

FORWARD = """
-- Names: each name an organization takes is written down, and what is written down is never given to another.
INSERT INTO orgs_organizationname (name, organization_id) SELECT name, id FROM orgs_organization;

CREATE FUNCTION orgs_organization_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO orgs_organizationname AS n (name, organization_id) VALUES (NEW.name, NEW.id)
    ON CONFLICT (name) DO UPDATE SET name = excluded.name WHERE n.organization_id = excluded.organization_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The name % belongs, or belonged, to another organization.', NEW.name
      USING ERRCODE = 'unique_violation', CONSTRAINT = 'organization_name_for_ever';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER organization_named AFTER INSERT OR UPDATE OF name ON orgs_organization
  FOR EACH ROW EXECUTE FUNCTION orgs_organization_named();

-- Owners: whoever takes an owner away holds the organization's row, so of two who take each other away one waits, and
-- then sees that there is no other.
CREATE FUNCTION orgs_owner_remains() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM orgs_organization WHERE id = OLD.organization_id AND state <> 'closed' FOR NO KEY UPDATE;
  IF FOUND AND NOT EXISTS (
       SELECT FROM orgs_membership WHERE organization_id = OLD.organization_id AND role = 'owner') THEN
    RAISE EXCEPTION 'An organization has at least one owner.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'organization_has_owner';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER owner_remains_after_delete AFTER DELETE ON orgs_membership
  FOR EACH ROW WHEN (OLD.role = 'owner') EXECUTE FUNCTION orgs_owner_remains();
CREATE TRIGGER owner_remains_after_update AFTER UPDATE OF role ON orgs_membership
  FOR EACH ROW WHEN (OLD.role = 'owner' AND NEW.role <> 'owner') EXECUTE FUNCTION orgs_owner_remains();

-- Seats: taken one after another, each under the organization's row.
CREATE FUNCTION orgs_seat_taken() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  allowed integer;
BEGIN
  SELECT seats INTO allowed FROM orgs_organization WHERE id = NEW.organization_id;
  IF allowed IS NULL THEN RETURN NULL; END IF;
  SELECT seats INTO allowed FROM orgs_organization WHERE id = NEW.organization_id FOR NO KEY UPDATE;
  IF allowed < (SELECT count(*) FROM orgs_membership WHERE organization_id = NEW.organization_id) THEN
    RAISE EXCEPTION 'All % seats are taken.', allowed
      USING ERRCODE = 'check_violation', CONSTRAINT = 'organization_seats';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER seat_taken AFTER INSERT ON orgs_membership
  FOR EACH ROW EXECUTE FUNCTION orgs_seat_taken();

-- What belongs to an organization stays with it, so what was of one organization when it was tied together still is.
CREATE FUNCTION orgs_organization_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'A row of % does not move to another organization.', TG_TABLE_NAME
    USING ERRCODE = 'check_violation', CONSTRAINT = 'organization_stays';
END $$;
CREATE TRIGGER membership_stays BEFORE UPDATE OF organization_id, user_id ON orgs_membership FOR EACH ROW
  WHEN ((OLD.organization_id, OLD.user_id) IS DISTINCT FROM (NEW.organization_id, NEW.user_id))
  EXECUTE FUNCTION orgs_organization_stays();
CREATE TRIGGER team_stays BEFORE UPDATE OF organization_id ON orgs_team FOR EACH ROW
  WHEN (OLD.organization_id IS DISTINCT FROM NEW.organization_id) EXECUTE FUNCTION orgs_organization_stays();

CREATE FUNCTION orgs_one_organization() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  fits boolean;
BEGIN
  CASE TG_TABLE_NAME
    WHEN 'orgs_teammember' THEN
      SELECT m.organization_id = t.organization_id INTO fits
        FROM orgs_membership m, orgs_team t WHERE m.id = NEW.membership_id AND t.id = NEW.team_id;
    WHEN 'orgs_invitation_teams' THEN
      SELECT i.organization_id = t.organization_id INTO fits
        FROM orgs_invitation i, orgs_team t WHERE i.id = NEW.invitation_id AND t.id = NEW.team_id;
    WHEN 'orgs_invitation' THEN
      SELECT m.organization_id = NEW.organization_id INTO fits FROM orgs_membership m WHERE m.id = NEW.invited_by_id;
    WHEN 'orgs_organizationtoken' THEN
      SELECT m.organization_id = NEW.organization_id INTO fits FROM orgs_membership m WHERE m.id = NEW.membership_id;
  END CASE;
  IF NOT fits THEN
    RAISE EXCEPTION 'A row of % ties together two organizations.', TG_TABLE_NAME
      USING ERRCODE = 'check_violation', CONSTRAINT = 'one_organization';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER teammember_one_organization AFTER INSERT OR UPDATE ON orgs_teammember
  FOR EACH ROW EXECUTE FUNCTION orgs_one_organization();
CREATE TRIGGER invitation_teams_one_organization AFTER INSERT OR UPDATE ON orgs_invitation_teams
  FOR EACH ROW EXECUTE FUNCTION orgs_one_organization();
CREATE TRIGGER invitation_one_organization AFTER INSERT OR UPDATE OF organization_id, invited_by_id ON orgs_invitation
  FOR EACH ROW EXECUTE FUNCTION orgs_one_organization();
CREATE TRIGGER organizationtoken_one_organization
  AFTER INSERT OR UPDATE OF organization_id, membership_id ON orgs_organizationtoken
  FOR EACH ROW EXECUTE FUNCTION orgs_one_organization();
"""

BACKWARD = """
DROP TRIGGER organizationtoken_one_organization ON orgs_organizationtoken;
DROP TRIGGER invitation_one_organization ON orgs_invitation;
DROP TRIGGER invitation_teams_one_organization ON orgs_invitation_teams;
DROP TRIGGER teammember_one_organization ON orgs_teammember;
DROP FUNCTION orgs_one_organization();
DROP TRIGGER team_stays ON orgs_team;
DROP TRIGGER membership_stays ON orgs_membership;
DROP FUNCTION orgs_organization_stays();
DROP TRIGGER seat_taken ON orgs_membership;
DROP FUNCTION orgs_seat_taken();
DROP TRIGGER owner_remains_after_update ON orgs_membership;
DROP TRIGGER owner_remains_after_delete ON orgs_membership;
DROP FUNCTION orgs_owner_remains();
DROP TRIGGER organization_named ON orgs_organization;
DROP FUNCTION orgs_organization_named();
"""


class Migration(migrations.Migration):
    dependencies = [("orgs", "0005_people_proofs_tokens")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
