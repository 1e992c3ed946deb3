"""Finding flows: what a user types, and what a batch remembers.

A name is looked up in the places that were set (FANFOLD_FLOWS), then among the entry points of
installed packages, then in the bundled flows; the first that has it wins. Code is imported only as
far as the question needs, and a place that cannot be imported hides none of the others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import iter_modules
from threading import RLock
from types import FunctionType, ModuleType

from fanfold.domain.action import Action
from fanfold.domain.flow import IN_MEMORY, Flow, FlowRef
from fanfold.domain.people import Access
from fanfold.domain.registered import Made, Registered, made_of
from fanfold.errors import FlowInvalid, FlowNotFound, UsageError
from fanfold.execution.actions import FoundAction, Loaded, actions_among
from fanfold.execution.loading import PREFIX, absolute, load, names_file

ENTRY_POINTS = "fanfold.flows"
BUNDLED = "fanfold.flows"
#: makes flows of data (domain.registered); loaded by name, for it stands above this
MAKER = "fanfold.graphs.made"


@dataclass(frozen=True, slots=True)
class Found:
    flow: Flow
    #: where any process on this machine finds it again: `/absolute/file.py:attribute` or
    #: `package.module:attribute`; of one that is data, the data
    place: str
    #: of one that is data: who registered it, and for whom
    registered: Registered | None = None

    @property
    def access(self) -> Access:
        return self.flow.access if self.registered is None else self.registered.access

    @property
    def ref(self) -> FlowRef:
        flow = self.flow.check()  # only then a graph has its version
        return FlowRef(flow.name, flow.version, self.place, flow.title, flow.fold is not None)


class Library:
    """The flows this process can find. Safe to share between threads."""

    def __init__(self, places: Sequence[str] = ()) -> None:
        #: absolute from the start: the current folder may change
        self.places = tuple(absolute(place.strip()) for place in places if place.strip())
        #: what `all()` could not list, and why; one line each
        self.problems: list[str] = []
        self._found: dict[str, Found] = {}
        self._resolved: dict[FlowRef, Flow] = {}
        self._lock = RLock()

    def find(self, text: str) -> Found:
        """The flow a user means by `flows.py:shout`, `pkg.module:shout`, `flows.py`, `pkg.module`
        or its bare name."""
        with self._lock:
            place, colon, attribute = text.strip().rpartition(":")
            if colon and not attribute.endswith(".py"):
                found = _at(place, attribute)
            elif names_file(text):
                found = _only_one(text)
            else:
                found = self._by_bare_name(text.strip())
            self._found[found.place] = found
            return found

    def take(self, flow: Flow, place: str | None = None) -> Found:
        """A flow that somebody has in hand: it is found here from now on, and nothing is loaded for
        it. `place`: where a batch remembers it, if that is known. Raises FlowInvalid for one that
        is to run in another process, which could not find it."""
        with self._lock:
            found = Found(flow, place or _elsewhere(flow) or f"{IN_MEMORY}{flow.name}")
            if flow.is_isolated and found.ref.is_in_memory:
                raise FlowInvalid(
                    f"flow {flow.name}: no child process finds a flow that was made in a notebook, "
                    "in a script that is being run or inside a function. Put it into a file of its "
                    'own and import it from there, or leave isolation="process" out'
                )
            self._found[found.place] = found
            return found

    def named(self, name: str) -> Found:
        """The flow registered under this name: nothing is imported that a message asks for."""
        with self._lock:
            problems: list[str] = []
            found = _one_named(name, self._in_places(problems))
            found = found or _one_named(name, self._in_entry_points(problems))
            found = found or _one_named(name, _in_bundled(problems))
        if found is None:
            raise FlowNotFound(
                f"there is no flow named {name!r} here. Register its file or module in "
                f"FANFOLD_FLOWS.{_also(problems)}"
            )
        return found

    def check(self, ref: FlowRef) -> None:
        """Refuse what nobody can find but the process that made it; loads nothing."""
        if ref.is_in_memory and ref.place not in self._found:
            raise FlowNotFound(
                f"flow {ref.name} was made in a notebook or a script, and is in no file that could "
                "be loaded. Go on there: resume_batch(BATCH, FLOW)"
            )

    def resolve(self, ref: FlowRef) -> Flow:
        """The flow a batch remembers: by its name, then at its place."""
        flow = self._resolved.get(ref)
        if flow is None:
            with self._lock:
                whole = self._resolve(replace(ref, part=""))
                flow = self._resolved[ref] = whole.part(ref.part) if ref.part else whole
        return flow

    def all(self) -> list[Found]:
        """Every flow in sight, by name; `problems` then says what is out of sight."""
        with self._lock:
            problems: list[str] = []
            self.problems = problems
            by_name: dict[str, Found] = {}
            for tier in (
                self._in_places(problems),
                self._in_entry_points(problems),
                _in_bundled(problems),
            ):
                mine: dict[str, Found] = {}
                for found in tier:
                    other = mine.setdefault(found.flow.name, found)
                    if other.flow is not found.flow:
                        problems.append(str(_twice(other, found)))
                by_name = mine | by_name
            return sorted(by_name.values(), key=lambda found: found.flow.name)

    def actions(self) -> list[FoundAction]:
        """Every action in sight, by id, in the places where flows are; `problems` likewise."""
        with self._lock:
            problems: list[str] = []
            self.problems = problems
            points = dict.fromkeys(it.module for it in self._entry_points)
            bundled = (it.name for it in iter_modules(load(BUNDLED).__path__))
            tiers = (self.places, points, (f"{BUNDLED}.{name}" for name in bundled))
            return actions_among([_loaded(it, problems) for it in tiers], problems)

    def made(self, of: Made, may_use: Callable[[Action], bool] = lambda _: True) -> Flow:
        """A flow that is data, of those of the actions in sight that it may use. Raises
        FlowInvalid."""
        actions = {it.action.id: it.fn for it in self.actions() if may_use(it.action)}
        flow: Flow = load(MAKER).made(of, actions)
        return flow

    def registered(self, it: Registered) -> Found:
        """Raises FlowInvalid where an action that it calls is not in sight any more."""
        return Found(self.resolve(FlowRef(it.name, "", it.place, it.title)), it.place, it)

    def _resolve(self, ref: FlowRef) -> Flow:
        of = made_of(ref.place)
        if of is not None:
            return self.made(of)
        # What was found here by its place is what was meant, whatever else has the same name.
        typed = self._found.get(ref.place)
        if typed is not None and typed.flow.name == ref.name:
            return typed.flow
        self.check(ref)
        problems: list[str] = []
        in_places = [it for it in self._in_places(problems) if it.flow.name == ref.name]
        found = next((it for it in in_places if it.place == ref.place), None)
        found = found or _one_named(ref.name, iter(in_places))
        found = found or _one_named(ref.name, self._in_entry_points(problems, only=ref.name))
        if found is not None:
            return found.flow
        try:
            found = self.find(ref.place)
        except UsageError as error:
            found = _one_named(ref.name, self._in_entry_points(problems))
            if found is None:
                others = [problem for problem in problems if problem != str(error)]
                raise type(error)(f"flow {ref.name}: {error}{_also(others)}") from None
        if found.flow.name != ref.name:
            raise FlowNotFound(
                f"the flow at {found.place} is now named {found.flow.name!r}, no longer "
                f"{ref.name!r}. Name it again: @flow(id={ref.name!r}){_also(problems)}"
            )
        return found.flow

    def _by_bare_name(self, name: str) -> Found:
        problems: list[str] = []
        found = _one_named(name, self._in_places(problems))
        found = found or _one_named(name, self._in_entry_points(problems, only=name))
        if found is None and "." in name:
            try:
                return _only_one(name)
            except FlowNotFound as error:
                problems.append(str(error))
        found = found or _one_named(name, self._in_entry_points(problems))
        found = found or _one_named(name, _in_bundled(problems))
        if found is not None:
            return found
        near = get_close_matches(name, [it.flow.name for it in self.all()], n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        if Path(f"{name}.py").is_file():
            hint += f" If you mean the file: {name}.py."
        raise FlowNotFound(
            f"there is no flow named {name!r}.{hint} `fanfold flows` lists the ones found here."
            f"{_also(problems)}"
        )

    def _in_places(self, problems: list[str]) -> Iterator[Found]:
        for place in self.places:
            yield from _in(place, problems)

    def _in_entry_points(self, problems: list[str], only: str | None = None) -> Iterator[Found]:
        for point in self._entry_points:
            if only is not None and point.name != only:
                continue
            if not point.attr:
                yield from _in(point.module, problems)
                continue
            try:
                yield _at(point.module, point.attr)
            except UsageError as error:
                problems.append(str(error))

    @cached_property
    def _entry_points(self) -> tuple[EntryPoint, ...]:
        """Looked for once: every package there is has a file to be read for them."""
        return tuple(entry_points(group=ENTRY_POINTS))


def place_of(flow: Flow) -> str | None:
    """Where this very flow object is in what is loaded, for another process to find the same."""
    module = sys.modules.get(_home_of(flow))
    if module is None:
        return None
    own = [name for name, it in vars(module).items() if it is flow]
    if not own:
        return None
    if module.__name__ == "__main__" or module.__name__.startswith(PREFIX):
        file = getattr(module, "__file__", None)  # an interpreter's prompt has none
        return f"{absolute(file)}:{own[0]}" if file else None
    return f"{module.__name__}:{own[0]}"


def _elsewhere(flow: Flow) -> str | None:
    """Where other processes find it. Not in a script that is being run: to import it there would
    be to run it again."""
    return None if _home_of(flow) == "__main__" else place_of(flow)


def _in(place: str, problems: list[str]) -> Iterator[Found]:
    try:
        flows = _flows_in(load(place))
    except UsageError as error:
        problems.append(str(error))
        return
    for attribute, flow in flows.items():
        yield Found(flow, f"{place}:{attribute}")


def _loaded(places: Iterable[str], problems: list[str]) -> Iterator[Loaded]:
    for place in places:
        try:
            yield place, load(place)
        except UsageError as error:
            problems.append(str(error))


def _in_bundled(problems: list[str]) -> Iterator[Found]:
    for module in iter_modules(load(BUNDLED).__path__):
        yield from _in(f"{BUNDLED}.{module.name}", problems)


def _one_named(name: str, among: Iterator[Found]) -> Found | None:
    first: Found | None = None
    for found in among:
        if found.flow.name != name:
            continue
        if first is not None and first.flow is not found.flow:
            raise _twice(first, found)
        first = first or found
    return first


def _at(place: str, attribute: str) -> Found:
    module = load(place)
    flows = _flows_in(module)
    named = [name for name, flow in flows.items() if attribute in (name, flow.name)]
    it = vars(module).get(attribute)
    if isinstance(it, Flow):
        return Found(it, f"{absolute(place)}:{attribute}")
    if named:
        return Found(flows[named[0]], f"{absolute(place)}:{named[0]}")
    there = f"Flows there: {', '.join(flows)}." if flows else "There is no flow there."
    if isinstance(it, FunctionType):
        raise FlowInvalid(f"{place}:{attribute} is a plain function. Decorate it with @flow.")
    if it is not None:
        raise FlowInvalid(f"{place}:{attribute} is of type {type(it).__name__}, no flow. {there}")
    near = get_close_matches(attribute, flows, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise FlowNotFound(f"{place} has no {attribute!r}. {hint}{there}")


def _only_one(place: str) -> Found:
    """The flow of a file or module that has just one of its own; imported ones only if none is."""
    module = load(place)
    flows = _flows_in(module)
    own = {name: it for name, it in flows.items() if _home_of(it) == module.__name__}
    choice = own or flows
    if not choice:
        raise FlowNotFound(f"{place} has no flow. Decorate a function in it with @flow.")
    if len(choice) > 1:
        names = ", ".join(f"{place}:{name}" for name in choice)
        raise FlowInvalid(f"{place} has {len(choice)} flows. Name one of them: {names}.")
    ((attribute, flow),) = choice.items()
    return Found(flow, f"{absolute(place)}:{attribute}")


def _flows_in(module: ModuleType) -> dict[str, Flow]:
    """By attribute; a flow with two names in a module counts once."""
    flows: dict[str, Flow] = {}
    for name, it in list(vars(module).items()):
        if isinstance(it, Flow) and it not in flows.values():
            flows[name] = it
    return flows


def _home_of(flow: Flow) -> str:
    return getattr(flow.fn, "__module__", None) or ""  # a partial has none


def _twice(one: Found, other: Found) -> FlowInvalid:
    return FlowInvalid(
        f"two flows are named {one.flow.name!r}: {one.place} and {other.place}. "
        "Give one of them another name: @flow(id=…)"
    )


def _also(problems: Sequence[str]) -> str:
    return "".join(f" ({problem})" for problem in problems)
