-- Where people may be sent after they signed out at an app's wish, a URL a line.
ALTER TABLE app_revisions ADD COLUMN post_logout_urls TEXT NOT NULL DEFAULT '';
