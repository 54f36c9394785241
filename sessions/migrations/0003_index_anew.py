from django.db import migrations
from django.db.models import F
from django.utils import timezone


def index_anew(apps, schema_editor):
    """The passages of before are gone: every transcript goes back into the queue."""
    transcripts = apps.get_model("transcripts", "Transcript").objects
    indexed = transcripts.filter(indexed_line_count__gt=0)
    waiting = list(indexed.filter(is_latest=True).values_list("pk", flat=True))
    transcripts.filter(pk__in=waiting).update(
        origin_key=None,
        client="",
        title="",
        cwd="",
        git_branch="",
        model_names=[],
        turn_count=0,
        unknown_line_count=0,
        started_at=F("created_at"),
        ended_at=F("updated_at"),
    )
    indexed.update(indexed_line_count=0, indexed_message_count=0)
    job = apps.get_model("jobs", "Job")
    now = timezone.now()
    job.objects.bulk_create(
        [
            job(
                verb="transcripts.index",
                subject=str(pk),
                created_at=now,
                not_before=now,
            )
            for pk in waiting
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("transcripts", "0002_transcripts_waiting"),
        ("search", "0003_drop_rows"),
        ("jobs", "0001_initial"),
    ]

    operations = [migrations.RunPython(index_anew, migrations.RunPython.noop)]
