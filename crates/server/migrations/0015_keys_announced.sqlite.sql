-- Keys that come or go announce themselves, so that every server process reads them again at once.

CREATE TRIGGER signing_keys_made AFTER INSERT ON signing_keys BEGIN INSERT INTO announcements (subject) VALUES ('keys'); END;
CREATE TRIGGER signing_keys_changed AFTER UPDATE ON signing_keys BEGIN INSERT INTO announcements (subject) VALUES ('keys'); END;
CREATE TRIGGER signing_keys_gone AFTER DELETE ON signing_keys BEGIN INSERT INTO announcements (subject) VALUES ('keys'); END;

CREATE TRIGGER server_keys_made AFTER INSERT ON server_keys BEGIN INSERT INTO announcements (subject) VALUES ('keys'); END;
CREATE TRIGGER server_keys_changed AFTER UPDATE ON server_keys BEGIN INSERT INTO announcements (subject) VALUES ('keys'); END;
CREATE TRIGGER server_keys_gone AFTER DELETE ON server_keys BEGIN INSERT INTO announcements (subject) VALUES ('keys'); END;
