import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_paid_plan"),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="compared_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="last compared"),
        ),
    ]
