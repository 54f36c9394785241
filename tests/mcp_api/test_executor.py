"""Calls on threads: few begin at once, and none keeps the others waiting."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from mcp_api.calls import Cancellation
from mcp_api.executor import start

# The threads look at their database connections.
pytestmark = pytest.mark.django_db(transaction=True)


class Held:
    """Works that begin and then wait until they are let go."""

    def __init__(self) -> None:
        self.began: list[int] = []
        self.let_go = threading.Event()

    def start(self, number: int) -> asyncio.Future[int]:
        def work() -> int:
            self.began.append(number)
            assert self.let_go.wait(10)
            return number

        return start(work, cancellation=Cancellation())


def test_two_begin_and_the_others_as_soon_as_those_are_no_short_ones():
    held = Held()

    async def run() -> list[int]:
        works = [held.start(number) for number in range(6)]
        # The loop does nothing meanwhile, so that no turn is given up.
        time.sleep(0.2)
        assert sorted(held.began) == [0, 1]
        await asyncio.sleep(0.3)
        assert sorted(held.began) == [0, 1, 2, 3, 4, 5]
        held.let_go.set()
        return await asyncio.gather(*works)

    assert asyncio.run(run()) == [0, 1, 2, 3, 4, 5]


def test_what_is_taken_back_before_its_turn_never_runs():
    held = Held()

    async def run() -> None:
        works = [held.start(number) for number in range(4)]
        works[2].cancel()
        held.let_go.set()
        assert await asyncio.gather(works[0], works[1], works[3]) == [0, 1, 3]

    asyncio.run(run())
    assert sorted(held.began) == [0, 1, 3]


def test_an_error_is_told_and_gives_its_turn_back():
    def fails() -> None:
        raise LookupError("nothing there")

    async def run() -> str:
        for _ in range(5):
            with pytest.raises(LookupError, match="nothing there"):
                await start(fails, cancellation=Cancellation())
        return await start(lambda: "served", cancellation=Cancellation())

    assert asyncio.run(run()) == "served"
