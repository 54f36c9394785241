from __future__ import annotations

import threading

import numpy as np

from search import analysis
from search.index.runs import Runs

NAMES = ["the", "oven", "ovenTimer", "src/oven/timer.py", "日本", "10.0.0.7", "rye"]


def known(runs, name):
    """What the table says about one run, as an entry does."""
    number = np.array([runs[name]], np.uintc)
    hashes, totals = runs.hashes_of(number)
    assert totals.tolist() == [len(hashes)]
    surfaces = {surface.decode() for surface in runs.surfaces_of(number)}
    return sorted(hashes.tolist()), int(runs.widths()[number[0]]), surfaces


def expected(name):
    hashes, width, surfaces = analysis.entry(name)
    return sorted(hashes), width, set(surfaces)


def numbers_of(runs, names):
    return np.array([runs[name] for name in names], np.uintc)


def test_a_run_is_known_by_its_number_as_the_analysis_knows_it():
    runs = Runs()

    for name in NAMES + NAMES[::-1]:
        assert known(runs, name) == expected(name)
    assert sorted(runs.values()) == list(range(len(NAMES)))


def test_a_new_table_keeps_what_was_met_again_and_forgets_the_rest():
    runs = Runs()
    everything = numbers_of(runs, NAMES)
    often = ["ovenTimer", "日本", "src/oven/timer.py"]
    runs.met(everything)
    runs.met(numbers_of(runs, often))

    renewed = runs.renewed()

    assert set(renewed) == set(often)
    for name in NAMES:
        assert known(renewed, name) == expected(name)


def test_a_new_table_is_at_most_half_as_large():
    runs = Runs()
    for _ in range(3):
        runs.met(numbers_of(runs, NAMES))

    assert len(runs.renewed()) == len(NAMES) // 2


def test_what_was_given_out_stays_when_the_table_grows():
    runs = Runs()
    for name in NAMES:
        runs[name]
    widths = runs.widths()
    before = widths.tolist()
    for number in range(5000):
        runs[f"run_{number}"]

    assert len(runs.widths()) == len(NAMES) + 5000
    assert widths.tolist() == before


def test_threads_that_meet_the_same_runs_give_each_one_number():
    runs = Runs()
    names = [f"run{number}" for number in range(3000)]
    together = threading.Barrier(4)
    found: list[list[int]] = []

    def meet():
        together.wait()
        found.append([runs[name] for name in names])

    threads = [threading.Thread(target=meet) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [found[0]] * 4
    assert sorted(found[0]) == list(range(len(names)))
    assert known(runs, names[-1]) == expected(names[-1])
