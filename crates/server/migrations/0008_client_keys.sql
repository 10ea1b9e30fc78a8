-- Keys with which apps sign assertions in place of a secret (RFC 7523).

CREATE TABLE app_keys (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    kid TEXT NOT NULL,
    -- The public half as a JWK, with the one algorithm that it signs with.
    jwk TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    last_used_at BIGINT,
    UNIQUE (app_id, kid)
);

-- The app refuses its own secrets: null is off.
ALTER TABLE apps ADD COLUMN assertions_only_at BIGINT;

-- The request that used the id, so that a unit of work which runs twice finds it its own.
ALTER TABLE one_time_ids ADD COLUMN claimed_by BYTEA;
