-- Screening, review and the record of what was done.

-- What the screening found about a revision, the latest time it looked.
CREATE TABLE findings (
    revision_id TEXT NOT NULL REFERENCES app_revisions (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    -- The field of the form: 'homepage_url', 'callback_urls[2]', …; 'all_urls' for what is about all of them.
    field TEXT NOT NULL,
    check_id TEXT NOT NULL,
    -- The URL, or the name, that was looked at.
    subject TEXT NOT NULL,
    -- 'passed', 'not_checked', 'suspicious', 'invalid' or 'malicious'.
    severity TEXT NOT NULL,
    sentence TEXT NOT NULL,
    -- Empty where there is nothing to do.
    mend TEXT NOT NULL,
    -- JSON.
    evidence TEXT NOT NULL,
    found_at BIGINT NOT NULL,
    PRIMARY KEY (revision_id, position)
);

-- The reviewers' queue: who has waited longest for a reviewer comes first.
CREATE INDEX app_revisions_waiting ON app_revisions ((submitted_at - waited_ms), id) WHERE status = 'in_review';

-- A reviewer tries an app that is not approved. The row is the permission; upkeep takes it away when its time is over.
CREATE TABLE review_trials (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, user_id)
);
CREATE INDEX review_trials_by_until ON review_trials (until_at);

CREATE TABLE review_decisions (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    revision_id TEXT NOT NULL,
    -- 'approved', 'held', 'rejected', 'suspended' or 'reinstated'.
    decision TEXT NOT NULL,
    -- JSON array of {kind, text, urls}.
    reasons TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at BIGINT NOT NULL
);
CREATE INDEX review_decisions_by_app ON review_decisions (app_id, decided_at);
CREATE INDEX review_decisions_by_time ON review_decisions (decided_at);

-- Append-only: who did what, when, from where.
CREATE TABLE audit (
    id TEXT COLLATE "C" PRIMARY KEY,
    at BIGINT NOT NULL,
    -- 'user', 'app', 'operator' or 'system', and its id.
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    action TEXT NOT NULL,
    app_id TEXT,
    user_id TEXT,
    address TEXT NOT NULL,
    -- JSON object.
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_app ON audit (app_id, at, id) WHERE app_id IS NOT NULL;
CREATE INDEX audit_by_user ON audit (user_id, at, id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_by_actor ON audit (actor_id, at, id) WHERE actor_kind = 'user';
CREATE INDEX audit_by_action ON audit (action, at, id);

-- Mail that is to be sent. What is to be said stands here, not the finished text: a link's secret and the server's own
-- address are put in when it is sent, so that no secret lies here and the operator's verbs need not know the address.
CREATE TABLE outbox (
    id TEXT COLLATE "C" PRIMARY KEY,
    recipient TEXT NOT NULL,
    -- JSON.
    letter TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When to try (again), null once it is sent or given up. A node that tries moves it on first: nobody else tries then.
    due_at BIGINT,
    -- Later it would only confuse.
    give_up_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    sent_at BIGINT,
    last_error TEXT
);
CREATE INDEX outbox_due ON outbox (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_done ON outbox (created_at) WHERE due_at IS NULL;

-- Background work, claimed by one node at a time.
CREATE TABLE jobs (
    id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    claimed_until BIGINT NOT NULL DEFAULT 0,
    last_error TEXT,
    UNIQUE (kind, subject)
);
CREATE INDEX jobs_due ON jobs (due_at, id);
