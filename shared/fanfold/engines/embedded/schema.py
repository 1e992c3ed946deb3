"""The tables. Their shapes are DESIGN's documents; queue and store share one file.

A run's `place` (engines.embedded.places) names its batch and its index in one integer key.
"""

from __future__ import annotations

#: "Fanf": tells our files from other people's
APPLICATION_ID = 0x46616E66
VERSION = 9

TABLES = """
CREATE TABLE batches (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    parent TEXT,
    root TEXT NOT NULL,
    state TEXT NOT NULL,
    generation INTEGER NOT NULL,
    paged INTEGER NOT NULL,
    concurrency INTEGER,
    doc TEXT NOT NULL
);
CREATE INDEX batches_by_state ON batches (state, n);
CREATE INDEX batches_by_root ON batches (root);
CREATE INDEX batches_by_parent ON batches (parent, n) WHERE parent IS NOT NULL;

CREATE TABLE awaited (
    id TEXT NOT NULL,
    batch INTEGER NOT NULL,
    PRIMARY KEY (id, batch)
) WITHOUT ROWID;
CREATE INDEX awaited_by_batch ON awaited (batch);

CREATE TABLE pages (
    batch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (batch, start)
);

CREATE TABLE slots (
    batch INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    canceled INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    waits INTEGER NOT NULL,
    woken INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    seconds REAL NOT NULL,
    digest INTEGER NOT NULL,
    commits INTEGER NOT NULL,
    halvings INTEGER NOT NULL,
    gathered REAL NOT NULL,
    spent INTEGER NOT NULL,
    PRIMARY KEY (batch, slot)
) WITHOUT ROWID;

CREATE TABLE errors (
    batch INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    count INTEGER NOT NULL,
    type TEXT NOT NULL,
    pattern TEXT NOT NULL,
    example TEXT NOT NULL,
    example_index INTEGER NOT NULL,
    PRIMARY KEY (batch, fingerprint)
) WITHOUT ROWID;

CREATE TABLE durations (
    batch INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (batch, bucket)
) WITHOUT ROWID;

CREATE TABLE windows (
    batch INTEGER PRIMARY KEY,
    released INTEGER NOT NULL,
    pending TEXT NOT NULL
);

CREATE TABLE rates (
    batch INTEGER PRIMARY KEY,
    last REAL NOT NULL
);

CREATE TABLE runs (
    place INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    status TEXT NOT NULL,
    key TEXT,
    output TEXT,
    blob TEXT,
    attempts INTEGER NOT NULL,
    started_at REAL NOT NULL,
    ended_at REAL NOT NULL,
    seconds REAL NOT NULL,
    detail TEXT NOT NULL
);

CREATE TABLE lives (
    place INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    state TEXT NOT NULL,
    until REAL NOT NULL,
    owner TEXT,
    attempts INTEGER NOT NULL,
    rate_limited INTEGER NOT NULL,
    started_at REAL NOT NULL,
    seconds REAL NOT NULL,
    spent INTEGER NOT NULL,
    memo TEXT NOT NULL
);
CREATE INDEX lives_by_time ON lives (until);
CREATE INDEX lives_by_owner ON lives (owner) WHERE owner IS NOT NULL;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    station TEXT NOT NULL,
    rank INTEGER NOT NULL,
    visible_at REAL NOT NULL,
    owner TEXT,
    attempts INTEGER NOT NULL,
    batch TEXT NOT NULL,
    origin TEXT,
    rest INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX messages_ready ON messages (station, rank, visible_at);
CREATE INDEX messages_held ON messages (owner) WHERE owner IS NOT NULL;

CREATE TABLE letters (
    id TEXT PRIMARY KEY,
    at REAL NOT NULL,
    batch TEXT,
    record INTEGER,
    origin TEXT NOT NULL,
    reason TEXT NOT NULL,
    fate TEXT NOT NULL,
    about TEXT NOT NULL,
    resurrected_at REAL,
    size INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX letters_by_time ON letters (at, id);
CREATE INDEX letters_by_batch ON letters (batch, at, id) WHERE batch IS NOT NULL;

CREATE TABLE flows (
    id TEXT PRIMARY KEY,
    doc TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE owners (
    name TEXT PRIMARY KEY
) WITHOUT ROWID;
"""
