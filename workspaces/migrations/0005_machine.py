from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("workspaces", "0004_workspace_erased_at"),
    ]

    operations = [
        migrations.CreateModel(
            name="Machine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="As its workspaces name it.", max_length=200, unique=True)),
                ("client_version", models.CharField(max_length=32)),
                ("found", models.PositiveIntegerField(help_text="Files, in its last full run.")),
                ("skipped", models.PositiveIntegerField(help_text="Left out on purpose.")),
                ("failed", models.PositiveIntegerField()),
                ("waiting", models.PositiveIntegerField(help_text="Not archived as they are now.")),
                ("oldest_waiting_at", models.DateTimeField(blank=True, help_text="When the oldest of these was written.", null=True)),
                ("reported_at", models.DateTimeField()),
            ],
        ),
    ]
