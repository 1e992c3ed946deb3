"""Assertions of the published suite are explained like those of our own tests."""

import pytest

pytest.register_assert_rewrite("fanfold.testing.conformance")
