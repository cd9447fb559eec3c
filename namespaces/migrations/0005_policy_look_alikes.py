"""What look-alikes are found by: folded names and their thirds (``namespaces.policy.lookalikes``), and what is popular.

Without a lock that anybody waits for: the indexes are made beside the traffic, and the view is filled at once.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION namespaces_flat(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN translate(replace(name, '-', ''), '01i5', 'olls');

CREATE FUNCTION namespaces_fold(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN replace(replace(translate(replace(name, '-', ''), '01i5', 'olls'), 'rn', 'm'), 'vv', 'w');

CREATE FUNCTION namespaces_pieces(flat text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN ARRAY[
    length(flat) || ':0:' || left(flat, length(flat) / 3),
    length(flat) || ':1:' || substr(flat, length(flat) / 3 + 1, length(flat) * 2 / 3 - length(flat) / 3),
    length(flat) || ':2:' || substr(flat, length(flat) * 2 / 3 + 1)
  ];
"""
NO_FUNCTIONS = "DROP FUNCTION namespaces_pieces(text), namespaces_flat(text), namespaces_fold(text)"

# Prefixes of one to three parts under which there are ten projects, and those of any number that are downloaded often.
POPULAR = """
CREATE MATERIALIZED VIEW namespaces_popular AS
WITH recent AS (
  SELECT project, sum(downloads)::bigint AS downloads
    FROM namespaces_usage WHERE day >= current_date - 30 GROUP BY project
), parts AS (
  SELECT name, string_to_array(name, '-') AS parts FROM namespaces_project
), prefixes AS (
  SELECT name, parts[1] AS prefix FROM parts
  UNION ALL SELECT name, parts[1] || '-' || parts[2] FROM parts WHERE cardinality(parts) >= 2
  UNION ALL SELECT name, parts[1] || '-' || parts[2] || '-' || parts[3] FROM parts WHERE cardinality(parts) >= 3
  UNION ALL SELECT name, name FROM parts WHERE cardinality(parts) > 3
), counted AS (
  SELECT p.prefix COLLATE "C" AS prefix, count(*) AS projects, sum(r.downloads)::bigint AS downloads
    FROM prefixes p LEFT JOIN recent r ON r.project = p.name
   GROUP BY 1
)
SELECT prefix AS name, namespaces_flat(prefix) AS flat, namespaces_fold(prefix) AS fold, projects, downloads
  FROM counted WHERE projects >= 10 OR downloads >= 100000
"""
POPULAR_INDEXES = """
CREATE UNIQUE INDEX namespaces_popular_name ON namespaces_popular (name);
CREATE INDEX namespaces_popular_fold ON namespaces_popular (fold);
CREATE INDEX namespaces_popular_pieces ON namespaces_popular USING gin (namespaces_pieces(flat))
"""
HOLDING = "('held', 'active', 'locked', 'quarantined')"
FOLD_INDEX = f"""
CREATE INDEX CONCURRENTLY grant_by_fold ON namespaces_grant (namespaces_fold(name)) WHERE state IN {HOLDING}
"""
PIECES_INDEX = f"""
CREATE INDEX CONCURRENTLY grant_by_pieces ON namespaces_grant
 USING gin (namespaces_pieces(namespaces_flat(name))) WHERE state IN {HOLDING}
"""


class Migration(migrations.Migration):
    atomic = False  # indexes can't be made beside the traffic inside a transaction
    dependencies = [("namespaces", "0004_second_factor")]
    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.RunSQL(POPULAR, "DROP MATERIALIZED VIEW namespaces_popular"),
        migrations.RunSQL(POPULAR_INDEXES, migrations.RunSQL.noop),
        migrations.RunSQL(FOLD_INDEX, "DROP INDEX grant_by_fold"),
        migrations.RunSQL(PIECES_INDEX, "DROP INDEX grant_by_pieces"),
    ]
