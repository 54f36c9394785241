"""Arrows point down: imports, foreign keys, and no module that is named for nothing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACT = PROJECT["tool"]["importlinter"]
LAYERS = [
    [name.strip(" ()") for name in row.split("|")]
    for row in CONTRACT["contracts"][0]["layers"]
]
DEPTH = {package: depth for depth, row in enumerate(LAYERS) for package in row}
PACKAGES = CONTRACT["root_packages"]
LABELS = {"sessions": "transcripts"}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "services", "core", "misc"}

OUR_APPS = [app for app in apps.get_app_configs() if app.name.split(".")[0] in DEPTH]


def test_import_linter_keeps_every_contract():
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]

    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_has_a_layer():
    assert set(PACKAGES) <= set(DEPTH)
    on_disk = {
        path.parent.name
        for path in ROOT.glob("*/__init__.py")
        if path.parent.name not in {"tests", "benchmarks", "evaluation"}
    }
    assert on_disk <= set(PACKAGES)


def test_foreign_keys_point_down_or_stay_at_home():
    upward = []
    for app in OUR_APPS:
        for model in app.get_models():
            for field in model._meta.get_fields():
                if (
                    field.auto_created
                    or not field.is_relation
                    or not field.remote_field
                ):
                    continue
                target = field.related_model._meta.app_config.name
                source = app.name
                if target != source and DEPTH.get(target, -1) <= DEPTH[source]:
                    upward.append(f"{model._meta.label}.{field.name} -> {target}")
    assert upward == []


@pytest.mark.parametrize("app", OUR_APPS, ids=lambda app: app.name)
def test_an_app_is_labelled_for_its_package(app):
    assert app.label == LABELS.get(app.name, app.name)


def test_every_package_with_models_is_an_installed_app():
    with_models = {path.parent.name for path in ROOT.glob("*/models.py")}
    assert with_models <= {app.name for app in OUR_APPS}


def test_modules_are_named_for_what_they_do():
    nameless = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.stem in NAMELESS and (path.is_dir() or path.suffix == ".py")
    ]
    assert nameless == []


def test_primary_keys_hold_more_than_two_billion_rows():
    for app in OUR_APPS:
        for model in app.get_models():
            if model._meta.pk.auto_created:
                assert model._meta.pk.get_internal_type() == "BigAutoField", model
