//! The catalogue of faults: one entry for every way in which a request can be refused.
//!
//! RFC 6749 has a dozen error codes for hundreds of mistakes, so `invalid_grant` alone helps nobody.
//! Each entry here names one mistake by a stable code, says in a sentence what is wrong and in
//! another what to do. The same entry is shown on a page, written as JSON, sent on the redirect and
//! logged, and its code is the anchor of its paragraph in the docs (`error_uri`).
//!
//! Codes are part of the public interface: add, but do not rename. All text keeps to the characters
//! that RFC 6749 5.2 allows in `error_description` (printable ASCII without `"` and `\`).

/// One way in which a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fault {
    /// Stable name, such as `code_expired`; the anchor in the docs.
    pub code: &'static str,
    /// What is wrong, as a full sentence.
    pub sentence: &'static str,
    /// What to do about it, as a full sentence.
    pub mend: &'static str,
}

/// Declares the entries and [`ALL`] in one go, so that none can be left out of the docs.
macro_rules! catalogue {
    ($( $name:ident = $code:literal: $sentence:literal, $mend:literal; )*) => {
        $(
            #[doc = $sentence]
            pub const $name: Fault = Fault { code: $code, sentence: $sentence, mend: $mend };
        )*

        /// Every entry, in the order in which the docs show them.
        pub const ALL: &[Fault] = &[$($name),*];

        #[cfg(test)]
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

/// Finds an entry by its code.
pub fn find(code: &str) -> Option<&'static Fault> {
    ALL.iter().find(|fault| fault.code == code)
}

catalogue! {
    // Any request.
    PARAMETER_REPEATED = "parameter_repeated":
        "A parameter was sent more than once.",
        "Send each parameter once, either in the query or in the body.";
    PARAMETER_ENCODING = "parameter_encoding":
        "A parameter is not valid text.",
        "Percent-encode parameters as UTF-8 and leave out the character U+0000.";
    PARAMETER_TYPE = "parameter_type":
        "A parameter in the JSON body is not text.",
        "Send every parameter as a JSON string, and leave out those that have no value.";
    PARAMETER_TOO_LONG = "parameter_too_long":
        "A parameter is longer than it can be.",
        "Check that the value was built as the docs say.";
    PARAMETERS_TOO_MANY = "parameters_too_many":
        "The request has too many parameters.",
        "Send only the parameters that the docs name.";
    REQUEST_TOO_LONG = "request_too_long":
        "The request is too long.",
        "Shorten the parameters; state in particular should be a short random value.";
    JSON_MALFORMED = "json_malformed":
        "The body is not valid JSON.",
        "Send valid JSON in UTF-8, or a form with the content type application/x-www-form-urlencoded.";
    JSON_NOT_OBJECT = "json_not_object":
        "The JSON body is not an object.",
        "Send one JSON object with the parameters as its members.";
    BODY_TOO_LARGE = "body_too_large":
        "The body of the request is too large.",
        "Send only what the docs name for this call.";
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type":
        "The content type of the request is not supported here.",
        "Set the Content-Type header to one that the docs name for this call.";
    METHOD_NOT_ALLOWED = "method_not_allowed":
        "This address does not answer to that HTTP method.",
        "Use one of the methods in the Allow header.";
    NOT_FOUND = "not_found":
        "There is nothing at this address.",
        "Check the path against the docs.";
    HOST_UNKNOWN = "host_unknown":
        "This server does not answer for that host name.",
        "Use the address of the issuer as the server's metadata gives it.";
    REQUEST_TIMEOUT = "request_timeout":
        "The request did not arrive in time.",
        "Try again; if it happens often, check the connection to this server.";
    RATE_LIMITED = "rate_limited":
        "There were too many failed attempts.",
        "Wait for the number of seconds in the Retry-After header, then try again.";
    UNAVAILABLE = "unavailable":
        "The server can not take this request at the moment.",
        "Try again after the number of seconds in the Retry-After header.";
    OUTCOME_UNKNOWN = "outcome_unknown":
        "The database failed while it was saving: what you asked for may be done, or may not.",
        "Look whether it is done before you ask again, after the number of seconds in the Retry-After header.";
    SERVER_ERROR = "server_error":
        "Something went wrong in the server.",
        "Try again; if it happens again, tell the operator the time and the request id.";

    // Authorization endpoint: shown on a page, because there is nowhere safe to send the person.
    CLIENT_ID_MISSING = "client_id_missing":
        "The request does not say which app it comes from.",
        "Add the app's client id as client_id (or clientId).";
    CLIENT_ID_REPEATED = "client_id_repeated":
        "The client id was sent more than once.",
        "Send the client id once.";
    CLIENT_IDS_DIFFER = "client_ids_differ":
        "The request names two different apps.",
        "Send one client id; clientId and client_id are two names for the same parameter.";
    CLIENT_UNKNOWN = "client_unknown":
        "There is no app with this client id.",
        "Copy the client id from the security section of the app's page.";
    CLIENT_NOT_APPROVED = "client_not_approved":
        "This app has not been approved yet.",
        "Until it is, only its owner and the testers whom the owner invited can use it.";
    CLIENT_SUSPENDED = "client_suspended":
        "This app has been suspended.",
        "The app's owner finds the reason on the app's page.";
    REDIRECT_URI_MISSING = "redirect_uri_missing":
        "The request does not say where to send the answer.",
        "Add redirect_uri with one of the app's registered callback URLs.";
    REDIRECT_URI_REPEATED = "redirect_uri_repeated":
        "The redirect_uri was sent more than once.",
        "Send redirect_uri once.";
    REDIRECT_URI_UNREGISTERED = "redirect_uri_unregistered":
        "The redirect_uri is not one of the app's registered callback URLs.",
        "Send a registered callback URL, identical to the last character, or register this one on the app's page.";
    REDIRECT_LOOP = "redirect_loop":
        "This app has sent you here many times in a short while.",
        "The app may be caught in a loop; close its window and tell its developer.";
    REQUEST_URI_UNKNOWN = "request_uri_unknown":
        "This sign-in is not one that the app began here, or it was begun too long ago.",
        "Go back to the app and start again; apps send people here as soon as they have pushed a request.";
    REQUEST_EXPIRED = "request_expired":
        "This sign-in was left open for too long.",
        "Go back to the app and start again.";
    REQUEST_TAMPERED = "request_tampered":
        "This sign-in can not be continued, because its link is damaged.",
        "Go back to the app and start again.";
    REQUEST_OTHER_BROWSER = "request_other_browser":
        "This sign-in was started in another browser.",
        "Go back to the app in this browser and start again.";
    REQUEST_ALREADY_ANSWERED = "request_already_answered":
        "This request has already been answered.",
        "Go back to the app; if it still asks, start again from there.";
    LINK_SPENT = "link_spent":
        "This link can no longer be used.",
        "A link from a mail works once and for a while, and a newer one replaces it; ask for a new one.";
    SIGN_UP_CLOSED = "sign_up_closed":
        "People can not make accounts for themselves here.",
        "Ask whoever runs this server for an account.";
    MAIL_OFF = "mail_off":
        "This server sends no mail, so it can not send a link.",
        "Ask whoever runs this server for help.";
    PAGE_FOR_ADMINS = "page_for_admins":
        "This page is for admins.",
        "Sign in with an account that has the role of an admin.";
    FORM_EXPIRED = "form_expired":
        "This form is no longer valid.",
        "Load the page again and send the form once more.";

    // Authorization endpoint: sent back to the app.
    RESPONSE_TYPE_MISSING = "response_type_missing":
        "The parameter response_type is missing.",
        "Send response_type=code.";
    RESPONSE_TYPE_UNSUPPORTED = "response_type_unsupported":
        "The response_type is not supported.",
        "Send response_type=code; the implicit flow is not offered.";
    SCOPE_MALFORMED = "scope_malformed":
        "The scope is not a list of scope names.",
        "Send scope names separated by single spaces.";
    SCOPE_NOT_REGISTERED = "scope_not_registered":
        "The app asks for a scope that it is not registered for.",
        "Ask only for the app's scopes, or add the scope on the app's page.";
    PKCE_REQUIRED = "pkce_required":
        "This app must use PKCE.",
        "Send code_challenge and code_challenge_method=S256.";
    PKCE_METHOD_MISSING = "pkce_method_missing":
        "There is a code_challenge without a code_challenge_method.",
        "Send code_challenge_method=S256; without it the method would be plain, which is not supported.";
    PKCE_METHOD_UNSUPPORTED = "pkce_method_unsupported":
        "The code_challenge_method is not supported.",
        "Use S256, the only method offered.";
    PKCE_CHALLENGE_MISSING = "pkce_challenge_missing":
        "There is a code_challenge_method without a code_challenge.",
        "Send the code_challenge too: the SHA-256 of the code_verifier in base64url without padding.";
    PKCE_CHALLENGE_MALFORMED = "pkce_challenge_malformed":
        "The code_challenge is not an S256 challenge.",
        "Send the SHA-256 of the code_verifier in base64url without padding: 43 characters.";
    REQUEST_URI_PUSHED = "request_uri_pushed":
        "A pushed request can not point to another one.",
        "Push the parameters of the authorization request themselves, without request_uri.";
    PUSH_REQUIRED = "push_required":
        "This app must push its authorization requests.",
        "Send the request to the pushed authorization request endpoint first, and the person here with its request_uri.";
    PROMPT_UNSUPPORTED = "prompt_unsupported":
        "The prompt has a value that is not supported.",
        "Use none, login, consent or select_account.";
    PROMPT_NONE_NOT_ALONE = "prompt_none_not_alone":
        "The prompt value none was combined with another.",
        "Send prompt=none alone, or leave none out.";
    MAX_AGE_MALFORMED = "max_age_malformed":
        "The max_age is not a number of seconds.",
        "Send max_age as a whole number of seconds, such as 3600.";
    TARGET_UNKNOWN = "target_unknown":
        "The resource is not one that this server issues tokens for.",
        "Leave resource out, or use the issuer's address or that of a resource server whose scopes the app asks for.";
    TARGET_EXCEEDS_GRANT = "target_exceeds_grant":
        "The resource is not one that the access was granted for.",
        "Leave resource out, or name one of the authorization request.";
    TARGET_WITHOUT_SCOPE = "target_without_scope":
        "None of the scopes is one of the resource.",
        "Ask for a scope of that resource, or leave resource out.";
    REQUEST_OBJECT_UNSUPPORTED = "request_object_unsupported":
        "The parameter request (a request object) is not supported.",
        "Send the parameters themselves, in the query or as a form.";
    REQUEST_URI_UNSUPPORTED = "request_uri_unsupported":
        "The parameter request_uri is not supported.",
        "Send the parameters of the request themselves, in the query or as a form.";
    REGISTRATION_UNSUPPORTED = "registration_unsupported":
        "The parameter registration is not supported.",
        "Leave it out; apps are registered in the console.";
    RESPONSE_MODE_UNSUPPORTED = "response_mode_unsupported":
        "The response_mode is not supported.",
        "Leave response_mode out, or send query.";
    ID_TOKEN_HINT_INVALID = "id_token_hint_invalid":
        "The id_token_hint is not an ID token that this server gave the app.",
        "Send the ID token as it came, or leave the hint out.";
    OTHER_PERSON_SIGNED_IN = "other_person_signed_in":
        "Somebody else is signed in than the app expects.",
        "Send the person here without id_token_hint, or with the hint of whom they are signed in as.";
    LOGOUT_URI_UNREGISTERED = "logout_uri_unregistered":
        "The post_logout_redirect_uri is not identical to one that is registered for the app.",
        "Register it with the app, byte for byte, and send client_id or id_token_hint with it.";
    CONSENT_DENIED = "consent_denied":
        "The person said no.",
        "Offer to try again, and explain what the access is for.";
    CONSENT_NOTHING_GRANTED = "consent_nothing_granted":
        "The person granted none of the scopes.",
        "Offer to try again, and explain what each scope is for.";
    LOGIN_REQUIRED = "login_required":
        "The person must sign in first.",
        "Send the person here without prompt=none.";
    CONSENT_REQUIRED = "consent_required":
        "The person must consent first.",
        "Send the person here without prompt=none.";
    INTERACTION_REQUIRED = "interaction_required":
        "The person must do something here first.",
        "Send the person here without prompt=none.";

    // Client authentication.
    CLIENT_AUTH_MISSING = "client_auth_missing":
        "The app did not say who it is.",
        "Send the client id and secret in an Authorization: Basic header.";
    CLIENT_AUTH_MALFORMED = "client_auth_malformed":
        "The Authorization header can not be read.",
        "Send Basic, a space, and the base64 of the client id, a colon and the client secret.";
    CLIENT_AUTH_SCHEME = "client_auth_scheme":
        "Apps do not authenticate with this scheme.",
        "Send the client id and secret in an Authorization: Basic header.";
    CLIENT_AUTH_TWICE = "client_auth_twice":
        "The app authenticated in two ways at once.",
        "Send the secret either in the Authorization header or in the body, not in both.";
    CLIENT_AUTH_IDS_DIFFER = "client_auth_ids_differ":
        "The client id in the body is not the one in the Authorization header.",
        "Leave the client id out of the body, or send the same one.";
    CLIENT_SECRET_MISSING = "client_secret_missing":
        "The app did not send its secret.",
        "Send the client secret; if it was lost, make a new one on the app's page.";
    CLIENT_CREDENTIALS_WRONG = "client_credentials_wrong":
        "The client id or the client secret is wrong.",
        "Copy both from the security section of the app's page; the old secret may have been replaced.";
    CLIENT_SECRET_UNEXPECTED = "client_secret_unexpected":
        "This app is public and has no secret.",
        "Send client_id in the body without a secret, and use PKCE.";
    CLIENT_SECRET_REFUSED = "client_secret_refused":
        "This app says who it is by signed assertions alone.",
        "Send client_assertion, signed with one of the app's keys, in place of the secret.";
    ASSERTION_TYPE_UNSUPPORTED = "assertion_type_unsupported":
        "The client_assertion_type is missing or not supported.",
        "Send client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer with client_assertion.";
    ASSERTION_MALFORMED = "assertion_malformed":
        "The client_assertion is not a signed JWT with the claims iss, sub, aud, exp and jti.",
        "Build it as RFC 7523 section 3 says, signed with RS256, PS256, ES256 or EdDSA.";
    ASSERTION_WRONG = "assertion_wrong":
        "The client_assertion is not signed with a key of this app.",
        "Sign it with a key whose public half stands on the app's page, and name its kid and its alg in the header.";
    ASSERTION_SUBJECT = "assertion_subject":
        "The client_assertion is about another app.",
        "Set iss and sub to the app's client id, and leave client_id out of the body or send the same one.";
    ASSERTION_AUDIENCE = "assertion_audience":
        "The client_assertion is not for this server.",
        "Set aud to the issuer, as one text; the URL of the endpoint is taken too.";
    ASSERTION_EXPIRED = "assertion_expired":
        "The client_assertion has expired, or is not valid yet.",
        "Make a new one for every request, and set the clock of the app's server.";
    ASSERTION_LIFETIME = "assertion_lifetime":
        "The client_assertion lives for too long.",
        "Set exp to at most five minutes from now.";
    ASSERTION_REPLAYED = "assertion_replayed":
        "The client_assertion has been used before.",
        "Make a new one for every request, each with a jti of its own.";
    CLIENT_INACTIVE = "client_inactive":
        "This app may not use the API at the moment.",
        "Its owner finds the reason on the app's page.";

    // Token endpoint.
    GRANT_TYPE_MISSING = "grant_type_missing":
        "The parameter grant_type is missing.",
        "Send grant_type=authorization_code or grant_type=refresh_token.";
    GRANT_TYPE_UNSUPPORTED = "grant_type_unsupported":
        "The grant_type is not supported.",
        "Use authorization_code or refresh_token.";
    GRANT_TYPE_NOT_ALLOWED = "grant_type_not_allowed":
        "This app may not use this grant_type.",
        "Use a grant type that the app's page lists.";
    CODE_MISSING = "code_missing":
        "The parameter code is missing.",
        "Send the code from the redirect as it came.";
    CODE_UNKNOWN = "code_unknown":
        "The authorization code is not one of this app's.",
        "Send the code from the redirect unchanged, with the credentials of the app that asked for it.";
    CODE_EXPIRED = "code_expired":
        "The authorization code has expired.",
        "Redeem codes as soon as they arrive; send the person through the flow again.";
    CODE_SPENT = "code_spent":
        "The authorization code has been used before.",
        "Redeem each code once; send the person through the flow again.";
    CODE_REVOKED = "code_revoked":
        "The access that this code stands for has been withdrawn.",
        "Send the person through the flow again.";
    REDIRECT_URI_MISMATCH = "redirect_uri_mismatch":
        "The redirect_uri is not the one of the authorization request.",
        "Send the same redirect_uri in both requests, or leave it out here; then start the flow again.";
    VERIFIER_MISSING = "verifier_missing":
        "The code was asked for with PKCE, but the code_verifier is missing.",
        "Send the code_verifier that the code_challenge was made from.";
    VERIFIER_MISMATCH = "verifier_mismatch":
        "The code_verifier does not belong to the code_challenge.",
        "Keep the verifier with the person's session, and start the flow again.";
    VERIFIER_MALFORMED = "verifier_malformed":
        "The code_verifier is not one that RFC 7636 allows.",
        "Use 43 to 128 letters, digits, hyphens, dots, underscores and tildes, and start the flow again.";
    VERIFIER_UNEXPECTED = "verifier_unexpected":
        "There is a code_verifier, but the code was asked for without a code_challenge.",
        "Send code_challenge and code_challenge_method=S256 in the authorization request.";
    REFRESH_TOKEN_MISSING = "refresh_token_missing":
        "The parameter refresh_token is missing.",
        "Send the refresh token from the last token response.";
    REFRESH_TOKEN_UNKNOWN = "refresh_token_unknown":
        "The refresh token is not one of this app's.",
        "Send the refresh token from the last token response unchanged, with the same app's credentials.";
    REFRESH_TOKEN_EXPIRED = "refresh_token_expired":
        "The refresh token has expired.",
        "Send the person through the flow again.";
    REFRESH_TOKEN_REPLACED = "refresh_token_replaced":
        "The refresh token has been replaced by a newer one.",
        "Use the refresh token from the last token response.";
    REFRESH_TOKEN_REPLAYED = "refresh_token_replayed":
        "The refresh token had been replaced and was used again, so the access was ended.",
        "Keep only the newest refresh token; send the person through the flow again.";
    GRANT_ENDED = "grant_ended":
        "The access has been withdrawn.",
        "Send the person through the flow again.";
    SCOPE_EXCEEDS_GRANT = "scope_exceeds_grant":
        "The scope goes beyond what the person granted.",
        "Leave scope out, or send the person through the flow again to ask for more.";
    TOKEN_PARAMETER_MISSING = "token_parameter_missing":
        "The parameter token is missing.",
        "Send the token in the body as token.";
    SIGNING_FAILED = "signing_failed":
        "The token could not be signed.",
        "Send the person through the flow again; if it happens again, tell the operator.";

    // Bearer tokens.
    TOKEN_MISSING = "token_missing":
        "This call needs an access token.",
        "Send the access token in an Authorization: Bearer header.";
    TOKEN_MALFORMED = "token_malformed":
        "The Authorization header does not hold an access token.",
        "Send Bearer, a space, and the access token unchanged.";
    TOKEN_REPEATED = "token_repeated":
        "The access token was sent in more than one way.",
        "Send the access token in the Authorization header alone.";
    TOKEN_INVALID = "token_invalid":
        "The access token was not issued by this server or has been altered.",
        "Send the access token from the token response unchanged.";
    TOKEN_WRONG_KIND = "token_wrong_kind":
        "This is a token, but no access token for this API.",
        "Send the access_token of the token response, not the refresh token or another one.";
    TOKEN_EXPIRED = "token_expired":
        "The access token has expired.",
        "Get a new one with the refresh token.";
    TOKEN_REVOKED = "token_revoked":
        "The access token has been revoked.",
        "Send the person through the flow again.";
    SCOPE_INSUFFICIENT = "scope_insufficient":
        "The access token does not carry the scope that this call needs.",
        "Ask the person for the scope that the answer names.";

    // Tokens that are bound to a key (DPoP).
    DPOP_PROOF_MALFORMED = "dpop_proof_malformed":
        "The DPoP header is not a JWT of the type dpop+jwt with its public key and the claims jti, htm, htu and iat.",
        "Build the proof as RFC 9449 section 4.2 says, signed with RS256, PS256, ES256 or EdDSA.";
    DPOP_PROOF_SIGNATURE = "dpop_proof_signature":
        "The DPoP proof is not signed with the key that it brings.",
        "Sign it with the private half of the key in its jwk, with the alg that its header names.";
    DPOP_PROOF_REPEATED = "dpop_proof_repeated":
        "There is more than one DPoP header.",
        "Send one proof with each request.";
    DPOP_PROOF_TARGET = "dpop_proof_target":
        "The DPoP proof is for another request.",
        "Set htm to the method and htu to the URL of this very request, without query and fragment.";
    DPOP_PROOF_STALE = "dpop_proof_stale":
        "The DPoP proof is too old, or made in the future.",
        "Make a new proof for every request, and set the clock of the device.";
    DPOP_PROOF_REPLAYED = "dpop_proof_replayed":
        "The DPoP proof has been used before.",
        "Make a new proof for every request, each with a jti of its own.";
    DPOP_PROOF_TOKEN = "dpop_proof_token":
        "The DPoP proof is for another access token.",
        "Set ath to the SHA-256 of the access token in base64url without padding.";
    DPOP_PROOF_MISSING = "dpop_proof_missing":
        "The call comes without a DPoP proof.",
        "Send a proof in the DPoP header beside Authorization: DPoP and the access token.";
    DPOP_REQUIRED = "dpop_required":
        "This app must bind its tokens to a key.",
        "Send a proof in the DPoP header of the token request (RFC 9449).";
    DPOP_KEY_MISMATCH = "dpop_key_mismatch":
        "The DPoP proof is of another key than the one that was bound.",
        "Use the same key from the authorization request to the last call.";
    DPOP_TOKEN_AS_BEARER = "dpop_token_as_bearer":
        "This access token is bound to a key and came without a proof of it.",
        "Send it as Authorization: DPoP, with a proof in the DPoP header.";
    DPOP_TOKEN_UNBOUND = "dpop_token_unbound":
        "This access token is not bound to a key.",
        "Send it as Authorization: Bearer, or get one with a DPoP proof.";
    DPOP_JKT_MALFORMED = "dpop_jkt_malformed":
        "The dpop_jkt is not the thumbprint of a key.",
        "Send the SHA-256 thumbprint of the public key (RFC 7638) in base64url without padding: 43 characters.";

    // User and meeting API.
    VALIDATION_FAILED = "validation_failed":
        "Some fields are missing or wrong.",
        "Mend every field in the list and send the request again.";
    QUERY_INVALID = "query_invalid":
        "A query parameter is wrong.",
        "Mend the parameter that is named and send the request again.";
    MEETING_NOT_FOUND = "meeting_not_found":
        "There is no such meeting.",
        "Check the meeting id; only the signed-in person's own meetings can be reached.";
    USER_NOT_FOUND = "user_not_found":
        "There is no such user.",
        "Use the user id from the profile call; only the signed-in person's own meetings can be reached.";
    BODY_NOT_JSON = "body_not_json":
        "The body of this call is not valid JSON.",
        "Send one JSON object in UTF-8, with the content type application/json.";
    MEETING_OVER = "meeting_over":
        "The meeting is over.",
        "Only what runs or is to come can be joined; a series that is over can still be cancelled as a whole, with all.";
    MEETING_OVERTAKEN = "meeting_overtaken":
        "Another call cancelled this occurrence or changed the series at the same time.",
        "Read the list again; if something is still to be cancelled, send the call once more.";
    MEETING_CANCELLED = "meeting_cancelled":
        "The meeting has been cancelled.",
        "Schedule a new one.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_anchors_named_like_their_constants() {
        let mut seen = HashSet::new();
        for (fault, name) in ALL.iter().zip(NAMES) {
            assert!(seen.insert(fault.code), "{} is there twice", fault.code);
            assert_eq!(fault.code, name.to_ascii_lowercase());
            assert!(
                fault.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{} can not be an anchor",
                fault.code
            );
        }
    }

    #[test]
    fn every_fault_has_a_sentence_and_a_mend_of_its_own_in_plain_characters() {
        let mut sentences = HashSet::new();
        for fault in ALL {
            for text in [fault.sentence, fault.mend] {
                assert!(text.ends_with('.'), "{}: {text}", fault.code);
                assert!(text.len() >= 15, "{}: {text}", fault.code);
                // RFC 6749 5.2: error_description.
                assert!(
                    text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
                    "{}: {text}",
                    fault.code
                );
            }
            assert!(sentences.insert(fault.sentence), "{} says what another says", fault.code);
        }
    }

    #[test]
    fn faults_are_found_by_code() {
        assert_eq!(find("code_expired"), Some(&CODE_EXPIRED));
        assert_eq!(find("no_such_code"), None);
    }
}
