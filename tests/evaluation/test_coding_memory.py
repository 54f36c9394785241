"""The evaluation set is what its README says: gold is right, needles are unique."""

import json
import re
import subprocess
import sys
from collections import Counter

import pytest

from evaluation import conversations as reading

CONVERSATIONS = reading.conversations()
ALL = [(c, q) for c in CONVERSATIONS for q in c.questions]
PEOPLE = {
    "Ines Carvalho",
    "Tobias Brandt",
    "Yuki Nakamura",
    "Amara Okafor",
    "Luc Fontaine",
    "deploybot",
}
KINDS = {
    "identifier",
    "phrase",
    "error",
    "path",
    "fact",
    "why",
    "when",
    "who",
    "paraphrase",
    "language",
    "multi",
    "latest",
    "session",
}

each_conversation = pytest.mark.parametrize(
    "conversation", CONVERSATIONS, ids=lambda conversation: conversation.id
)


def text_of(conversation, message_id):
    return next(m.text for m in conversation.messages if m.id == message_id)


def test_it_is_large_enough_to_tell_systems_apart():
    assert sum(len(c.messages) for c in CONVERSATIONS) >= 600
    assert len(ALL) >= 200
    assert {q.kind for _, q in ALL} == KINDS
    assert min(Counter(q.kind for _, q in ALL).values()) >= 10


def test_some_results_are_long():
    sizes = [len(m.text.encode()) for c in CONVERSATIONS for m in c.messages]

    assert sum(size >= 2_500 for size in sizes) >= 12
    assert 6_000 <= max(sizes) <= 12_000


@each_conversation
def test_sessions_hold_8_to_25_messages_of_known_roles(conversation):
    sessions = Counter(message.session for message in conversation.messages)

    assert set(sessions.values()) <= set(range(8, 26))
    assert {m.role for m in conversation.messages} <= PEOPLE | set(reading.ROLES)
    assert all(message.text for message in conversation.messages)


@each_conversation
def test_sessions_follow_one_another_in_time(conversation):
    times = [message.when for message in conversation.messages]

    assert times == sorted(times)
    assert all(re.fullmatch(r"2026-\d\d-\d\d \d\d:\d\d", when) for when in times)


@each_conversation
def test_ids_are_unique(conversation):
    messages = [message.id for message in conversation.messages]
    questions = [question.text for question in conversation.questions]

    assert len(set(messages)) == len(messages)
    assert len(set(questions)) == len(questions)


@each_conversation
def test_gold_is_named_by_label_and_not_by_count(conversation):
    gold = {message for q in conversation.questions for message in q.gold}

    assert not [message for message in gold if re.search(r"#\d+$", message)]


@each_conversation
def test_needles_stand_in_every_gold_message_and_nowhere_else(conversation):
    for question in conversation.questions:
        if question.needle:
            holders = {m.id for m in conversation.messages if question.needle in m.text}
            assert holders == question.gold, question.id


@each_conversation
def test_what_is_quoted_stands_verbatim_in_gold(conversation):
    for question in conversation.questions:
        if question.kind == "phrase":
            quoted = question.text.partition('"')[2].rstrip('"')
            for message in question.gold:
                text = text_of(conversation, message)
                assert quoted.casefold() in text.casefold(), question.id


@pytest.mark.parametrize(("conversation", "question"), ALL, ids=lambda x: x.id)
def test_a_question_has_the_gold_that_its_kind_promises(conversation, question):
    assert question.kind in KINDS
    assert question.answer
    assert bool(question.gold) != (question.kind == "session")
    assert question.gold_sessions <= {m.session for m in conversation.messages}
    if question.kind in ("identifier", "phrase"):
        assert question.needle
    if question.kind == "multi":
        assert len(question.gold) == 2


def test_nothing_looks_like_a_real_secret():
    secret = re.compile(
        r"AKIA[0-9A-Z]{16}|gh[pousr]_\w{20}|sk-[\w-]{20}|xox[abp]-|-----BEGIN"
        r"|eyJ[\w-]{20}|[A-Za-z0-9+]{40,}"
    )
    for conversation in CONVERSATIONS:
        for message in conversation.messages:
            assert not secret.search(message.text), message.id


def test_unknown_gold_is_refused(tmp_path):
    (tmp_path / "01-a.txt").write_text("when: 2026-01-01 10:00\n\n## user #a\nHi\n")
    (tmp_path / "questions.toml").write_text(
        '[[question]]\nkind = "fact"\ntext = "?"\ngold = ["01#b"]\nanswer = "!"\n'
    )

    with pytest.raises(reading.BadEvaluationFile, match="01#b"):
        reading.conversation(tmp_path)


def test_a_session_without_its_time_is_refused(tmp_path):
    path = tmp_path / "01-a.txt"
    path.write_text("## user\nHi\n")

    with pytest.raises(reading.BadEvaluationFile, match="first line"):
        list(reading.session(path))


def test_it_prints_as_json():
    printed = subprocess.run(
        [sys.executable, "-m", "evaluation"], capture_output=True, check=True
    )
    first = json.loads(printed.stdout)[0]

    assert set(first) == {"id", "messages", "questions"}
    assert set(first["messages"][0]) == {"id", "session", "role", "text", "when"}
