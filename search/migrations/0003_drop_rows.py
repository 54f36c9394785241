from django.db import migrations

# What index segments count themselves.
FORGET = """
DROP TABLE search_unembedded, search_embedding, search_passage, search_term, search_corpus
    CASCADE;
DROP FUNCTION search_count_added();
DROP FUNCTION search_count_removed();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0002_blocks_and_segments"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORGET)],
            state_operations=[
                migrations.DeleteModel(name="Unembedded"),
                migrations.DeleteModel(name="Embedding"),
                migrations.DeleteModel(name="Passage"),
                migrations.DeleteModel(name="Term"),
                migrations.DeleteModel(name="Corpus"),
            ],
        ),
    ]
