-- What ends access announces itself to every server process (crates/sql: announcements), whoever writes it.

-- A grant that ends takes its access tokens with it.
CREATE TRIGGER grants_ended AFTER UPDATE OF ended_at ON grants
WHEN NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL
BEGIN
    INSERT INTO revocations (grant_id, generation, revoked_at, until_at)
    VALUES (NEW.id, -1, NEW.ended_at, NEW.access_until) ON CONFLICT (grant_id, generation) DO NOTHING;
END;

CREATE TRIGGER revocations_announced AFTER INSERT ON revocations
BEGIN
    INSERT INTO announcements (subject) VALUES ('grant:' || NEW.grant_id);
END;

CREATE TRIGGER users_announced AFTER UPDATE OF epoch, locked_at, deleted_at ON users
WHEN NEW.epoch IS NOT OLD.epoch OR NEW.locked_at IS NOT OLD.locked_at OR NEW.deleted_at IS NOT OLD.deleted_at
BEGIN
    INSERT INTO announcements (subject) VALUES ('user:' || NEW.id);
END;
-- Accounts whose epoch may still matter to a living token.
CREATE INDEX users_by_epoch ON users (epoch, id) WHERE epoch > 0;

CREATE TRIGGER apps_announced
AFTER UPDATE OF epoch, suspended_at, deleted_at, serving_scopes, approved_revision_id ON apps
WHEN NEW.epoch IS NOT OLD.epoch OR NEW.suspended_at IS NOT OLD.suspended_at OR NEW.deleted_at IS NOT OLD.deleted_at
    OR NEW.serving_scopes IS NOT OLD.serving_scopes OR NEW.approved_revision_id IS NOT OLD.approved_revision_id
BEGIN
    INSERT INTO announcements (subject) VALUES ('app:' || NEW.id);
END;

-- How long tokens live at most, of all that any server process was ever configured to make. One row.
CREATE TABLE token_lifetimes (
    id BIGINT PRIMARY KEY,
    longest_access_ms BIGINT NOT NULL,
    longest_refresh_ms BIGINT NOT NULL
);
INSERT INTO token_lifetimes (id, longest_access_ms, longest_refresh_ms) VALUES (1, 0, 0);

CREATE TRIGGER token_lifetimes_announced AFTER UPDATE ON token_lifetimes
BEGIN
    INSERT INTO announcements (subject) VALUES ('lifetimes');
END;
