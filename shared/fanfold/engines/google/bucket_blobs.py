"""Blobs in a bucket of Cloud Storage. A blob appears under its name when its last part is there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from fanfold.engines.google.bucket import PATIENCE, Beyond, Bucket, Missing, Patience, Piece
from fanfold.errors import BlobNotFound, EngineError

#: of one request; a multiple of 256 KiB, as an upload demands
_PART_BYTES = 4 * 1024 * 1024
#: how often the rest of a part is sent; the least that is taken of it is 256 KiB
_SENDS = 20


class BucketBlobs:
    def __init__(self, bucket: Bucket, prefix: str = "", part_bytes: int = _PART_BYTES) -> None:
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._part_bytes = part_bytes

    def write(self, name: str, chunks: Iterable[bytes]) -> int:
        key = self._key(name)
        upload = ""
        size = 0
        try:
            for part, is_last in _parts(chunks, self._part_bytes):
                upload = upload or self._begin(key)
                self._send(key, upload, part, size, is_last)
                size += len(part)
        except BaseException:
            if upload:
                self._bucket.cancel(upload)
            raise
        return size

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        key = self._key(name)
        try:
            first = self._bucket.fetch(key, offset, self._part_bytes)
        except Beyond:
            return iter(())
        except Missing:
            raise self._absent(
                BlobNotFound(
                    f"{name!r} is gone from {self._place()}. Was it deleted by hand? "
                    "Create the batch again from its source."
                )
            ) from None
        return self._from(key, first)

    def delete(self, name: str) -> None:
        with suppress(Missing):
            self._bucket.delete(self._key(name))

    def names(self) -> list[str]:
        """Of the blobs right in this place, for whoever tidies up; a blob in a folder there has a
        name as well, and is not among them."""
        prefix = f"{self._prefix}/" if self._prefix else ""
        return [it.removeprefix(prefix) for it in self._bucket.names(prefix) if it != prefix]

    def _begin(self, key: str) -> str:
        try:
            return self._bucket.begin(key)
        except Missing as error:
            raise self._absent(error) from None

    def _send(self, key: str, upload: str, part: bytes, start: int, is_last: bool) -> None:
        """All of it: the service may take less of a part than it is sent."""
        end = start + len(part)
        for _ in range(_SENDS):
            stored = self._bucket.send(upload, part, start, end if is_last else None)
            if stored == (None if is_last else end):
                return
            if stored is None or not start <= stored <= end:
                break
            part, start = part[stored - start :], stored
        raise EngineError(f"{self._place()} does not take {key!r} as a whole. Write it again")

    def _from(self, key: str, piece: Piece) -> Iterator[bytes]:
        """One piece at a time is in memory, and all are of one generation."""
        while piece.content:
            yield piece.content
            start = piece.start + len(piece.content)
            if start >= piece.size:
                return
            try:
                piece = self._bucket.fetch(key, start, self._part_bytes, piece.generation)
            except Missing:
                raise EngineError(
                    f"{key!r} in {self._place()} was replaced or deleted while it was read. "
                    "Read it again"
                ) from None

    def _absent(self, otherwise: EngineError) -> EngineError:
        """A bucket that is not there answers like a blob that is not."""
        if self._bucket.exists():
            return otherwise
        return EngineError(
            f"there is no bucket {self._bucket.name!r}. Make it, or set FANFOLD_BUCKET to one that "
            "is there"
        )

    def _place(self) -> str:
        return posixpath.join(f"gs://{self._bucket.name}", self._prefix).rstrip("/")

    def _key(self, name: str) -> str:
        plain = posixpath.normpath(name)
        if plain.startswith(("/", "../")) or plain in {".", ".."}:
            raise ValueError(f"{name!r} would lie outside of the blobs' folder")
        return posixpath.join(self._prefix, plain)


@contextmanager
def open_bucket_blobs(
    place: str, emulator_host: str = "", patience: Patience = PATIENCE
) -> Iterator[BucketBlobs]:
    """`gs://name`, `gs://name/prefix` or the bare name; nothing is asked before it is needed."""
    name, _, prefix = place.removeprefix("gs://").partition("/")
    endpoint = emulator_host.rstrip("/")
    if endpoint and "://" not in endpoint:
        endpoint = f"http://{endpoint}"
    bucket = Bucket(name, endpoint, patience)
    try:
        yield BucketBlobs(bucket, prefix)
    finally:
        bucket.close()


def _parts(chunks: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Of this size each, but the last, which may be empty; with whether it is that."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) > size:
            yield bytes(held[:size]), False
            del held[:size]
    yield bytes(held), True
