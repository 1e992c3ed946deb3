"""What the services that the google engine uses cost: list prices, in dollars, as of a date.

One table for whoever tells a cost. From the vendor's own price pages, for us-central1, without any
free tier or discount; look there before you rely on it.
"""

from __future__ import annotations

from dataclasses import dataclass

AS_OF = "November 2026"
REGION = "us-central1"

_FIRESTORE = "cloud.google.com/firestore/pricing"
_PUBSUB = "cloud.google.com/pubsub/pricing"
_RUN = "cloud.google.com/run/pricing"
_STORAGE = "cloud.google.com/storage/pricing"


@dataclass(frozen=True, slots=True)
class Price:
    dollars: float
    #: for so many of the unit
    per: float
    unit: str
    #: the page it is from
    source: str

    def of(self, amount: float) -> float:
        return amount / self.per * self.dollars

    def __str__(self) -> str:
        cents = f"{self.dollars:.8f}".rstrip("0")
        return f"${max(cents, f'{self.dollars:.2f}', key=len)} per {self.unit}"


DOCUMENT_WRITES = Price(0.09, 100_000, "100,000", _FIRESTORE)
#: also for each thousand index entries that an aggregation adds up
DOCUMENT_READS = Price(0.03, 100_000, "100,000", _FIRESTORE)
DOCUMENT_DELETES = Price(0.01, 100_000, "100,000", _FIRESTORE)
DOCUMENT_STORAGE = Price(0.15, 2**30, "GiB a month", _FIRESTORE)
#: published, and again when pushed
MESSAGE_BYTES = Price(40.0, 2**40, "TiB", _PUBSUB)
#: what any publish or push request costs at least
LEAST_REQUEST_BYTES = 1000
INVOCATIONS = Price(0.40, 1_000_000, "1,000,000", _RUN)
VCPU_SECONDS = Price(0.000024, 1, "vCPU-second", _RUN)
GIB_SECONDS = Price(0.0000025, 1, "GiB-second", _RUN)
#: class A operations
BUCKET_WRITES = Price(0.005, 1000, "1,000", _STORAGE)
#: class B operations
BUCKET_READS = Price(0.0004, 1000, "1,000", _STORAGE)
BUCKET_STORAGE = Price(0.020, 2**30, "GiB a month", _STORAGE)
