"""A folder in a bucket of Cloud Storage, reached as the google engine reaches its own bucket.

fsspec speaks gs:// as well, but its uploads in one request end at a boundary that may occur in an
export, and its retries last half a minute and log each failure with its trace. Here a file is
streamed, and is there when its last part is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fanfold.errors import OptionInvalid
from fanfold.settings import Settings

if TYPE_CHECKING:
    from fanfold.engines.google.bucket_blobs import BucketBlobs


class BucketFolder:
    def __init__(self, url: str) -> None:
        """Nothing is asked of the bucket yet. OptionInvalid if this machine lacks the libraries."""
        self._place = "gs://" + url.partition("://")[2].rstrip("/")
        self._emulator_host = Settings.from_env().storage_emulator_host
        try:
            import fanfold.engines.google.bucket_blobs  # noqa: F401  what it stands on may be absent
        except ModuleNotFoundError as missing:
            raise OptionInvalid(
                f"{url} needs {missing.name}: pip install 'fanfold[google]'"
            ) from None

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        with self._opened() as blobs:
            blobs.write(name, chunks)

    def names(self) -> list[str]:
        with self._opened() as blobs:
            return blobs.names()

    def delete(self, name: str) -> None:
        with self._opened() as blobs:
            blobs.delete(name)

    @contextmanager
    def _opened(self) -> Iterator[BucketBlobs]:
        from fanfold.engines.google.bucket_blobs import open_bucket_blobs

        with open_bucket_blobs(self._place, self._emulator_host) as blobs:
            yield blobs
