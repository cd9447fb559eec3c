import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_costs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Wire",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.PositiveBigIntegerField(verbose_name="amount")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("reference", models.CharField(max_length=100, verbose_name="reference at the bank")),
                ("received_on", models.DateField(verbose_name="received")),
                ("settles", models.BooleanField(default=False, verbose_name="the invoice is paid by it")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="recorded"
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="wires", to="billing.invoice"
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "wire",
                "verbose_name_plural": "wires",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gte", 1)), name="wire_has_an_amount"),
                    models.UniqueConstraint(fields=("invoice", "reference"), name="wire_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("settles", True)), fields=("invoice",), name="wire_settles_once"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="wanted",
            name="due_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="takes effect"),
        ),
    ]
