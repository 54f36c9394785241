"""Copies of everything that is kept, each whole by itself (ADR 19).

    DIR/2026-11-21T18-15-00Z/
        manifest.json          written last: without it, this is no backup
        files.jsonl            one line for each file below: path, size, digests
        database.dump          pg_dump's custom format
        blobs/ab/<digest>.gz   hard links to the backup before, where that has them
        audit/ tombstones/ secrets/    as they lie in MEMORY_ROOT

With recipients, all but the first two are age files, their names ending in `.age`.
"""
