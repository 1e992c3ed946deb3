"""The command line as its users meet it: a process of its own, in a folder of its own."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fanfold.cli.main import main
from fanfold.local.emulators import EmulatorsMissing, Programs, find_emulators
from fanfold.log import logger

FLOWS = Path(__file__).with_name("flows.py")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        assert self.out.count("\n") == 1, self.out + self.err
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Going:
    """A command that has been started."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err

    @property
    def err(self) -> str:
        return self._err.read_text()

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def until(self, condition: Callable[[], object]) -> None:
        """Until it holds; whoever ends before has failed."""
        while not condition():
            assert self.process.poll() is None, self.err
            time.sleep(0.01)

    def end(self) -> Ended:
        code = self.process.wait()
        return Ended(code, self._out.read_text(), self.err)


class Fanfold:
    """Runs `fanfold …` in a folder, with a home in it."""

    puppet = "fanfold.testing.puppet:puppet"
    #: for `run` and `attach`: what most tests need starts soonest with one process
    small = ("--processes", "1", "--threads", "4")

    @staticmethod
    def flow(name: str) -> str:
        """One of those beside the tests."""
        return f"{FLOWS}:{name}"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self._going: list[Going] = []

    def __call__(self, *arguments: str, stdin: str = "", **env: str) -> Ended:
        ended = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.env(**env),
            input=stdin.encode(),
            capture_output=True,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def inside(self, *arguments: str, stdin: str = "", **env: str) -> Ended:
        """The same without a process of its own, for commands that start no workers: the tests
        that look, and those that are refused, are many, and a process takes its time to start."""
        streams = [io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", write_through=True)
                   for text in (stdin.encode(), b"", b"")]  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            for name in [it for it in os.environ if it not in self.env()]:
                patch.delenv(name)
            for name, value in self.env(**env).items():
                patch.setenv(name, value)
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patch.setattr(sys, name, stream)
            patch.setattr(logger, "handlers", list(logger.handlers))
            level = logger.level
            code = main(arguments)
            logger.setLevel(level)
        out, err = (stream.buffer.getvalue().decode() for stream in streams[1:])
        return Ended(code, out, err)

    def start(self, *arguments: str, **env: str) -> Going:
        number = len(self._going)
        out, err = self.folder / f".out-{number}", self.folder / f".err-{number}"
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env=self.env(**env),
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
            )
        going = Going(process, out, err)
        self._going.append(going)
        return going

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-P", "-m", "fanfold.cli.main", *arguments]

    def env(self, **more: str) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FANFOLD_", "COV")) and name not in ("NO_COLOR", "FORCE_COLOR")
        }
        return {**inherited, "FANFOLD_HOME": str(self.home), "COLUMNS": "80", **more}

    def write(self, name: str, records: Iterable[Any]) -> str:
        """A source of JSON Lines; its name."""
        (self.folder / name).write_text("".join(json.dumps(it) + "\n" for it in records))
        return name

    def read(self, name: str) -> list[Any]:
        """A file of JSON Lines."""
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def write_text(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return name

    def batches(self) -> list[Any]:
        found: list[Any] = self.inside("list", "--json").json["batches"]
        return found

    def stored(self) -> list[Path]:
        """What of sources and results lies in the home."""
        blobs = self.home / "blobs"
        return [path for path in blobs.rglob("*") if path.is_file()]

    def stop_all(self) -> None:
        for going in self._going:
            if going.process.poll() is None:
                going.process.kill()
                going.process.wait()


@pytest.fixture
def fanfold(tmp_path: Path) -> Iterator[Fanfold]:
    fanfold = Fanfold(tmp_path)
    yield fanfold
    fanfold.stop_all()


@pytest.fixture(scope="module")
def shared_fanfold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fanfold]:
    """One home for a whole file of tests that only look."""
    fanfold = Fanfold(tmp_path_factory.mktemp("home"))
    yield fanfold
    fanfold.stop_all()


@pytest.fixture(scope="module")
def bare() -> Iterator[None]:
    """What whoever tests has up is not used."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def can_start(bare: None) -> Programs:  # noqa: ARG001  first
    try:
        return find_emulators()
    except EmulatorsMissing as missing:
        if os.environ.get("FANFOLD_REQUIRE") == "emulators":
            raise
        pytest.skip(f"no emulators: {missing}")
