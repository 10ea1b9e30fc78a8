-- What names a grant or a meeting compares as their ids do, byte for byte. Where the two differ PostgreSQL cannot use the
-- index: it read the whole table for each look-up, and for each meeting that was deleted.
ALTER TABLE revocations ALTER COLUMN grant_id TYPE TEXT COLLATE "C";
ALTER TABLE meeting_participants ALTER COLUMN meeting_id TYPE TEXT COLLATE "C";
ALTER TABLE cancelled_occurrences ALTER COLUMN meeting_id TYPE TEXT COLLATE "C";
