"""Checkpoints over batches of events, and the list of events that wait for one."""

import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models
from django.db.models import F, Func, Q, Value

# pg_restore of data alone brings the list as well, hence the conflict.
QUEUE = """
CREATE FUNCTION audit_event_wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_waiting (event_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_event_waits AFTER INSERT ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_wait();
INSERT INTO audit_waiting (event_id) SELECT id FROM audit_event;
"""
NO_QUEUE = """
DROP TRIGGER audit_event_waits ON audit_event;
DROP FUNCTION audit_event_wait();
"""

REFUSE = """
CREATE OR REPLACE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_checkpoint_no_change BEFORE UPDATE OR DELETE ON audit_checkpoint
    FOR EACH ROW EXECUTE FUNCTION audit_event_refuse();
CREATE TRIGGER audit_checkpoint_no_truncate BEFORE TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse();
"""
ALLOW = """
DROP TRIGGER audit_checkpoint_no_truncate ON audit_checkpoint;
DROP TRIGGER audit_checkpoint_no_change ON audit_checkpoint;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_events_of_a_token")]

    operations = [
        migrations.AddField(
            model_name="event",
            name="through",
            field=models.CharField(blank=True, db_default="", help_text="Tool, route or command.", max_length=128),
        ),
        migrations.AlterField(
            model_name="event",
            name="workspace_slug",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["workspace_slug", "-id"], name="events_of_a_workspace"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["action", "-id"], name="events_of_an_action"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(condition=~Q(outcome="done"), fields=["-id"], name="events_not_done"),
        ),
        migrations.CreateModel(
            name="Waiting",
            fields=[
                ("event", models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, serialize=False, to="audit.event")),
            ],
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("sequence", models.BigIntegerField(primary_key=True, serialize=False)),
                ("version", models.PositiveSmallIntegerField(help_text="Of the canonical form.")),
                ("sealed_at", models.DateTimeField(db_index=True)),
                ("first_event", models.BigIntegerField()),
                ("last_event", models.BigIntegerField()),
                ("count", models.PositiveIntegerField()),
                ("event_ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("root", models.BinaryField(max_length=32)),
                ("previous", models.BinaryField(max_length=32)),
                ("digest", models.BinaryField(max_length=32)),
                ("key_id", models.CharField(max_length=16)),
                ("signature", models.BinaryField(max_length=64)),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GistIndex(
                        Func(F("first_event"), F("last_event"), Value("[]"), function="int8range", output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField()),
                        name="events_of_a_checkpoint",
                    )
                ],
            },
        ),
        migrations.RunSQL(sql=QUEUE, reverse_sql=NO_QUEUE),
        migrations.RunSQL(sql=REFUSE, reverse_sql=ALLOW),
    ]
