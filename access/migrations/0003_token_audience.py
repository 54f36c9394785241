from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("access", "0002_token_tool_profile"),
    ]

    operations = [
        migrations.AddField(
            model_name="token",
            name="audience",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The one address it was made for; empty: everything here.",
                max_length=300,
            ),
        ),
    ]
