"""A client for programs that await."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from fanfold.client.calls import (
    Answer,
    Broken,
    Call,
    Item,
    Items,
    Line,
    Operation,
    Request,
    Sleep,
    Step,
    Stream,
)
from fanfold.client.client import BREAKS, MISTAKES, TIMEOUT, Token, answer_of, shared_arguments
from fanfold.client.errors import ClientError
from fanfold.client.lines import Lines
from fanfold.client.operations import Operations
from fanfold.client.patience import Patience

P = ParamSpec("P")
T = TypeVar("T")


def _await(
    operation: Callable[Concatenate[Operations, P], Operation[T]],
) -> Callable[Concatenate[AsyncClient, P], Awaitable[T]]:
    @wraps(operation)
    async def call(client: AsyncClient, /, *arguments: P.args, **named: P.kwargs) -> T:
        return await client.run(operation(client.operations, *arguments, **named))

    return call


def _iterate(
    items: Callable[Concatenate[Operations, P], Items[T]],
) -> Callable[Concatenate[AsyncClient, P], AsyncIterator[T]]:
    @wraps(items)
    def call(client: AsyncClient, /, *arguments: P.args, **named: P.kwargs) -> AsyncIterator[T]:
        return client.iterate(items(client.operations, *arguments, **named))

    return call


class AsyncClient:
    """Client, awaited: `await client.get_batch(…)`, `async for it in client.iter_results(…)`. What
    is told of progress and changes is told in the event loop, and must not wait."""

    def __init__(
        self,
        base_url: str,
        *,
        token: Token | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
        retries: int = 5,
        retry_seconds: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """As of Client."""
        self.operations = Operations(Patience(retries, retry_seconds))
        self._http = httpx.AsyncClient(
            base_url=base_url, headers=headers, timeout=timeout, transport=transport
        )
        self._token, self._timeout, self._sleep = token, timeout, sleep
        self._held = ExitStack()

    @classmethod
    def local(cls, home: str | None = None, **options: Any) -> Self:
        """As of Client."""
        from fanfold.client.local import local_api

        with ExitStack() as held:
            client = cls(held.enter_context(local_api(home)), **options)
            client._held = held.pop_all()
            return client

    # what it can be asked for: client.batches and client.runs tell of each

    create_batch = _await(Operations.create_batch)
    upload_batch = _await(Operations.upload_batch)
    get_batch = _await(Operations.get_batch)
    list_batches = _await(Operations.list_batches)
    iter_batches = _iterate(Operations.iter_batches)
    update_batch = _await(Operations.update_batch)
    pause_batch = _await(Operations.pause_batch)
    resume_batch = _await(Operations.resume_batch)
    cancel_batch = _await(Operations.cancel_batch)
    retry_batch = _await(Operations.retry_batch)
    wait_for_batch = _await(Operations.wait_for_batch)
    iter_results = _iterate(Operations.iter_results)
    iter_jobs = _iterate(Operations.iter_jobs)
    get_job = _await(Operations.get_job)
    get_errors = _await(Operations.get_errors)
    get_certificate = _await(Operations.get_certificate)
    iter_events = _iterate(Operations.iter_events)
    run_flow = _await(Operations.run_flow)
    get_run = _await(Operations.get_run)
    list_runs = _await(Operations.list_runs)
    iter_runs = _iterate(Operations.iter_runs)
    list_all_runs = _await(Operations.list_all_runs)
    update_run = _await(Operations.update_run)
    cancel_run = _await(Operations.cancel_run)
    answer_run = _await(Operations.answer_run)
    list_questions = _await(Operations.list_questions)
    get_run_logs = _await(Operations.get_run_logs)
    iter_run_logs = _iterate(Operations.iter_run_logs)
    list_all_run_logs = _await(Operations.list_all_run_logs)
    wait_for_run = _await(Operations.wait_for_run)
    monitor_runs = _await(Operations.monitor_runs)
    cancel_runs_older_than = _await(Operations.cancel_runs_older_than)
    list_flows = _await(Operations.list_flows)
    get_flow = _await(Operations.get_flow)
    list_actions = _await(Operations.list_actions)
    list_providers = _await(Operations.list_providers)
    list_needed_roles = _await(Operations.list_needed_roles)
    batch_run_flows = _await(Operations.batch_run_flows)
    batch_get_runs = _await(Operations.batch_get_runs)
    batch_cancel_runs = _await(Operations.batch_cancel_runs)
    batch_get_flows = _await(Operations.batch_get_flows)
    batch_get_action_roles = _await(Operations.batch_get_action_roles)

    async def aclose(self) -> None:
        with self._held:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def run(self, operation: Operation[T]) -> T:
        """Drive an operation to its end."""
        async with _Reading() as reading:
            reply: Any = None
            broken: Broken | None = None
            while True:
                try:
                    step = operation.send(reply) if broken is None else operation.throw(broken)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                reply, broken = await self._done(step, reading)

    async def iterate(self, items: Items[T]) -> AsyncIterator[T]:
        """What an operation gives, as it gives it."""
        async with _Reading() as reading:
            reply: Any = None
            broken: Broken | None = None
            while True:
                try:
                    step = items.send(reply) if broken is None else items.throw(broken)
                except StopIteration:
                    return
                if isinstance(step, Item):
                    yield step.value
                    reply = broken = None
                else:
                    reply, broken = await self._done(step, reading)

    async def _done(self, step: Step, reading: _Reading) -> tuple[Any, Broken | None]:
        try:
            match step:
                case Call():
                    return answer_of(await self._http.send(self._built(step))), None
                case Stream():
                    opened = await self._http.send(self._built(step), stream=True)
                    return await reading.open(opened), None
                case Line():
                    return await reading.line(), None
                case Sleep(seconds):
                    await self._sleep(seconds)
                    return None, None
        except MISTAKES as error:
            raise ClientError(f"this cannot be sent: {error}") from error
        except BREAKS as error:
            return None, Broken(f"{type(error).__name__}: {error}")

    def _built(self, request: Request) -> httpx.Request:
        content = request.content() if callable(request.content) else request.content
        return self._http.build_request(
            request.verb,
            request.path,
            content=_awaited(content),
            **shared_arguments(request, self._token, self._timeout),
        )


def _awaited(content: bytes | Iterable[bytes] | None) -> bytes | AsyncIterable[bytes] | None:
    """What is read of a file is read in a thread: it may take its time."""
    if content is None or isinstance(content, bytes):
        return content
    chunks = iter(content)

    async def read() -> AsyncIterator[bytes]:
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            yield chunk

    return read()


async def _lines_of(response: httpx.Response) -> AsyncIterator[str]:
    lines = Lines()
    async for piece in response.aiter_bytes():
        for line in lines.whole(piece):
            yield line
    for line in lines.rest():
        yield line


class _Reading:
    """The stream that an operation reads."""

    def __init__(self) -> None:
        self._response: httpx.Response | None = None
        self._lines: AsyncIterator[str] | None = None

    async def open(self, response: httpx.Response) -> Answer:
        await self.close()
        if response.is_error:
            await response.aread()
            return answer_of(response)
        self._response, self._lines = response, _lines_of(response)
        return Answer(response.status_code, response.headers)

    async def line(self) -> str | None:
        return None if self._lines is None else await anext(self._lines, None)

    async def close(self) -> None:
        if self._response is not None:
            await self._response.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
