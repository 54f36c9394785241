from __future__ import annotations

import client_lines as written
import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from audit.trail import Actor
from sessions import conversation, uploads
from sessions.reading import LinesNotFound
from workspaces import registering

pytestmark = pytest.mark.django_db

SYNC = Actor(name="sync")
FAKE_KEY = "AKIA" + "Z7Q2M4K6P2R3T5V7"


def upload(lines, session_id="s-1"):
    at = timezone.now()
    workspace, _ = registering.register(
        machine="loom-1", tool="claude-code", project="weaving", actor=SYNC, at=at
    )
    receipt = uploads.receive(
        workspace=workspace,
        session_id=session_id,
        chunks=[b"".join(lines)],
        actor=SYNC,
        at=at,
    )
    return receipt.transcript


def shown(page):
    return [
        (turn.first_line, turn.last_line, turn.role, turn.text) for turn in page.turns
    ]


def test_talk_is_whole_and_a_tool_call_with_its_answer_is_one_line():
    page = conversation.page(upload(written.claude_session(turns=1)))

    assert shown(page) == [
        (2, 2, "user", "Please mend loom number 0"),
        (3, 5, "tool_input", "Bash: command: loom mend 0 → 31 characters (line 5)"),
        (6, 6, "assistant", "Loom 0 weaves again."),
    ]
    assert (page.next_line, page.previous_line, page.total_lines) == (None, None, 7)
    assert not page.truncated


def test_parallel_calls_each_get_their_own_answer():
    lines = [
        written.answer(1, written.call("Read", "t1", file="warp")),
        written.answer(1, written.call("Read", "t2", file="weft")),
        written.result(2, "t2", "12"),
        written.result(2, "t1", "1"),
    ]
    page = conversation.page(upload(lines))

    assert [turn.text for turn in page.turns] == [
        "Read: file: warp → 1 characters (line 4)",
        "Read: file: weft → 2 characters (line 3)",
    ]


def test_an_answer_whose_call_is_on_an_earlier_page_names_its_tool():
    page = conversation.page(upload(written.claude_session(turns=1)), first_line=4)

    assert page.turns[0].text == "Bash → 31 characters (line 5)"


def test_tools_asked_for_by_role_come_unfolded():
    transcript = upload(written.claude_session(turns=2))
    page = conversation.page(transcript, roles=["tool_output"])

    assert [turn.text for turn in page.turns] == [
        "loom 0 mended: shuttle replaced",
        "loom 1 mended: shuttle replaced",
    ]


def test_a_page_covers_its_lines_and_says_where_the_next_and_previous_begin():
    transcript = upload(written.claude_session(turns=4))
    page = conversation.page(transcript, first_line=8, line_count=6)

    assert {turn.first_line for turn in page.turns} == {8, 9, 12}
    assert (page.next_line, page.previous_line, page.total_lines) == (14, 2, 25)


def test_a_page_without_anything_said_goes_on_to_what_was():
    lines = [written.bash_progress(n) for n in range(30)] + [
        written.prompt(31, "At last")
    ]
    page = conversation.page(upload(lines), line_count=5)

    assert shown(page) == [(31, 31, "user", "At last")]


def test_past_the_end_there_is_nothing():
    page = conversation.page(upload(written.claude_session(1)), first_line=100)

    assert (page.turns, page.next_line) == ([], None)


def test_there_is_no_line_zero():
    with pytest.raises(LinesNotFound):
        conversation.page(upload(written.claude_session(1)), first_line=0)


def test_secrets_are_masked_in_talk_and_in_folded_calls():
    lines = [
        written.prompt(1, f"My key is {FAKE_KEY}"),
        written.answer(2, written.call("Bash", "t1", command=f"login {FAKE_KEY}")),
    ]
    page = conversation.page(upload(lines))

    assert len(page.turns) == 2
    assert all("REDACTED" in turn.text for turn in page.turns)
    assert not any(FAKE_KEY in turn.text for turn in page.turns)


def test_the_budget_ends_a_page_before_the_turn_that_does_not_fit():
    lines = [written.prompt(n, f"{n} " + "wool " * 100) for n in range(10)]
    page = conversation.page(upload(lines), max_chars=1200)

    assert [turn.first_line for turn in page.turns] == [1, 2]
    assert page.next_line == 3
    assert page.truncated


def test_one_huge_turn_is_cut_and_says_how_to_get_the_rest():
    lines = [written.prompt(1, "wool " * 50_000), written.prompt(2, "Then")]
    page = conversation.page(upload(lines), max_chars=2000)

    (turn,) = page.turns
    assert len(turn.text) <= 2000
    assert "view=lines and first_line=1" in turn.text
    assert (page.next_line, page.truncated) == (2, True)


def test_a_line_of_many_blocks_is_never_given_twice():
    blocks = [written.text(f"{n} " + "wool " * 100) for n in range(5)]
    lines = [written.prompt(0, "Go on"), written.answer(1, *blocks)]
    transcript = upload(lines)

    first = conversation.page(transcript, max_chars=1000)
    second = conversation.page(transcript, first_line=first.next_line, max_chars=1000)

    assert [turn.first_line for turn in first.turns] == [1]
    assert {turn.first_line for turn in second.turns} == {2}
    assert "cut here" in second.turns[-1].text
    assert second.next_line is None


def test_a_compaction_can_be_read():
    line = written.prompt(1, "Before this they wove.", isCompactSummary=True)

    assert shown(conversation.page(upload([line]))) == [
        (1, 1, "summary", "Before this they wove.")
    ]


def test_codex_and_plain_files_read_as_conversations_too():
    codex = conversation.page(upload(written.codex_session(), "c"))
    plain = conversation.page(upload([written.plain("human", "Hi", name="Ada")], "p"))

    assert [turn.role for turn in codex.turns] == ["user", "tool_input", "assistant"]
    assert plain.turns[0].speaker == "Ada"


words = st.text(alphabet="ab \n", max_size=400)
said = st.one_of(
    st.builds(written.prompt, st.integers(0, 999), words),
    st.builds(
        lambda second, texts: written.answer(second, *map(written.text, texts)),
        st.integers(0, 999),
        st.lists(words, max_size=3),
    ),
    st.builds(written.bash_progress, st.integers(0, 999)),
    st.just(b"broken\n"),
)


@hypothesis_settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    lines=st.lists(said, min_size=1, max_size=25),
    line_count=st.integers(1, 10),
    max_chars=st.integers(150, 900),
)
def test_paging_through_gives_every_line_once_and_keeps_the_budget(
    db, lines, line_count, max_chars
):
    # Each example's lines make a session of their own.
    transcript = upload(lines, f"s{abs(hash(tuple(lines)))}")
    next_line: int | None = 1
    seen: list[int] = []
    pages = 0
    while next_line is not None:
        page = conversation.page(
            transcript, first_line=next_line, line_count=line_count, max_chars=max_chars
        )
        assert sum(len(turn.text) for turn in page.turns) <= max_chars
        numbers = [turn.first_line for turn in page.turns]
        assert numbers == sorted(numbers)
        assert not set(numbers) & set(seen)
        seen += numbers
        assert page.next_line is None or page.next_line > next_line
        next_line, pages = page.next_line, pages + 1

    whole = conversation.page(transcript, line_count=1000, max_chars=10**6)
    assert set(seen) == {turn.first_line for turn in whole.turns}
