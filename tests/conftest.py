"""What holds for all tests."""

import pytest
from hypothesis import settings

# Assertions of the published helpers are explained like those of our own tests. First of all:
# what is imported already cannot be rewritten.
pytest.register_assert_rewrite("fanfold.testing.conformance", "fanfold.testing.home")

# A machine under load is slow, not wrong; and a failure must come again.
settings.register_profile("fanfold", deadline=None, derandomize=True)
settings.load_profile("fanfold")
