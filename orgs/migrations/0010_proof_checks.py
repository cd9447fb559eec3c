"""What the looks at a proof leave behind, the mailbox that a code went to, and since when a sponsor vouches."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orgs", "0009_recovery_notices")]
    operations = [
        migrations.AddField(
            model_name="proof",
            name="challenged_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, verbose_name="to be published since"
            ),
        ),
        migrations.AddField(
            model_name="proof",
            name="mailbox",
            field=models.CharField(blank=True, default="", max_length=254, verbose_name="mailbox"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="proof",
            name="missed_on",
            field=models.DateField(blank=True, null=True, verbose_name="last missing"),
        ),
        migrations.AddField(
            model_name="proof",
            name="missing_days",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="days it was missing"),
        ),
        migrations.AddField(
            model_name="proof",
            name="tried_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last check begun"),
        ),
        migrations.AddField(
            model_name="proof",
            name="vouched_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="vouched for"),
        ),
    ]
