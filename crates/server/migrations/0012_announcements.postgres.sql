-- What ends access announces itself to every server process (crates/sql: announcements), whoever writes it.

-- A grant that ends takes its access tokens with it.
CREATE FUNCTION grants_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO revocations (grant_id, generation, revoked_at, until_at)
    VALUES (NEW.id, -1, NEW.ended_at, NEW.access_until) ON CONFLICT (grant_id, generation) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER grants_ended AFTER UPDATE OF ended_at ON grants FOR EACH ROW
WHEN (NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL) EXECUTE FUNCTION grants_ended();

CREATE FUNCTION revocations_announced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM announce('grant:' || NEW.grant_id);
    RETURN NULL;
END $$;
CREATE TRIGGER revocations_announced AFTER INSERT ON revocations FOR EACH ROW EXECUTE FUNCTION revocations_announced();

CREATE FUNCTION users_announced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM announce('user:' || NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER users_announced AFTER UPDATE OF epoch, locked_at, deleted_at ON users FOR EACH ROW
WHEN (NEW.epoch IS DISTINCT FROM OLD.epoch OR NEW.locked_at IS DISTINCT FROM OLD.locked_at
    OR NEW.deleted_at IS DISTINCT FROM OLD.deleted_at) EXECUTE FUNCTION users_announced();
-- Accounts whose epoch may still matter to a living token.
CREATE INDEX users_by_epoch ON users (epoch, id) WHERE epoch > 0;

CREATE FUNCTION apps_announced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM announce('app:' || NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER apps_announced
AFTER UPDATE OF epoch, suspended_at, deleted_at, serving_scopes, approved_revision_id ON apps FOR EACH ROW
WHEN (NEW.epoch IS DISTINCT FROM OLD.epoch OR NEW.suspended_at IS DISTINCT FROM OLD.suspended_at
    OR NEW.deleted_at IS DISTINCT FROM OLD.deleted_at OR NEW.serving_scopes IS DISTINCT FROM OLD.serving_scopes
    OR NEW.approved_revision_id IS DISTINCT FROM OLD.approved_revision_id) EXECUTE FUNCTION apps_announced();

-- How long tokens live at most, of all that any server process was ever configured to make. One row.
CREATE TABLE token_lifetimes (
    id BIGINT PRIMARY KEY,
    longest_access_ms BIGINT NOT NULL,
    longest_refresh_ms BIGINT NOT NULL
);
INSERT INTO token_lifetimes (id, longest_access_ms, longest_refresh_ms) VALUES (1, 0, 0);

CREATE FUNCTION token_lifetimes_announced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM announce('lifetimes');
    RETURN NULL;
END $$;
CREATE TRIGGER token_lifetimes_announced AFTER UPDATE ON token_lifetimes FOR EACH ROW
EXECUTE FUNCTION token_lifetimes_announced();
