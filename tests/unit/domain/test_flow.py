from __future__ import annotations

import functools
import inspect
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fanfold import Access, Context, Flow, flow
from fanfold.domain.flow import DEFAULT_TIMEOUT
from fanfold.domain.retry import RetryPolicy
from fanfold.errors import FlowInvalid


def shout(record: dict[str, str]) -> str:
    """Shout it.

    In capitals.
    """
    return record["text"].upper()


# ------------------------------------------------------------- the decorator


def test_a_bare_decorator_describes_the_function() -> None:
    described = flow(shout)
    assert (described.name, described.title) == ("shout", "Shout it.")
    assert described.description == "Shout it.\n\nIn capitals."
    assert described.retry == RetryPolicy(retries=3, base=0.5, cap=60.0)
    assert described.timeout == DEFAULT_TIMEOUT
    assert described.source is None
    assert described.fold is None
    assert (described.isolation, described.memory) == ("none", None)


def test_every_option_is_taken() -> None:
    source, fold = list, list
    described = flow(
        id="loud",
        title="Loud",
        description="Louder.",
        version="7",
        retries=0,
        backoff=2,
        backoff_cap=10,
        timeout=None,
        exclusive=True,
        isolation="process",
        memory="512MiB",
        source=source,
        fold=fold,
        access=Access(starters=("group:editors",)),
    )(shout)
    assert (described.name, described.title, described.description) == ("loud", "Loud", "Louder.")
    assert (described.version, described.timeout) == ("7", None)
    assert described.retry == RetryPolicy(retries=0, base=2, cap=10)
    assert described.exclusive
    assert described.is_isolated
    assert described.memory == 512 * 1024**2
    assert described.source is source
    assert described.fold is fold
    assert described.access == Access(starters=("group:editors",))


def test_every_option_is_tried_here() -> None:
    given = set(inspect.signature(flow).parameters) - {"fn"}
    assert given == {
        *("id", "title", "description", "version", "retries", "backoff", "backoff_cap"),
        *("timeout", "exclusive", "isolation", "memory", "source", "fold", "access"),
    }


def test_a_flow_is_called_as_the_function_it_is() -> None:
    described = flow(retries=1)(shout)
    assert described({"text": "ah"}) == "AH"
    assert described(record={"text": "oh"}) == "OH"


def test_a_flow_looks_like_its_function() -> None:
    described = flow(shout)
    assert described.__name__ == "shout"  # type: ignore[attr-defined]
    assert described.__doc__ == shout.__doc__
    assert inspect.signature(described) == inspect.signature(shout)


def test_without_a_docstring_the_name_is_the_title() -> None:
    described = flow(lambda_named("plain"))
    assert (described.title, described.description) == ("plain", "")


def test_an_attribute_on_the_function_does_not_replace_the_flows_own() -> None:
    """Retry libraries leave a `retry` on what they decorate."""
    function = lambda_named("retried")
    function.retry = "somebody else's"  # type: ignore[attr-defined]
    assert flow(function).retry == RetryPolicy()


def test_an_async_function_is_known_as_one() -> None:
    @flow
    async def ask(record: str) -> str:
        return record

    assert ask.is_async
    assert not flow(shout).is_async


def lambda_named(name: str) -> Callable[[Any], Any]:
    def function(record: Any) -> Any:
        return record

    function.__name__ = name
    return function


# ------------------------------------------------------------------- the name


@pytest.mark.parametrize("name", ["a", "_private", "Classify-2", "team.articles_v2", "x" * 100])
def test_a_plain_name_is_taken(name: str) -> None:
    assert flow(id=name)(shout).name == name


@pytest.mark.parametrize("name", ["7up", "a b", "a/b", "-x", "é", "x" * 101, "a\n"])
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(FlowInvalid, match="cannot be a flow's name"):
        flow(id=name)(shout)


def test_a_lambda_needs_a_name() -> None:
    with pytest.raises(FlowInvalid, match=r"'<lambda>' .*@flow\(id="):
        flow(lambda record: record)
    assert flow(id="same")(lambda record: record).name == "same"


# ------------------------------------------------------------ refused options


@pytest.mark.parametrize("retries", [-1, 1.5, True, "3"])
def test_retries_are_a_number_of_attempts(retries: Any) -> None:
    with pytest.raises(FlowInvalid, match="flow shout: retries must be 0 or more"):
        flow(retries=retries)(shout)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_is_some_time(timeout: float) -> None:
    with pytest.raises(FlowInvalid, match="flow shout: timeout must be more than 0 s"):
        flow(timeout=timeout)(shout)


def test_a_backoff_is_no_negative_time() -> None:
    with pytest.raises(FlowInvalid, match="flow shout: backoff"):
        flow(backoff=-1)(shout)
    with pytest.raises(FlowInvalid, match="flow shout: backoff"):
        flow(backoff_cap=-1)(shout)


@pytest.mark.parametrize("isolation", ["thread", "", None, True, []])
def test_isolation_is_none_or_a_process(isolation: Any) -> None:
    with pytest.raises(FlowInvalid, match='flow shout: isolation is "none" or "process"'):
        flow(isolation=isolation)(shout)


@pytest.mark.parametrize(("memory", "size"), [("2GB", 2 * 1000**3), ("1.5KiB", 1536), (7, 7)])
def test_memory_is_bytes_or_a_size(memory: Any, size: int) -> None:
    assert flow(isolation="process", memory=memory)(shout).memory == size


@pytest.mark.parametrize("memory", ["", "much", "-1", "512M", "0", 0, -5, 1.5, True, b"1GiB"])
def test_any_other_memory_is_refused(memory: Any) -> None:
    with pytest.raises(
        FlowInvalid, match=r"flow shout: memory must be a size such as 64MiB, .*not"
    ):
        flow(isolation="process", memory=memory)(shout)


def test_memory_is_refused_where_the_flow_has_no_process_of_its_own() -> None:
    with pytest.raises(FlowInvalid, match=r'flow shout: memory .* Add isolation="process"'):
        flow(memory="1GiB")(shout)


# ------------------------------------------------------------- the signature


def with_ctx(record: Any, ctx: Any) -> None: ...
def with_context(record: Any, context: Any) -> None: ...
def with_annotation(record: Any, it: Context) -> None: ...
def with_text_annotation(record: Any, it: Context | None = None) -> None: ...
def with_ctx_and_default(record: Any, ctx: Any, size: int = 3) -> None: ...
def with_record_only(record: Any) -> None: ...
def with_default(record: Any, size: int = 3) -> None: ...
def with_keyword_default(record: Any, *, size: int = 3) -> None: ...
def with_anything(*args: Any, **kwargs: Any) -> None: ...
def with_rest(record: Any, *rest: Any) -> None: ...
def with_default_for_record(record: Any = None) -> None: ...


class Caller:
    def __call__(self, record: Any, ctx: Any) -> None: ...


@pytest.mark.parametrize(
    "function",
    [
        with_ctx,
        with_context,
        with_annotation,
        with_text_annotation,
        with_ctx_and_default,
        Caller(),
    ],
)
def test_a_function_that_takes_the_context_is_given_it(function: Callable[..., Any]) -> None:
    assert flow(id="f")(function).wants_context


@pytest.mark.parametrize(
    "function",
    [
        with_record_only,
        with_default,
        with_keyword_default,
        with_anything,
        with_rest,
        with_default_for_record,
        functools.partial(with_ctx, ctx=None),
    ],
)
def test_a_function_that_takes_only_the_record_is_given_only_that(
    function: Callable[..., Any],
) -> None:
    assert not flow(id="f")(function).wants_context


def nothing() -> None: ...
def two_records(record: Any, other: Any) -> None: ...
def three(record: Any, ctx: Any, other: Any) -> None: ...
def keyword(record: Any, *, size: int) -> None: ...
def keyword_context(record: Any, *, ctx: Any) -> None: ...
def keywords_only(**kwargs: Any) -> None: ...


@pytest.mark.parametrize(
    "function", [nothing, two_records, three, keyword, keyword_context, keywords_only]
)
def test_a_function_that_cannot_be_given_a_record_is_refused(
    function: Callable[..., Any],
) -> None:
    name = function.__name__
    with pytest.raises(FlowInvalid, match=rf"def {name}\(record\) or def {name}\(record, ctx\)"):
        flow(function)


def test_a_generator_is_refused() -> None:
    def several(record: Any) -> Iterator[Any]:
        yield record

    with pytest.raises(FlowInvalid, match="cannot be a generator"):
        flow(several)


# ----------------------------------------------------------------- the version


def version_of(path: Path, body: str) -> str:
    """Each in a file of its own: Python keeps the source of a file it has read."""
    path.write_text(f"from fanfold import flow\n\n@flow\ndef f(record):\n    {body}\n")
    described = runpy.run_path(str(path))["f"]
    assert isinstance(described, Flow)
    return described.version


def test_the_version_changes_with_the_code_and_only_with_it(tmp_path: Path) -> None:
    first = version_of(tmp_path / "a.py", "return 1")
    assert version_of(tmp_path / "b.py", "return 1") == first
    assert version_of(tmp_path / "c.py", "return 2") != first


def test_a_function_without_source_has_a_version_too() -> None:
    names: dict[str, Any] = {}
    exec("def typed_in(record): return record", names)  # noqa: S102
    assert flow(names["typed_in"]).version == "0"
