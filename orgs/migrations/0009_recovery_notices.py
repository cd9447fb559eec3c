"""How often everybody concerned was told of a recovery: nobody becomes owner soon after a notice, or without one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orgs", "0008_team_names")]
    operations = [
        migrations.AddField(
            model_name="recovery",
            name="notices",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="notices sent"),
        ),
        migrations.AddField(
            model_name="recovery",
            name="noticed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="last notice"),
        ),
    ]
