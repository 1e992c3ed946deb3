"""What is seen on a terminal of eighty columns."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

COLUMNS = 80
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def seen(fanfold: Fanfold, *arguments: str, **env: str) -> str:
    """All that a command writes to a terminal, with the colours and the moves of the cursor."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    inherited = fanfold.env(TERM="xterm-256color", **env)
    del inherited["COLUMNS"]
    process = subprocess.Popen(
        fanfold.command(*arguments),
        cwd=fanfold.folder,
        env=inherited,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    chunks = []
    try:
        while chunk := os.read(ours, 65536):
            chunks.append(chunk)
    except OSError:  # how a terminal says that its last writer is gone
        pass
    os.close(ours)
    assert process.wait() == 0
    return b"".join(chunks).decode()


def lines_of(text: str) -> list[str]:
    return [it.rstrip() for it in re.split(r"[\r\n]+", _CONTROL.sub("", text)) if it.strip()]


@pytest.fixture
def source(fanfold: Fanfold) -> str:
    return fanfold.write("records.jsonl", [{"n": n} if n % 5 else {} for n in range(20)])


def test_progress_is_redrawn_in_place_and_what_flows_print_stays_above(
    fanfold: Fanfold, source: str
) -> None:
    label = "a label that is far too long to fit beside everything else there is"
    given = ("--label", label, *fanfold.small)

    text = seen(fanfold, "run", fanfold.flow("chatty"), source, *given)

    lines = lines_of(text)
    assert max(map(len, lines)) <= COLUMNS
    assert any(re.match(r"chatty · batch-\w+ · pending · a label that .*…$", it) for it in lines)
    assert any(it.endswith("100 %") for it in lines)
    assert any(it == "16 succeeded · 4 failed" for it in lines)
    assert "4 \N{MULTIPLICATION SIGN} KeyError" in text
    assert _COLOUR.search(text)
    for n in (1, 2, 3, 4, 6):
        assert f"a word on standard output {n}" in lines, "whole, and on a line of its own"
    end = lines[-5:]
    assert "20 records: 16 succeeded, 4 failed" in end[0]
    assert "fanfold errors batch-" in end[-1]
    assert "\x1b[2K" not in text[text.rindex("20 records:") :], "what is said last stays"


def test_no_color_is_respected(fanfold: Fanfold, source: str) -> None:
    text = seen(fanfold, "run", fanfold.flow("chatty"), source, *fanfold.small, NO_COLOR="1")

    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text)


def test_without_a_terminal_there_are_plain_lines(fanfold: Fanfold, source: str) -> None:
    ended = fanfold("run", "echo", source, *fanfold.small)

    assert "\x1b" not in ended.err
    first, *_, last = ended.err.splitlines()
    assert re.fullmatch(r"fanfold: batch-\w+ of echo, 1 process of 4 threads", first)
    assert re.fullmatch(r"  results: fanfold results batch-\w+", last)


def test_lists_and_views_fit(fanfold: Fanfold) -> None:
    fanfold.write_text(
        "long.py",
        "from fanfold import flow\n"
        "@flow(id='a_flow_with_quite_a_long_name_indeed', title='What it does, ' * 10)\n"
        "def f(record): raise ValueError('word ' * 50)\n",
    )
    fanfold.inside("run", "long.py", "-", "--label", "label " * 20, "--retries", "0", stdin="1\n")

    listed = lines_of(seen(fanfold, "list"))
    assert re.match(r"batch-[a-z2-7]{16} a_flow\S*… +failed +1 +0 +1 ", listed[1])
    for arguments in (["list"], ["flows"], ["verify", "last"]):
        assert max(map(len, lines_of(seen(fanfold, *arguments)))) <= COLUMNS
