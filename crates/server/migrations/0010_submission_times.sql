-- When what was decided on had been handed in: the app's history tells every round of a review, not the last alone.
ALTER TABLE review_decisions ADD COLUMN submitted_at BIGINT;
