-- The resources (RFC 8707) that an authorization is restricted to: identifiers with spaces between them. Null is no
-- restriction.
ALTER TABLE authorization_codes ADD COLUMN targets TEXT;
ALTER TABLE grants ADD COLUMN targets TEXT;
