import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    """Take over the receipts of erased memories, rows and all, for every kind."""

    initial = True

    dependencies = [("memories", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Erasure",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        (
                            "receipt_id",
                            models.UUIDField(
                                default=uuid.uuid4, editable=False, unique=True
                            ),
                        ),
                        ("workspace_slug", models.CharField(max_length=128)),
                        ("target", models.CharField(max_length=64)),
                        ("erased_at", models.DateTimeField()),
                        ("erased_by", models.CharField(max_length=200)),
                        (
                            "counts",
                            models.JSONField(help_text="How many of what went."),
                        ),
                        (
                            "purged_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="When the last index segment that had its words was rewritten.",
                                null=True,
                            ),
                        ),
                    ],
                    options={"db_table": "memories_erasure"},
                )
            ]
        ),
        migrations.AlterField(
            model_name="erasure",
            name="workspace_slug",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AlterField(
            model_name="erasure",
            name="target",
            field=models.CharField(
                help_text="Its id, path or fingerprint; never its text.",
                max_length=600,
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="kind",
            field=models.CharField(
                choices=[
                    ("memory", "Memory"),
                    ("document", "Document"),
                    ("overview", "Overview"),
                    ("transcript", "Transcript"),
                    ("workspace", "Workspace"),
                    ("token", "Token"),
                    ("secret", "Secret"),
                ],
                db_default="memory",
                default="memory",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="parts",
                to="erasures.erasure",
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="since",
            field=models.DateTimeField(
                blank=True,
                help_text="Of a token: only what it wrote from then on.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="is_partial",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="What others wrote of it stands.",
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="facts",
            field=models.JSONField(
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="Ids and digests that the work needs.",
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="carried_out_at",
            field=models.DateTimeField(
                blank=True,
                db_default=django.db.models.functions.datetime.Now(),
                help_text="When rows, passages and bytes were gone.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="lifted_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Since when it may be sent here again.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="lifted_by",
            field=models.CharField(blank=True, db_default="", max_length=200),
        ),
        migrations.RunSQL(
            "UPDATE memories_erasure SET carried_out_at = erased_at",
            migrations.RunSQL.noop,
        ),
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(
                fields=["workspace_slug", "kind", "target"], name="erasures_by_target"
            ),
        ),
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(
                condition=models.Q(("purged_at", None)),
                fields=["id"],
                name="erasures_unpurged",
            ),
        ),
        migrations.CreateModel(
            name="ErasedBlob",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("sha256", models.CharField(db_index=True, max_length=64)),
                (
                    "size_bytes",
                    models.PositiveBigIntegerField(help_text="Before compression."),
                ),
                (
                    "replaced_by",
                    models.CharField(
                        blank=True,
                        help_text="The same bytes without the secret.",
                        max_length=64,
                    ),
                ),
                (
                    "is_kept",
                    models.BooleanField(
                        default=False,
                        help_text="Something that was not erased has the same bytes.",
                    ),
                ),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "erasure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blobs",
                        to="erasures.erasure",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("erasure", "sha256"), name="one_erased_blob_each"
                    )
                ],
            },
        ),
    ]
