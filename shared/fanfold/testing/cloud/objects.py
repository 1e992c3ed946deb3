"""Blobs in memory, and uploads of which nothing is seen before they are whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from threading import Lock

import grpc

from fanfold.testing.cloud.refusal import Refusal, invalid, not_found

#: parts of an upload, but the last, come in multiples of it
QUANTUM = 256 * 1024


@dataclass(frozen=True, slots=True)
class Blob:
    content: bytes
    #: another one whenever it is replaced, be it by the same
    generation: str


@dataclass(slots=True)
class _Upload:
    bucket: str
    name: str
    content: bytearray = field(default_factory=bytearray)
    #: since its last part is there
    blob: Blob | None = None


class Objects:
    def __init__(self, buckets: tuple[str, ...]) -> None:
        #: how many bytes of a part are taken; the real service promises no more than some
        self.takes: int | None = None
        self._lock = Lock()
        self._numbers = count(1)
        self._buckets: dict[str, dict[str, Blob]] = {name: {} for name in buckets}
        self._uploads: dict[str, _Upload] = {}

    def all(self, bucket: str) -> dict[str, Blob]:
        with self._lock:
            return dict(self._bucket(bucket))

    def open_uploads(self) -> int:
        """Those that nobody has finished or canceled, for tests that look for what was left."""
        with self._lock:
            return sum(upload.blob is None for upload in self._uploads.values())

    def get(self, bucket: str, name: str, generation: str | None = None) -> Blob:
        with self._lock:
            return self._blob(bucket, name, generation)

    def delete(self, bucket: str, name: str) -> None:
        with self._lock:
            self._blob(bucket, name)
            del self._buckets[bucket][name]

    def begin(self, bucket: str, name: str) -> str:
        with self._lock:
            self._bucket(bucket)
            number = str(next(self._numbers))
            self._uploads[number] = _Upload(bucket, name)
            return number

    def upload(self, number: str, start: int | None, part: bytes, size: int | None) -> Blob | int:
        """The blob, once it is whole, else how many bytes there are. Without `start` nothing is
        sent, and `size` says only that this was all."""
        with self._lock:
            upload = self._open(number)
            if upload.blob is not None:
                return upload.blob
            stored = len(upload.content)
            if size is None and (not part or len(part) % QUANTUM):
                raise invalid(f"A part is a multiple of {QUANTUM} bytes, unless it is the last")
            if start is not None and start > stored:
                message = f"The offset is {start}, which exceeds the uploaded {stored} bytes"
                raise Refusal(grpc.StatusCode.UNAVAILABLE, message)
            if start is not None:  # what is there already is ignored
                upload.content += part[stored - start :][: self.takes]
            if size is not None and size < len(upload.content):
                raise invalid(f"{len(upload.content)} bytes are uploaded, more than {size}")
            if size != len(upload.content):
                return len(upload.content)
            upload.blob = Blob(bytes(upload.content), str(next(self._numbers)))
            self._buckets[upload.bucket][upload.name] = upload.blob
            return upload.blob

    def cancel(self, number: str) -> None:
        with self._lock:
            self._open(number)
            del self._uploads[number]

    def _bucket(self, bucket: str) -> dict[str, Blob]:
        if bucket not in self._buckets:
            raise not_found("The specified bucket does not exist.")
        return self._buckets[bucket]

    def _blob(self, bucket: str, name: str, generation: str | None = None) -> Blob:
        blob = self._bucket(bucket).get(name)
        if blob is None or generation not in (None, blob.generation):
            raise not_found(f"No such object: {bucket}/{name}")
        return blob

    def _open(self, number: str) -> _Upload:
        if number not in self._uploads:
            raise not_found(f"No such upload: {number}")
        return self._uploads[number]
