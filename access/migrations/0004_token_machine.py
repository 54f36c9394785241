from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("access", "0003_token_audience"),
    ]

    operations = [
        migrations.AddField(
            model_name="token",
            name="machine",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The computer it was made for; empty: any.",
                max_length=200,
            ),
        ),
    ]
