-- Keys that come or go announce themselves, so that every server process reads them again at once.

CREATE FUNCTION keys_announced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM announce('keys');
    RETURN NULL;
END $$;
CREATE TRIGGER signing_keys_announced AFTER INSERT OR UPDATE OR DELETE ON signing_keys FOR EACH STATEMENT
EXECUTE FUNCTION keys_announced();
CREATE TRIGGER server_keys_announced AFTER INSERT OR UPDATE OR DELETE ON server_keys FOR EACH STATEMENT
EXECUTE FUNCTION keys_announced();
