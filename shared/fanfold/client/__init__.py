"""Fanfold from another program: batches and runs started, waited for and looked at over its API.

    from fanfold.client import Client

    with Client("https://fanfold.example.com", token=token) as client:
        batch = client.create_batch("shout", records, concurrency=20)
        client.wait_for_batch(batch.batch_id, on_progress=lambda it: print(it.progress))
        for result in client.iter_results(batch.batch_id):
            print(result.key, result.output)

The house: `batches` and `runs` say what each call is (operations of `calls`, which know no socket),
`patience` when it is made again, `client` and `async_client` send it.
"""

from fanfold.client.async_client import AsyncClient
from fanfold.client.bulk_shapes import FlowItem, FlowRun, Item, ItemError, RoleItem, RunItem
from fanfold.client.client import Client
from fanfold.client.errors import (
    BatchNotFound,
    ClientError,
    Conflict,
    FlowNotFound,
    Forbidden,
    NotFound,
    RateLimited,
    RecordNotFound,
    RunNotFound,
    TimedOut,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
    is_conflict,
    is_forbidden,
    is_not_found,
    is_rate_limited,
    is_retryable,
    is_unauthenticated,
    is_validation_failed,
)
from fanfold.client.shapes import (
    Action,
    Awaited,
    Batch,
    Certificate,
    Cost,
    Counts,
    ErrorGroup,
    Event,
    Flow,
    Job,
    LogEntry,
    NeededRole,
    Needs,
    Provider,
    Question,
    Result,
    Retried,
    Run,
    RunLogEntry,
)

__all__ = [
    "Action",
    "AsyncClient",
    "Awaited",
    "Batch",
    "BatchNotFound",
    "Certificate",
    "Client",
    "ClientError",
    "Conflict",
    "Cost",
    "Counts",
    "ErrorGroup",
    "Event",
    "Flow",
    "FlowItem",
    "FlowNotFound",
    "FlowRun",
    "Forbidden",
    "Item",
    "ItemError",
    "Job",
    "LogEntry",
    "NeededRole",
    "Needs",
    "NotFound",
    "Provider",
    "Question",
    "RateLimited",
    "RecordNotFound",
    "Result",
    "Retried",
    "RoleItem",
    "Run",
    "RunItem",
    "RunLogEntry",
    "RunNotFound",
    "TimedOut",
    "Unauthenticated",
    "Unavailable",
    "ValidationFailed",
    "is_conflict",
    "is_forbidden",
    "is_not_found",
    "is_rate_limited",
    "is_retryable",
    "is_unauthenticated",
    "is_validation_failed",
]
