"""Somebody's own invitations are found without looking at everybody's."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orgs", "0010_proof_checks")]
    operations = [
        migrations.AddIndex(
            model_name="invitation", index=models.Index(fields=["email"], name="invitation_by_email")
        ),
        migrations.AddIndex(
            model_name="invitation", index=models.Index(fields=["index_username"], name="invitation_by_username")
        ),
    ]
