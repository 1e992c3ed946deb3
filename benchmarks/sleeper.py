"""The flow of benchmarks/concurrency.py."""

from __future__ import annotations

import os
import time
from typing import Any

from fanfold import flow


@flow
def sleeper(record: dict[str, Any]) -> None:
    begin = time.time()
    time.sleep(record["seconds"])
    line = f"{begin} {time.time()}\n"
    file = os.open(record["note"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())  # one append is atomic, from any process
    os.close(file)
