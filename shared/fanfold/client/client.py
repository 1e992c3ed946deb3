"""A client for programs that wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
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
from fanfold.client.errors import ClientError
from fanfold.client.lines import Lines
from fanfold.client.operations import Operations
from fanfold.client.patience import Patience

P = ParamSpec("P")
T = TypeVar("T")
Token = str | Callable[[], str]
TIMEOUT = 30.0
#: no repetition mends these
MISTAKES = (
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    UnicodeEncodeError,
)
#: whether it arrived is not known
BREAKS = (httpx.TransportError, httpx.DecodingError)


def _run(
    operation: Callable[Concatenate[Operations, P], Operation[T]],
) -> Callable[Concatenate[Client, P], T]:
    @wraps(operation)
    def call(client: Client, /, *arguments: P.args, **named: P.kwargs) -> T:
        return client.run(operation(client.operations, *arguments, **named))

    return call


def _iterate(
    items: Callable[Concatenate[Operations, P], Items[T]],
) -> Callable[Concatenate[Client, P], Iterator[T]]:
    @wraps(items)
    def call(client: Client, /, *arguments: P.args, **named: P.kwargs) -> Iterator[T]:
        return client.iterate(items(client.operations, *arguments, **named))

    return call


class Client:
    """Of a Fanfold API. To be closed, or used as a context manager; threads may share it.

    with Client("https://fanfold.example.com", token=token) as client:
        run = client.wait_for_run(client.run_flow("shout", {"text": "hello"}).run_id)
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: Token | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
        retries: int = 5,
        retry_seconds: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`token`: a bearer token, or a function that gives one, asked anew for each request.
        `timeout`: seconds that an answer may take; `retries` and `retry_seconds`: how often, and
        how long altogether, a call is made again that may be. `transport` and `sleep` are for
        tests."""
        self.operations = Operations(Patience(retries, retry_seconds))
        self._http = httpx.Client(
            base_url=base_url, headers=headers, timeout=timeout, transport=transport
        )
        self._token, self._timeout, self._sleep = token, timeout, sleep
        self._held = ExitStack()

    @classmethod
    def local(cls, home: str | None = None, **options: Any) -> Self:
        """Of the embedded engine in this folder (or where FANFOLD_HOME says), reached through the
        same API, in this process. It starts batches and looks at them; `fanfold worker` works."""
        from fanfold.client.local import local_api

        with ExitStack() as held:
            client = cls(held.enter_context(local_api(home)), **options)
            client._held = held.pop_all()
            return client

    # what it can be asked for: client.batches and client.runs tell of each

    create_batch = _run(Operations.create_batch)
    upload_batch = _run(Operations.upload_batch)
    get_batch = _run(Operations.get_batch)
    list_batches = _run(Operations.list_batches)
    iter_batches = _iterate(Operations.iter_batches)
    update_batch = _run(Operations.update_batch)
    pause_batch = _run(Operations.pause_batch)
    resume_batch = _run(Operations.resume_batch)
    cancel_batch = _run(Operations.cancel_batch)
    retry_batch = _run(Operations.retry_batch)
    wait_for_batch = _run(Operations.wait_for_batch)
    iter_results = _iterate(Operations.iter_results)
    iter_jobs = _iterate(Operations.iter_jobs)
    get_job = _run(Operations.get_job)
    get_errors = _run(Operations.get_errors)
    get_certificate = _run(Operations.get_certificate)
    iter_events = _iterate(Operations.iter_events)
    run_flow = _run(Operations.run_flow)
    get_run = _run(Operations.get_run)
    list_runs = _run(Operations.list_runs)
    iter_runs = _iterate(Operations.iter_runs)
    list_all_runs = _run(Operations.list_all_runs)
    update_run = _run(Operations.update_run)
    cancel_run = _run(Operations.cancel_run)
    answer_run = _run(Operations.answer_run)
    list_questions = _run(Operations.list_questions)
    get_run_logs = _run(Operations.get_run_logs)
    iter_run_logs = _iterate(Operations.iter_run_logs)
    list_all_run_logs = _run(Operations.list_all_run_logs)
    wait_for_run = _run(Operations.wait_for_run)
    monitor_runs = _run(Operations.monitor_runs)
    cancel_runs_older_than = _run(Operations.cancel_runs_older_than)
    list_flows = _run(Operations.list_flows)
    get_flow = _run(Operations.get_flow)
    list_actions = _run(Operations.list_actions)
    list_providers = _run(Operations.list_providers)
    list_needed_roles = _run(Operations.list_needed_roles)
    batch_run_flows = _run(Operations.batch_run_flows)
    batch_get_runs = _run(Operations.batch_get_runs)
    batch_cancel_runs = _run(Operations.batch_cancel_runs)
    batch_get_flows = _run(Operations.batch_get_flows)
    batch_get_action_roles = _run(Operations.batch_get_action_roles)

    def close(self) -> None:
        with self._held:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, operation: Operation[T]) -> T:
        """Drive an operation to its end."""
        with _Reading() as reading:
            reply: Any = None
            broken: Broken | None = None
            while True:
                try:
                    step = operation.send(reply) if broken is None else operation.throw(broken)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                reply, broken = self._done(step, reading)

    def iterate(self, items: Items[T]) -> Iterator[T]:
        """What an operation gives, as it gives it."""
        with _Reading() as reading:
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
                    reply, broken = self._done(step, reading)

    def _done(self, step: Step, reading: _Reading) -> tuple[Any, Broken | None]:
        try:
            match step:
                case Call():
                    return answer_of(self._http.send(self._built(step))), None
                case Stream():
                    return reading.open(self._http.send(self._built(step), stream=True)), None
                case Line():
                    return reading.line(), None
                case Sleep(seconds):
                    self._sleep(seconds)
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
            content=content,
            **shared_arguments(request, self._token, self._timeout),
        )


def shared_arguments(request: Request, token: Token | None, timeout: float) -> dict[str, Any]:
    headers = dict(request.headers)
    if token is not None:
        headers["Authorization"] = f"Bearer {token() if callable(token) else token}"
    arguments: dict[str, Any] = {
        "params": request.address,
        "headers": headers,
        "timeout": timeout + request.patience,
    }
    return arguments if request.json is None else {**arguments, "json": request.json}


class _Reading:
    """The stream that an operation reads."""

    def __init__(self) -> None:
        self._response: httpx.Response | None = None
        self._lines: Iterator[str] = iter(())

    def open(self, response: httpx.Response) -> Answer:
        self.close()
        if response.is_error:
            response.read()
            return answer_of(response)
        self._response, self._lines = response, _lines_of(response)
        return Answer(response.status_code, response.headers)

    def line(self) -> str | None:
        return next(self._lines, None)

    def close(self) -> None:
        if self._response is not None:
            self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lines_of(response: httpx.Response) -> Iterator[str]:
    lines = Lines()
    for piece in response.iter_bytes():
        yield from lines.whole(piece)
    yield from lines.rest()


def answer_of(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.headers, response.content)
