"""The ledger: entries are written once, whole and balanced, and never into a month that is closed."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION billing_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' AND current_setting('freehold.allow_truncate', true) = 'on' THEN RETURN NULL; END IF;
  RAISE EXCEPTION 'The ledger is append-only.' USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- Shared by who books and exclusive to who closes a month: what is booked is in it before, or is refused after.
CREATE FUNCTION billing_ledger_closing(exclusive boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF exclusive THEN PERFORM pg_advisory_xact_lock(75200753); ELSE PERFORM pg_advisory_xact_lock_shared(75200753); END IF;
END $$;

CREATE FUNCTION billing_ledgerentry_opened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM billing_ledger_closing(false);
  IF EXISTS (SELECT FROM billing_closedmonth WHERE month >= date_trunc('month', NEW.booked_on)) THEN
    RAISE EXCEPTION 'That month is closed.' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  NEW.written_in := pg_current_xact_id()::text::bigint;
  RETURN NEW;
END $$;
CREATE TRIGGER ledgerentry_opened BEFORE INSERT ON billing_ledgerentry
  FOR EACH ROW EXECUTE FUNCTION billing_ledgerentry_opened();

CREATE FUNCTION billing_closedmonth_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM billing_ledger_closing(true);
  IF EXISTS (SELECT FROM billing_closedmonth HAVING max(month) <> NEW.month - interval '1 month') THEN
    RAISE EXCEPTION 'Months are closed in order.' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER closedmonth_in_order BEFORE INSERT ON billing_closedmonth
  FOR EACH ROW EXECUTE FUNCTION billing_closedmonth_in_order();

CREATE FUNCTION billing_ledger_with_its_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT written_in FROM billing_ledgerentry WHERE id = NEW.entry_id)
     IS DISTINCT FROM pg_current_xact_id()::text::bigint THEN
    RAISE EXCEPTION 'An entry is written whole, and nothing is added to it.'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION billing_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  entry bigint;
BEGIN
  IF TG_TABLE_NAME = 'billing_ledgerentry' THEN entry := NEW.id; ELSE entry := NEW.entry_id; END IF;
  IF (SELECT count(*) FROM billing_ledgerline WHERE entry_id = entry) < 2 OR EXISTS (
       SELECT FROM billing_ledgerline WHERE entry_id = entry GROUP BY currency HAVING sum(amount) <> 0) THEN
    RAISE EXCEPTION 'The debits and the credits of an entry are not the same.'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledgerentry_balanced AFTER INSERT ON billing_ledgerentry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_ledger_balanced();
CREATE CONSTRAINT TRIGGER ledgerline_balanced AFTER INSERT ON billing_ledgerline
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_ledger_balanced();
"""

PARTS = ("ledgerline", "deferral", "taxrow")
TABLES = ("ledgerentry", *PARTS, "closedmonth")

FORWARD += "".join(
    f"""
CREATE TRIGGER {part}_with_its_entry BEFORE INSERT ON billing_{part}
  FOR EACH ROW EXECUTE FUNCTION billing_ledger_with_its_entry();
"""
    for part in PARTS
)
FORWARD += "".join(
    f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON billing_{table}
  FOR EACH ROW EXECUTE FUNCTION billing_ledger_append_only();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON billing_{table}
  FOR EACH STATEMENT EXECUTE FUNCTION billing_ledger_append_only();
"""
    for table in TABLES
)

BACKWARD = "".join(
    f"DROP TRIGGER {table}_append_only ON billing_{table}; DROP TRIGGER {table}_no_truncate ON billing_{table};\n"
    for table in TABLES
)
BACKWARD += "".join(f"DROP TRIGGER {part}_with_its_entry ON billing_{part};\n" for part in PARTS)
BACKWARD += """
DROP TRIGGER ledgerline_balanced ON billing_ledgerline;
DROP TRIGGER ledgerentry_balanced ON billing_ledgerentry;
DROP TRIGGER closedmonth_in_order ON billing_closedmonth;
DROP TRIGGER ledgerentry_opened ON billing_ledgerentry;
DROP FUNCTION billing_ledger_balanced();
DROP FUNCTION billing_ledger_with_its_entry();
DROP FUNCTION billing_closedmonth_in_order();
DROP FUNCTION billing_ledgerentry_opened();
DROP FUNCTION billing_ledger_closing(boolean);
DROP FUNCTION billing_ledger_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_standing_log"), ("orgs", "0013_publisher_since")]
    operations = [
        migrations.CreateModel(
            name='ClosedMonth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(unique=True, verbose_name='month')),
                ('closed_by', models.CharField(max_length=300, verbose_name='closed by')),
                ('closed_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='closed')),
            ],
            options={
                'verbose_name': 'closed month',
                'verbose_name_plural': 'closed months',
                'constraints': [models.CheckConstraint(condition=models.Q(('month__day', 1)), name='closedmonth_is_its_first_day')],
            },
        ),
        migrations.CreateModel(
            name='LedgerEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=200, unique=True, verbose_name='source')),
                ('kind', models.CharField(choices=[('invoice', 'Invoice'), ('void', 'Invoice declared void'), ('uncollectible', 'Invoice given up'), ('recovered', 'Paid after all'), ('credit_note', 'Credit note'), ('credit_note_void', 'Credit note declared void'), ('charge', 'Payment'), ('refund', 'Refund'), ('dispute', 'Dispute'), ('dispute_end', 'End of a dispute'), ('payout', 'Payout'), ('fee', 'Fees'), ('other', 'Other movement at Stripe'), ('wire', 'Wire'), ('by_hand', 'Marked as paid'), ('recognition', 'Revenue earned')], max_length=20, verbose_name='kind')),
                ('happened_at', models.DateTimeField(verbose_name='happened')),
                ('booked_on', models.DateField(verbose_name='booked')),
                ('party', models.CharField(blank=True, max_length=200, verbose_name='party')),
                ('subject', models.CharField(blank=True, max_length=100, verbose_name='invoice at Stripe')),
                ('reference', models.CharField(blank=True, max_length=200, verbose_name='object at Stripe')),
                ('document', models.CharField(blank=True, max_length=100, verbose_name='document')),
                ('narration', models.CharField(max_length=500, verbose_name='what')),
                ('country', models.CharField(blank=True, max_length=2, verbose_name='country')),
                ('tax_id', models.CharField(blank=True, max_length=130, verbose_name='tax id')),
                ('tax_id_status', models.CharField(blank=True, max_length=20, verbose_name='state of the tax id')),
                ('written_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='written')),
                ('written_in', models.BigIntegerField(default=0, editable=False, verbose_name='transaction')),
                ('organization', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='ledger_entries', to='orgs.organization')),
            ],
            options={
                'verbose_name': 'entry of the ledger',
                'verbose_name_plural': 'entries of the ledger',
            },
        ),
        migrations.CreateModel(
            name='Deferral',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(db_index=True, max_length=100, verbose_name='invoice at Stripe')),
                ('line', models.CharField(blank=True, max_length=100, verbose_name='line of the invoice')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('amount', models.BigIntegerField(verbose_name='amount')),
                ('start', models.DateField(verbose_name='from')),
                ('end', models.DateField(verbose_name='until before')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deferrals', to='billing.ledgerentry')),
            ],
            options={
                'verbose_name': 'deferral',
                'verbose_name_plural': 'deferrals',
            },
        ),
        migrations.CreateModel(
            name='LedgerLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account', models.CharField(choices=[('bank', 'Bank'), ('clearing', 'Stripe balance'), ('receivable', 'Accounts receivable'), ('disputed', 'Disputed payments'), ('by_hand', 'Payments marked by hand'), ('exchange', 'Currency exchange'), ('suspense', 'To be clarified'), ('customer_balance', 'Customers’ credit'), ('refunds', 'Refunds owed'), ('tax', 'Sales tax payable'), ('deferred', 'Deferred revenue'), ('revenue', 'Subscription revenue'), ('fees', 'Payment fees'), ('bad_debt', 'Bad debt'), ('dispute_losses', 'Lost disputes'), ('shortfalls', 'Bank charges on wires')], max_length=20, verbose_name='account')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('amount', models.BigIntegerField(verbose_name='amount')),
                ('jurisdiction', models.CharField(blank=True, max_length=20, verbose_name='jurisdiction')),
                ('deferral', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='billing.deferral')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='billing.ledgerentry')),
            ],
            options={
                'verbose_name': 'line of the ledger',
                'verbose_name_plural': 'lines of the ledger',
            },
        ),
        migrations.CreateModel(
            name='TaxRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('jurisdiction', models.CharField(blank=True, max_length=20, verbose_name='jurisdiction')),
                ('rate', models.CharField(blank=True, max_length=20, verbose_name='rate')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('taxable', models.BigIntegerField(verbose_name='taxed')),
                ('amount', models.BigIntegerField(verbose_name='tax')),
                ('reason', models.CharField(blank=True, max_length=60, verbose_name='reason')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='taxes', to='billing.ledgerentry')),
            ],
            options={
                'verbose_name': 'tax of an entry',
                'verbose_name_plural': 'taxes of entries',
            },
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(fields=['booked_on', 'id'], name='billing_led_booked__4041c4_idx'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('subject', ''), _negated=True), fields=['subject'], name='ledgerentry_subject'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('reference', ''), _negated=True), fields=['reference'], name='ledgerentry_reference'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['invoice', 'void', 'uncollectible', 'recovered', 'credit_note', 'credit_note_void', 'charge', 'refund', 'dispute', 'dispute_end', 'payout', 'fee', 'other', 'wire', 'by_hand', 'recognition'])), name='ledgerentry_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='deferral',
            constraint=models.CheckConstraint(condition=models.Q(('end__gt', models.F('start'))), name='deferral_lasts'),
        ),
        migrations.AddConstraint(
            model_name='deferral',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='deferral_has_an_amount'),
        ),
        migrations.AddIndex(
            model_name='ledgerline',
            index=models.Index(fields=['account', 'currency'], name='billing_led_account_00873d_idx'),
        ),
        migrations.AddConstraint(
            model_name='ledgerline',
            constraint=models.CheckConstraint(condition=models.Q(('account__in', ['bank', 'clearing', 'receivable', 'disputed', 'by_hand', 'exchange', 'suspense', 'customer_balance', 'refunds', 'tax', 'deferred', 'revenue', 'fees', 'bad_debt', 'dispute_losses', 'shortfalls'])), name='ledgerline_account_known'),
        ),
        migrations.AddConstraint(
            model_name='ledgerline',
            constraint=models.CheckConstraint(condition=models.Q(('currency__regex', '^[a-z]{3}$')), name='ledgerline_currency_small'),
        ),
        migrations.AddConstraint(
            model_name='ledgerline',
            constraint=models.UniqueConstraint(fields=('entry', 'account', 'currency', 'jurisdiction', 'deferral'), name='ledgerline_once', nulls_distinct=False),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
