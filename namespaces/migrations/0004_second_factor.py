"""Who lacks a second factor does not publish for an organization that requires one: what changes that is in the feed."""

from django.db import migrations

FORWARD = """
DROP TRIGGER user_changed ON accounts_user;
CREATE TRIGGER user_changed AFTER UPDATE OF index_username, is_active, second_factor ON accounts_user
  FOR EACH ROW
  WHEN ((OLD.index_username, OLD.is_active, OLD.second_factor)
        IS DISTINCT FROM (NEW.index_username, NEW.is_active, NEW.second_factor))
  EXECUTE FUNCTION namespaces_user_changed();

CREATE FUNCTION namespaces_second_factor_required() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM namespaces_note('organization', NEW.name);
  PERFORM namespaces_note_team(t.id) FROM orgs_team t WHERE t.organization_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER organization_second_factor AFTER UPDATE OF requires_second_factor ON orgs_organization
  FOR EACH ROW WHEN (OLD.requires_second_factor IS DISTINCT FROM NEW.requires_second_factor)
  EXECUTE FUNCTION namespaces_second_factor_required();
"""

BACKWARD = """
DROP TRIGGER organization_second_factor ON orgs_organization;
DROP FUNCTION namespaces_second_factor_required();
DROP TRIGGER user_changed ON accounts_user;
CREATE TRIGGER user_changed AFTER UPDATE OF index_username, is_active ON accounts_user
  FOR EACH ROW
  WHEN ((OLD.index_username, OLD.is_active) IS DISTINCT FROM (NEW.index_username, NEW.is_active))
  EXECUTE FUNCTION namespaces_user_changed();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("namespaces", "0003_purges_and_usage"),
        ("orgs", "0005_people_proofs_tokens"),
        ("accounts", "0002_second_factor"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
