"""Ten records through what has just been deployed, and the proof that they are counted right.

python -m fanfold.deploy.smoke https://… --token "$(gcloud auth print-identity-token …)"
"""

from __future__ import annotations

import argparse
import sys

from fanfold.client import Client
from fanfold.errors import FanfoldError

RECORDS = 10
FLOW = "echo"
#: until functions that were never started answer, and Pub/Sub has pushed
PATIENCE = 300.0


class SmokeFailed(FanfoldError):
    """What has been deployed does not do its work."""


def smoke(client: Client, patience: float = PATIENCE) -> str:
    """Raises SmokeFailed, or what the client raises."""
    batch = client.create_batch(FLOW, [{"n": n} for n in range(RECORDS)], label="smoke test")
    ended = client.wait_for_batch(batch.batch_id, timeout=patience)
    if not ended.ok:
        raise SmokeFailed(f"{ended.batch_id} is {ended.status}: {ended.counts}")
    outputs = [it.output for it in client.iter_results(batch.batch_id)]
    if outputs != [{"n": n} for n in range(RECORDS)]:
        raise SmokeFailed(f"{ended.batch_id} has other results: {outputs}")
    if not client.get_certificate(batch.batch_id).holds:
        raise SmokeFailed(f"the certificate of {ended.batch_id} does not hold")
    return f"{RECORDS} records succeeded, and their certificate holds"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("api", help="its address")
    parser.add_argument("--token", help="of an issuer that it believes")
    given = parser.parse_args()
    try:
        with Client(given.api, token=given.token) as client:
            sys.stdout.write(f"smoke: {smoke(client)}\n")
    except FanfoldError as error:
        sys.stderr.write(f"smoke: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
