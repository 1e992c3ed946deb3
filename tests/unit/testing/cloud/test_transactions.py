"""Transactions on the stand-in: what one has read, no other may change under it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.cloud.firestore_v1 import types

from fanfold.engines.google import values
from fanfold.engines.google.clients import Clients
from fanfold.engines.google.firestore import Aborted, Exists, Firestore, Unfit
from fanfold.testing.cloud import Cloud

DATABASE = "projects/fanfold-test/databases/(default)"


class Desk:
    """One document, and transactions on it."""

    def __init__(self, cloud: Cloud, clients: Clients, firestore: Firestore) -> None:
        self.cloud = cloud
        self.firestore = firestore
        self.path = firestore.path("things", "shared")
        self._clients = clients
        firestore.commit([values.create(self.path, {"x": 0})])

    def reading(self) -> bytes:
        """A transaction that has read it."""
        request = types.BeginTransactionRequest(database=DATABASE)
        name: bytes = self._clients.firestore.begin_transaction(request).transaction
        self.firestore.get_one(self.path, name)
        return name

    def write(self, x: int, transaction: bytes | None = None) -> None:
        self.firestore.commit([values.change(self.path, {"x": x})], transaction)

    def roll_back(self, transaction: bytes) -> None:
        request = types.RollbackRequest(database=DATABASE, transaction=transaction)
        self._clients.firestore.rollback(request)

    @property
    def x(self) -> int:
        document = self.firestore.get_one(self.path)
        assert document is not None
        x: int = document.fields["x"]
        return x


@pytest.fixture
def desk(cloud: Cloud, clients: Clients, firestore: Firestore) -> Desk:
    return Desk(cloud, clients, firestore)


def test_who_writes_what_another_has_read_is_aborted_after_a_while(desk: Desk) -> None:
    desk.cloud.limits.lock_seconds = 0.05
    transaction = desk.reading()
    with pytest.raises(Aborted):
        desk.write(1)
    desk.write(2, transaction)
    assert desk.x == 2


def test_of_two_that_have_read_it_the_one_that_gives_up_lets_the_other_go_on(desk: Desk) -> None:
    first, second = desk.reading(), desk.reading()
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(desk.write, 1, first)
        desk.roll_back(second)
        writing.result()
    assert desk.x == 1
    with pytest.raises(Unfit, match="closed"):
        desk.write(2, second)


def test_without_waiting_the_second_of_two_is_aborted(desk: Desk) -> None:
    desk.cloud.limits.pessimistic = False
    first, second = desk.reading(), desk.reading()
    desk.write(1, first)
    with pytest.raises(Aborted):
        desk.write(2, second)
    assert desk.x == 1


def test_without_waiting_a_read_after_a_change_is_aborted(desk: Desk) -> None:
    desk.cloud.limits.pessimistic = False
    transaction = desk.reading()
    desk.write(1)
    with pytest.raises(Aborted):
        desk.firestore.get_one(desk.path, transaction)


def test_what_was_not_there_is_read_as_well(desk: Desk) -> None:
    desk.cloud.limits.pessimistic = False
    transaction = desk.reading()
    new = desk.firestore.path("things", "new")
    desk.firestore.get_one(new, transaction)
    desk.firestore.commit([values.create(new, {})])
    with pytest.raises(Aborted):
        desk.write(1, transaction)


def test_a_commit_ends_the_transaction_however_it_goes(desk: Desk) -> None:
    transaction = desk.reading()
    with pytest.raises(Exists):
        desk.firestore.commit([values.create(desk.path, {})], transaction)
    assert desk.cloud.open_transactions == 0
    with pytest.raises(Unfit, match="closed"):
        desk.write(1, transaction)
    desk.roll_back(transaction)


def test_a_transaction_that_nobody_ends_ends_by_itself(desk: Desk) -> None:
    desk.reading()
    desk.cloud.pass_(61)
    desk.write(1)
    assert desk.cloud.open_transactions == 0


def test_an_unknown_transaction_is_refused(desk: Desk) -> None:
    with pytest.raises(Unfit):
        desk.write(1, b"nonsense")
