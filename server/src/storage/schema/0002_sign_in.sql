-- Who signs in. Names and addresses are found by keyed hashes (of the subscription, too), so that who has only the database lists nobody.
CREATE TABLE account (
    id           INTEGER PRIMARY KEY,
    subscription TEXT NOT NULL REFERENCES subscription (name),
    name_hash    BLOB NOT NULL UNIQUE,
    email_hash   BLOB UNIQUE,
    ver          INTEGER NOT NULL,
    sealed       BLOB NOT NULL
) STRICT;
CREATE INDEX account_subscription ON account (subscription, id);

-- What people sign in to. `secret_hash` is of the appsecret that is good for signing in.
CREATE TABLE application (
    id           INTEGER PRIMARY KEY,
    subscription TEXT NOT NULL REFERENCES subscription (name),
    client       BLOB NOT NULL UNIQUE,
    secret_hash  BLOB NOT NULL UNIQUE,
    ver          INTEGER NOT NULL,
    sealed       BLOB NOT NULL
) STRICT;
CREATE INDEX application_subscription ON application (subscription, id);

-- Bearer tokens that last. `slot` is a keyed hash of account, application and identifier: there is one session for each.
CREATE TABLE session (
    hash       BLOB PRIMARY KEY,
    account    INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    slot       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ver        INTEGER NOT NULL,
    sealed     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session (account, created_at);
CREATE INDEX session_end ON session (expires_at);

-- What somebody allowed an application until it ends. `slot` is a keyed hash of account, application and device: there is one grant for each.
CREATE TABLE token_grant (
    id         BLOB PRIMARY KEY,
    account    INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    slot       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    ver        INTEGER NOT NULL,
    sealed     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_grant_account ON token_grant (account, created_at);

-- The tokens of grants. One that is good once and was used is kept as long as it would be good: who shows it again has stolen it, or was stolen from.
CREATE TABLE grant_token (
    hash       BLOB PRIMARY KEY,
    grant_id   BLOB NOT NULL REFERENCES token_grant (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    ver        INTEGER NOT NULL,
    sealed     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX grant_token_grant ON grant_token (grant_id);
CREATE INDEX grant_token_end ON grant_token (expires_at);

-- What a subscription asks of those who sign in, where that is not what every one does.
CREATE TABLE sign_in_policy (
    subscription TEXT PRIMARY KEY REFERENCES subscription (name) ON DELETE CASCADE,
    ver          INTEGER NOT NULL,
    sealed       BLOB NOT NULL
) STRICT, WITHOUT ROWID;
