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

    def test_a_deleted_blob_is_gone_and_deleting_it_again_does_no_harm(self, rig: Rig) -> None:
        rig.ports.blobs.write("a", [b"one"])
        rig.ports.blobs.delete("a")
        rig.ports.blobs.delete("a")
        with pytest.raises(BlobNotFound):
            rig.ports.blobs.read("a")

    def test_a_name_cannot_lead_out_of_the_store(self, rig: Rig) -> None:
        with pytest.raises(ValueError, match="outside"):
            rig.ports.blobs.write("../a", [b"one"])
