"""What is wrong with a source, collected: whoever sent it wants to mend it all at once."""

from __future__ import annotations

from fanfold.errors import RecordsInvalid, SourceInvalid

#: so many are told; behind them nothing is read any more
MOST = 20


class Problems:
    """Told of each (sources.line.OnProblem); with a source that is read to its end it says whether
    there were any."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._found: list[SourceInvalid] = []

    def __call__(self, problem: SourceInvalid) -> None:
        """Raises RecordsInvalid for one more than are told."""
        if len(self._found) == self._most:
            raise RecordsInvalid(self._texts, are_all=False)
        self._found.append(problem)

    def check(self, last: SourceInvalid | None = None) -> None:
        """Raises RecordsInvalid if there were any. `last`: one behind which nothing can be read."""
        if last is not None:
            self(last)
        if self._found:
            raise RecordsInvalid(self._texts)

    @property
    def _texts(self) -> list[str]:
        return [str(it) for it in self._found]
