-- Keys, codes, consents and grants: the state machine of docs/tokens.md.

-- Roots of the keys for MAC, derivation, sealing and CSRF.
CREATE TABLE server_keys (
    number BIGINT PRIMARY KEY,
    -- Encrypted when the operator gave a key: wrapped_by names it, null is clear.
    secret BYTEA NOT NULL,
    wrapped_by TEXT,
    created_at BIGINT NOT NULL,
    -- Every node has loaded it before any node uses it.
    active_at BIGINT NOT NULL,
    retired_at BIGINT
);

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    -- 'RS256', 'ES256' or 'EdDSA'.
    algorithm TEXT NOT NULL,
    -- PKCS#8, encrypted when the operator gave a key.
    private_key BYTEA NOT NULL,
    wrapped_by TEXT,
    created_at BIGINT NOT NULL,
    -- Published before: others have it cached by the time it signs.
    active_at BIGINT NOT NULL,
    -- Signs no more from then on.
    retired_at BIGINT,
    -- The last token it signed has expired; it leaves the JWKS.
    gone_at BIGINT
);

CREATE TABLE authorization_codes (
    -- SHA-256 of the code.
    code_hash BYTEA PRIMARY KEY,
    -- The authorization request's id: a second Allow of one request finds it taken.
    request_id TEXT NOT NULL UNIQUE,
    app_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    scopes TEXT NOT NULL,
    -- S256, null where the request had none.
    code_challenge TEXT,
    nonce TEXT,
    authenticated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    redeemed_at BIGINT,
    -- The grant it became; null too where it was spent without one.
    grant_id TEXT
);
CREATE INDEX authorization_codes_unredeemed ON authorization_codes (expires_at) WHERE grant_id IS NULL;
-- A person who removes an app's access spends its waiting codes before its grants are ended. (The second condition says
-- nothing new: it keeps the claim of a code, which has only the first, from being planned as a walk through this index.)
CREATE INDEX authorization_codes_waiting ON authorization_codes (user_id, app_id)
    WHERE redeemed_at IS NULL AND grant_id IS NULL;

-- What a person ticked, and left unticked, for an app; the latest answer.
CREATE TABLE consents (
    user_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    granted_scopes TEXT NOT NULL,
    declined_scopes TEXT NOT NULL,
    -- apps.consent_version when it was answered.
    consent_version BIGINT NOT NULL,
    first_granted_at BIGINT NOT NULL,
    answered_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, app_id)
);
CREATE INDEX consents_by_app ON consents (app_id, user_id);

-- One row per authorization that a person gave an app, however often its refresh token turns.
CREATE TABLE grants (
    -- Begins with created_at.
    id TEXT COLLATE "C" PRIMARY KEY,
    -- The code that it came from, whose row goes when this one goes.
    code_hash BYTEA NOT NULL,
    app_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    -- When the person gave it: the creation of its code.
    created_at BIGINT NOT NULL,
    -- The refresh token that is current: its generation, SHA-256 of its secret, when it was made.
    generation BIGINT NOT NULL,
    secret_hash BYTEA NOT NULL,
    rotated_at BIGINT NOT NULL,
    -- The one before: null until the first rotation.
    previous_generation BIGINT,
    previous_secret_hash BYTEA,
    previous_rotated_at BIGINT,
    -- Number of the server key that the current token was derived and MACed with.
    key_number BIGINT NOT NULL,
    -- When an access token of the current generation was first used.
    successor_used_at BIGINT,
    -- No access token of this grant lives longer.
    access_until BIGINT NOT NULL,
    refresh_expires_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    ended_at BIGINT,
    -- 'replayed_code', 'replayed_refresh', 'revoked_by_app', 'removed_by_user', 'signing_failed' or 'too_many'.
    end_reason TEXT
);
CREATE INDEX grants_by_user ON grants (user_id, app_id, created_at);
CREATE INDEX grants_by_app ON grants (app_id, created_at);
CREATE INDEX grants_by_expiry ON grants (refresh_expires_at);

-- Access tokens that died before their time: a whole grant (generation -1) or one generation of it.
CREATE TABLE revocations (
    grant_id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL,
    -- The latest expiry of a token it covers; the row may go then.
    until_at BIGINT NOT NULL,
    PRIMARY KEY (grant_id, generation)
);
CREATE INDEX revocations_by_until ON revocations (until_at);

-- Ids that may be used once (pushed requests, jti of assertions and DPoP proofs).
CREATE TABLE one_time_ids (
    -- SHA-256 of kind, issuer and id.
    id_hash BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX one_time_ids_by_expiry ON one_time_ids (expires_at);
