"""Many processes on one batch of the google engine, on the official emulator."""

from __future__ import annotations

from multiprocessing import Pipe
from pathlib import Path

from fanfold.domain.batch import BatchState, Claim
from fanfold.domain.digest import digest_of
from fanfold.domain.settling import Verdict
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.local.emulators import Emulators
from fanfold.testing.conformance.rig import new_batch, ok, sealed, with_records
from fanfold.testing.nursery import fork
from fanfold.testing.settling import settle_twice

PROJECT, PREFIX = "fanfold-test", "settling-"
PROCESSES, EACH = 20, 50


def test_twenty_processes_settle_one_batch_exactly_and_a_late_result_is_refused(
    emulators: Emulators, tmp_path: Path
) -> None:
    with (
        open_clients(emulators.firestore, emulators.pubsub) as clients,
        google_engine(
            clients, FolderBlobs(tmp_path), project=PROJECT, prefix=PREFIX, slots=4
        ) as ports,
    ):
        total = PROCESSES * EACH
        batch = sealed(ports, with_records(ports, new_batch(ports, slots=4), total, page=500))
        where = (emulators.firestore, emulators.pubsub, PROJECT, PREFIX, batch.id)
        # each overlaps its neighbour by half: every record is settled by two processes, twice
        shares = [range(max(0, n * EACH - EACH // 2), (n + 1) * EACH) for n in range(PROCESSES)]
        answers, processes = [], []
        for share in shares:
            receiving, sending = Pipe(duplex=False)
            answers.append(receiving)
            processes.append(fork(settle_twice, *where, share, sending))
        assert [process.wait(200) for process in processes] == [0] * PROCESSES
        counted = [answer.recv() for answer in answers]
        assert sum(counted) == total
        tally = ports.runs.tally(batch.id)
        assert (tally.succeeded, tally.digest) == (total, digest_of(0, total))
        assert ports.runs.settled(batch.id) == total

        now = ports.clock.now()
        closed = ports.batches.close(batch.id, 1, Claim("me", now + 60), now)
        assert closed.state is BatchState.FINALIZING
        assert Verdict.COUNTED not in ports.runs.settle(batch, [ok(batch, 0)])
        recount = ports.runs.recount(batch.id)
        assert (recount.succeeded, recount.digest) == (total, digest_of(0, total))
