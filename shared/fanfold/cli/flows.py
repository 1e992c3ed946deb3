"""`fanfold flows`: what can be run from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fanfold.cli import parameters as given
from fanfold.cli.near import near

if TYPE_CHECKING:
    from rich.console import Group

    from fanfold.execution.library import Found

EXAMPLE = "FANFOLD_FLOWS=flows.py fanfold flows"


def flows(json: given.AsJson = False) -> int:
    """List the flows that can be run by their names.

    Those in FANFOLD_FLOWS (files or modules, separated as in PATH), in installed packages, and the
    bundled ones.
    """
    from fanfold.cli import exits
    from fanfold.cli.terminal import Terminal, hearing_user_code
    from fanfold.execution.library import Library
    from fanfold.settings import Settings

    terminal = Terminal()
    library = Library(Settings.from_env().flow_places)
    with hearing_user_code():
        found = library.all()
        nodes = {it.place: _nodes_of(it, library.problems) for it in found}
    if json:
        entries = [_as_json(it, nodes[it.place]) for it in found]
        terminal.json({"flows": entries, "problems": library.problems})
    elif found:
        terminal.show(_view(found, nodes, terminal.columns))
    for problem in library.problems:
        terminal.warn(f"fanfold: {problem}")
    return exits.OK


def _nodes_of(found: Found, problems: list[str]) -> list[str] | None:
    """Their names; a function is one. None of a graph that is wrong, which is told."""
    from fanfold.errors import FlowInvalid
    from fanfold.graphs.flow import Flow

    if not isinstance(found.flow, Flow):
        return None
    try:
        return list(found.flow.graph.nodes)
    except FlowInvalid as error:
        problems.append(f"{near(found.place)}: {error}")
        return None


def _as_json(found: Found, nodes: list[str] | None) -> dict[str, Any]:
    from fanfold.domain.registered import flow_id_of

    flow = found.flow
    return {
        "name": flow.name,
        "flow_id": flow_id_of(flow.name),
        "title": flow.title,
        "version": flow.version,
        "place": found.place,
        "nodes": nodes,
        "retries": flow.retry.retries,
        "timeout": flow.timeout,
        "source": flow.source is not None,
        "fold": flow.fold is not None,
    }


def _view(all_found: list[Found], nodes: Mapping[str, list[str] | None], width: int) -> Group:
    from rich.console import Group, RenderableType
    from rich.text import Text

    from fanfold.cli.hanging import hanging
    from fanfold.cli.numbers import count, short

    shown: list[RenderableType] = []
    for found in all_found:
        flow = found.flow
        ours = nodes[found.place] or [flow.name]
        title = Text(flow.name, style="bold")
        if ours != [flow.name]:
            title.append(f" ({count(len(ours), 'node')})", style="not bold")
        if flow.title != flow.name:
            title.append("  " + short(flow.title, width - len(title) - 2), style="not bold")
        about = [near(found.place), f"retries {flow.retry.retries}"]
        about.append("no timeout" if flow.timeout is None else f"timeout {flow.timeout:g} s")
        about += [name for name in ("source", "fold") if getattr(flow, name) is not None]
        shown += [title, hanging(Text(", ".join(about), style="bright_black"))]
    return Group(*shown)
