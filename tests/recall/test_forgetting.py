from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from people import NOW, OPERATOR, a_principal, a_workspace
from threads import at_once

from access.containers import ReadScope
from audit.models import Event
from erasures.models import Erasure
from memories import erasing, saving
from memories.models import ForgetRequest, Memory
from memories.reading import MemoryNotFound
from recall import forgetting, recalling
from recall.forgetting import ConfirmationRequired
from refusals import InvalidArgument
from workspaces.models import Workspace

# Three that answer one question nearly as well.
COFFEE = [
    "Maria drinks her coffee black.",
    "Jonas drinks his coffee black.",
    "Ada drinks her coffee black.",
    "Only Kim drinks coffee with milk, black tea else.",
]


def save(workspace, text):
    return saving.save(
        workspace=workspace,
        draft=saving.Draft(text=text, may_duplicate=True),
        channel="assistant",
        actor=OPERATOR,
        at=NOW,
    ).memory


def stage(principal, workspace, text="drinks coffee black", *, at=NOW):
    return forgetting.stage(principal=principal, workspace=workspace, text=text, at=at)


def confirm(principal, workspace, *, at=NOW, **given):
    return forgetting.confirm(principal=principal, workspace=workspace, at=at, **given)


@pytest.fixture
def caller(db):
    return a_principal()


@pytest.fixture
def kitchen(db):
    workspace = a_workspace()
    for text in COFFEE:
        save(workspace, text)
    return workspace


def is_there(memory_id):
    return Memory.objects.filter(memory_id=memory_id).exists()


def test_what_is_not_clear_is_staged(caller, kitchen):
    staged = stage(caller, kitchen)

    assert staged.status == "needs_confirmation"
    assert len(staged.candidates) == 3
    scores = [each.score for each in staged.candidates]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert staged.expires_at == NOW + timedelta(seconds=180)
    assert Memory.objects.count() == 4
    assert not Erasure.objects.exists()


def test_what_is_clear_is_forgotten_at_once(caller, kitchen, monkeypatch):
    memory = save(kitchen, "The staging database runs on PostgreSQL 17.")

    staged = stage(caller, kitchen, "The staging database runs on PostgreSQL 17.")

    assert staged.status == "forgot"
    assert staged.candidates[0].score >= 0.75
    assert staged.erasure.target == str(memory.memory_id)
    assert not is_there(memory.memory_id)
    assert not ForgetRequest.objects.exists()
    assert Memory.objects.count() == 4


@pytest.mark.parametrize(
    ("scores", "is_sure"),
    [
        ([0.75], True),
        ([0.7499], False),
        ([0.9, 0.78], True),
        ([0.9, 0.79], False),
        ([0.74, 0.1], False),
    ],
)
def test_sure_is_a_high_score_and_a_gap(scores, is_sure):
    candidates = [forgetting.Candidate("id", score, "") for score in scores]

    assert forgetting._is_sure(candidates) is is_sure


def test_nothing_found_is_no_match(caller, kitchen):
    staged = stage(caller, kitchen, "zeppelin manufacturing quotas")

    assert (staged.status, staged.token, staged.candidates) == ("no_match", "", ())


@pytest.mark.parametrize("text", ["", "   ", "x" * 10_001])
def test_a_text_outside_its_bounds_is_refused(caller, kitchen, text):
    with pytest.raises(InvalidArgument):
        stage(caller, kitchen, text)


def test_only_memories_of_the_workspace_are_candidates(caller, kitchen):
    elsewhere = a_workspace(project="elsewhere")

    assert stage(caller, elsewhere).status == "no_match"


def test_the_token_alone_forgets_the_best_candidate(caller, kitchen):
    staged = stage(caller, kitchen)

    erasure = confirm(caller, kitchen, token=staged.token)

    best, *others = staged.candidates
    assert erasure.target == best.memory_id
    assert not is_there(best.memory_id)
    assert all(is_there(each.memory_id) for each in others)


def test_an_id_chooses_among_the_candidates(caller, kitchen):
    staged = stage(caller, kitchen)
    chosen = staged.candidates[2].memory_id

    confirm(caller, kitchen, token=staged.token, memory_id=chosen.upper())

    assert not is_there(chosen)
    assert Memory.objects.count() == 3


def test_what_was_forgotten_is_found_no_more(caller, kitchen):
    staged = stage(caller, kitchen)
    confirm(caller, kitchen, token=staged.token)

    here = Workspace.objects.filter(pk=kitchen.pk)
    found = recalling.recall(
        ReadScope(here, kitchen, None),
        recalling.Wanted(text="drinks coffee black", limit=10),
        at=NOW,
    )

    assert staged.candidates[0].memory_id not in {hit.id for hit in found.hits}
    assert found.hits


def refused(*args, **given):
    before = Memory.objects.count()
    with pytest.raises(ConfirmationRequired) as error:
        confirm(*args, **given)
    assert Memory.objects.count() == before
    return str(error.value)


def test_wrong_confirmations_say_nothing_and_burn_nothing(caller, kitchen):
    staged = stage(caller, kitchen)
    token, best = staged.token, staged.candidates[0].memory_id
    other = next(
        str(each.memory_id)
        for each in Memory.objects.all()
        if str(each.memory_id) not in {c.memory_id for c in staged.candidates}
    )

    said = {
        refused(caller, kitchen),
        refused(caller, kitchen, memory_id=best),
        refused(caller, kitchen, token="guess"),
        refused(caller, kitchen, token="x" * 10_000),
        refused(caller, kitchen, token="\ud800"),
        refused(caller, kitchen, token=token, memory_id=other),
        refused(a_principal(name="other"), kitchen, token=token),
        refused(caller, a_workspace(project="other"), token=token),
        refused(caller, kitchen, token=token, at=NOW + timedelta(seconds=180)),
    }

    assert len(said) == 1
    late = NOW + timedelta(seconds=179)
    assert confirm(caller, kitchen, token=token, at=late).target == best


def test_a_token_is_used_once(caller, kitchen):
    staged = stage(caller, kitchen)
    confirm(caller, kitchen, token=staged.token)

    refused(caller, kitchen, token=staged.token)
    refused(
        caller,
        kitchen,
        token=staged.token,
        memory_id=staged.candidates[1].memory_id,
    )


def test_an_id_that_is_none_is_refused(caller, kitchen):
    with pytest.raises(InvalidArgument):
        confirm(caller, kitchen, token="x", memory_id="seven")


def test_a_best_candidate_that_is_gone_is_not_replaced_by_the_next(caller, kitchen):
    staged = stage(caller, kitchen)
    best = Memory.objects.get(memory_id=staged.candidates[0].memory_id)
    erasing.erase(memory=best, actor=OPERATOR, at=NOW)

    with pytest.raises(MemoryNotFound):
        confirm(caller, kitchen, token=staged.token)

    assert Memory.objects.count() == 3
    second = staged.candidates[1].memory_id
    assert confirm(caller, kitchen, token=staged.token, memory_id=second)


def test_only_the_digest_of_a_token_is_kept(caller, kitchen):
    staged = stage(caller, kitchen)

    kept = ForgetRequest.objects.values().get()
    assert staged.token not in str(kept)
    assert kept["digest"] == hashlib.sha256(staged.token.encode()).hexdigest()
    assert len(staged.token) >= 43


def test_old_requests_of_the_caller_go(caller, kitchen):
    stage(caller, kitchen)

    stage(caller, kitchen, at=NOW + timedelta(days=2))

    assert ForgetRequest.objects.count() == 1


def test_staging_and_forgetting_are_audited_without_the_text(caller, kitchen):
    staged = stage(caller, kitchen)
    confirm(caller, kitchen, token=staged.token)

    kept = str(list(Event.objects.filter(action__startswith="memory.").values()))
    assert "memory.forget.stage" in kept
    assert "memory.erase" in kept
    assert "drinks coffee black" not in kept
    assert staged.token not in kept


@pytest.mark.django_db(transaction=True)
def test_one_of_many_confirmations_at_once_forgets():
    caller, workspace = a_principal(), a_workspace()
    for text in COFFEE:
        save(workspace, text)
    token = stage(caller, workspace).token

    done = at_once(6, lambda _: confirm(caller, workspace, token=token))

    assert sum(isinstance(each, Erasure) for each in done) == 1
    assert sum(isinstance(each, ConfirmationRequired) for each in done) == 5
    assert Memory.objects.count() == 3
