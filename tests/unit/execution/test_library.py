from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fanfold.domain.flow import IN_MEMORY, FlowRef
from fanfold.errors import FlowInvalid, FlowNotFound, UsageError
from fanfold.execution.library import Library, place_of
from fanfold.graphs.function import flow

Write = Callable[[str, str], Path]

SHOUT = """\
from fanfold import flow

@flow
def shout(record: dict) -> str:
    return record["text"].upper()
"""
TWO = """\
from fanfold import flow

@flow
def shout(record): ...

@flow(id="very-quiet")
def whisper(record): ...

def helper(record): ...

LIMIT = 3
"""


def refusal(text: str, *places: str) -> str:
    with pytest.raises(UsageError) as caught:
        Library(places).find(text)
    message = str(caught.value)
    assert "\n" not in message, "one line"
    return message


def installed(write: Write, entry_points: str) -> None:
    """A package with entry points, as pip would leave it."""
    write("site/dist-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: dist\nVersion: 1.0\n")
    points = write("site/dist-1.0.dist-info/entry_points.txt", entry_points)
    sys.path.append(str(points.parent.parent))


# ---------------------------------------------------------------- what a user types


def test_a_flow_is_found_by_its_file_and_name(write: Write) -> None:
    file = write("flows.py", SHOUT)
    found = Library().find("flows.py:shout")
    assert found.flow({"text": "hey"}) == "HEY"
    assert found.place == f"{file}:shout"
    assert found.ref == FlowRef("shout", found.flow.version, f"{file}:shout", "shout")


def test_an_absolute_path_finds_the_same_flow(write: Write) -> None:
    file = write("flows.py", SHOUT)
    library = Library()
    assert library.find(f"{file}:shout") == library.find("flows.py:shout")


def test_a_path_with_dots_is_stored_without_them(write: Write) -> None:
    file = write("flows.py", SHOUT)
    write("sub/other.txt", "")
    assert Library().find("sub/../flows.py:shout").place == f"{file}:shout"


def test_the_id_is_as_good_as_the_functions_name(write: Write) -> None:
    write("flows.py", TWO)
    found = Library().find("flows.py:very-quiet")
    assert found.place.endswith("flows.py:whisper")


def test_a_file_with_one_flow_is_enough(write: Write) -> None:
    file = write("flows.py", SHOUT)
    assert Library().find("flows.py").place == f"{file}:shout"


def test_a_flow_that_the_file_only_imports_is_not_its_one_flow(write: Write) -> None:
    write("one.py", SHOUT)
    write("flows.py", "from one import shout\n" + SHOUT.replace("shout", "cry"))
    assert Library().find("flows.py").flow.name == "cry"


def test_a_file_with_two_flows_needs_a_name(write: Write) -> None:
    write("flows.py", TWO)
    message = refusal("flows.py")
    assert "flows.py has 2 flows" in message
    assert "flows.py:shout, flows.py:whisper" in message


def test_a_file_without_a_flow_says_how_to_make_one(write: Write) -> None:
    write("flows.py", "x = 1\n")
    assert "flows.py has no flow. Decorate a function in it with @flow." in refusal("flows.py")


def test_a_module_of_the_current_folder_is_found(write: Write) -> None:
    write("pkg/__init__.py", "")
    write("pkg/flows.py", SHOUT)
    assert Library().find("pkg.flows:shout").place == "pkg.flows:shout"
    assert Library().find("pkg.flows").place == "pkg.flows:shout"


def test_a_bare_name_is_found_in_the_places(write: Write) -> None:
    file = write("flows.py", TWO)
    assert Library(["flows.py"]).find("very-quiet").place == f"{file}:whisper"


def test_a_place_may_be_a_module(write: Write) -> None:
    write("pkg/__init__.py", "")
    write("pkg/flows.py", SHOUT)
    assert Library(["pkg.flows"]).find("shout").place == "pkg.flows:shout"


def test_a_bare_name_is_found_among_the_entry_points(write: Write) -> None:
    write("site/their_flows.py", TWO)
    installed(write, "[fanfold.flows]\nshout = their_flows:shout\n")
    assert Library().find("shout").place == "their_flows:shout"


def test_an_entry_point_may_be_a_whole_module(write: Write) -> None:
    write("site/their_flows.py", TWO)
    installed(write, "[fanfold.flows]\nanything = their_flows\n")
    assert Library().find("very-quiet").place == "their_flows:whisper"


def test_the_bundled_flows_are_found_by_name(imports: None) -> None:  # noqa: ARG001
    bundled = [found for found in Library().all() if found.place.startswith("fanfold.flows.")]
    assert bundled
    assert Library().find(bundled[0].flow.name) == bundled[0]


def test_a_place_comes_before_an_entry_point_of_the_same_name(write: Write) -> None:
    file = write("mine.py", SHOUT)
    write("site/their_flows.py", TWO)
    installed(write, "[fanfold.flows]\nshout = their_flows:shout\n")
    library = Library(["mine.py"])
    assert library.find("shout").place == f"{file}:shout"
    assert [it.place for it in library.all() if it.flow.name == "shout"] == [f"{file}:shout"]


def test_a_file_is_loaded_once_for_all_threads_and_libraries(write: Write) -> None:
    count = "with open('loads', 'a') as file: file.write('x')\n"
    write("flows.py", SHOUT + count)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Library().find("flows.py:shout"), range(32)))
    assert len({id(it.flow) for it in found}) == 1
    assert Path("loads").read_text(encoding="utf-8") == "x"


def test_files_of_one_name_in_two_folders_are_two_modules(write: Write) -> None:
    write("a/flows.py", SHOUT)
    write("b/flows.py", SHOUT.replace("upper", "lower"))
    library = Library()
    assert library.find("a/flows.py").flow({"text": "Hey"}) == "HEY"
    assert library.find("b/flows.py").flow({"text": "Hey"}) == "hey"


def test_a_file_can_import_its_neighbours(write: Write) -> None:
    write("elsewhere/neighbour.py", "WORD = 'hello'\n")
    text = "import neighbour\nfrom fanfold import flow\n@flow\ndef f(r): return neighbour.WORD\n"
    write("elsewhere/flows.py", text)
    assert Library().find("elsewhere/flows.py").flow(None) == "hello"


def test_what_a_file_defines_can_be_pickled(write: Write) -> None:
    write("flows.py", "class Thing: ...\n" + "from fanfold import flow\n@flow\ndef f(r): ...\n")
    module = sys.modules[Library().find("flows.py").flow.fn.__module__]
    assert type(pickle.loads(pickle.dumps(module.Thing()))) is module.Thing  # noqa: S301


# ---------------------------------------------------------------- what cannot be


def test_a_missing_file_is_named_with_the_folder_it_was_looked_for_in(write: Write) -> None:
    file = write("x.py", "")
    message = refusal("flows.py:shout")
    assert message == f"flows.py does not exist (seen from {file.parent}). Check the path."


def test_a_folder_is_no_file(write: Write) -> None:
    write("pkg/__init__.py", "")
    assert "./pkg is a folder, not a file" in refusal("./pkg:shout")


def test_a_missing_module_is_named(write: Write) -> None:
    write("x.py", "")
    assert "there is no module nowhere.flows" in refusal("nowhere.flows:shout")


def test_what_is_neither_a_file_nor_a_module_is_told_how_to_write_it() -> None:
    assert "Write flows.py:name or package.module:name." in refusal("not a module:shout")


def test_an_import_that_is_missing_in_the_file_is_named(write: Write) -> None:
    file = write("flows.py", "\nimport panda_bears\n")
    message = refusal("flows.py:shout")
    assert "flows.py cannot be imported: ModuleNotFoundError: No module named" in message
    assert "'panda_bears'" in message
    assert f"({file}, line 2). Install it in this environment." in message


def test_a_syntax_error_is_shown_with_its_line(write: Write) -> None:
    file = write("flows.py", "x = 1\ndef f(:\n")
    assert f"SyntaxError: invalid syntax ({file}, line 2)" in refusal("flows.py:f")


def test_an_exception_on_import_is_shown_with_the_line_in_the_users_file(write: Write) -> None:
    file = write("flows.py", "import json\ndef load():\n    json.loads('{')\n\nload()\n")
    message = refusal("flows.py:f")
    assert "cannot be imported: JSONDecodeError: Expecting property name" in message
    assert f"({file}, line 3)" in message
    assert "`python flows.py` shows the whole trace" in message


def test_a_script_that_exits_on_import_does_not_end_the_program(write: Write) -> None:
    write("flows.py", "import sys\nsys.exit('bye')\n")
    assert "flows.py cannot be imported: SystemExit: bye" in refusal("flows.py:f")


def test_a_module_that_fails_on_import_is_told_like_a_file(write: Write) -> None:
    write("broken_module.py", "1 / 0\n")
    message = refusal("broken_module:f")
    assert "broken_module cannot be imported: ZeroDivisionError" in message
    assert "line 1" in message


def test_a_file_that_failed_is_loaded_again_once_it_is_mended(write: Write) -> None:
    write("flows.py", "1 / 0\n")
    refusal("flows.py:shout")
    write("flows.py", SHOUT)
    assert Library().find("flows.py:shout").flow.name == "shout"


def test_a_misspelt_name_is_guessed_and_the_others_are_listed(write: Write) -> None:
    write("flows.py", TWO)
    message = refusal("flows.py:shuot")
    assert message == "flows.py has no 'shuot'. Did you mean shout? Flows there: shout, whisper."


def test_a_plain_function_is_told_apart(write: Write) -> None:
    write("flows.py", TWO)
    expected = "flows.py:helper is a plain function. Decorate it with @flow."
    assert refusal("flows.py:helper") == expected


def test_another_value_is_told_apart(write: Write) -> None:
    write("flows.py", TWO)
    assert "flows.py:LIMIT is of type int, no flow" in refusal("flows.py:LIMIT")


def test_an_unknown_bare_name_is_guessed(write: Write) -> None:
    write("flows.py", SHOUT)
    message = refusal("shuot", "flows.py")
    assert "there is no flow named 'shuot'. Did you mean shout?" in message
    assert "`fanfold flows`" in message


def test_a_bare_name_that_is_a_files_is_told_so(write: Write) -> None:
    write("flows.py", SHOUT)
    assert "If you mean the file: flows.py." in refusal("flows")


def test_a_name_in_two_places_is_refused_with_both(write: Write) -> None:
    one, other = write("one.py", SHOUT), write("other.py", SHOUT)
    message = refusal("shout", "one.py", "other.py")
    assert f"two flows are named 'shout': {one}:shout and {other}:shout" in message


def test_one_flow_seen_from_two_places_is_one_flow(write: Write) -> None:
    file = write("one.py", SHOUT)
    write("other.py", "from one import shout\n")
    sys.path.insert(0, str(file.parent))
    library = Library(["one", "other.py"])
    assert library.find("shout").place == "one:shout"


def test_a_broken_place_hides_no_other_but_is_told_where_a_name_is_missing(write: Write) -> None:
    write("broken.py", "1 / 0\n")
    write("flows.py", SHOUT)
    library = Library(["broken.py", "flows.py"])
    assert library.find("shout").flow.name == "shout"
    with pytest.raises(FlowNotFound, match=r"broken\.py cannot be imported: ZeroDivisionError"):
        library.find("whisper")


# ---------------------------------------------------------------- all


def test_all_flows_are_listed_by_name(write: Write) -> None:
    file = write("flows.py", TWO)
    found = Library(["flows.py"]).all()
    assert [it.flow.name for it in found] == sorted(it.flow.name for it in found)
    assert {f"{file}:shout", f"{file}:whisper"} < {it.place for it in found}


def test_what_cannot_be_listed_is_a_problem_not_an_error(write: Write) -> None:
    write("broken.py", "1 / 0\n")
    write("flows.py", SHOUT)
    library = Library(["broken.py", "gone.py", "flows.py"])
    assert "shout" in [it.flow.name for it in library.all()]
    broken, gone = library.problems
    assert "broken.py cannot be imported" in broken
    assert "gone.py does not exist" in gone


def test_a_name_in_two_places_is_a_problem_of_the_list(write: Write) -> None:
    write("one.py", SHOUT)
    write("other.py", SHOUT)
    library = Library(["one.py", "other.py"])
    assert [it.flow.name for it in library.all()].count("shout") == 1
    assert "two flows are named 'shout'" in library.problems[0]


# ---------------------------------------------------------------- what a batch remembers


def test_a_worker_finds_a_flow_by_its_name_where_its_place_is_of_another_machine(
    write: Write,
) -> None:
    write("flows.py", SHOUT)
    ref = FlowRef("shout", "1", "/of/another/machine/flows.py:shout")
    assert Library(["flows.py"]).resolve(ref)({"text": "hey"}) == "HEY"


def test_a_worker_finds_a_flow_by_its_place_where_its_name_is_unknown(write: Write) -> None:
    file = write("flows.py", SHOUT)
    assert Library().resolve(FlowRef("shout", "1", f"{file}:shout"))({"text": "hey"}) == "HEY"


def test_a_flow_found_by_its_place_is_not_taken_for_another_of_its_name(write: Write) -> None:
    """Typed in this process, it is what was meant."""
    write("deployed.py", SHOUT)
    write("mine.py", SHOUT.replace("upper", "lower"))
    library = Library(["deployed.py"])
    found = library.find("mine.py:shout")
    assert library.resolve(found.ref) is found.flow


def test_of_two_flows_of_a_name_the_one_at_the_place_is_meant(write: Write) -> None:
    write("one.py", SHOUT)
    other = write("other.py", SHOUT.replace("upper", "lower"))
    library = Library(["one.py", "other.py"])
    assert library.resolve(FlowRef("shout", "1", f"{other}:shout"))({"text": "Hey"}) == "hey"


def test_a_flow_is_resolved_once(write: Write) -> None:
    file = write("flows.py", SHOUT)
    library = Library()
    ref = FlowRef("shout", "1", f"{file}:shout")
    flow = library.resolve(ref)
    file.unlink()
    assert library.resolve(ref) is flow


def test_resolving_imports_nothing_unrelated(write: Write) -> None:
    file = write("flows.py", SHOUT)
    write("site/their_flows.py", TWO)
    installed(write, "[fanfold.flows]\nother = their_flows:shout\n")
    Library().resolve(FlowRef("shout", "1", f"{file}:shout"))
    assert "their_flows" not in sys.modules


def test_a_flow_that_is_nowhere_any_more_is_told_with_its_name(write: Write) -> None:
    write("x.py", "")
    with pytest.raises(FlowNotFound, match=r"^flow shout: /gone/flows\.py does not exist"):
        Library().resolve(FlowRef("shout", "1", "/gone/flows.py:shout"))


def test_a_flow_that_was_renamed_is_told_how_to_name_it_again(write: Write) -> None:
    file = write("flows.py", TWO)
    with pytest.raises(FlowNotFound, match=r"now named 'very-quiet'.*@flow\(id='whisper'\)"):
        Library().resolve(FlowRef("whisper", "1", f"{file}:whisper"))


def test_a_file_that_is_broken_now_is_told_so(write: Write) -> None:
    file = write("flows.py", "1 / 0\n")
    with pytest.raises(FlowInvalid, match="ZeroDivisionError"):
        Library().resolve(FlowRef("shout", "1", f"{file}:shout"))


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_a_file_behind_a_link_is_loaded_once_and_keeps_its_place(write: Write) -> None:
    file = write("real/flows.py", SHOUT)
    link = file.parent.parent / "current"
    link.symlink_to(file.parent)
    library = Library()
    found = library.find(f"{link}/flows.py:shout")
    assert found.place == f"{link}/flows.py:shout"
    assert found.flow is library.find(f"{file}:shout").flow


def test_another_process_can_be_told_where_a_flow_is(write: Write) -> None:
    file = write("flows.py", SHOUT)
    write("a_module.py", TWO)
    library = Library()
    assert place_of(library.find("flows.py:shout").flow) == f"{file}:shout"
    assert place_of(library.find("a_module:very-quiet").flow) == "a_module:whisper"


def test_a_flow_in_hand_is_found_at_its_place_and_nothing_is_loaded(write: Write) -> None:
    write("a_module.py", TWO)
    flow = Library().find("a_module:whisper").flow
    library = Library()
    found = library.take(flow)
    assert found.place == "a_module:whisper"
    assert library.resolve(found.ref) is flow


def test_a_flow_that_no_module_has_is_in_memory_for_whoever_was_given_it() -> None:
    @flow
    def shout(record: object) -> object:
        return record

    library = Library()
    ref = library.take(shout).ref
    assert ref.is_in_memory
    assert library.resolve(ref) is shout
    with pytest.raises(FlowNotFound, match=r"in no file that could be loaded.*resume_batch"):
        Library().resolve(ref)


def test_a_name_that_others_have_too_does_not_stand_for_one_in_memory(write: Write) -> None:
    """Their function is not the one that was typed in the notebook."""
    file = write("flows.py", SHOUT)
    with pytest.raises(FlowNotFound, match="resume_batch"):
        Library([str(file)]).resolve(FlowRef("shout", "1", f"{IN_MEMORY}shout"))


def test_a_flow_of_the_script_that_runs_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever imported the script to find it would run the script."""

    @flow
    def shout(record: object) -> object:
        return record

    shout.fn.__module__ = "__main__"
    monkeypatch.setattr(sys.modules["__main__"], "shout", shout, raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", __file__, raising=False)
    assert place_of(shout) is not None
    assert Library().take(shout).ref.is_in_memory


def test_a_flow_that_no_child_process_would_find_cannot_be_run_in_one() -> None:
    @flow(isolation="process")
    def shout(record: object) -> object:
        return record

    with pytest.raises(FlowInvalid, match=r"flow shout: no child process finds .* file of its own"):
        Library().take(shout)
    assert Library().take(shout, "flows.py:shout").place == "flows.py:shout"


def test_a_flow_in_hand_may_stand_for_the_one_a_batch_remembers() -> None:
    @flow
    def shout(record: object) -> object:
        return record

    library = Library()
    library.take(shout, "/gone/flows.py:shout")
    assert library.resolve(FlowRef("shout", "1", "/gone/flows.py:shout")) is shout
