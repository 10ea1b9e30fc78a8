-- Pushed authorization requests (RFC 9126): short, because their parameters shall not stand in the browser's address.

CREATE TABLE pushed_requests (
    -- SHA-256 of the request_uri.
    uri_hash BYTEA PRIMARY KEY,
    -- The authorization request's id: one code comes of a pushed request, whoever opens it.
    request_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    -- The parameters, form-encoded, without what the app proved itself with.
    query TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Nobody can open it later.
    expires_at BIGINT NOT NULL,
    -- SHA-256 of the cookie of the browser that opened it: there a reload goes on.
    opened_by BYTEA
);
CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);

-- The app must push its authorization requests: null is off.
ALTER TABLE apps ADD COLUMN push_required_at BIGINT;
