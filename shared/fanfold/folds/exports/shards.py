"""Many results into many files of a folder, and a manifest that names them.

    delete manifest.json → part-00000.jsonl → part-00001.jsonl → … → delete what is older
                         → write manifest.json

| a crash here         | what lies there                                                        |
|----------------------|------------------------------------------------------------------------|
| before the manifest  | whole parts, perhaps older ones among them, and no manifest            |
| after it             | the export                                                             |

So a manifest says that the export is complete and exactly what it names. Exporting again replaces
all of it; two at once into one folder are nobody's business but the user's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import chain, islice

from fanfold.folds.exports.chunks import chunks_of, gzipped
from fanfold.folds.exports.folder import Folder
from fanfold.folds.exports.format import GZIPPED, Format
from fanfold.folds.result import Result

MANIFEST = "manifest.json"
#: as many as one part holds, unless the user says otherwise
RECORDS = 100_000
#: what an export may have left there
_PART = re.compile(r"part-[0-9]{5,}\.(jsonl|csv|parquet)(\.gz)?")


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    records: int
    #: of the file as it lies there, compressed or not
    bytes: int
    sha256: str
    first_index: int


@dataclass(frozen=True, slots=True)
class Shards:
    parts: tuple[Part, ...]
    #: what an older export had left, and is gone
    removed: tuple[str, ...]

    @property
    def records(self) -> int:
        return sum(it.records for it in self.parts)


def write_shards(
    folder: Folder,
    results: Iterable[Result],
    form: Format,
    *,
    batch_id: str | None,
    records: int = RECORDS,
    gzip: bool = False,
    on_written: Callable[[int], None] = lambda _count: None,
) -> Shards:
    folder.delete(MANIFEST)
    rest = iter(results)
    first = head = next(rest, None)
    parts: list[Part] = []
    while head is not None:
        name = f"part-{len(parts):05}.{form.name}{GZIPPED if gzip else ''}"
        shard = _Counted(islice(chain([head], rest), records))
        chunks = chunks_of(shard, form, first, on_written)
        file = _Measured(gzipped(chunks) if gzip else chunks)
        folder.write(name, file)
        parts.append(Part(name, shard.count, file.bytes, file.digest, head.index))
        head = next(rest, None)
    kept = {it.name for it in parts}
    removed = sorted(it for it in folder.names() if _PART.fullmatch(it) and it not in kept)
    for name in removed:
        folder.delete(name)
    shards = Shards(tuple(parts), tuple(removed))
    folder.write(MANIFEST, [_manifest(shards, form, batch_id)])
    return shards


def _manifest(shards: Shards, form: Format, batch_id: str | None) -> bytes:
    described = {
        "batch_id": batch_id,
        "format": form.name,
        "records": shards.records,
        "files": [asdict(it) for it in shards.parts],
    }
    return f"{json.dumps(described, indent=2)}\n".encode()


class _Counted:
    def __init__(self, results: Iterable[Result]) -> None:
        self._results = results
        self.count = 0

    def __iter__(self) -> Iterator[Result]:
        for result in self._results:
            self.count += 1
            yield result


class _Measured:
    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._digest = sha256()
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.bytes += len(chunk)
            self._digest.update(chunk)
            yield chunk

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()
