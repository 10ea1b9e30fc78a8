-- A page of the apps that a person has let in, the last answer first, without reading the others.
CREATE INDEX consents_by_answer ON consents (user_id, answered_at, app_id);
