from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("transcripts", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="transcript",
            index=models.Index(
                condition=models.Q(
                    ("indexed_line_count__lt", models.F("line_count")),
                    ("is_latest", True),
                ),
                fields=["workspace"],
                name="transcripts_waiting",
            ),
        ),
    ]
