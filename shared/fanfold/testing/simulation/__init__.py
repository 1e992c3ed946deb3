"""Simulated schedules: the real steps, every order of them that a seed can choose.

    seed ─▶ plan ─▶ schedule: who moves, what goes wrong ─▶ invariants after every step

The steps, the worker's parts and the embedded engine are those that users have. Simulated are the
threads (actors), the file (the engine's tables are in memory), the clock, and the user. Each call
of a port is a point at which somebody else may go first, die, or be held up.

`python -m fanfold.testing.simulation` runs schedules, and repeats one that went wrong by its seed.
docs/simulation.md tells what is held against them.
"""
