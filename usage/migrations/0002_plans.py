from decimal import Decimal

from django.db import migrations

_GB = 10**9

# name, title, price, days, share of a day, members, writes, reads, embed tokens,
# generated tokens, storage, retention days, extractions a day, characters, a minute
_PLANS = [
    ("launch", "Launch", 399, 7, 15, 1, 250, 1_000, 100_000, 150_000, _GB // 2, 30, 0, 12_000, 120),
    ("build", "Build", 999, 30, 15, 1, 1_200, 4_000, 600_000, 1_000_000, 2 * _GB, 90, 100, 15_000, 120),
    ("deploy", "Deploy", 2_999, 30, 15, 10, 5_000, 15_000, 3_000_000, 5_000_000, 10 * _GB, 180, 500, 20_000, 120),
    ("scale", "Scale", 8_999, 30, 15, 10, 20_000, 60_000, 12_000_000, 20_000_000, 50 * _GB, 365, 2_000, 25_000, 300),
    ("scale_plus", "Scale plus", None, 30, 20, 25, 100_000, 200_000, 200_000_000, 200_000_000, 250 * _GB, 365, 5_000, 50_000, 300),
]


def make_plans(apps, schema_editor):
    plans = apps.get_model("usage", "Plan").objects
    plans.get_or_create(name="self_hosted", defaults={"title": "Self-hosted"})
    for (
        name, title, price, days, share, members, writes, reads, embed_tokens,
        gen_tokens, storage_bytes, retention_days, extraction_calls, max_text_chars,
        requests_per_minute,
    ) in _PLANS:
        plans.get_or_create(
            name=name,
            defaults={
                "title": title,
                "price_inr": None if price is None else Decimal(price),
                "period_days": days,
                "daily_share_percent": share,
                "members": members,
                "writes": writes,
                "reads": reads,
                "embed_tokens": embed_tokens,
                "gen_tokens": gen_tokens,
                "storage_bytes": storage_bytes,
                "retention_days": retention_days,
                "extraction_calls": extraction_calls,
                "max_text_chars": max_text_chars,
                "requests_per_minute": requests_per_minute,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]

    operations = [migrations.RunPython(make_plans, migrations.RunPython.noop)]
