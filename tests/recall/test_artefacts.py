from __future__ import annotations

import io
import json
import subprocess
import uuid
import zipfile
from contextlib import suppress
from datetime import timedelta

import orjson
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import NOW, OPERATOR, a_principal, a_workspace
from threads import at_once

from audit import signing
from audit.models import Event
from audit.trail import Actor
from erasures.models import Erasure
from memories import changing, erasing, linking, saving
from memories.models import Conflict, Link, Memory, Revision
from memories.owners import Owner
from recall import artefact_lines, artefacts, packages, recalling, restoring
from recall.packages import (
    ArtefactBroken,
    ArtefactChanged,
    ArtefactTooLarge,
    Bounds,
)
from refusals import InvalidArgument
from workspaces.models import Workspace

SOMEBODY = Actor(name="somebody else")


def save(workspace, text, *, at=NOW, **given):
    return saving.save(
        workspace=workspace,
        draft=saving.Draft(text=text, **given),
        channel="assistant",
        actor=OPERATOR,
        at=at,
    ).memory


def export(*workspaces, **given):
    return artefacts.export(
        workspaces=Workspace.objects.filter(pk__in=[each.pk for each in workspaces]),
        actor=OPERATOR,
        at=NOW,
        **given,
    )


def import_(workspace, artefact, **given):
    data = artefact if isinstance(artefact, bytes) else artefact.data
    return restoring.import_(
        workspace=workspace, data=data, actor=SOMEBODY, at=NOW, **given
    )


def files_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lines_of(data, name="memories.ndjson"):
    return [orjson.loads(line) for line in files_of(data)[name].splitlines()]


def rebuilt(data, change, *, manifest=None, sign=False):
    """The artefact with other lines and a manifest that fits them."""
    files = {
        name: raw for name, raw in files_of(data).items() if name in packages.FILES
    }
    rows = {
        name: [orjson.loads(line) for line in raw.splitlines()]
        for name, raw in files.items()
    }
    change(rows)
    about = {"workspace_id": None, "workspaces": [], "is_masked": False}
    made, _ = packages.pack(
        rows, {**about, **(manifest or {})}, is_signed=sign, bounds=packages.WIRE
    )
    return made


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files:
            archive.writestr(name, raw)
    return packed.getvalue()


@pytest.fixture
def filled(db):
    """A workspace with a memory of every condition."""
    workspace = a_workspace()
    old = save(workspace, "The API listens on port 8000.", memory_type="fact")
    new = save(
        workspace,
        "The API listens on port 9000 now.",
        memory_type="fact",
        replaces=str(old.memory_id),
        at=NOW + timedelta(seconds=1),
    )
    note = save(
        workspace,
        "Colours are decided by Maria. ☂",
        memory_type="note",
        metadata={"source": "chat", "n": 1, "x": 1.5, "ok": True, "none": None},
        owner=Owner("maria", "user"),
        subject="design",
        importance=7.5,
        confidence=0.9,
        is_pinned=True,
    )
    changing.revise(
        memory=note,
        text="Colours are decided by Maria and Jonas.",
        reason="asked",
        channel="assistant",
        actor=OPERATOR,
        at=NOW + timedelta(minutes=1),
    )
    shelved = save(workspace, "The old logo was green.")
    changing.archive(memory=shelved, actor=OPERATOR, at=NOW + timedelta(minutes=2))
    save(workspace, "Likes tabs in Makefiles only.", memory_type="preference")
    later = save(
        workspace,
        "From next month on the office is in Graz.",
        effective_at=NOW + timedelta(days=30),
        expires_at=NOW + timedelta(days=60),
        source_memory_id=str(new.memory_id),
    )
    linking.link(memory=new, other=note, link_type="related_to", actor=OPERATOR, at=NOW)
    Conflict.objects.create(workspace=workspace, older=note, newer=later, found_at=NOW)
    return workspace


_KEPT: list[bytes] = []


@pytest.fixture
def sound(request, db):
    """The bytes of such a workspace's export, made once for many tests."""
    if not _KEPT:
        _KEPT.append(export(request.getfixturevalue("filled")).data)
    return _KEPT[0]


def emptied(workspace):
    for memory in Memory.objects.filter(workspace=workspace):
        memory.delete()
    assert not Revision.objects.exists()


def test_what_went_out_comes_in_the_same(filled):
    before = export(filled)
    assert before.counts == {
        "memories": 6,
        "revisions": 7,
        "links": 1,
        "conflicts": 1,
    }
    emptied(filled)

    done = import_(filled, before)

    assert (done.created, done.links, done.conflicts, done.dropped) == (6, 1, 1, 0)
    assert export(filled).data == before.data


def test_the_same_memories_make_the_same_bytes(filled):
    assert export(filled).data == export(filled).data
    assert export(filled).sha256 == export(filled).sha256


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    min_size=1,
    max_size=200,
).filter(lambda text: bool(text.strip()))
MOMENTS = st.integers(-(10**9), 0).map(lambda n: NOW + timedelta(milliseconds=n))
METADATA = st.dictionaries(
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(-(2.0**62), 2.0**62)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    max_size=5,
)
MEMORIES = st.lists(
    st.tuples(
        TEXTS,
        st.sampled_from(["", *Memory.Type.values]),
        METADATA,
        MOMENTS,
        st.sampled_from(["", "archive", "revise", "replace", "pin"]),
    ),
    max_size=6,
)


@pytest.mark.django_db
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(MEMORIES)
def test_any_memories_come_through_an_empty_server_unchanged(drafts):
    Memory.objects.all().delete()
    workspace = a_workspace()
    for number, (text, memory_type, metadata, at, then) in enumerate(drafts):
        memory = save(
            workspace,
            text,
            at=at,
            memory_type=memory_type,
            metadata=metadata,
            is_pinned=then == "pin",
            may_duplicate=True,
        )
        if not memory.is_current(at=NOW):
            continue
        if then == "archive":
            changing.archive(memory=memory, actor=OPERATOR, at=NOW)
        elif then == "replace":
            save(workspace, text + " indeed", replaces=str(memory.memory_id))
        elif then == "revise":
            changing.revise(
                memory=memory,
                # Two that were alike must not become the same, which is refused.
                text=f"{text} no. {number}",
                metadata={},
                reason="because",
                channel="operator",
                actor=OPERATOR,
                at=NOW,
            )
    before = export(workspace)
    emptied(workspace)

    done = import_(workspace, before)

    assert done.created == before.counts["memories"]
    assert export(workspace).data == before.data


def test_importing_twice_changes_nothing(filled):
    artefact = export(filled)

    done = import_(filled, artefact)

    assert (done.unchanged, done.created, done.updated) == (6, 0, 0)
    assert export(filled).data == artefact.data


def test_imported_memories_are_recalled_at_once(filled):
    artefact = export(filled)
    emptied(filled)
    import_(filled, artefact)

    found = recall(filled, "who decides colours")

    assert found[0].text == "Colours are decided by Maria and Jonas."
    assert recall(filled, "old logo green") == []
    assert all(hit.text != "The API listens on port 8000." for hit in found)


def recall(workspace, text):
    from access.containers import ReadScope

    here = Workspace.objects.filter(pk=workspace.pk)
    return recalling.recall(
        ReadScope(here, workspace, None),
        recalling.Wanted(text=text, mode="keyword", kinds=("memory",)),
        at=NOW + timedelta(hours=1),
    ).hits


# -- into other places -----------------------------------------------------------------


def test_another_workspaces_rows_are_never_touched(filled):
    artefact = export(filled)
    other = a_workspace(project="other")

    done = import_(other, artefact)

    assert done.created == 6
    assert len(done.renamed) == 6
    assert export(filled).data == artefact.data
    mine = Memory.objects.filter(workspace=other)
    assert {str(each.memory_id) for each in mine} == set(done.renamed.values())
    link = Link.objects.get(from_memory__workspace=other)
    assert link.to_memory.workspace == other
    replaced = mine.get(text="The API listens on port 8000.")
    assert replaced.superseded_by.workspace == other


def test_a_foreign_artefact_imported_twice_is_there_once(filled):
    artefact = export(filled)
    other = a_workspace(project="other")
    first = import_(other, artefact)

    second = import_(other, artefact)

    assert (second.created, second.unchanged) == (0, 6)
    assert second.renamed == first.renamed
    assert Memory.objects.filter(workspace=other).count() == 6


def test_an_artefact_that_chose_the_ids_of_others_overwrites_nothing(filled):
    other = a_workspace(project="other")
    victim = Memory.objects.filter(workspace=filled).order_by("pk").last()
    forged = rebuilt(
        export(filled).data,
        lambda rows: rows["memories.ndjson"][0].update(
            memory_id=str(uuid.uuid5(victim.memory_id, other.slug)), text="forged"
        ),
    )
    import_(filled, forged)
    before = export(filled).data

    import_(other, before)

    assert export(filled).data == before


@pytest.mark.parametrize("mode", restoring.MODES)
def test_no_mode_reaches_into_another_workspace(filled, mode):
    artefact = export(filled)
    other = a_workspace(project="other")
    save(other, "This one is of the other project.")

    import_(other, artefact, mode=mode)

    assert export(filled).data == artefact.data


def test_one_workspace_of_several_is_taken(filled):
    other = a_workspace(project="other")
    save(other, "This one is of the other project.")
    both = export(filled, other)
    third = a_workspace(project="third")

    done = import_(third, both, only=other.slug)

    assert (done.created, done.dropped) == (1, 0)


# -- modes -----------------------------------------------------------------------------


def changed_since(filled):
    """An artefact of before one memory was revised and another one saved."""
    artefact = export(filled)
    memory = Memory.objects.get(text="Colours are decided by Maria and Jonas.")
    changing.revise(
        memory=memory,
        text="Colours are decided by nobody.",
        reason="later",
        channel="assistant",
        actor=OPERATOR,
        at=NOW,
    )
    save(filled, "Something newer.")
    return artefact, memory


def test_upsert_revises_what_differs_and_keeps_its_history(filled):
    artefact, memory = changed_since(filled)

    done = import_(filled, artefact)

    memory.refresh_from_db()
    assert (done.updated, done.unchanged, done.created) == (1, 5, 0)
    assert memory.text == "Colours are decided by Maria and Jonas."
    assert [each.number for each in changing.revisions(memory)] == [4, 3, 2, 1]
    assert recall(filled, "who decides colours")[0].text == memory.text


def test_skip_existing_leaves_what_is_there(filled):
    artefact, memory = changed_since(filled)

    done = import_(filled, artefact, mode="skip_existing")

    memory.refresh_from_db()
    assert (done.skipped, done.updated) == (1, 0)
    assert memory.text == "Colours are decided by nobody."


def test_error_on_conflict_brings_nothing_in(filled):
    artefact = export(filled)
    Memory.objects.filter(text__startswith="Likes tabs").delete()

    with pytest.raises(restoring.AlreadyThere):
        import_(filled, artefact, mode="error_on_conflict")
    assert Memory.objects.count() == 5


def test_replace_ids_makes_copies_that_fold_into_what_says_the_same(filled):
    artefact = export(filled)

    done = import_(filled, artefact, mode="replace_ids")

    # The superseded and the archived one are history, which repeats nothing.
    assert (done.folded, done.created) == (4, 2)
    again = import_(filled, artefact, mode="replace_ids")
    assert (again.created, again.folded + again.unchanged) == (0, 6)


def test_replace_all_leaves_what_the_artefact_has(filled):
    artefact, _ = changed_since(filled)

    done = import_(filled, artefact, mode="replace_all")

    assert (done.created, done.erased) == (6, 1)
    assert export(filled).data == artefact.data
    assert recall(filled, "something newer") == []
    assert Erasure.objects.count() == 1


def test_an_unknown_mode_is_refused(filled):
    with pytest.raises(InvalidArgument):
        import_(filled, export(filled), mode="merge")


def test_what_was_erased_does_not_come_back_by_itself(filled):
    artefact = export(filled)
    erasing.erase(
        memory=Memory.objects.get(text="The API listens on port 9000 now."),
        actor=OPERATOR,
        at=NOW,
    )

    done = import_(filled, artefact)

    assert done.withheld == 2
    assert not Memory.objects.filter(text__contains="listens on port").exists()
    again = import_(filled, artefact, even_erased=True)
    assert (again.withheld, again.created) == (0, 2)


def test_an_equal_text_is_kept_once(filled):
    other = a_workspace(project="other")
    twin = save(other, "likes TABS in makefiles only.", memory_type="preference")

    done = import_(other, export(filled))

    assert done.folded == 1
    standing = Memory.objects.filter(workspace=other).standing()
    assert standing.filter(canonical_sha256=twin.canonical_sha256).count() == 1


# -- signatures ------------------------------------------------------------------------


def test_a_trusted_signature_keeps_who_wrote_it(filled):
    artefact = export(filled)
    emptied(filled)

    import_(filled, artefact)

    assert set(Memory.objects.values_list("created_by", "channel")) == {
        (OPERATOR.name, "assistant")
    }


@pytest.mark.parametrize("how", ["unsigned", "of another server"])
def test_without_one_the_importer_answers_for_it(filled, memory_root, how):
    artefact = export(filled, is_signed=how != "unsigned")
    emptied(filled)
    if how == "of another server":
        (memory_root / "secrets/signing_key.pem").unlink()

    import_(filled, artefact)

    assert set(Memory.objects.values_list("created_by", "channel")) == {
        (SOMEBODY.name, restoring.CHANNEL)
    }
    assert set(Revision.objects.values_list("created_by", flat=True)) == {SOMEBODY.name}


def test_the_key_of_another_server_may_be_trusted(filled, memory_root):
    artefact = export(filled)
    key = signing.own_key()
    (memory_root / "secrets/signing_key.pem").unlink()

    assert not artefacts.verify(artefact.data).is_trusted
    assert artefacts.verify(artefact.data, keys=[key]).is_trusted
    assert artefacts.verify(artefact.data).signed_by == signing.key_id(key)


def test_the_key_is_made_once_and_only_its_owner_reads_it(memory_root):
    assert signing.own_keys() == []
    first = signing.own_key()

    path = memory_root / "secrets/signing_key.pem"
    assert signing.key_id(signing.own_key()) == signing.key_id(first)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (
        0o600,
        0o700,
    )
    assert [each.name for each in path.parent.iterdir()] == ["signing_key.pem"]


def test_openssl_verifies_the_signature_without_us(filled, tmp_path):
    files = files_of(export(filled).data)
    (tmp_path / "key.pem").write_text(signing.pem_of(signing.own_key()))
    (tmp_path / "manifest.json").write_bytes(files["manifest.json"])
    (tmp_path / "manifest.sig").write_bytes(files["manifest.sig"])

    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json"
    done = subprocess.run(
        [*command.split(), "-sigfile", "manifest.sig"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert "Verified Successfully" in done.stdout, done.stderr


def test_a_changed_manifest_is_found_out(filled):
    files = files_of(export(filled).data)
    manifest = json.loads(files["manifest.json"])
    manifest["workspaces"] = ["somewhere-else"]
    files["manifest.json"] = json.dumps(manifest).encode()

    with pytest.raises(ArtefactChanged):
        artefacts.verify(zipped(files.items()))


def test_a_signature_that_was_taken_away_is_missed(filled):
    files = files_of(export(filled).data)
    del files["manifest.sig"]

    with pytest.raises(ArtefactChanged):
        artefacts.verify(zipped(files.items()))


# -- hostile artefacts -----------------------------------------------------------------


def test_a_checksum_mismatch_is_refused(filled):
    files = files_of(export(filled).data)
    files["memories.ndjson"] = files["memories.ndjson"].replace(b"Maria", b"Mario")
    data = zipped(files.items())

    with pytest.raises(ArtefactChanged) as refused:
        import_(a_workspace(project="other"), data)

    assert refused.value.status == 422


def test_a_bomb_is_stopped_while_it_inflates(filled):
    files = files_of(export(filled).data)
    files["links.ndjson"] = b" " * (packages.WIRE.inflated + 1)
    data = zipped(files.items())
    assert len(data) < 2**18

    with pytest.raises(ArtefactTooLarge):
        artefacts.verify(data)


def test_a_bomb_that_lies_about_its_size_is_stopped_too(filled):
    files = files_of(export(filled).data)
    files["links.ndjson"] = b" " * (2**20 + 74565)
    data = zipped(files.items())
    size = (2**20 + 74565).to_bytes(4, "little")
    assert data.count(size) == 2

    with pytest.raises((ArtefactBroken, ArtefactChanged)):
        artefacts.verify(data.replace(size, (10).to_bytes(4, "little")))


@pytest.mark.parametrize(
    "change",
    [
        lambda files: [*files, ("../evil", b"")],
        lambda files: [*files, ("extra.json", b"{}")],
        lambda files: [file for file in files if file[0] != "links.ndjson"],
        lambda files: [file for file in files if file[0] != "manifest.json"],
        lambda files: [(n, b"[]" if n == "manifest.json" else r) for n, r in files],
        lambda files: [(n, b"{" if n == "manifest.json" else r) for n, r in files],
        lambda files: [
            (n, b" " * 2**17 if n == "manifest.json" else r) for n, r in files
        ],
    ],
    ids=range(7),
)
def test_a_zip_that_is_no_artefact_is_refused(sound, change):
    files = list(files_of(sound).items())

    with pytest.raises(ArtefactBroken):
        artefacts.verify(zipped(change(files)))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_stands_twice_is_refused(filled):
    files = list(files_of(export(filled).data).items())

    with pytest.raises(ArtefactBroken):
        artefacts.verify(zipped([*files, files[0]]))


@pytest.mark.parametrize(
    "manifest",
    [
        {"version": 2},
        {"version": None},
        {"files": {}},
        {"files": dict.fromkeys(packages.FILES)},
        {"counts": {}},
        {"counts": None},
        {"signed_by": 1},
    ],
)
def test_a_manifest_of_another_form_is_refused(sound, manifest):
    files = files_of(sound)
    told = {**json.loads(files["manifest.json"]), **manifest}
    files["manifest.json"] = json.dumps(told).encode()

    with pytest.raises(ArtefactBroken):
        artefacts.verify(zipped(files.items()))


PACKED, _ = packages.pack(
    {"links.ndjson": [{"link_type": "related_to", "n": n} for n in range(20)]},
    {"workspace_id": None, "workspaces": [], "is_masked": False},
    is_signed=False,
    bounds=packages.WIRE,
)


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.integers(0, len(PACKED) - 1), st.integers(0, 255)), max_size=4
    ),
    st.integers(0, len(PACKED)) | st.just(len(PACKED)),
)
def test_damaged_bytes_are_refused_and_never_crash(damages, cut):
    damaged = bytearray(PACKED)
    for place, byte in damages:
        damaged[place] = byte

    # Anything but a refusal is a crash; bytes that nobody reads may differ.
    with suppress(ArtefactBroken, ArtefactChanged, ArtefactTooLarge):
        found = artefacts.verify(bytes(damaged[:cut]))
        assert len(list(found.package.lines("links.ndjson"))) == 20


def set_first(**values):
    return lambda rows: rows["memories.ndjson"][0].update(values)


@pytest.mark.parametrize(
    "change",
    [
        set_first(memory_id="7"),
        set_first(memory_id=None),
        set_first(text=""),
        set_first(text="x" * 50_001),
        set_first(text="a\0b"),
        set_first(text=7),
        set_first(memory_type="nonsense"),
        set_first(metadata={"a": {"b": 1}}),
        set_first(metadata=[]),
        set_first(importance=0),
        set_first(importance="much"),
        set_first(confidence=1.1),
        set_first(confidence=True),
        set_first(owner_type="alien"),
        set_first(owner_id="x" * 201),
        set_first(created_at="yesterday"),
        set_first(created_at="2026-11-21T09:00:00"),
        set_first(created_at=None),
        set_first(created_at="2036-11-21T09:00:00Z"),
        set_first(revision=0),
        set_first(revision=2**40),
        set_first(superseded_by="x"),
        set_first(channel="x" * 17),
        lambda rows: rows["memories.ndjson"].append(rows["memories.ndjson"][0]),
        lambda rows: rows["revisions.ndjson"][0].update(number=99),
        lambda rows: rows["revisions.ndjson"][0].update(text=None),
        lambda rows: rows["links.ndjson"][0].update(link_type="loves"),
        lambda rows: rows["conflicts.ndjson"][0].update(state="open"),
        lambda rows: [
            each.update(superseded_by=rows["memories.ndjson"][0]["memory_id"])
            for each in rows["memories.ndjson"]
        ],
    ],
    ids=range(29),
)
def test_a_line_out_of_bounds_brings_nothing_in(sound, change):
    other = a_workspace(project="other")
    forged = rebuilt(sound, change)

    with pytest.raises(ArtefactBroken):
        import_(other, forged)

    assert not Memory.objects.filter(workspace=other).exists()


def test_more_links_than_a_memory_may_have_are_dropped(filled):
    other = a_workspace(project="other")

    def overlink(rows):
        first, *others = [line["memory_id"] for line in rows["memories.ndjson"]]
        link = rows["links.ndjson"][0]
        rows["links.ndjson"] = [
            {
                **link,
                "from_memory_id": first,
                "to_memory_id": other_id,
                "link_type": link_type,
            }
            for other_id in others
            for link_type in ["related_to", "about_ticket", "same_topic"]
        ]
        rows["links.ndjson"] *= 2

    done = import_(other, rebuilt(export(filled).data, overlink))

    assert (done.links, done.dropped) == (15, 0)


def test_links_to_what_is_not_there_are_dropped(filled):
    other = a_workspace(project="other")
    forged = rebuilt(
        export(filled).data,
        lambda rows: rows["links.ndjson"][0].update(to_memory_id=str(uuid.uuid4())),
    )

    done = import_(other, forged)

    assert (done.links, done.dropped) == (0, 1)


def test_an_export_past_its_bound_is_refused(filled):
    with pytest.raises(ArtefactTooLarge):
        export(filled, bounds=Bounds(packed=500, inflated=2**20))
    with pytest.raises(ArtefactTooLarge):
        export(filled, bounds=Bounds(packed=2**20, inflated=500))


@pytest.mark.parametrize("text", ["a", "§§§§", "AAAA=AAA"])
def test_base64_that_is_none_is_refused(text):
    with pytest.raises(InvalidArgument):
        artefacts.decoded(text)


def test_base64_past_the_bound_is_refused():
    with pytest.raises(ArtefactTooLarge):
        artefacts.decoded("A" * (packages.WIRE.packed * 2))


# -- masking, meters, trail ------------------------------------------------------------

SECRET = "ghp_" + "a1B2c3D4" * 4 + "Zz9Y"


def test_a_masked_export_has_no_secrets_and_overwrites_nothing(db):
    workspace = a_workspace()
    memory = save(workspace, f"The token is {SECRET} for now.")
    masked = export(workspace, is_masked=True)

    assert SECRET.encode() not in files_of(masked.data)["memories.ndjson"]
    assert SECRET.encode() in files_of(export(workspace).data)["memories.ndjson"]
    assert import_(workspace, masked).skipped == 1
    with pytest.raises(InvalidArgument):
        import_(workspace, masked, mode="replace_all")
    memory.refresh_from_db()
    assert SECRET in memory.text


@pytest.mark.django_db(transaction=True)
def test_imports_of_one_artefact_at_once_bring_it_in_once():
    workspace, other = a_workspace(), a_workspace(project="other")
    for text in ("one", "two", "three"):
        save(workspace, text)
    artefact = export(workspace)

    done = at_once(4, lambda _: import_(other, artefact))

    assert sorted(each.created for each in done) == [0, 0, 0, 3]
    assert Memory.objects.filter(workspace=other).count() == 3


@pytest.mark.django_db(transaction=True)
def test_an_import_is_charged_for_what_it_wrote():
    from usage.models import Meter

    workspace, other = a_workspace(), a_workspace(project="other")
    save(workspace, "one")
    save(workspace, "two")
    save(other, "two")
    payer = a_principal()

    import_(other, export(workspace), payer=payer)

    meter = Meter.objects.get()
    assert (meter.writes, meter.storage_bytes) == (1, 3)


def test_both_ways_are_audited(filled):
    artefact = export(filled)
    import_(filled, artefact)

    out, back = (
        Event.objects.filter(action__startswith="memory.")
        .order_by("id")
        .filter(action__in=["memory.export", "memory.import"])
    )
    assert out.target == back.target == artefact.sha256
    assert back.detail["is_trusted"] is True


# -- commands --------------------------------------------------------------------------


def test_operators_export_verify_and_import(filled, tmp_path, capsys):
    file = tmp_path / "memories.zip"
    call_command("export_memories", file, "--workspace", filled.slug)
    before = file.read_bytes()
    emptied(filled)

    call_command("verify_artefact", file)
    call_command("import_memories", file, "--workspace", filled.slug)

    shown = capsys.readouterr().out
    assert "which is trusted" in shown
    assert "6 created" in shown
    assert export(filled).data == before


def test_operators_hear_why_an_artefact_is_refused(filled, tmp_path):
    file = tmp_path / "memories.zip"
    file.write_bytes(b"no zip at all")

    for command, *rest in [
        ("verify_artefact",),
        ("import_memories", "--workspace", filled.slug),
        ("import_memories", "--workspace", "nowhere"),
    ]:
        with pytest.raises(CommandError):
            call_command(command, file, *rest)
    for command in ("export_memories", "verify_artefact"):
        with pytest.raises(CommandError):
            call_command(command, tmp_path / "no" / "file")
    with pytest.raises(CommandError):
        call_command("export_memories", file, "--workspace", "nowhere")


def test_a_public_key_is_printed_and_believed(filled, tmp_path, capsys, memory_root):
    call_command("artefact_key")
    (tmp_path / "key.pem").write_text(capsys.readouterr().out)
    call_command("export_memories", tmp_path / "memories.zip")
    (memory_root / "secrets/signing_key.pem").unlink()

    call_command("verify_artefact", tmp_path / "memories.zip")
    assert "not known" in capsys.readouterr().out
    call_command(
        "verify_artefact",
        tmp_path / "memories.zip",
        "--public-key",
        tmp_path / "key.pem",
    )
    assert "which is trusted" in capsys.readouterr().out
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(CommandError):
        call_command(
            "verify_artefact",
            tmp_path / "memories.zip",
            "--public-key",
            tmp_path / "key.pem",
        )


def test_times_are_written_in_utc(filled):
    for line in lines_of(export(filled).data):
        assert line["created_at"].endswith("+00:00")
        artefact_lines.read_memory(line, at=NOW)
