"""Loops, drift, novelty and replay (memorynode contract, section 16: Policy)."""

from __future__ import annotations

import random

import pytest
from asking import ask, is_allowed, request
from running import wait_until
from threads import at_once

import keystore
from policy import engine, sketches, state
from policy.decisions import Reason

pytestmark = pytest.mark.django_db

QUESTION = "how do we deploy the zebrafish pipeline to staging"
SUBJECTS = (
    "rotate the signing key of the bridge",
    "which port the worker listens on",
    "why the heron migration was reverted",
    "names of the reviewers of the parser",
    "how large uploads are streamed to disk",
    "what Kim decided about colour tokens",
    "flaky test around midnight in Lisbon",
    "licence of the vendored tokenizer",
    "cost of the nightly embedding job",
    "where backups of the archive are kept",
)


def sketched(*texts, apart=1.0):
    """Questions before now, the last one `apart` seconds ago."""
    last = len(texts)
    return [(apart * (last - n), sketches.sketch(text)) for n, text in enumerate(texts)]


def test_a_loop_is_denied_with_what_it_repeats(limits):
    limits(loop_repeats=3)

    answers = [ask("recall", query=QUESTION) for _ in range(4)]

    assert [is_allowed(each) for each in answers] == [True, True, True, False]
    denied = answers[3]
    assert denied.reason == Reason.LOOP_DETECTED
    assert denied.detail["retry_after_s"] == 30
    assert denied.detail["confidence"] == 1.0
    assert len(denied.detail["matched_window"]) == 3


def test_by_default_a_second_and_a_third_try_are_served():
    assert all(is_allowed(ask("recall", query=QUESTION)) for _ in range(6))
    assert ask("recall", query=QUESTION).reason == Reason.LOOP_DETECTED


def test_a_paraphrase_loop_is_one_too(limits):
    limits(loop_repeats=2)
    ask("recall", query=QUESTION)
    ask("search", query="How do we deploy, the zebrafish pipeline to staging?")

    answer = ask("recall", query=f"{QUESTION} now")

    assert answer.reason == Reason.LOOP_DETECTED


def test_a_topical_shift_is_allowed(limits):
    limits(loop_repeats=1)

    assert all(is_allowed(ask("recall", query=each)) for each in SUBJECTS)


def test_each_scope_and_each_token_goes_its_own_way(limits):
    limits(loop_repeats=1)
    ask("recall", query=QUESTION)

    assert is_allowed(ask("recall", query=QUESTION, scope="blog"))
    assert is_allowed(ask("recall", query=QUESTION, token=2))
    assert not is_allowed(ask("context", query=QUESTION))


def test_a_denied_question_is_not_counted(limits):
    limits(loop_repeats=2)
    for _ in range(6):
        ask("recall", query=QUESTION)

    assert len(state.earlier(request("recall", query=QUESTION))) == 2


def test_drift_is_detected(limits):
    limits(loop_repeats=100, drift_score=1.0)
    words = "deploy zebrafish pipeline staging cluster"

    answers = [ask("recall", query=f"{words} {n:03}") for n in range(15)]

    assert is_allowed(answers[0])
    denied = next(each for each in answers if not is_allowed(each))
    assert denied.reason == Reason.LOOP_DETECTED_DRIFT
    assert denied.detail["drift_score"] >= 1.0


def test_drift_decays():
    words = sketches.sketch(QUESTION)
    quick = sketches.watch(words, sketched(*[QUESTION] * 10, apart=1)).drift
    slow = sketches.watch(words, sketched(*[QUESTION] * 10, apart=120)).drift

    assert quick > 2 > 0.5 > slow


def test_different_questions_do_not_drift():
    *before, last = SUBJECTS

    assert sketches.watch(sketches.sketch(last), sketched(*before)).drift == 0


def test_likeness_needs_three_words_in_ten():
    one = sketches.sketch("alpha " * 30 + "beta gamma delta")
    other = sketches.sketch("alpha " * 30 + "epsilon zeta eta theta iota kappa")

    assert sketches.cosine(one, other) > 0.9
    assert sketches.likeness(one, other) == 0


def test_a_sketch_does_not_hold_the_words():
    assert "zebrafish" not in str(sketches.sketch(QUESTION))


# -- novelty -----------------------------------------------------------------------


def test_a_text_without_a_word_is_a_weak_signal():
    assert ask("memory_save", content="…!?").reason == Reason.WEAK_SIGNAL
    assert is_allowed(ask("memory_save", content="Uses pnpm."))


def test_texts_that_hardly_differ_are_a_weak_signal_in_the_end(limits):
    limits(novelty_repeats=2)
    text = "The build of the parser takes four minutes on the small runner of Lisbon"
    ask("memory_save", content=text)
    ask("memory_save", content=f"{text}.  Really")

    again = ask("memory_save", content=text)
    third = ask("memory_save", content=f"{text} indeed")
    replacing = ask("memory_save", content=f"{text} truly", replaces_memory_id="m")
    new = ask("memory_save", content="Kim prefers tabs in Makefiles")

    assert is_allowed(again)
    assert third.reason == Reason.WEAK_SIGNAL
    assert 0 <= third.detail["novelty_score"] <= 0.05
    assert is_allowed(replacing)
    assert is_allowed(new)


def test_a_correction_is_no_repetition():
    versions = [f"The bridge needs version 2.{n} of the parser now" for n in range(4)]

    assert all(is_allowed(ask("memory_save", content=each)) for each in versions)


# -- replay ------------------------------------------------------------------------


def save(content, nonce="nonce-0001", **given):
    return ask("memory_save", content=content, nonce=nonce, **given)


def test_a_nonce_with_other_arguments_is_a_replay():
    first, retried = save("The port is 8001."), save("The port is 8001.")
    other = save("The port is 9000.")

    assert is_allowed(first)
    assert is_allowed(retried)
    assert other.reason == Reason.REPLAY_DETECTED


def test_a_nonce_is_of_one_token_and_one_tool():
    save("The port is 8001.")

    assert is_allowed(save("Another thing.", token=2))
    assert is_allowed(ask("memory_forget", content="It.", nonce="nonce-0001"))


def test_a_nonce_is_accepted_after_its_window(limits):
    limits(nonce_seconds=1)
    save("The port is 8001.")

    assert wait_until(lambda: is_allowed(save("The port is 9000.")))


def test_a_denied_call_uses_no_nonce_up(limits):
    limits(input_tokens=20)

    assert save("x" * 400).reason == Reason.COST_EXCEEDED
    assert is_allowed(save("short words"))


def test_a_call_that_came_to_nothing_gives_its_nonce_back():
    asked = request("memory_save", content="The port is 8001.", nonce="nonce-0001")
    save("The port is 8001.")
    engine.undo(asked)

    assert is_allowed(save("The port is 9000."))


def test_the_store_of_nonces_is_bounded(settings, limits):
    limits(session_writes=5)

    for number in range(30):
        save(f"thing number {number}", nonce=f"nonce-{number:04}")

    redis = keystore._client(settings.REDIS_URL)
    kept = list(redis.scan_iter(keystore.key("policy", "nonce", "*")))
    assert len(kept) == 5
    assert all(0 < redis.pttl(key) <= 600_000 for key in kept)


# -- simulated attacks -------------------------------------------------------------


def loop_spam(number):
    return ask("recall", query=QUESTION)


def cost_fragments(number):
    return ask("recall", query=f"{SUBJECTS[number % 10]} {number}", top_k=20)


def replay(number):
    return save(f"{SUBJECTS[number % 10]} {number}")


def mixed(number):
    return random.Random(number).choice([loop_spam, cost_fragments, replay])(number)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attack", [loop_spam, cost_fragments, replay, mixed])
def test_of_an_attack_accepted_and_rejected_are_all(attack, limits):
    limits(session_tokens=20_000, loop_repeats=3, scope_burst=5)

    done = at_once(4, lambda n: [attack(100 * n + k) for k in range(20)])

    answers = [answer for each in done for answer in each]
    accepted = sum(map(is_allowed, answers))
    counted = state.counts()
    assert 0 < accepted < 80
    assert counted["allow"] == accepted
    assert accepted + sum(n for name, n in counted.items() if name != "allow") == 80
