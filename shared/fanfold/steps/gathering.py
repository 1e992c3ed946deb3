"""How long outcomes gather before they are committed, and how many one commit takes.

    a commit went well  ─▶ gather less, down to what the policy says
    it had to be made   ─▶ gather twice as long, up to a second: fewer commits, each with more
    again, or was slow
    it was full, quick  ─▶ the next may take twice as many, up to the policy's most
    it was very slow    ─▶ half as many

What a policy says: the first outcome of a group waits `gather_seconds`, at most `gather_share` of
what a run takes on average, at least `gather_least`. With a `gather_least`, outcomes wait for it
also when no run is executing that could still join: where runs take microseconds and messages
arrive one by one, nothing ever seems to be under way.
"""

from __future__ import annotations

from fanfold.steps.policy import Policy

_LONGEST = 1.0
#: where there was none, the first that contention causes
_FIRST = 0.01
_SHRINK = 0.9
#: below this it is as good as none
_LEAST = 0.002


class Gathering:
    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        #: what contention adds: seconds
        self._forced = 0.0
        self._mean = 0.0
        #: outcomes that make a group full
        self.group = policy.group

    @property
    def waits_for_none(self) -> bool:
        """Whether a group is due as soon as no run is executing."""
        return not self._policy.gather_least and not self._forced

    @property
    def is_forced(self) -> bool:
        """Whether contention makes outcomes wait."""
        return self._forced > 0

    @property
    def gather_seconds(self) -> float:
        policy = self._policy
        wished = min(policy.gather_seconds, policy.gather_share * self._mean)
        return max(policy.gather_least, wished, self._forced)

    def ran(self, seconds: float, runs: int) -> None:
        """So many runs took so long, on average."""
        self._mean += (1.0 - 0.95**runs) * (seconds - self._mean)

    def committed(self, outcomes: int, seconds: float, repeats: int) -> None:
        """A group was settled, and what that took."""
        slow = self._policy.slow_commit_seconds
        if repeats or seconds > slow:
            self._forced = min(_LONGEST, max(2 * self.gather_seconds, _FIRST))
        else:
            self._forced *= _SHRINK
            if self._forced < _LEAST:
                self._forced = 0.0
        if seconds > slow:
            self.group = max(self._policy.group, self.group // 2)
        elif outcomes >= self.group and not repeats and seconds < slow / 4:
            self.group = min(self._policy.group_most, self.group * 2)
