from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest

from fanfold.errors import EngineError, SourceInvalid
from fanfold.sources import stored
from fanfold.sources.file import chunks_of
from fanfold.sources.stored import StoredFile, stored_files


def names(url: str) -> list[str]:
    return [file.name for file in stored_files(url)]


def refusal(url: str) -> str:
    with pytest.raises(SourceInvalid) as refused:
        names(url)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.fixture
def bucket(memory: Any) -> Any:
    for name in ("data/b.csv", "data/a.csv", "data/sub/c.csv", "data/.e.csv", "data/.git/f.csv",
                 "x[1].csv"):  # fmt: skip
        memory.pipe(f"/bucket/{name}", b"id\n1\n")
    return memory


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("memory://bucket/data/a.csv", ["data/a.csv"]),
        ("memory://bucket/data/*.csv", ["data/a.csv", "data/b.csv"]),
        ("memory://bucket/data/[ab].csv", ["data/a.csv", "data/b.csv"]),
        ("memory://bucket/data/.*.csv", ["data/.e.csv"]),
        ("memory://bucket/**/c.csv", ["data/sub/c.csv"]),
        ("memory://bucket/data/", ["data/a.csv", "data/b.csv", "data/sub/c.csv"]),
        ("memory://bucket/x[1].csv", ["x[1].csv"]),
        ("memory://bucket/*.json", []),
    ],
)
def test_an_address_names_one_file_those_that_match_or_a_folder(url: str, found: list[str]) -> None:
    assert names(url) == [f"memory://bucket/{name}" for name in found]


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("url", ["data/a.csv", "data/a.*", "data/sub/"])
def test_a_file_has_its_bytes_and_size_however_it_was_found(url: str) -> None:
    (file,) = stored_files(f"memory://bucket/{url}")
    assert b"".join(chunks_of(file)) == b"id\n1\n"
    assert file.size == 5
    assert file.version


def test_a_file_that_changes_while_it_is_read_is_refused(bucket: Any) -> None:
    bucket.pipe("/bucket/a", b"x" * 300_000)
    (file,) = stored_files("memory://bucket/a")
    chunks = chunks_of(file)
    next(chunks)
    bucket.pipe("/bucket/a", b"y" * 300_000)
    with pytest.raises(SourceInvalid, match=r"^memory://bucket/a: it changed while it was read"):
        list(chunks)


class _Entry:
    """A store that knows one file."""

    def __init__(self, info: dict[str, Any]) -> None:
        self._info = info

    def info(self, _: str) -> dict[str, Any]:
        return self._info


@pytest.mark.parametrize(
    ("info", "version"),
    [
        ({"size": 5, "generation": "17", "etag": "x", "mtime": 1}, "generation 17 5 bytes"),
        ({"size": 5, "ETag": '"x"', "LastModified": 1}, 'ETag "x" 5 bytes'),
        ({"size": 5, "Last-Modified": "Monday"}, "Last-Modified Monday 5 bytes"),
        ({"size": 5}, "5 bytes"),
        ({}, ""),
    ],
)
def test_the_version_is_what_the_store_says_surest(info: dict[str, Any], version: str) -> None:
    assert StoredFile(_Entry(info), "a", "a", info).version == version


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("memory://bucket/none.csv", "memory://bucket/none.csv: no such file. Look at the address"),
        ("memory://bucket/data", "memory://bucket/data: is a folder. Write memory://bucket/data/ "),
        ("steam://a.csv", "steam://a.csv: there are no steam:// addresses. Name a file."),
        ("simplecache::memory://bucket/a", "simplecache::memory://bucket/a: addresses in a chain"),
    ],
)
def test_what_names_no_file_is_refused(url: str, problem: str) -> None:
    assert refusal(url).startswith(problem)


def test_a_missing_plugin_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("gcsfs.core", "aiohttp", "s3fs"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.http", raising=False)
    registry = sys.modules["fsspec.registry"]
    monkeypatch.setattr(registry, "_registry", {})
    assert refusal("gs://b/a.csv") == (
        "gs://b/a.csv: gs:// is not read here: pip install 'fanfold[google]'"
    )
    assert refusal("https://b/a.csv").endswith(": pip install 'fanfold[google]'")
    assert refusal("s3://b/a.csv").endswith("s3:// is not read here: pip install s3fs")


def test_a_store_that_does_not_answer_is_no_fault_of_the_source(bucket: Any) -> None:
    """A message about it is delivered again; the source may be fine."""
    del bucket
    with pytest.raises(EngineError, match=r"^gs://b/a: b could not be read: Timeout.*Try again\.$"):
        raise stored._told("gs://b/a", TimeoutError("30 s\nwent by"))
    assert isinstance(stored._told("gs://b/a", PermissionError("403")), SourceInvalid)


def test_fsspec_is_loaded_for_an_address_and_no_sooner() -> None:
    program = (
        "import sys; from fanfold.sources.open import open_source; "
        "open_source([sys.executable]); print('fsspec' in sys.modules); "
        "import fsspec; fsspec.filesystem('memory').pipe('/a', b'1'); "
        "print([it.data for it in open_source(['memory://a']).lines()], 'gcsfs' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "False\n[1] False\n"


# ------------------------------------------------------------------- the web


class _Site(ThreadingHTTPServer):
    """One page, whose content and mark a test may change."""

    body = b"id\n1\n"
    mark = '"one"'

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Page(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        site = cast(_Site, self.server)
        found = self.path.startswith("/a.csv")
        self.send_response(200 if found else 404)
        self.send_header("ETag", site.mark)
        self.send_header("Content-Length", str(len(site.body) if found else 0))
        self.end_headers()
        if with_body and found:
            self.wfile.write(site.body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[_Site]:
    with _Site(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_web_address_is_read_also_with_a_question_mark_in_it(site: _Site) -> None:
    (file,) = stored_files(f"{site.url}/a.csv?day=1*")
    assert file.version == 'ETag "one" 5 bytes'
    assert b"".join(chunks_of(file)) == b"id\n1\n"


def test_a_page_that_changes_while_it_is_read_is_refused(site: _Site) -> None:
    (file,) = stored_files(f"{site.url}/a.csv")
    chunks = chunks_of(file)
    next(chunks)
    site.mark = '"two"'
    with pytest.raises(SourceInvalid, match="it changed while it was read"):
        list(chunks)


def test_a_page_that_is_not_there_is_told(site: _Site) -> None:
    assert refusal(f"{site.url}/b.csv") == f"{site.url}/b.csv: no such file. Look at the address."


# ----------------------------------------------------------- Google's buckets


class _Bucket(ThreadingHTTPServer):
    """The few calls of Cloud Storage that reading takes, for one bucket called `b`."""

    def __init__(self, blobs: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _BucketCalls)
        self.blobs = blobs
        self.generation = "1"

    def handle_error(self, *_: Any) -> None:
        """Whoever has read enough hangs up."""

    def about(self, name: str) -> dict[str, Any]:
        about = {"name": name, "bucket": "b", "size": str(len(self.blobs[name]))}
        link = f"http://127.0.0.1:{self.server_port}/storage/v1/b/b/o/{quote(name, safe='')}"
        return {**about, "generation": self.generation, "mediaLink": f"{link}?alt=media"}


class _BucketCalls(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        bucket = cast(_Bucket, self.server)
        asked = urlsplit(self.path)
        query = dict(parse_qsl(asked.query))
        path = asked.path.removeprefix("/download").removeprefix("/storage/v1/b/b/o")
        name = unquote(path.removeprefix("/"))
        if not name:
            self._list(bucket, query.get("prefix", ""), query.get("delimiter", ""))
        elif name not in bucket.blobs:
            self._answer(404, b'{"error": {"code": 404, "message": "Not Found"}}')
        elif query.get("alt") == "media":
            first, _, last = self.headers.get("Range", "bytes=0-").partition("=")[2].partition("-")
            self._answer(206, bucket.blobs[name][int(first) : int(last or 1 << 40) + 1])
        else:
            self._answer(200, json.dumps(bucket.about(name)).encode())

    def _list(self, bucket: _Bucket, prefix: str, delimiter: str) -> None:
        below = [it for it in sorted(bucket.blobs) if it.startswith(prefix)]
        here = [it for it in below if not delimiter or delimiter not in it.removeprefix(prefix)]
        folders = {prefix + it.removeprefix(prefix).partition("/")[0] + "/" for it in below
                   if it not in here}  # fmt: skip
        listed = {"items": [bucket.about(it) for it in here], "prefixes": sorted(folders)}
        self._answer(200, json.dumps(listed).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Bucket]:
    blobs = {"d/a.csv": b"id\n1\n", "d/s/b.csv": b"id\n2\n", "d/c.txt": b"x\n"}
    with _Bucket(blobs) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("google")
@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("gs://b/d/a.csv", ["d/a.csv"]),
        ("gs://b/d/*.csv", ["d/a.csv"]),
        ("gs://b/**/*.csv", ["d/a.csv", "d/s/b.csv"]),
        ("gs://b/d/", ["d/a.csv", "d/c.txt", "d/s/b.csv"]),
    ],
)
def test_a_bucket_of_google_s_is_read(url: str, found: list[str], google: _Bucket) -> None:
    files = list(stored_files(url))
    assert [file.name for file in files] == [f"gs://b/{name}" for name in found]
    for file, name in zip(files, found, strict=True):
        assert file.version == f"generation 1 {len(google.blobs[name])} bytes"
        assert b"".join(chunks_of(file)) == google.blobs[name]


def test_a_blob_that_is_replaced_while_it_is_read_is_refused(google: _Bucket) -> None:
    (file,) = stored_files("gs://b/d/a.csv")
    google.generation = "2"
    with pytest.raises(SourceInvalid, match="it changed while it was read"):
        list(chunks_of(file))


@pytest.mark.usefixtures("google")
def test_a_blob_that_is_not_there_is_told() -> None:
    assert refusal("gs://b/none.csv") == "gs://b/none.csv: no such file. Look at the address."
