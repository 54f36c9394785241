import django.db.models.deletion
import uuid
from django.db import migrations, models

# What is packed already is kept as it is, so that a part of it is read without the rest.
# Deleting a block takes its vectors along, whoever deletes it.
PACKED = """
ALTER TABLE search_indexsegment
    ALTER COLUMN columns SET STORAGE EXTERNAL, ALTER COLUMN terms SET STORAGE EXTERNAL,
    ALTER COLUMN postings SET STORAGE EXTERNAL,
    ALTER COLUMN vocabulary SET STORAGE EXTERNAL;
ALTER TABLE search_block ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE search_vectors
    ALTER COLUMN codes SET STORAGE EXTERNAL, ALTER COLUMN "values" SET STORAGE EXTERNAL;
ALTER TABLE search_vectors ADD CONSTRAINT vectors_follow_block
    FOREIGN KEY (block_id) REFERENCES search_block (id) ON DELETE CASCADE;
"""


class Migration(migrations.Migration):

    initial = True

    # A database of before goes through these; a fresh one needs no extension for them.
    replaces = [
        ('search', '0001_initial'),
        ('search', '0002_blocks_and_segments'),
        ('search', '0003_drop_rows'),
    ]

    dependencies = [('workspaces', '0001_initial')]

    operations = [
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
            name='IndexSegment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, help_text='Names what a process has cached.', unique=True)),
                ('passage_count', models.PositiveIntegerField()),
                ('columns', models.BinaryField()),
                ('terms', models.BinaryField()),
                ('postings', models.BinaryField()),
                ('vocabulary', models.BinaryField()),
                ('dead', models.BinaryField(default=b'', help_text='Passage ids, 8 bytes each.')),
                ('dead_count', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Block',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=16)),
                ('source_id', models.BigIntegerField()),
                ('first_position', models.PositiveIntegerField(help_text='Of a message in its source.')),
                ('last_position', models.PositiveIntegerField()),
                ('passage_count', models.PositiveSmallIntegerField()),
                ('prose_count', models.PositiveSmallIntegerField(help_text='Passages that may have vectors.')),
                ('body', models.BinaryField()),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='workspaces.workspace')),
                ('segment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='search.indexsegment')),
            ],
        ),
        migrations.CreateModel(
            name='Vectors',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('embedder', models.CharField(help_text='Model name and revision.', max_length=64)),
                ('dimensions', models.PositiveSmallIntegerField()),
                ('passages', models.BinaryField()),
                ('codes', models.BinaryField()),
                ('values', models.BinaryField()),
                ('block', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='search.block')),
            ],
            options={
                'verbose_name_plural': 'vectors',
            },
        ),
        migrations.AddIndex(
            model_name='block',
            index=models.Index(fields=['kind', 'source_id', 'last_position'], name='blocks_by_source'),
        ),
        migrations.AddConstraint(
            model_name='vectors',
            constraint=models.UniqueConstraint(fields=('block', 'embedder'), name='one_row_a_block_and_embedder'),
        ),
        migrations.AddConstraint(
            model_name='finding',
            constraint=models.UniqueConstraint(fields=('kind', 'source_id', 'line', 'rule', 'fingerprint'), name='one_finding_a_place'),
        ),
        migrations.RunSQL(PACKED, "ALTER TABLE search_vectors DROP CONSTRAINT vectors_follow_block"),
    ]
