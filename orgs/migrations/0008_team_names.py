"""The names of an organization's teams differ by more than their case."""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orgs", "0007_tokens_made_by_tokens")]
    operations = [
        migrations.RemoveConstraint(model_name="team", name="team_name_unique"),
        migrations.AddConstraint(
            model_name="team",
            constraint=models.UniqueConstraint(
                models.F("organization"), django.db.models.functions.text.Lower("name"), name="team_name_unique"
            ),
        ),
    ]
