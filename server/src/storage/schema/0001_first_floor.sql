-- `sealed` is a blob of the vault; its associated data binds table, key, `ver` and every column beside it.

CREATE TABLE meta (
    name   TEXT PRIMARY KEY,
    ver    INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Numbers that are given out once, also when the row that had the last one is gone.
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE subscription (
    name       TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    ver        INTEGER NOT NULL,
    sealed     BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE service (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    subscription TEXT NOT NULL REFERENCES subscription (name),
    ver          INTEGER NOT NULL,
    sealed       BLOB NOT NULL
) STRICT;

-- Where the events of a service are delivered, and the secret that signs them.
CREATE TABLE webhook (
    service INTEGER PRIMARY KEY REFERENCES service (id) ON DELETE CASCADE,
    ver     INTEGER NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;

CREATE TABLE delivery (
    service INTEGER PRIMARY KEY REFERENCES service (id) ON DELETE CASCADE,
    ver     INTEGER NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;

-- `hash` is keyed: it says nothing about the authkey to who lacks the vault's key. `used_at` is for people who look for
-- keys that nobody needs; nothing is decided by it, so it is not sealed and its change is no new version.
CREATE TABLE authkey (
    id      INTEGER PRIMARY KEY,
    hash    BLOB NOT NULL UNIQUE,
    used_at INTEGER NOT NULL,
    ver     INTEGER NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;

-- Hashes of authkeys that are listed no more: no value comes back, least of all one that has leaked.
CREATE TABLE spent_authkey (
    hash BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    id      BLOB PRIMARY KEY,
    service INTEGER NOT NULL REFERENCES service (id),
    user_id BLOB NOT NULL,
    ver     INTEGER NOT NULL,
    sealed  BLOB NOT NULL,
    UNIQUE (service, user_id)
) STRICT;

-- Outlives its token: a device that was revoked or deleted is told so when it comes back.
CREATE TABLE device (
    token      BLOB NOT NULL,
    number     BLOB NOT NULL,
    ver        INTEGER NOT NULL,
    sealed     BLOB NOT NULL,
    hint_cur   BLOB NOT NULL UNIQUE,
    hint_prev  BLOB UNIQUE,
    hint_alt   BLOB UNIQUE,
    static_key BLOB NOT NULL,
    PRIMARY KEY (token, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_static_key ON device (static_key);

CREATE TABLE slots (
    token  BLOB NOT NULL,
    number BLOB NOT NULL,
    ver    INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (token, number),
    FOREIGN KEY (token, number) REFERENCES device (token, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
    token  BLOB NOT NULL,
    number BLOB NOT NULL,
    ver    INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (token, number),
    FOREIGN KEY (token, number) REFERENCES device (token, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE enrollment (
    id         BLOB PRIMARY KEY,
    lookup     TEXT NOT NULL UNIQUE,
    token      BLOB NOT NULL UNIQUE REFERENCES token (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    ver        INTEGER NOT NULL,
    sealed     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX enrollment_expires_at ON enrollment (expires_at);

-- One size whatever it says, and no column in clear that an answer changes. `swept` is set by the server itself, some
-- time after `expires_at`, answered or not.
CREATE TABLE confirmation (
    id         BLOB PRIMARY KEY,
    seq        INTEGER NOT NULL UNIQUE,
    token      BLOB NOT NULL REFERENCES token (id) ON DELETE CASCADE,
    service    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    swept      INTEGER NOT NULL,
    ver        INTEGER NOT NULL,
    sealed     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX confirmation_token ON confirmation (token, seq);
CREATE INDEX confirmation_service ON confirmation (service, seq);
CREATE INDEX confirmation_due ON confirmation (swept, expires_at);

-- What happened, in the order of the commits and without a gap. `hash` commits to the content and stays when retention
-- erases `sealed`; it is salted, so it says nothing about the content. No subscription
-- is '', no service 0.
CREATE TABLE journal (
    seq          INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    subscription TEXT NOT NULL,
    service      INTEGER NOT NULL,
    token        BLOB,
    hash         BLOB NOT NULL,
    sealed       BLOB
) STRICT;
CREATE INDEX journal_token ON journal (token, seq);

-- Signed heads of the tree over the journal.
CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;

-- `serial` counts keys for ever; the wire's epoch is its last byte.
CREATE TABLE key_epoch (
    serial INTEGER PRIMARY KEY,
    record BLOB NOT NULL,
    ver    INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

-- Answers to calls that created something, for callers that repeat them. `hash` is keyed.
CREATE TABLE answer (
    hash       BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    ver        INTEGER NOT NULL,
    sealed     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_expires_at ON answer (expires_at);
