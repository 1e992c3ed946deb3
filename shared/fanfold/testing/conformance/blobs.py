"""Blobs: whole or not there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fanfold.errors import BlobNotFound
from fanfold.testing.conformance.rig import Rig


class BlobsConformance:
    def test_a_blob_reads_as_it_was_written_from_any_offset(self, rig: Rig) -> None:
        assert rig.ports.blobs.write("a/b.jsonl", [b"hello ", b"world"]) == 11
        assert b"".join(rig.other.blobs.read("a/b.jsonl")) == b"hello world"
        assert b"".join(rig.other.blobs.read("a/b.jsonl", 6)) == b"world"

    def test_writing_a_name_again_replaces_it(self, rig: Rig) -> None:
        rig.ports.blobs.write("a", [b"one"])
        rig.ports.blobs.write("a", [b"two"])
        assert b"".join(rig.ports.blobs.read("a")) == b"two"

    def test_a_write_that_breaks_off_leaves_nothing(self, rig: Rig) -> None:
        def broken() -> Iterator[bytes]:
            yield b"half"
            raise RuntimeError("the source broke off")

        with pytest.raises(RuntimeError):
            rig.ports.blobs.write("a", broken())
        with pytest.raises(BlobNotFound):
            rig.ports.blobs.read("a")

    def test_a_write_that_breaks_off_leaves_the_earlier_blob(self, rig: Rig) -> None:
        def broken() -> Iterator[bytes]:
            yield b"half"
            raise RuntimeError("the source broke off")

        rig.ports.blobs.write("a", [b"one"])
        with pytest.raises(RuntimeError):
            rig.ports.blobs.write("a", broken())
        assert b"".join(rig.other.blobs.read("a")) == b"one"

    def test_what_the_source_raises_is_raised(self, rig: Rig) -> None:
        def broken() -> Iterator[bytes]:
            yield b"half"
            raise FileNotFoundError("the source is gone")

        with pytest.raises(FileNotFoundError, match="the source is gone"):
            rig.ports.blobs.write("a", broken())

    def test_any_bytes_are_kept(self, rig: Rig) -> None:
        content = bytes(range(256)) + b"\r\n--boundary--\n--==0==--\r\n--==0==--\r"
        rig.ports.blobs.write("a", [content])
        assert b"".join(rig.other.blobs.read("a")) == content

    def test_an_empty_blob_is_one(self, rig: Rig) -> None:
        assert rig.ports.blobs.write("a", []) == 0
        assert b"".join(rig.other.blobs.read("a")) == b""
        rig.ports.blobs.delete("a")
        with pytest.raises(BlobNotFound):
            rig.other.blobs.read("a")

    @pytest.mark.parametrize("offset", [3, 4, 1000])
    def test_behind_its_end_a_blob_has_nothing(self, rig: Rig, offset: int) -> None:
        rig.ports.blobs.write("a", [b"one"])
        assert list(rig.other.blobs.read("a", offset)) == []

    def test_a_missing_blob_is_told_of_before_it_is_read(self, rig: Rig) -> None:
        with pytest.raises(BlobNotFound, match="Create the batch again"):
            rig.ports.blobs.read("a")

    def test_a_deleted_blob_is_gone_and_deleting_it_again_does_no_harm(self, rig: Rig) -> None:
        rig.ports.blobs.write("a", [b"one"])
        rig.ports.blobs.delete("a")
        rig.ports.blobs.delete("a")
        with pytest.raises(BlobNotFound):
            rig.ports.blobs.read("a")

    def test_a_name_cannot_lead_out_of_the_store(self, rig: Rig) -> None:
        with pytest.raises(ValueError, match="outside"):
            rig.ports.blobs.write("../a", [b"one"])
