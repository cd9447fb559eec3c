from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0006_tax_of_quotes"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="paid_plan",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=models.deletion.PROTECT, related_name="+", to="billing.plan"
            ),
        ),
    ]
