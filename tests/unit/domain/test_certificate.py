from __future__ import annotations

from dataclasses import replace

import pytest

from fanfold.domain.certificate import Certificate

WHOLE = Certificate(
    total=10,
    succeeded=7,
    failed=3,
    canceled=0,
    skipped=0,
    digest=99,
    expected_digest=99,
    recounted_succeeded=7,
    recounted_failed=3,
    recounted_digest=99,
    at=1.0,
    whole=True,
)
STOPPED = replace(
    WHOLE,
    succeeded=2,
    canceled=5,
    digest=40,
    recounted_succeeded=2,
    recounted_digest=40,
    whole=False,
)


@pytest.mark.parametrize("certificate", [WHOLE, STOPPED])
def test_a_certificate_holds_when_everything_agrees(certificate: Certificate) -> None:
    assert certificate.holds


@pytest.mark.parametrize(
    "wrong",
    [
        {"total": 11},
        {"canceled": 1},
        {"skipped": 1},
        {"recounted_succeeded": 6},
        {"recounted_failed": 4},
        {"recounted_digest": 98},
        {"expected_digest": 98},
    ],
)
def test_a_certificate_does_not_hold_when_one_number_disagrees(wrong: dict[str, int]) -> None:
    assert not replace(WHOLE, **wrong).holds  # type: ignore[arg-type]


def test_a_stopped_batch_need_not_have_settled_every_record() -> None:
    assert STOPPED.digest != STOPPED.expected_digest
    assert not replace(STOPPED, whole=True).holds
