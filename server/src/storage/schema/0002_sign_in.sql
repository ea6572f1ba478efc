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
    hash    BLOB PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    slot    BLOB NOT NULL UNIQUE,
    ver     INTEGER NOT NULL,
    sealed  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session (account);
