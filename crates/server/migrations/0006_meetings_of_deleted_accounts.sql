-- The meetings of a deleted account go in small batches: upkeep finds them here.
CREATE INDEX meetings_by_user ON meetings (user_id, id);

-- Accounts that were deleted before.
INSERT INTO jobs (id, kind, subject, created_at, due_at)
    SELECT 'meetings_of_account:' || id, 'meetings_of_account', id, deleted_at, deleted_at FROM users WHERE deleted_at IS NOT NULL;
