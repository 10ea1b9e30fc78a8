-- The end of an account that was never confirmed looks for its trials.
CREATE INDEX review_trials_by_user ON review_trials (user_id);
