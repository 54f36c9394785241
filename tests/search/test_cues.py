import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import cues

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SPEAKERS = ("Anna Schmidt", "Will", "Mark", "May", "Melanie", "José", "user")


def read(text: str, speakers=SPEAKERS) -> cues.Cues:
    return cues.read(text, now=NOW, speakers=speakers)


@pytest.mark.parametrize(
    "question",
    [
        "When did we move the oven?",
        "when was the bread baked",
        "And when's the next delivery?",
        "do you remember when the mill closed",
        "What date did the oven break?",
        "which year did the bakery open",
        "how long ago did Anna leave",
        "since when do we use rye",
        "Wann haben wir den Ofen gekauft?",
        "Quand est-ce que le four est arrivé ?",
        "¿Cuándo llegó el horno?",
    ],
)
def test_a_question_for_a_time_asks_when(question):
    assert read(question).asks_when


@pytest.mark.parametrize(
    "question",
    [
        "what broke when we moved the oven",
        "handle errors when the dough sticks",
        "When I open the oven, the light goes out",
        "better handling of when to print error messages",
        "whenever the bell rings",
    ],
)
def test_when_that_joins_two_clauses_asks_nothing(question):
    assert not read(question).asks_when


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who baked the bread?", True),
        ("whose idea was the rye loaf", True),
        ("by whom was the oven repaired", True),
        ("tell me who ordered flour", True),
        ("Wer hat das Brot gebacken?", True),
        ("the man who baked the bread", False),
        ("the whole loaf", False),
    ],
)
def test_a_question_for_a_person_asks_who(question, expected):
    assert read(question).asks_who is expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("how many loaves were sold", True),
        ("How old is the sourdough?", True),
        ("how long does it rise", True),
        ("how long ago was that", False),
        ("how does it rise", False),
    ],
)
def test_a_question_for_an_amount_asks_how_many(question, expected):
    assert read(question).asks_how_many is expected


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("what did Anna decide", ("Anna Schmidt",)),
        ("what did anna decide", ("Anna Schmidt",)),
        ("Anna's plan for the oven", ("Anna Schmidt",)),
        ("anna’s plan for the oven", ("Anna Schmidt",)),
        ("did Schmidt agree", ("Anna Schmidt",)),
        ("ask Anna Schmidt about rye", ("Anna Schmidt",)),
        ("what does jose bake", ("José",)),
        ("WHAT DOES JOSÉ BAKE", ("José",)),
        ("what did Mel paint", ("Melanie",)),
        ("did José and Melanie meet", ("José", "Melanie")),
        ("did Melanie and José and Melanie meet", ("Melanie", "José")),
        ("what did Will say about Mark's loaf", ("Will", "Mark")),
        ("will said it would rain", ("Will",)),
        ("what did the baker May think", ("May",)),
        ("will the mark on the loaf stay", ()),
        ("Will the bread rise?", ()),
        ("Mark the loaf as done", ()),
        ("May I open the oven?", ()),
        ("how may the dough rest", ()),
        ("what did we bake in May", ()),
        ("what did we bake on May 8", ()),
        ("meal for the family", ()),
        ("what did the user say", ()),
        ("annals of baking", ()),
    ],
)
def test_only_speakers_that_are_named_are_found(question, names):
    assert read(question).names == names


def test_two_speakers_of_one_first_name_are_both_named():
    assert read("what did Ada say", ("Ada King", "Ada Byron")).names == (
        "Ada King",
        "Ada Byron",
    )
    assert read("what did Ada Byron say", ("Ada King", "Ada Byron")).names == (
        "Ada Byron",
    )


def test_a_program_is_a_speaker_only_where_its_words_are_asked_for():
    assert read("what did Claude suggest", ("Claude",)).names == ("Claude",)
    assert read("set up Claude Code on the laptop", ("Claude",)).names == ()
    assert read("add it to CLAUDE.md", ("Claude",)).names == ()


@pytest.mark.parametrize(
    ("question", "roles"),
    [
        ("what did I say about rye", ("user",)),
        ("what I asked for yesterday", ("user",)),
        ("my question about the oven", ("user",)),
        ("what did the user want", ("user",)),
        ("the user's first request", ("user",)),
        ("was habe ich bestellt", ("user",)),
        ("what did you suggest for the crust", ("assistant",)),
        ("your last answer about yeast", ("assistant",)),
        ("Claude answered something about yeast", ("assistant",)),
        ("the plan proposed by the assistant", ("assistant",)),
        ("according to Codex", ("assistant",)),
        ("did you answer what I asked", ("user", "assistant")),
        ("how do I bake rye bread", ()),
        ("what did the agent reply", ("assistant",)),
        ("where is the user table", ()),
        ("did the user table get an index", ()),
        ("did the model converge", ()),
        ("can you bake a loaf", ()),
        ("install Claude Code", ()),
        ("what did Anna decide", ()),
    ],
)
def test_a_role_is_found_where_its_words_are_asked_for(question, roles):
    assert read(question).roles == roles


def test_names_and_times_are_told_together():
    found = read("What did Anna say about the oven last Tuesday?")

    assert found.names == ("Anna Schmidt",)
    assert [(span.text, span.start.date().isoformat()) for span in found.spans] == [
        ("last Tuesday", "2026-11-17")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "we met yesterday",
        "The delivery came last week.",
        "She left in March",
        "Monday works for me",
        "that was in 2023",
        "three days ago",
        "the alarm rang at 07:45",
        "see you at 3 pm",
        "written 2026-03-04",
        "on the 8th of May",
        "Q1 2026 was quiet",
        "wir treffen uns am Mittwoch",
        "im März war es kalt",
        "c'était en février",
        "nos vemos el miércoles",
        "gestern",
    ],
)
def test_a_passage_with_a_time_has_a_time_word(text):
    assert cues.flags(text) & cues.HAS_TIME_WORD


@pytest.mark.parametrize(
    "text",
    [
        "the dough may rest and march on",
        "the second loaf was darker",
        "port 2023 is open",
        "def fetch(days): return days",
        "the monument",
        "",
    ],
)
def test_a_passage_without_a_time_has_no_time_word(text):
    assert not cues.flags(text) & cues.HAS_TIME_WORD


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Is the oven hot?", True),
        ("We could. Shall we?\n", True),
        ("„Ist er heiß?“", True),
        ('He asked "is it hot?"', True),
        ("オーブンは熱いですか？", True),
        ("Is it? No.", False),
        ("It is hot.", False),
    ],
)
def test_a_passage_that_ends_by_asking_is_a_question(text, expected):
    assert bool(cues.flags(text) & cues.IS_QUESTION) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sold 12 loaves", True),
        ("it cost 3.50", True),
        ("12%", True),
        ("two ovens", True),
        ("utf8 and v1x", False),
        ("no loaves", False),
    ],
)
def test_a_passage_with_an_amount_has_a_number(text, expected):
    assert bool(cues.flags(text) & cues.HAS_NUMBER) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I baked bread", True),
        ("i'm baking", True),
        ("that is my oven", True),
        ("ich backe", True),
        ("for i in range(3): print(i)", False),
        ("they baked bread", False),
    ],
)
def test_a_passage_of_oneself_is_in_the_first_person(text, expected):
    assert bool(cues.flags(text) & cues.IS_FIRST_PERSON) is expected


def test_text_that_is_no_unicode_still_has_flags():
    assert cues.flags("yesterday \ud800?") == cues.HAS_TIME_WORD | cues.IS_QUESTION


WORDS = st.sampled_from(
    re.findall(
        r"\S+",
        """
        1 31 2024 9999 0 24 march may q1 last the of week - / . , to and ago Anna Anna's
        will did I you Claude when who said since 14:30 pm summer vor zwei Wochen il y a
        letzte 8. Mai de hace été ? ( past few a couple of year hour Friday before next
        """,
    )
)


@given(
    st.one_of(st.text(), st.lists(WORDS, max_size=40).map(" ".join)),
    st.lists(st.text(max_size=20), max_size=4),
)
def test_any_text_can_be_read(text, speakers):
    found = cues.read(text, now=NOW, speakers=speakers)

    assert set(found.names) <= set(speakers)
    assert len(found.spans) <= 8
    for span in found.spans:
        assert text[span.at : span.at + len(span.text)] == span.text
        assert span.start < span.end
    assert 0 <= cues.flags(text) < 16
