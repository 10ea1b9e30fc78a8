-- A logo goes with the last revision that shows it.
CREATE INDEX app_revisions_by_logo ON app_revisions (logo_hash) WHERE logo_hash IS NOT NULL;
