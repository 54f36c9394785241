from __future__ import annotations

import pytest
from people import NOW, OPERATOR, a_principal, a_workspace

from access.containers import ReadScope
from memories.models import Memory
from memories.owners import Owner
from memories.saving import Draft
from recall import conversations, recalling
from recall.conversations import Conversation, ConversationTooLarge
from refusals import InvalidArgument
from usage.models import Meter
from workspaces.models import Workspace


def messages(*turns):
    names = ("role", "content", "at")
    return {"messages": [dict(zip(names, turn, strict=False)) for turn in turns]}


TALK = messages(
    ("system", "Be brief."),
    ("user", "Which port does\nthe  staging API use?", "09:00"),
    ("assistant", "It uses 8443.", "09:01"),
    ("user", "Thank you."),
)


def save(workspace, body, **given):
    given = {"draft": Draft(text="x"), **given}
    return conversations.save(
        workspace=workspace,
        conversation=Conversation.of(body),
        channel="assistant",
        actor=OPERATOR,
        at=NOW,
        **given,
    )


@pytest.mark.django_db
def test_a_conversation_is_a_note_of_its_turns():
    done = save(a_workspace(), TALK, draft=Draft(text="x", memory_type="fact"))

    memory = Memory.objects.get()
    assert memory == done.memory
    assert memory.memory_type == "note"
    assert memory.text == (
        "system: Be brief.\n\n"
        "[09:00] user: Which port does\nthe  staging API use?\n\n"
        "[09:01] assistant: It uses 8443.\n\n"
        "user: Thank you."
    )


@pytest.mark.django_db
def test_what_can_be_counted_is_kept_with_it():
    owner = Owner("maria", "user")
    done = save(
        a_workspace(),
        TALK,
        draft=Draft(text="x", owner=owner, metadata={"ticket": 7, "source": "me"}),
    )

    memory = done.memory
    assert memory.metadata == {
        "ticket": 7,
        "source": "conversation",
        "title": "Which port does the staging API use?",
        "message_count": 4,
        "participants": "system, user, assistant",
        "system_messages": 1,
        "user_messages": 2,
        "assistant_messages": 1,
        "first_at": "09:00",
        "last_at": "09:01",
    }
    assert memory.owner_id == "maria"
    assert done.summary.participants == ("system", "user", "assistant")


@pytest.mark.django_db
def test_it_is_recalled_by_what_was_said():
    workspace = a_workspace()
    save(workspace, TALK)

    found = recalling.recall(
        ReadScope(Workspace.objects.all(), workspace, None),
        recalling.Wanted(text="staging API port 8443"),
        at=NOW,
    )

    assert found.hits[0].memory == Memory.objects.get()


@pytest.mark.django_db
def test_a_transcript_wins_and_its_turns_are_counted():
    body = {**TALK, "transcript": "intro\nUser: Hello there\nmore\nassistant:Hi\n"}
    done = save(a_workspace(), body)

    assert done.memory.text == body["transcript"]
    assert done.summary.counts == {"user": 1, "assistant": 1}
    assert done.summary.title == "Hello there more"


@pytest.mark.parametrize(
    ("transcript", "title"),
    [
        ("just some words", "just some words"),
        ("y" * 300, "y" * 199 + "…"),
        ("assistant: first\nuser: second", "second"),
        ("assistant: only", "only"),
    ],
)
def test_every_transcript_has_a_title(transcript, title):
    found = conversations.summary_of(Conversation.of({"transcript": transcript}))

    assert found.title == title


@pytest.mark.django_db
def test_the_same_conversation_is_kept_once_and_a_longer_one_anew():
    workspace = a_workspace()
    first = save(workspace, TALK)

    again = save(workspace, TALK)
    longer = {"messages": [*TALK["messages"], {"role": "user", "content": "Bye."}]}
    went_on = save(workspace, longer)

    assert not again.saved[0].is_new
    assert again.memory == first.memory
    assert went_on.saved[0].is_new
    assert Memory.objects.count() == 2


LONG = messages(*(("user", f"{n} " + "word " * 4500) for n in range(5)))


@pytest.mark.django_db
def test_a_long_conversation_becomes_parts_cut_between_messages():
    done = save(a_workspace(), LONG)

    texts = [each.memory.text for each in done.saved]
    assert len(texts) == 3
    assert all(len(text) <= 50_000 for text in texts)
    # Nothing is lost, doubled or cut within a message.
    joined = "\n\n".join(texts)
    assert joined == "\n\n".join(
        f"user: {each['content']}" for each in LONG["messages"]
    )
    assert [each.memory.metadata["part"] for each in done.saved] == [1, 2, 3]
    assert {each.memory.metadata["parts"] for each in done.saved} == {3}


@pytest.mark.django_db
def test_a_conversation_takes_the_place_of_an_earlier_one():
    workspace = a_workspace()
    first = save(workspace, TALK).memory

    done = save(workspace, LONG, draft=Draft(text="x", replaces=str(first.memory_id)))

    first.refresh_from_db()
    assert first.superseded_by == done.memory
    assert [len(each.superseded) for each in done.saved] == [1, 0, 0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("body", "writes"), [(TALK, 1), (LONG, 3)])
def test_a_conversation_is_charged_once_for_each_memory(body, writes):
    workspace, payer = a_workspace(), a_principal()

    save(workspace, body, payer=payer)
    save(workspace, body, payer=payer)

    meter = Meter.objects.get()
    texts = Memory.objects.values_list("text", flat=True)
    assert meter.writes == writes
    assert meter.storage_bytes == sum(len(text.encode()) for text in texts)


@pytest.mark.django_db
def test_one_that_fails_half_way_leaves_nothing():
    workspace = a_workspace()
    draft = Draft(text="x", metadata={"n": 1}, subject="a\nb")

    with pytest.raises(InvalidArgument):
        save(workspace, LONG, draft=draft)
    assert not Memory.objects.exists()


def test_a_conversation_past_what_it_may_become_is_refused():
    body = messages(*(("user", "x" * 24_000) for _ in range(60)))

    with pytest.raises(ConversationTooLarge):
        assert not Conversation.of(body).parts


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": "user: hello"},
        {"messages": {"role": "user"}},
        {"messages": ["hello"]},
        {"messages": [{"role": "user"}]},
        {"messages": [{"content": "hello"}]},
        messages(("robot", "hello")),
        messages(("user", "")),
        messages(("user", 7)),
        messages(("user", "x" * 24_001)),
        messages(("user", "hello", 900)),
        messages(("user", "hello", "x" * 101)),
        messages(*[("user", "x")] * 201),
        {"transcript": "x" * 50_001},
        {"transcript": 7},
        {"transcript": "  ", "messages": []},
    ],
    ids=range(17),
)
def test_a_body_outside_its_bounds_is_refused(body):
    with pytest.raises(InvalidArgument):
        Conversation.of(body)


def test_the_longest_that_is_allowed_is_taken():
    body = messages(*[("tool", "x" * 100)] * 199, ("user", "x" * 24_000, "y" * 100))

    assert len(Conversation.of(body).messages) == 200
    assert Conversation.of({"transcript": "x" * 50_000}).parts == ["x" * 50_000]
