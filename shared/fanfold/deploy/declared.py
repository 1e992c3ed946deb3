"""What the code needs of the cloud, as JSON that the Terraform in `infra/` reads.

    python -m fanfold.deploy.declared > infra/declared.json

One list for both: a topic, an index or a permission that the code needs and the deployment has not
would be noticed by users.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from fanfold.deploy.duties import DUTIES
from fanfold.engines.google.resources import (
    EXPIRING,
    INDEXES,
    SUBSCRIPTIONS,
    UNINDEXED,
    events,
    subscription,
    topic,
)
from fanfold.local.functions import NAMES, SERVES
from fanfold.ports import MAX_DELIVERIES, Station


def declared() -> dict[str, Any]:
    """Names are without the prefix of a deployment."""
    return {
        "topics": sorted(
            {events("")} | {topic("", it.station, it.priority) for it in SUBSCRIPTIONS}
        ),
        "dead_letters": topic("", Station.DEAD_LETTERS),
        "max_deliveries": MAX_DELIVERIES,
        "subscriptions": {
            subscription("", it.station, it.priority): {
                "station": str(it.station),
                "topic": topic("", it.station, it.priority),
                "function": SERVES[it.station],
                "ack_deadline": it.ack_deadline,
                "min_backoff": int(it.min_backoff),
                "max_backoff": int(it.max_backoff),
                "dead_letters": it.dead_letters,
            }
            for it in SUBSCRIPTIONS
        },
        "indexes": [
            {
                "collection": it.collection,
                "fields": list(it.fields),
                "descending": it.descending,
            }
            for it in INDEXES
        ],
        "unindexed": [
            {"collection": collection, "field": field} for collection, field in UNINDEXED
        ],
        "expiring": [{"collection": collection, "field": field} for collection, field in EXPIRING],
        "functions": {
            name: {
                "publishes": list(DUTIES[name].topics),
                "blobs": DUTIES[name].blobs,
            }
            for name in NAMES
        },
    }


def as_text() -> str:
    return json.dumps(declared(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_text())
