import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_ledger")]
    operations = [
        migrations.CreateModel(
            name="IndexCost",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(verbose_name="month")),
                ("category", models.CharField(max_length=60, verbose_name="category")),
                (
                    "means",
                    models.CharField(
                        choices=[("paid", "Paid with money"), ("in_kind", "Given in kind")],
                        max_length=10,
                        verbose_name="means",
                    ),
                ),
                ("giver", models.CharField(blank=True, max_length=100, verbose_name="given by")),
                ("amount", models.PositiveBigIntegerField(verbose_name="amount")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("entered_by", models.CharField(max_length=300, verbose_name="entered by")),
                (
                    "entered_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="entered"),
                ),
            ],
            options={
                "verbose_name": "cost of the index",
                "verbose_name_plural": "costs of the index",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("means__in", ["paid", "in_kind"])), name="cost_means_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("month__day", 1)), name="cost_of_a_month"),
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[a-z]{3}$")), name="cost_currency_small"
                    ),
                    models.UniqueConstraint(
                        fields=("month", "category", "means", "giver", "currency"), name="cost_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Openness",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_public", models.BooleanField(default=False, verbose_name="public")),
                ("currency", models.CharField(default="usd", max_length=3, verbose_name="currency")),
            ],
            options={
                "verbose_name": "openness",
                "verbose_name_plural": "openness",
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="openness_one")],
            },
        ),
    ]
