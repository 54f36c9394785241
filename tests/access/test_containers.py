"""One resolver says where memories are read and written, whoever asks and however."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import NOW, OPERATOR, a_principal, a_workspace

from access import bindings, containers, scoping
from access.containers import Naming, UnauthorizedScope
from refusals import InvalidArgument
from workspaces import registering
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def reads(principal, **named):
    """Slugs that are read, the one that comes first, and the tag that narrowed."""
    scope = containers.reading(principal, Naming(**named), at=NOW)
    slugs = sorted(scope.workspaces.values_list("slug", flat=True))
    return slugs, scope.home.slug if scope.home else None, scope.tag


def writes(principal, **named) -> str:
    return containers.writing(principal, Naming(**named), at=NOW).slug


def bound(principal, workspace) -> str:
    return bindings.issue(principal=principal, workspace=workspace, at=NOW).handle


@pytest.fixture
def atlas():
    return a_workspace(project="atlas")


@pytest.fixture
def blog():
    return a_workspace(project="blog")


# -- tags --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "normal"),
    [
        ("team:alpha.v1-x_y", "team:alpha.v1-x_y"),
        ("  a/b c  ", "a_b_c"),
        ("größe\0\ud800", "gr__e__"),
        ("   ", ""),
        ("x" * 128, "x" * 128),
    ],
)
def test_other_characters_become_underscores(tag, normal):
    assert containers.normal_tag(tag) == normal


def test_a_tag_past_128_characters_is_refused():
    with pytest.raises(InvalidArgument):
        containers.normal_tag("x" * 129)


@given(tag=st.text(max_size=128))
def test_equal_tags_stay_equal_and_normal_ones_stay(tag):
    normal = containers.normal_tag(tag)

    assert containers.normal_tag(normal) == normal
    assert len(normal) <= 128


# -- reading -----------------------------------------------------------------------


def test_reading_is_federated_and_nothing_comes_first(atlas, blog):
    assert reads(a_principal()) == ([atlas.slug, blog.slug], None, None)


def test_the_bound_workspace_comes_first(atlas, blog):
    both, principal = [atlas.slug, blog.slug], a_principal()

    assert reads(principal, slug_header=blog.slug) == (both, blog.slug, None)
    assert reads(principal, session_slug=blog.slug) == (both, blog.slug, None)
    assert reads(principal, binding=bound(principal, blog)) == (both, blog.slug, None)
    assert reads(a_principal(workspace=blog)) == (both, blog.slug, None)


def test_a_tag_narrows_to_that_workspace_alone(atlas, blog):
    for principal in (a_principal(), a_principal(workspace=atlas)):
        given = {"container_tag": blog.slug}
        assert reads(principal, **given) == ([blog.slug], blog.slug, blog.slug)


def test_a_container_is_read_by_its_tag(atlas):
    written = writes(a_principal(), container_tag="team:alpha")

    assert reads(a_principal(), container_tag="team:alpha") == (
        [written],
        written,
        "team:alpha",
    )


def test_an_unknown_tag_reads_nothing_and_makes_nothing(atlas):
    assert reads(a_principal(), container_tag="nobody") == ([], None, "nobody")
    assert Workspace.objects.count() == 1


def test_a_tag_header_ranks_first_and_narrows_nothing(atlas, blog):
    both = [atlas.slug, blog.slug]

    assert reads(a_principal(), tag_header=blog.slug) == (both, blog.slug, None)
    assert reads(a_principal(), tag_header="nobody") == (both, None, None)
    assert reads(a_principal(), tag_header="x" * 500) == (both, None, None)


def test_an_argument_beats_the_header_default(atlas, blog):
    named = {"container_tag": atlas.slug, "tag_header": blog.slug}

    assert reads(a_principal(), **named)[0] == [atlas.slug]
    assert writes(a_principal(), **named) == atlas.slug


def test_private_workspaces_are_read_by_their_own_tokens_only(atlas):
    hidden = a_workspace(project="hidden", is_private=True)

    for named in ({}, {"container_tag": hidden.slug}, {"tag_header": hidden.slug}):
        slugs, home, _ = reads(a_principal(), **named)
        assert (hidden.slug in slugs, home) == (False, None)
    for insider in (a_principal(workspace=hidden), a_principal("admin")):
        assert hidden.slug in reads(insider)[0]
        assert reads(insider, container_tag=hidden.slug)[0] == [hidden.slug]


# -- writing -----------------------------------------------------------------------


def test_without_any_name_the_default_container_is_written():
    first, again = writes(a_principal()), writes(a_principal())

    assert first == again
    assert Workspace.objects.get().container_tag == containers.DEFAULT_TAG


def test_a_new_tag_makes_one_container():
    slugs = {writes(a_principal(), container_tag="team a") for _ in range(3)}
    slugs.add(writes(a_principal(), tag_header="team_a"))

    assert len(slugs) == 1
    made = Workspace.objects.get()
    assert (made.machine, made.container_tag) == (registering.CONTAINER, "team_a")


def test_a_tag_may_be_a_workspace_id(atlas):
    assert writes(a_principal(), container_tag=atlas.slug) == atlas.slug


def test_writes_stay_in_the_bound_workspace(atlas, blog):
    principal = a_principal()
    for named in (
        {"slug_header": atlas.slug},
        {"session_slug": atlas.slug},
        {"binding": bound(principal, atlas)},
    ):
        assert writes(principal, **named) == atlas.slug
        assert writes(principal, **named, container_tag=atlas.slug) == atlas.slug
        assert writes(principal, **named, tag_header=blog.slug) == atlas.slug
        with pytest.raises(UnauthorizedScope) as refused:
            writes(principal, **named, container_tag=blog.slug)
        assert refused.value.detail == {"workspace_id": atlas.slug}


def test_a_pinned_token_writes_to_its_own_workspace_only(atlas, blog):
    pinned = a_principal(workspace=atlas)

    assert writes(pinned) == atlas.slug
    with pytest.raises(UnauthorizedScope):
        writes(pinned, container_tag="new")
    with pytest.raises(scoping.WorkspaceRefused):
        writes(pinned, slug_header=blog.slug)
    assert Workspace.objects.count() == 2


def test_a_container_answers_to_its_tag_when_bound_to_it():
    container = registering.container("team", actor=OPERATOR, at=NOW)
    pinned = a_principal(workspace=container)

    assert writes(pinned, container_tag="team") == container.slug
    assert writes(pinned, container_tag=container.slug) == container.slug


def test_nobody_writes_into_or_beside_a_private_workspace_of_others(atlas):
    project = a_workspace(project="hidden", is_private=True)
    container = registering.container("secret-team", actor=OPERATOR, at=NOW)
    Workspace.objects.filter(pk=container.pk).update(is_private=True)

    for tag in (project.slug, container.slug, "secret-team"):
        for named in ({"container_tag": tag}, {"tag_header": tag}):
            with pytest.raises(scoping.WorkspaceNotFound):
                writes(a_principal(), **named)
    assert Workspace.objects.count() == 3
    assert writes(a_principal("admin"), container_tag="secret-team") == container.slug


def test_what_is_written_is_what_is_read_back(atlas, blog):
    """The same request reads where it writes, whatever it names."""
    for named in (
        {},
        {"container_tag": "somewhere"},
        {"tag_header": "elsewhere"},
        {"slug_header": blog.slug},
        {"session_slug": atlas.slug},
        {"tag_header": "elsewhere", "slug_header": blog.slug},
    ):
        principal = a_principal()
        written = writes(principal, **named)
        slugs, home, _ = reads(principal, **named)

        assert written in slugs
        assert home in (written, None)
