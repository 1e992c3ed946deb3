"""A batch after others, on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

NOBODY = "batch-zzzzzzzzzzzzzzzz"


def created(fanfold: Fanfold, *given: str) -> str:
    return fanfold.inside("create", "echo", "-", *given, stdin="1\n").out.strip()


def failing(fanfold: Fanfold) -> str:
    source = fanfold.write("failing.jsonl", [{"do": "error"}])
    return fanfold.inside("create", fanfold.puppet, source, "--retries", "0").out.strip()


def test_a_chain_is_worked_on_from_its_first_to_its_last(fanfold: Fanfold) -> None:
    first = created(fanfold)
    second = created(fanfold, "--after", "last")

    ended = fanfold("run", "echo", "-", "--after", first, "--after", second[:12], "--json",
                    *fanfold.small, stdin="1\n")  # fmt: skip

    assert (ended.code, ended.json["status"]) == (0, "completed"), ended.err
    third, *rest = fanfold.batches()
    assert [it["status"] for it in (third, *rest)] == ["completed"] * 3
    options = fanfold.inside("status", "last", "--json").json["options"]
    assert (options["after"], options["after_on"]) == ([first, second], "success")


def test_status_and_list_say_what_it_waits_for(fanfold: Fanfold) -> None:
    first = created(fanfold)
    second = created(fanfold, "--after", first)

    shown = fanfold.inside("status", second)
    assert f"waits for {first} (pending)" in " ".join(shown.out.split())
    told = fanfold.inside("status", second, "--json").json
    assert told["waits_for"] == [{"batch_id": first, "status": "pending"}]
    assert told["error"] == f"it waits for {first}, which is pending"
    listed = fanfold.inside("list", COLUMNS="120").out
    assert "WAITS FOR" in listed
    assert listed.count(first) == 2
    assert fanfold.batches()[0]["waits_for"] == told["waits_for"]
    assert fanfold.inside("wait", second, "--timeout", "0").code == 1


def test_what_comes_after_one_that_fails_is_skipped_and_may_be_run_again(fanfold: Fanfold) -> None:
    first = failing(fanfold)
    skipped = created(fanfold, "--after", first)
    anyway = created(fanfold, "--after", first, "--after-any-end")

    assert fanfold("worker", "--until-idle", "--threads", "2").code == 0

    waited = fanfold.inside("wait", skipped)
    assert waited.code == 3
    assert f"reason: it comes after {first}, which failed" in waited.err
    assert fanfold.inside("wait", anyway).code == 0
    refused = fanfold.inside("retry", skipped, "--skipped")
    assert refused.code == 1
    assert f"Retry that one first: `fanfold retry {first} --failed`" in " ".join(
        refused.err.split()
    )
    told = [it["kind"] for it in fanfold.inside("events", skipped, "--json").lines]
    assert told == ["skipped"]
    assert skipped in fanfold.inside("list", "--status", "skipped").out


def test_what_it_comes_after_is_changed_while_it_waits(fanfold: Fanfold) -> None:
    first, other = created(fanfold), created(fanfold)
    second = created(fanfold, "--after", first)

    changed = fanfold.inside("set", second, f"after={other[6:14]}", "after_on=end", "--json")
    assert (changed.json["after"], changed.json["after_on"]) == ([other], "end")
    third = created(fanfold, "--after", second)
    refused = fanfold.inside("set", second, f"after={third}")
    assert refused.code == 2
    assert f"{second} → {third} → {second}" in " ".join(refused.err.split())
    assert fanfold.inside("set", second, "after=none", "--json").json["after"] == []
    refused = fanfold.inside("set", second, f"after={first}")
    assert (refused.code, "waits for no other batch" in refused.err) == (1, True)


def test_what_is_not_there_cannot_be_waited_for_and_nothing_is_stored(fanfold: Fanfold) -> None:
    for name in (NOBODY, "last"):
        refused = fanfold.inside("create", "echo", "-", "--after", name, stdin="1\n")
        assert refused.code == 2
        assert "there" in refused.err
    assert fanfold.batches() == []


def test_what_waits_can_be_canceled_and_is_at_an_end_at_once(fanfold: Fanfold) -> None:
    second = created(fanfold, "--after", created(fanfold))
    assert fanfold.inside("cancel", second).code == 0
    assert fanfold.inside("status", second, "--json").json["status"] == "canceled"


def test_batches_are_offered_to_come_after(fanfold: Fanfold) -> None:
    from tests.e2e.test_completion import offered

    assert created(fanfold) in offered(fanfold, "fanfold create echo --after b")
