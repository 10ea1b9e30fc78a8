-- Apps. What a developer declares stands in revisions: the approved one serves, the working copy is edited and reviewed.

CREATE TABLE apps (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL UNIQUE,
    owner_id TEXT NOT NULL REFERENCES users (id),
    -- 'confidential', 'native' or 'browser' (the last two are public clients, RFC 6749 2.1).
    kind TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    approved_revision_id TEXT,
    working_revision_id TEXT NOT NULL,
    -- Scopes of the revision that serves (the approved one, else the working copy), kept here so that the check
    -- of an access token reads one row of this table and none of the revisions'.
    serving_scopes TEXT NOT NULL,
    suspended_at BIGINT,
    suspended_reason TEXT,
    deleted_at BIGINT,
    -- Every code, grant and access token of this app that was made before this time is dead.
    epoch BIGINT NOT NULL DEFAULT 0,
    -- Raised when an approved revision adds scopes or changes name, logo or host: people are asked again.
    consent_version BIGINT NOT NULL DEFAULT 1,
    -- Per-app switches: null is off.
    pkce_required_at BIGINT,
    expires_in_as_time_at BIGINT
);
CREATE INDEX apps_by_owner ON apps (owner_id, created_at, id);
CREATE INDEX apps_by_age ON apps (created_at, id);

CREATE TABLE app_revisions (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    -- 'draft', 'in_review', 'on_hold', 'rejected', 'approved', 'superseded', or 'discarded' by its developer.
    status TEXT NOT NULL,
    name TEXT NOT NULL,
    homepage_url TEXT NOT NULL,
    policy_url TEXT NOT NULL,
    logo_url TEXT NOT NULL,
    use_case TEXT NOT NULL,
    description TEXT NOT NULL,
    terms_url TEXT NOT NULL DEFAULT '',
    support_email TEXT NOT NULL DEFAULT '',
    -- For the reviewer only.
    test_plan TEXT NOT NULL DEFAULT '',
    test_account TEXT NOT NULL DEFAULT '',
    -- SHA-256 of the verified, re-encoded logo, null until it was fetched.
    logo_hash BYTEA,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    submitted_at BIGINT,
    decided_at BIGINT,
    -- How long it waited for a reviewer before it was last handed in: the developer's turns do not count.
    waited_ms BIGINT NOT NULL DEFAULT 0,
    UNIQUE (app_id, number)
);
-- No two apps that serve everybody have the same name.
CREATE INDEX app_revisions_by_name ON app_revisions (LOWER(name), status);

CREATE TABLE callback_urls (
    revision_id TEXT NOT NULL REFERENCES app_revisions (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    url TEXT NOT NULL,
    PRIMARY KEY (revision_id, position)
);

CREATE TABLE revision_scopes (
    revision_id TEXT NOT NULL REFERENCES app_revisions (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    -- Why the app cannot work without it; null where the person may untick it.
    required_reason TEXT,
    PRIMARY KEY (revision_id, scope)
);

CREATE TABLE app_secrets (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    -- SHA-256: the secret has 256 random bits.
    secret_hash BYTEA NOT NULL,
    last_four TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    -- Set when a newer secret takes over; this one ends then.
    expires_at BIGINT
);
CREATE INDEX app_secrets_by_app ON app_secrets (app_id, created_at);

CREATE TABLE logos (
    hash BYTEA PRIMARY KEY,
    png BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE collaborators (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, user_id)
);
CREATE INDEX collaborators_by_user ON collaborators (user_id, app_id);

-- People who accepted to try an app before it is approved.
CREATE TABLE testers (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, user_id)
);
CREATE INDEX testers_by_user ON testers (user_id, app_id);

CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    -- 'collaborator', 'tester' or 'owner'.
    kind TEXT NOT NULL,
    -- Whoever is signed in with this address, and has confirmed it, may answer: there is no secret in the invitation.
    email TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    answered_at BIGINT
);
CREATE INDEX invitations_by_app ON invitations (app_id, created_at);
CREATE INDEX invitations_by_email ON invitations (email, created_at);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

-- How often an app was refused, by day (counted from 1970) and entry of the catalogue of faults.
CREATE TABLE app_errors (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    day BIGINT NOT NULL,
    code TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (app_id, day, code)
);
CREATE INDEX app_errors_by_day ON app_errors (day);
