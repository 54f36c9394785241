from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from people import NOW, a_principal
from threads import at_once

from access import idempotency
from access.idempotency import IdempotencyConflict
from access.models import IdempotencyKey
from refusals import InvalidArgument

pytestmark = pytest.mark.django_db(transaction=True)


def remembered(principal, key="k-1", fingerprint="a" * 64, at=NOW):
    return idempotency.remembered(
        principal=principal, key=key, fingerprint=fingerprint, at=at
    )


def test_the_second_request_gets_the_first_answer():
    alice = a_principal()
    with remembered(alice) as attempt:
        assert attempt.earlier is None
        attempt.answer(status=201, body={"version": 1})

    with remembered(alice) as again:
        assert again.earlier == idempotency.Answer(201, {"version": 1})


def test_a_key_belongs_to_its_token():
    with remembered(a_principal()) as attempt:
        attempt.answer(status=201, body={})

    with remembered(a_principal()) as other:
        assert other.earlier is None


def test_another_request_with_the_same_key_is_refused():
    alice = a_principal()
    with remembered(alice) as attempt:
        attempt.answer(status=201, body={})

    with pytest.raises(IdempotencyConflict), remembered(alice, fingerprint="b" * 64):
        pass


def test_work_that_failed_frees_the_key():
    alice = a_principal()
    with pytest.raises(ZeroDivisionError), remembered(alice):
        _ = 1 / 0

    with remembered(alice, fingerprint="b" * 64) as again:
        assert again.earlier is None


def test_an_answer_that_was_rolled_back_with_its_work_is_forgotten():
    alice = a_principal()

    def work():
        with remembered(alice) as attempt, transaction.atomic():
            attempt.answer(status=201, body={})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()

    with remembered(alice) as again:
        assert again.earlier is None


def test_an_answer_that_stands_survives_what_goes_wrong_afterwards():
    alice = a_principal()

    def work():
        with remembered(alice) as attempt:
            attempt.answer(status=201, body={})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()

    with remembered(alice) as again:
        assert again.earlier == idempotency.Answer(201, {})


def test_of_twins_at_once_one_works_and_the_others_are_told():
    alice = a_principal()
    others_are_done = threading.Event()
    refused = []

    def request(_: int) -> str:
        try:
            with remembered(alice) as attempt:
                assert others_are_done.wait(timeout=20)
                attempt.answer(status=201, body={})
                return "worked"
        except IdempotencyConflict:
            refused.append(1)
            if len(refused) == 5:
                others_are_done.set()
            raise

    done = at_once(6, request)

    assert done.count("worked") == 1
    assert sum(isinstance(each, IdempotencyConflict) for each in done) == 5
    assert IdempotencyKey.objects.count() == 1


def test_a_claim_whose_process_died_is_taken_over():
    alice = a_principal()
    IdempotencyKey.objects.create(
        token_id=alice.token_id, key="k-1", fingerprint="a" * 64, created_at=NOW
    )

    with pytest.raises(IdempotencyConflict), remembered(alice):
        pass
    later = NOW + idempotency.ABANDONED_AFTER + timedelta(seconds=1)
    with remembered(alice, at=later) as attempt:
        assert attempt.earlier is None


def test_an_answer_is_forgotten_after_a_day():
    alice = a_principal()
    with remembered(alice) as attempt:
        attempt.answer(status=201, body={})

    tomorrow = NOW + idempotency.KEPT_FOR + timedelta(seconds=1)
    with remembered(alice, fingerprint="b" * 64, at=tomorrow) as again:
        assert again.earlier is None
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 129, "é", "a\nb", "\0"])
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(InvalidArgument), remembered(a_principal(), key=key):
        pass


def test_without_a_key_nothing_is_remembered():
    with remembered(a_principal(), key=None) as attempt:
        attempt.answer(status=201, body={})

    assert not IdempotencyKey.objects.exists()
