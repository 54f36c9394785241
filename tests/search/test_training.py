import numpy as np
import pytest

from search import training
from search.training import Bounds, Judged


def judged(
    values, gold, *, sources=None, data="talks", fold="one", by_source=False
) -> Judged:
    values = np.array(values, np.float64)
    return Judged(
        values=values,
        is_gold=np.isin(np.arange(len(values)), gold),
        sources=np.arange(len(values)) if sources is None else np.array(sources),
        data=data,
        fold=fold,
        by_source=by_source,
    )


def made_by(weights, *, questions=200, passages=20, seed=0, **more) -> list[Judged]:
    """Questions whose answer is drawn as a softmax with these weights says."""
    chance = np.random.default_rng(seed)
    made = []
    for _ in range(questions):
        values = chance.normal(size=(passages, len(weights)))
        likely = np.exp(values @ np.array(weights))
        gold = chance.choice(passages, p=likely / likely.sum())
        made.append(judged(values, [gold], **more))
    return made


ANY = Bounds(None, None)


def test_the_weights_that_made_the_answers_are_found_again():
    weights = [2.0, 0.0, -1.0]

    found = training.fit(made_by(weights, questions=600), bounds=[ANY] * 3)

    assert found == pytest.approx(weights, abs=0.25)


def test_a_weight_stays_within_its_bounds():
    questions = made_by([2.0, -1.0])

    found = training.fit(questions, bounds=[Bounds(0, 1.5), Bounds(0)])

    assert found.tolist() == [1.5, 0.0]


def test_a_feature_that_never_differs_gets_no_weight():
    questions = [
        judged(np.insert(each.values, 1, 7.0, axis=1), np.flatnonzero(each.is_gold))
        for each in made_by([2.0])
    ]

    found = training.fit(questions, bounds=[ANY, ANY])

    assert found[1] == pytest.approx(0, abs=1e-6)
    assert found[0] > 1


def test_sets_of_data_count_alike_however_large():
    many = made_by([3.0, 0.0], questions=400, data="large")
    few = made_by([0.0, 3.0], questions=100, data="small", seed=1)

    first, second = training.fit([*many, *few], bounds=[ANY, ANY])

    assert first == pytest.approx(second, rel=0.35)


def test_what_has_no_answer_in_its_pool_teaches_nothing():
    known = made_by([2.0])
    lost = [judged(np.ones((5, 1)) * 9, [])] * 50

    together = training.fit([*known, *lost], bounds=[ANY])

    assert together == pytest.approx(training.fit(known, bounds=[ANY]), abs=1e-6)
    with pytest.raises(ValueError, match="answer"):
        training.fit(lost, bounds=[ANY])


def test_a_source_is_judged_by_its_best_passages():
    """That a source has many passages more says nothing against the others."""

    def weight(more: int) -> float:
        # In three of four questions the answer's source has the better passage.
        asked = [
            judged(
                [[good], [0.0], [0.0], [1.0 - good], *[[0.0]] * more],
                [0, 1, 2],
                sources=[0] * 3 + [1] * (1 + more),
                by_source=True,
            )
            for good in (1.0, 1.0, 1.0, 0.0)
        ]
        return training.fit(asked * 10, bounds=[ANY])[0]

    assert weight(200) == pytest.approx(weight(2), rel=0.1)


def test_what_belongs_together_is_held_out_together():
    questions = [
        judged([[1.0], [0.0]], [0], data=data, fold=f"{data} {number // 4}")
        for data in ("talks", "code")
        for number in range(24)
    ]

    held_once: list[int] = []
    for learned, held in training.folds(questions, 3):
        held_once += held
        assert {questions[at].fold for at in learned}.isdisjoint(
            questions[at].fold for at in held
        )
        assert {questions[at].data for at in held} == {"talks", "code"}
    assert sorted(held_once) == list(range(48))


def test_calibration_says_how_often_it_is_true():
    chance = np.random.default_rng(3)
    sums = chance.normal(12, 3, size=20_000)
    is_answer = chance.random(20_000) < 1 / (1 + np.exp(-(0.5 * sums - 7)))

    found = training.calibrate(sums, is_answer)
    likely = found.likely(sums)

    assert (found.slope, found.offset) == pytest.approx((0.5, -7), rel=0.06)
    assert training.calibration_error(likely, is_answer) < 0.02
    assert training.calibration_error(np.full(20_000, 0.9), is_answer) > 0.3
    assert training.brier(likely, is_answer) < training.brier(
        np.full(20_000, is_answer.mean()), is_answer
    )
