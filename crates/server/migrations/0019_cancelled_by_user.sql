-- What was cancelled of all of a person's series, without asking each series for it.
ALTER TABLE cancelled_occurrences ADD COLUMN user_id TEXT NOT NULL DEFAULT '';
UPDATE cancelled_occurrences SET user_id = (SELECT m.user_id FROM meetings m WHERE m.id = cancelled_occurrences.meeting_id);
CREATE INDEX cancelled_occurrences_by_user ON cancelled_occurrences (user_id, day, meeting_id);
