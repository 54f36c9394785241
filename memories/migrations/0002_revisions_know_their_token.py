from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0001_initial"),
        ("erasures", "0001_initial"),
    ]

    operations = [
        # The table stays: the app `erasures` has taken it over.
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.DeleteModel(name="Erasure")]
        ),
        migrations.AddField(
            model_name="revision",
            name="token_id",
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
