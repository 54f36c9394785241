"""Who reads, writes and uploads where: every kind of token against every workspace."""

from __future__ import annotations

import pytest
from people import NOW, OPERATOR, a_principal, a_workspace

from access import bindings, registration, scoping, write_tokens
from access.requirements import ScopeMissing
from access.scoping import BindingRequired, WorkspaceNotFound, WorkspaceRefused
from access.write_tokens import WriteTokenInvalid
from refusals import Refusal
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

OK, GONE, REFUSED = "ok", WorkspaceNotFound, WorkspaceRefused
# Rows: kind, pinned to. Columns: what reading and writing the open, the pinned and the
# private workspace gives.
TABLE = [
    ("ai", None, (OK, OK, GONE), (OK, OK, GONE)),
    ("ai", "own", (OK, OK, GONE), (REFUSED, OK, GONE)),
    ("ai", "private", (OK, OK, OK), (REFUSED, REFUSED, OK)),
    ("sync", None, (OK, OK, GONE), (OK, OK, GONE)),
    ("sync", "own", (OK, OK, GONE), (REFUSED, OK, GONE)),
    ("sync", "private", (OK, OK, OK), (REFUSED, REFUSED, OK)),
    ("admin", None, (OK, OK, OK), (OK, OK, OK)),
    ("admin", "own", (OK, OK, OK), (REFUSED, OK, REFUSED)),
]
CASES = [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in TABLE]


@pytest.fixture
def places() -> dict[str, Workspace]:
    return {
        "open": a_workspace(project="open"),
        "own": a_workspace(project="own"),
        "private": a_workspace(project="private", is_private=True),
    }


def outcome(work) -> object:
    try:
        work()
    except Refusal as refusal:
        return type(refusal)
    return OK


def person(kind, pinned_to, places):
    return a_principal(kind, workspace=places.get(pinned_to))


@pytest.mark.parametrize(("kind", "pinned_to", "reads", "writes"), CASES)
def test_reading(kind, pinned_to, reads, writes, places):
    principal = person(kind, pinned_to, places)

    for place, expected in zip(places.values(), reads, strict=True):
        assert (
            outcome(lambda p=place: scoping.readable_workspace(principal, p.slug))
            is expected
        )
        listed = scoping.readable(principal).filter(pk=place.pk).exists()
        assert (place.pk in scoping.readable_ids(principal)) == listed
        assert (
            outcome(lambda p=place: scoping.readable_ids(principal, slug=p.slug))
            is expected
        )
        assert listed is (expected is OK)


@pytest.mark.parametrize(("kind", "pinned_to", "reads", "writes"), CASES)
@pytest.mark.parametrize("through", ["header", "session", "binding"])
def test_writing(kind, pinned_to, reads, writes, through, places):
    principal = person(kind, pinned_to, places)

    for place, expected in zip(places.values(), writes, strict=True):
        handle = bindings.issue(principal=principal, workspace=place, at=NOW).handle
        given = {
            "binding": handle if through == "binding" else None,
            "slug_header": place.slug if through == "header" else None,
            "session_slug": place.slug if through == "session" else None,
        }
        assert (
            outcome(lambda g=given: scoping.writable_workspace(principal, **g, at=NOW))
            is expected
        )


@pytest.mark.parametrize(("kind", "pinned_to", "reads", "writes"), CASES)
def test_uploading(kind, pinned_to, reads, writes, places):
    principal = person(kind, pinned_to, places)

    for place, expected in zip(places.values(), writes, strict=True):
        secret = write_tokens.derive(place)
        assert (
            outcome(
                lambda p=place, s=secret: scoping.uploadable_workspace(
                    principal, p.slug, s
                )
            )
            is expected
        )


@pytest.mark.parametrize(("kind", "pinned_to", "reads", "writes"), CASES)
def test_registering_what_exists(kind, pinned_to, reads, writes, places):
    principal = person(kind, pinned_to, places)

    for place, expected in zip(places.values(), writes, strict=True):
        found = outcome(
            lambda p=place: registration.register(
                principal=principal,
                machine=p.machine,
                tool=p.tool,
                project=p.project,
                at=NOW,
            )
        )
        assert found is expected
    assert Workspace.objects.count() == 3


def register(principal, project="fresh"):
    return registration.register(
        principal=principal,
        machine="laptop",
        tool="claude-code",
        project=project,
        at=NOW,
    )


@pytest.mark.parametrize("kind", ["ai", "sync", "admin"])
def test_a_pinned_token_makes_no_workspace(kind, places):
    with pytest.raises(WorkspaceRefused):
        register(a_principal(kind, workspace=places["own"]))

    assert Workspace.objects.count() == 3


@pytest.mark.parametrize(
    ("kind", "binds", "uploads"),
    [("ai", True, False), ("sync", False, True), ("admin", True, True)],
)
def test_each_kind_gets_its_means_of_writing(kind, binds, uploads):
    got = register(a_principal(kind))

    assert got.is_new
    assert (got.binding is not None) is binds
    assert (got.write_token is not None) is uploads


def test_a_token_that_only_reads_registers_nothing():
    with pytest.raises(ScopeMissing):
        register(a_principal("ai", scopes=["read"]))

    assert not Workspace.objects.exists()


def test_a_private_workspace_looks_like_one_that_is_not_there(places):
    principal = a_principal("ai")
    messages = set()
    for slug in (places["private"].slug, "no-such-workspace"):
        with pytest.raises(WorkspaceNotFound) as refused:
            scoping.readable_workspace(principal, slug)
        messages.add(refused.value.message.replace(slug, "…"))

    assert len(messages) == 1


@pytest.mark.parametrize("slug", ["", "\0", "\ud800", "é", "a" * 10_000])
def test_odd_slugs_name_nothing(slug):
    with pytest.raises(WorkspaceNotFound):
        scoping.readable_workspace(a_principal("ai"), slug)
    with pytest.raises(scoping.WorkspaceNotFound):
        scoping.readable_ids(a_principal("ai"), slug=slug)


def test_the_handle_wins_over_header_over_session_over_pin(places):
    free = a_principal("ai")
    handle = bindings.issue(principal=free, workspace=places["own"], at=NOW).handle

    def target(principal, binding=None, header=None, session=None):
        return scoping.writable_workspace(
            principal,
            binding=binding,
            slug_header=header,
            session_slug=session,
            at=NOW,
        )

    other = a_workspace(project="other")
    assert target(free, handle, places["open"].slug, other.slug) == places["own"]
    assert target(free, None, places["open"].slug, other.slug) == places["open"]
    assert target(free, None, None, other.slug) == other
    pinned = a_principal("ai", workspace=places["own"])
    assert target(pinned) == places["own"]
    with pytest.raises(BindingRequired):
        target(free)


def test_a_workspace_that_turns_private_closes_at_once(places):
    principal = a_principal("ai")
    handle = bindings.issue(
        principal=principal, workspace=places["open"], at=NOW
    ).handle
    Workspace.objects.filter(pk=places["open"].pk).update(is_private=True)

    with pytest.raises(WorkspaceNotFound):
        scoping.writable_workspace(
            principal, binding=handle, slug_header=None, session_slug=None, at=NOW
        )


@pytest.mark.parametrize("presented", [None, "", "wrong", "é", "\ud800", "fms_wt_"])
def test_a_wrong_write_token_is_refused(presented, places):
    with pytest.raises(WriteTokenInvalid):
        scoping.uploadable_workspace(
            a_principal("sync"), places["open"].slug, presented
        )


def test_a_write_token_opens_its_own_workspace_only(places):
    with pytest.raises(WriteTokenInvalid):
        scoping.uploadable_workspace(
            a_principal("sync"), places["open"].slug, write_tokens.derive(places["own"])
        )


def test_rotating_refuses_the_old_write_token_at_once(places, settings):
    place = places["open"]
    old = write_tokens.derive(place)

    write_tokens.rotate(place, actor=OPERATOR, at=NOW)

    new = write_tokens.derive(place)
    sync = a_principal("sync")
    assert scoping.uploadable_workspace(sync, place.slug, new) == place
    with pytest.raises(WriteTokenInvalid):
        scoping.uploadable_workspace(sync, place.slug, old)
    settings.SECRET_KEY = "another key of another server"
    assert write_tokens.derive(place) != new
