import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.core.exceptions import ImproperlyConfigured
from django.db import migrations, models, transaction
from django.db.utils import Error


def add_trigrams(apps, schema_editor):
    """pg_trgm finds substrings; search cannot do without it."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
        if cursor.fetchone() is None:
            raise ImproperlyConfigured(
                "This PostgreSQL server has no pg_trgm extension. Install the package "
                "that carries PostgreSQL's contrib modules (postgresql-contrib), then "
                "run migrate again."
            )
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")


def add_half_vectors(apps, schema_editor):
    """Where pgvector is to be had, vectors live in the database's own type."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")
        if cursor.fetchone() is None:
            return
        try:
            with transaction.atomic(using=schema_editor.connection.alias):
                cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
                cursor.execute("ALTER TABLE search_embedding ADD COLUMN half halfvec")
        except Error:
            # Not ours to create, or older than halfvec: vectors stay plain bytes.
            return


def drop_half_vectors(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE search_embedding DROP COLUMN IF EXISTS half")


# Deleting a passage takes its vector along, whoever deletes it.
FOLLOW = """
ALTER TABLE search_embedding ADD CONSTRAINT embedding_follows_passage
    FOREIGN KEY (passage_id) REFERENCES search_passage (id) ON DELETE CASCADE;
ALTER TABLE search_unembedded ADD CONSTRAINT unembedded_follows_passage
    FOREIGN KEY (passage_id) REFERENCES search_passage (id) ON DELETE CASCADE;
ALTER TABLE search_term SET (fillfactor = 70);
-- Ranking reads the vectors of many rows; a passage fits beside its vector.
ALTER TABLE search_passage SET (toast_tuple_target = 8160);
-- Large batches merge what they wrote themselves; small ones leave at most this much.
ALTER INDEX passages_by_word SET (gin_pending_list_limit = 256);
ALTER INDEX passages_by_trigram SET (gin_pending_list_limit = 256);
"""
UNFOLLOW = """
ALTER TABLE search_embedding DROP CONSTRAINT embedding_follows_passage;
ALTER TABLE search_unembedded DROP CONSTRAINT unembedded_follows_passage;
"""

# The statistics that ranking needs follow every insert and delete. One advisory lock is
# held until the transaction ends: two writers that share words can then not deadlock,
# however their statements follow each other.
COUNT = """
CREATE FUNCTION search_count_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('search_term', 0));
    INSERT INTO search_term (token, passage_count)
        SELECT lexeme, count(*)
        FROM added, unnest(tsvector_to_array(added.words)) AS lexeme
        GROUP BY lexeme ORDER BY lexeme COLLATE "C"
    ON CONFLICT (token) DO UPDATE
        SET passage_count = search_term.passage_count + excluded.passage_count;
    INSERT INTO search_corpus (workspace_id, kind, passage_count, word_count)
        SELECT workspace_id, kind, count(*), sum(word_count)
        FROM added GROUP BY workspace_id, kind ORDER BY workspace_id, kind
    ON CONFLICT (workspace_id, kind) DO UPDATE
        SET passage_count = search_corpus.passage_count + excluded.passage_count,
            word_count = search_corpus.word_count + excluded.word_count;
    INSERT INTO search_unembedded (passage_id, is_prose)
        SELECT id, role NOT IN ('tool_input', 'tool_output') FROM added;
    RETURN NULL;
END $$;

CREATE FUNCTION search_count_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('search_term', 0));
    WITH fewer AS (
        SELECT lexeme, count(*) AS passage_count
        FROM removed, unnest(tsvector_to_array(removed.words)) AS lexeme
        GROUP BY lexeme
    )
    UPDATE search_term SET passage_count = search_term.passage_count - fewer.passage_count
        FROM fewer WHERE search_term.token = fewer.lexeme;
    DELETE FROM search_term WHERE passage_count <= 0 AND token IN (
        SELECT lexeme FROM removed, unnest(tsvector_to_array(removed.words)) AS lexeme
    );
    WITH fewer AS (
        SELECT workspace_id, kind, count(*) AS passage_count, sum(word_count) AS word_count
        FROM removed GROUP BY workspace_id, kind
    )
    UPDATE search_corpus
        SET passage_count = search_corpus.passage_count - fewer.passage_count,
            word_count = search_corpus.word_count - fewer.word_count
        FROM fewer
        WHERE search_corpus.workspace_id = fewer.workspace_id
          AND search_corpus.kind = fewer.kind;
    RETURN NULL;
END $$;

CREATE TRIGGER search_passage_added AFTER INSERT ON search_passage
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION search_count_added();
CREATE TRIGGER search_passage_removed AFTER DELETE ON search_passage
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION search_count_removed();
"""
UNCOUNT = """
DROP TRIGGER search_passage_added ON search_passage;
DROP TRIGGER search_passage_removed ON search_passage;
DROP FUNCTION search_count_added();
DROP FUNCTION search_count_removed();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [("workspaces", "0001_initial")]

    operations = [
        migrations.RunPython(add_trigrams, migrations.RunPython.noop),
        migrations.CreateModel(
            name='Passage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=16)),
                ('source_id', models.BigIntegerField()),
                ('position', models.PositiveIntegerField(help_text='Of the message in its source.')),
                ('part', models.PositiveSmallIntegerField(default=0, help_text='Of a long message.')),
                ('first_line', models.PositiveBigIntegerField()),
                ('last_line', models.PositiveBigIntegerField()),
                ('lines_sha256', models.CharField(help_text='Of the cited raw lines.', max_length=64)),
                ('role', models.CharField(max_length=16)),
                ('speaker', models.CharField(blank=True, max_length=100)),
                ('channel', models.CharField(help_text='user, assistant, tool_output, web, sync, operator.', max_length=16)),
                ('at', models.DateTimeField(blank=True, null=True)),
                ('path', models.CharField(blank=True, help_text='Of a document.', max_length=512)),
                ('origin_key', models.BinaryField(blank=True, help_text="Equal for a fork's shared lines.", max_length=16, null=True)),
                ('text', models.TextField(help_text='Masked.')),
                ('words', django.contrib.postgres.search.SearchVectorField(help_text='Our own tokens, with positions.')),
                ('word_count', models.PositiveIntegerField()),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='workspaces.workspace')),
            ],
        ),
        migrations.CreateModel(
            name='Term',
            fields=[
                ('token', models.CharField(db_collation='C', max_length=64, primary_key=True, serialize=False)),
                ('passage_count', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Embedding',
            fields=[
                ('passage', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, serialize=False, to='search.passage')),
                ('embedder', models.CharField(help_text='Model name and revision.', max_length=64)),
                ('dimensions', models.PositiveSmallIntegerField()),
                ('vector', models.BinaryField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Finding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=16)),
                ('source_id', models.BigIntegerField()),
                ('line', models.PositiveBigIntegerField()),
                ('rule', models.CharField(max_length=100)),
                ('fingerprint', models.CharField(help_text='HMAC of the secret.', max_length=16)),
                ('found_at', models.DateTimeField()),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='workspaces.workspace')),
            ],
        ),
        migrations.CreateModel(
            name='Corpus',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=16)),
                ('passage_count', models.BigIntegerField()),
                ('word_count', models.BigIntegerField()),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='workspaces.workspace')),
            ],
            options={
                'verbose_name_plural': 'corpora',
                'constraints': [models.UniqueConstraint(fields=('workspace', 'kind'), name='one_corpus_a_workspace_and_kind')],
            },
        ),
        migrations.CreateModel(
            name='Unembedded',
            fields=[
                ('passage', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, serialize=False, to='search.passage')),
                ('is_prose', models.BooleanField(help_text='Prose is embedded before tool traffic.')),
            ],
            options={
                'verbose_name_plural': 'unembedded',
                'indexes': [models.Index(fields=['-is_prose', '-passage'], name='unembedded_in_order')],
            },
        ),
        migrations.AddIndex(
            model_name='passage',
            index=django.contrib.postgres.indexes.GinIndex(fields=['words'], name='passages_by_word'),
        ),
        migrations.AddIndex(
            model_name='passage',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass('text', name='gin_trgm_ops'), name='passages_by_trigram'),
        ),
        migrations.AddIndex(
            model_name='passage',
            index=models.Index(fields=['workspace', 'kind', 'id'], name='passages_by_workspace'),
        ),
        migrations.AddConstraint(
            model_name='passage',
            constraint=models.UniqueConstraint(fields=('kind', 'source_id', 'position', 'part'), name='one_passage_a_part'),
        ),
        migrations.AddConstraint(
            model_name='finding',
            constraint=models.UniqueConstraint(fields=('kind', 'source_id', 'line', 'rule', 'fingerprint'), name='one_finding_a_place'),
        ),
        migrations.RunSQL(FOLLOW, UNFOLLOW),
        migrations.RunPython(add_half_vectors, drop_half_vectors),
        migrations.RunSQL(COUNT, UNCOUNT),
    ]
