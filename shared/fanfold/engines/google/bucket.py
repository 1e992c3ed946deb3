"""The few calls we make of a bucket, and what their answers mean.

| answer                   | raised      | what it tells the caller                               |
|--------------------------|-------------|--------------------------------------------------------|
| 404                      | Missing     | the blob is not there, or its upload, or the bucket    |
| 416                      | Beyond      | the blob ends before this offset                       |
| 401, 403, no credentials | EngineError | again would not help                                   |
| 408, 429, 5xx, none      | EngineError | it was asked again, and time is over                   |

gcsfs brings credentials, connections and the reading of errors, and is asked for single requests.
Left aside are its files, which finalize what broke off; its uploads in one request, whose boundary
is fixed and may occur in a blob; its caches; and its retries, which last half a minute and log each
failure with its trace. Whatever is asked here may be asked again.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from threading import Lock
from typing import Any

from fsspec.asyn import sync

# gcsfs itself exports one with clients of further services, which know of no emulator.
from gcsfs.core import GCSFileSystem
from gcsfs.retry import RETRIABLE_EXCEPTIONS, HttpError, NonRetryableError, is_retriable
from google.auth.exceptions import GoogleAuthError

from fanfold.errors import EngineError

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 4.0
_INCOMPLETE = 308
_UNAUTHORIZED = 401
_NOT_SATISFIABLE = 416
#: whatever gcsfs, and what it stands on, raises for an answer or for none
_FAILURES = (
    OSError,
    ValueError,
    GoogleAuthError,
    HttpError,
    NonRetryableError,
    *RETRIABLE_EXCEPTIONS,
)
#: gcsfs' request, tried once
_request = GCSFileSystem._request.__wrapped__


class Missing(EngineError):
    """What must exist in the bucket does not."""


class Beyond(EngineError):
    """The blob ends before this offset."""


@dataclass(frozen=True, slots=True)
class Patience:
    #: what fails for now is asked again for so long
    seconds: float = 20.0
    #: of one request
    request_seconds: float = 30.0


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a blob's bytes."""

    start: int
    content: bytes
    #: of the whole blob
    size: int
    #: changes whenever the blob is replaced; an emulator may have none
    generation: str | None


@dataclass(slots=True)
class _Process:
    """What one process has of its own: connections and their event loop do not survive a fork."""

    lock: Lock = field(default_factory=Lock)
    filesystem: Any = None


class Bucket:
    """`endpoint` is an emulator's URL, which is never shown any credentials."""

    def __init__(self, name: str, endpoint: str = "", patience: Patience = PATIENCE) -> None:
        self.name = name
        self._endpoint = endpoint
        self._patience = patience
        self._processes: dict[int, _Process] = {}

    def begin(self, name: str) -> str:
        """The address of an upload. Nothing is seen of it until its last part is there."""
        kind = {"X-Upload-Content-Type": "application/octet-stream"}
        path = "/upload/storage/v1/b/{}/o"
        answer = self._ask(
            "POST", path, self.name, uploadType="resumable", name=name, json={}, headers=kind
        )
        address: str = answer[1]["Location"]
        return address

    def send(self, upload: str, part: bytes, start: int, size: int | None = None) -> int | None:
        """How many bytes are stored by now; None when all are, and the blob is there. `size` is the
        whole blob's, with its last part. Of what is sent again only the new is taken."""
        span = f"{start}-{start + len(part) - 1}" if part else "*"
        header = {"Content-Range": f"bytes {span}/{'*' if size is None else size}"}
        status, headers, _, _ = self._ask("PUT", upload, data=part, headers=header)
        if status != _INCOMPLETE:
            return None
        # without the header nobody knows: no more than before, then
        stored = headers.get("Range")
        return start if stored is None else int(stored.rpartition("-")[2]) + 1

    def cancel(self, upload: str) -> None:
        """Tried once: an upload that nobody ends is forgotten in a week, and is never seen."""
        with suppress(EngineError):
            self._ask("DELETE", upload, patience=Patience(0.0, self._patience.request_seconds))

    def fetch(self, name: str, start: int, length: int, generation: str | None = None) -> Piece:
        """Raises Missing also when the blob is no longer of this generation."""
        span = {"Range": f"bytes={start}-{start + length - 1}"}
        path = "/storage/v1/b/{}/o/{}"
        _, headers, _, content = self._ask(
            "GET", path, self.name, name, alt="media", generation=generation, headers=span
        )
        span_and_size = headers.get("Content-Range")
        if span_and_size is None:  # some emulators send the whole
            return Piece(start, content[start:], len(content), None)
        size = int(span_and_size.rpartition("/")[2])
        return Piece(start, content, size, headers.get("X-Goog-Generation"))

    def delete(self, name: str) -> None:
        self._ask("DELETE", "/storage/v1/b/{}/o/{}", self.name, name)

    def names(self, prefix: str) -> Iterator[str]:
        """Of the blobs right under `prefix`, which is empty or ends with a /."""
        token: str | None = None
        while True:
            page = json.loads(
                self._ask(
                    "GET", "/storage/v1/b/{}/o", self.name, delimiter="/", prefix=prefix or None,
                    pageToken=token,
                )[3]
            )  # fmt: skip
            yield from (it["name"] for it in page.get("items", ()))
            token = page.get("nextPageToken")
            if token is None:
                return

    def exists(self) -> bool:
        """Also where that may not be known: who may use a bucket need not be let look into it."""
        try:
            self._ask("GET", "/storage/v1/b/{}/o", self.name, maxResults=1)
        except Missing:
            return False
        except EngineError:
            return True
        return True

    def close(self) -> None:
        mine = self._processes.pop(os.getpid(), None)
        if mine is not None and mine.filesystem is not None and mine.filesystem.session is not None:
            sync(mine.filesystem.loop, mine.filesystem.session.close)

    def _ask(
        self, method: str, path: str, *names: str, patience: Patience | None = None, **options: Any
    ) -> tuple[int, Any, Any, bytes]:
        """The status, the headers, and as third and fourth the request and the body."""
        patience = patience or self._patience
        try:
            filesystem = self._filesystem()
            if path.startswith("/"):
                path = filesystem.base.removesuffix("/storage/v1/") + path
            answer: tuple[int, Any, Any, bytes] = sync(
                filesystem.loop, _patiently, patience, filesystem, method, path, *names, **options
            )
            return answer
        except _FAILURES as error:
            raise self._meaning_of(error, patience) from error

    def _filesystem(self) -> Any:
        mine = self._processes.setdefault(os.getpid(), _Process())
        with mine.lock:
            if mine.filesystem is None:
                mine.filesystem = GCSFileSystem(
                    project="",  # whichever the credentials are for
                    access="read_write",
                    token="anon" if self._endpoint else "google_default",
                    endpoint_url=self._endpoint or None,
                    use_listings_cache=False,
                    skip_instance_cache=True,
                )
            return mine.filesystem

    def _meaning_of(self, error: Exception, patience: Patience) -> EngineError:
        where = f"bucket {self.name!r}" + (f" at {self._endpoint}" if self._endpoint else "")
        what = " ".join(str(error).split()) or type(error).__name__
        code = error.code if isinstance(error, HttpError) else None
        if isinstance(error, FileNotFoundError):
            return Missing(f"{where}: not found: {what}")
        if code == _NOT_SATISFIABLE:
            return Beyond(f"{where}: {what}")
        if code == _UNAUTHORIZED or what.startswith("Forbidden"):
            return EngineError(
                f"{where} is closed to this account: {what}. Give it the role "
                "roles/storage.objectUser there, or set FANFOLD_BUCKET to a bucket of its own"
            )
        if isinstance(error, GoogleAuthError):
            return EngineError(
                f"{where}: no credentials: {what}. Get some: gcloud auth application-default login"
            )
        if isinstance(error, TimeoutError):
            what = f"no answer within {patience.request_seconds:g} s"
        if _may_pass(error):
            what = f"{what}. It was tried for {patience.seconds:g} s; try again later"
        return EngineError(f"{where}: {what}")


async def _patiently(
    patience: Patience,
    filesystem: Any,
    method: str,
    path: str,
    *names: str,
    data: bytes | None = None,
    **options: Any,
) -> Any:
    deadline = time.monotonic() + patience.seconds
    pause = _FIRST_PAUSE
    while True:
        try:
            async with asyncio.timeout(patience.request_seconds):
                # as a stream: plain bytes would be sent in one go, and nothing else get its turn
                body = None if data is None else BytesIO(data)
                return await _request(filesystem, method, path, *names, data=body, **options)
        except _FAILURES as error:
            if not _may_pass(error) or time.monotonic() >= deadline:
                raise
        await asyncio.sleep(random.uniform(0, pause))
        pause = min(_LONGEST_PAUSE, 2 * pause)


def _may_pass(error: Exception) -> bool:
    return isinstance(error, TimeoutError) or is_retriable(error)
