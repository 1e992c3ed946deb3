"""Run simulated schedules, and tell of the first that violates an invariant, step by step."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from difflib import get_close_matches
from time import monotonic
from typing import TextIO

try:
    from fanfold.testing.simulation.bug import Bug
    from fanfold.testing.simulation.bugs import BUGS
    from fanfold.testing.simulation.simulate import Simulator, Summary, simulate
except ModuleNotFoundError as missing:  # it is for those who work on fanfold
    if missing.name != "greenlet":
        raise
    sys.exit("greenlet is missing, which simulated threads are made of: pip install 'fanfold[dev]'")

_EXAMPLES = """
  python -m fanfold.testing.simulation --schedules 20000
  python -m fanfold.testing.simulation --seed 5908 --schedules 1 --steps
  python -m fanfold.testing.simulation --bug 'ack before settle'

The same seed makes the same schedule, on any machine. The exit status is 1 if an invariant is
violated, 2 if something is wrong with the arguments.
"""
#: seconds between two lines of progress: in a terminal, where it is one line, and elsewhere
_OFTEN, _SELDOM = 1.0, 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parsed(arguments)
    try:
        return _steps_of(asked.seed, asked.bug) if asked.steps else _run(asked)
    except KeyboardInterrupt:
        _write(sys.stderr, "stopped")
        return 130
    except BrokenPipeError:  # whoever read it has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parsed(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(
        prog="python -m fanfold.testing.simulation",
        description=__doc__,
        epilog="examples:" + _EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=_natural, default=0, metavar="N", help="the first seed (0)")
    parser.add_argument(
        "--schedules",
        type=_natural,
        metavar="K",
        help="how many seeds, one after the other (1000)",
    )
    parser.add_argument(
        "--bug", type=_bug, metavar="NAME", help="seed this bug; `--bug list` lists them"
    )
    parser.add_argument(
        "--steps", action="store_true", help="tell every step of one schedule, also if it is right"
    )
    asked = parser.parse_args(arguments)
    if asked.schedules == 0:
        parser.error("argument --schedules: there must be one at least")
    if asked.steps and (asked.schedules or 1) > 1:
        parser.error("--steps tells those of one schedule: add --schedules 1")
    asked.schedules = asked.schedules or 1000
    return asked


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def _bug(name: str) -> Bug:
    found = {bug.name: bug for bug in BUGS}
    if name in found:
        return found[name]
    known = "\n".join(f"  {it}" for it in found)
    if name == "list":
        _write(sys.stdout, known)
        raise SystemExit(0)
    near = get_close_matches(name, found, 1, 0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ArgumentTypeError(f"there is no bug {name!r}.{hint} They are:\n{known}")


def _run(asked: Namespace) -> int:
    progress = _Progress(asked.schedules)
    with _seeded(asked.bug):
        summary = simulate(range(asked.seed, asked.seed + asked.schedules), watch=progress)
    progress.end()
    if summary.violations:
        violation = summary.violations[0]
        _write(sys.stdout, violation.told(asked.bug.name if asked.bug else ""))
    _write(sys.stdout, _told(summary, asked.seed, progress.seconds))
    return 1 if summary.violations else 0


def _steps_of(seed: int, bug: Bug | None) -> int:
    with _seeded(bug):
        outcome = Simulator().run(seed, keep_steps=True)
    if outcome.violation is not None:
        _write(sys.stdout, outcome.violation.told(bug.name if bug else ""))
        return 1
    _write(sys.stdout, f"seed {seed}", str(outcome.plan), *map(str, outcome.taken))
    _write(sys.stdout, f"the batch is {outcome.state}" if outcome.state else "there is no batch")
    return 0


def _seeded(bug: Bug | None) -> AbstractContextManager[None]:
    return nullcontext() if bug is None else bug.seeded()


def _told(summary: Summary, seed: int, seconds: float) -> str:
    done = summary.schedules
    found = f"seed {summary.violations[0].seed} is wrong" if summary.violations else "all are right"
    lines = [
        (
            f"{done} schedules from seed {seed}, {summary.steps / done:.0f} steps each, "
            f"{done / seconds:.0f} a second: {found}"
        ),
        "ended: " + ", ".join(f"{name} {n}" for name, n in summary.states.most_common()),
        "in so many of them: "
        + ", ".join(f"{name} {n}" for name, n in summary.happened.most_common()),
    ]
    return "\n".join(lines)


class _Progress:
    """Told where it takes longer than a second."""

    def __init__(self, schedules: int) -> None:
        self._schedules = schedules
        self._began = self._told_at = monotonic()
        self._in_place = sys.stderr.isatty()
        self._every = _OFTEN if self._in_place else _SELDOM

    @property
    def seconds(self) -> float:
        return max(monotonic() - self._began, 1e-6)

    def __call__(self, summary: Summary) -> None:
        now = monotonic()
        first = self._told_at == self._began
        if now - self._told_at < (_OFTEN if first else self._every):
            return
        self._told_at = now
        rate = summary.schedules / self.seconds
        left = (self._schedules - summary.schedules) / rate
        text = f"{summary.schedules} of {self._schedules}, {rate:.0f} a second, {left:.0f} s left"
        sys.stderr.write(f"\r{text}\x1b[K" if self._in_place else f"{text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        if self._in_place and self._told_at > self._began:
            sys.stderr.write("\r\x1b[K")


def _write(stream: TextIO, *lines: str) -> None:
    stream.write("".join(f"{line}\n" for line in lines))
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
