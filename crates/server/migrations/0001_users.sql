-- People, how they sign in, and what is known of their browsers.
-- Times are milliseconds since 1970 (UTC); a nullable ..._at column stands where others would put a flag.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    -- Normalised in Rust (trimmed, lower-cased, domain in ASCII): compared byte for byte.
    email TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT NOT NULL,
    lname TEXT NOT NULL,
    -- PHC string, argon2id.
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    email_verified_at BIGINT,
    password_changed_at BIGINT NOT NULL,
    -- OAuth is a beta: who may register apps.
    oauth_granted_at BIGINT,
    locked_at BIGINT,
    deleted_at BIGINT,
    -- Every code, grant and access token of this user that was made before this time is dead.
    epoch BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX users_by_age ON users (created_at, id);
-- Sign-ups that were never confirmed, which go.
CREATE INDEX users_unconfirmed ON users (created_at) WHERE email_verified_at IS NULL;

CREATE TABLE user_roles (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (user_id, role)
);
-- The few who are more than users.
CREATE INDEX user_roles_staff ON user_roles (role, user_id) WHERE role <> 'user';

CREATE TABLE oauth_access_requests (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    reason TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT,
    -- 'granted' or 'declined', null while it waits.
    decision TEXT,
    note TEXT
);
CREATE INDEX oauth_access_requests_waiting ON oauth_access_requests (requested_at, user_id) WHERE decided_at IS NULL;

CREATE TABLE sessions (
    -- SHA-256 of the cookie's value.
    id_hash BYTEA PRIMARY KEY,
    -- Names the session in lists and in codes; opens nothing.
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- When the person last proved who they are (OpenID Connect's auth_time).
    authenticated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Confirmation of an address and forgotten passwords: single-use links, hashed.
CREATE TABLE email_tokens (
    token_hash BYTEA PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- 'confirm' (a sign-up), 'change' (to that address) or 'reset' (the password).
    purpose TEXT NOT NULL,
    email TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX email_tokens_by_user ON email_tokens (user_id, purpose);
CREATE INDEX email_tokens_by_expiry ON email_tokens (expires_at);

-- Failures, as the theoretical arrival time of the generic cell rate algorithm: one number a key.
CREATE TABLE failure_counters (
    -- SHA-256 of what is counted (kind, account or client, address block).
    key_hash BYTEA PRIMARY KEY,
    arrival_at BIGINT NOT NULL
);
CREATE INDEX failure_counters_by_arrival ON failure_counters (arrival_at);
