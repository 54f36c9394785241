from django.db import migrations
from django.utils import timezone


def index_anew(apps, schema_editor):
    """The passages of before are gone: every document goes back into the queue."""
    documents = apps.get_model("knowledge", "Document").objects
    waiting = list(documents.filter(indexed_version__gt=0).values_list("pk", flat=True))
    documents.filter(pk__in=waiting).update(indexed_version=0)
    job = apps.get_model("jobs", "Job")
    now = timezone.now()
    job.objects.bulk_create(
        [
            job(
                verb="knowledge.index", subject=str(pk), created_at=now, not_before=now
            )
            for pk in waiting
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0002_documents_waiting"),
        ("search", "0003_drop_rows"),
        ("jobs", "0001_initial"),
    ]

    operations = [migrations.RunPython(index_anew, migrations.RunPython.noop)]
