from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from fanfold.errors import OptionInvalid
from fanfold.folds.exports.urls import UrlFolder, is_url, path_of


@pytest.fixture
def place() -> Iterator[str]:
    name = secrets.token_hex(4)
    yield f"memory://{name}"
    if MemoryFileSystem().exists(f"/{name}"):
        MemoryFileSystem().rm(f"/{name}", recursive=True)


def content(url: str) -> bytes:
    read: bytes = MemoryFileSystem().cat_file(url.removeprefix("memory:/"))
    return read


def broken() -> Iterator[bytes]:
    yield b"half of it"
    raise RuntimeError("the power is off")


def test_a_file_is_put_there_whole(place: str) -> None:
    folder = UrlFolder(f"{place}/new/")
    assert folder.names() == []
    folder.write("a", [b"1", b"2"])
    assert (folder.names(), content(f"{place}/new/a")) == (["a"], b"12")


def test_what_breaks_off_leaves_what_was_there(place: str) -> None:
    folder = UrlFolder(place)
    folder.write("a", [b"before"])
    for name in ("a", "b"):
        with pytest.raises(RuntimeError):
            folder.write(name, broken())
    assert (folder.names(), content(f"{place}/a")) == (["a"], b"before")


def test_what_is_deleted_is_gone_and_may_be_deleted_again(place: str) -> None:
    folder = UrlFolder(place)
    folder.write("a", [b"1"])
    folder.delete("a")
    folder.delete("a")
    assert folder.names() == []


def test_who_speaks_no_such_url_says_so() -> None:
    with pytest.raises(OptionInvalid, match="nothing://bucket/x/: Protocol not known: nothing"):
        UrlFolder("nothing://bucket/x/")


def test_a_failure_of_the_store_is_an_oserror(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("403: no permission")

    monkeypatch.setattr(MemoryFileSystem, "put_file", refuse)
    with pytest.raises(OSError, match="403: no permission"):
        UrlFolder(place).write("a", [b"1"])


def test_a_url_is_told_from_a_path() -> None:
    assert [it for it in ("gs://b/x", "C:/x", "a/b", "-") if is_url(it)] == ["gs://b/x"]
    assert path_of("file:///a%20b/c/") == "/a b/c/"
    assert path_of("gs://a/b") is None
