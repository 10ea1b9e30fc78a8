-- Tokens that are bound to a key of the client (DPoP, RFC 9449): thumbprints of keys, null where nothing is bound.

-- The key that the authorization request named: the code is worth nothing without a proof of it.
ALTER TABLE authorization_codes ADD COLUMN dpop_jkt TEXT;

-- The key of a public client's refresh token. A confidential client's is bound to the client itself.
ALTER TABLE grants ADD COLUMN dpop_jkt TEXT;

-- The app must bind its tokens: null is off.
ALTER TABLE apps ADD COLUMN dpop_required_at BIGINT;
