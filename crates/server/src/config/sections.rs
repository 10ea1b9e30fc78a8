//! Every key of the configuration, with its meaning and its default.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::mail_values::{MailAddress, SmtpUrl};
use super::section::section;
use super::values::{AddressBlock, Hidden, LogFormat, SigningAlgorithm, Ttl};

section! {
    /// Where the server listens and how it is known to the world.
    "server" => pub struct Server {
        /// The address to listen on.
        listen: SocketAddr = "\"127.0.0.1:8080\"",
        /// The issuer: the origin under which browsers and apps reach this server. Every absolute URL is built from it,
        /// never from a request. https, or http for a loopback address.
        issuer: Option<String> = "# \"https://meet.example.com\"",
        /// Proxies whose X-Forwarded-For is believed: addresses or blocks. From anyone else the header is ignored.
        trusted_proxies: Vec<AddressBlock> = "[]",
        /// How long running requests may take to finish after a stop was asked for.
        shutdown_grace: Ttl = "\"10s\"",
        /// How long one request may take before it is given up with 503.
        request_timeout: Ttl = "\"30s\"",
        /// How many connections are served at once; more wait.
        max_connections: usize = "4096",
        /// How long a clock must have told the same time before what has expired by it is deleted: a clock that jumps must
        /// not take away what is valid when it is right again. Nothing is deleted for so long after a start.
        clock_settles_after: Ttl = "\"10m\"",
    }
}

section! {
    /// Where everything is kept.
    "database" => pub struct Database {
        /// sqlite:FILE (the embedded database) or postgres://USER:PASSWORD@HOST/NAME.
        url: Hidden = "\"sqlite:jiomeet-oauth.db\"",
        /// PostgreSQL connections, or SQLite readers.
        connections: usize = "8",
    }
}

section! {
    /// Codes and tokens.
    "tokens" => pub struct Tokens {
        /// How long an authorization code can be redeemed.
        authorization_code_ttl: Ttl = "\"5m\"",
        /// How long an access token opens the API.
        access_token_ttl: Ttl = "\"1d\"",
        /// How long an ID token says who signed in.
        id_token_ttl: Ttl = "\"1h\"",
        /// How long a refresh token can be used, from its making.
        refresh_token_ttl: Ttl = "\"60d\"",
        /// How long after a rotation the previous refresh token still gets the same successor again: answers get lost.
        refresh_reuse_grace: Ttl = "\"60s\"",
        /// How many living grants a person may hold for one app; the oldest ends. 0 is no limit.
        max_live_grants: u32 = "0",
        /// Demand PKCE of confidential apps too. Public apps always need it.
        require_pkce: bool = "false",
    }
}

section! {
    /// Signing keys and the operator's key.
    "keys" => pub struct Keys {
        /// The algorithm of new signing keys: RS256, ES256 or EdDSA.
        signing_algorithm: SigningAlgorithm = "\"RS256\"",
        /// A file with 32 random bytes in base64 that encrypts the keys in the database: `openssl rand -base64 32 > FILE`.
        operator_key_file: Option<PathBuf> = "# \"/etc/jiomeet-oauth/operator.key\"",
        /// How long a new key is known before it is used, at least a minute: a signing key is published so long before it
        /// signs, since others cache the key set.
        publish_ahead: Ttl = "\"15m\"",
        /// How long a signing key signs before the next one takes over. It is published until its last token has expired.
        rotate_signing_key_after: Ttl = "\"90d\"",
        /// How long a root key (refresh tokens, forms, what is sealed) is used before the next one takes over. It is kept
        /// until what was made with it has expired.
        rotate_root_key_after: Ttl = "\"365d\"",
    }
}

section! {
    /// Accounts, sessions and the OAuth beta.
    "accounts" => pub struct Accounts {
        /// How long a sign-in lasts.
        session_ttl: Ttl = "\"14d\"",
        /// Whether people may make accounts for themselves.
        sign_up: bool = "true",
        /// How long the link in a mail confirms an address.
        confirmation_ttl: Ttl = "\"2d\"",
        /// How long the link in a mail sets a new password.
        password_reset_ttl: Ttl = "\"30m\"",
        /// Whether every account may register apps; else an admin grants it on request.
        oauth_for_everyone: bool = "false",
        /// How many passwords are hashed at once. Each takes 7 MiB for about 20 ms.
        password_hashers: usize = "1",
        /// How many sign-ins may wait for a hasher before the next is asked to come back later.
        password_queue: usize = "64",
    }
}

section! {
    /// Limits on failures. What succeeds is not counted. Each allows a burst, then one more per interval.
    "limits" => pub struct Limits {
        /// Wrong passwords for one account from one address block (an IPv4 /24, an IPv6 /56).
        sign_in_burst: u32 = "10",
        /// One more after each.
        sign_in_interval: Ttl = "\"30s\"",
        /// Wrong passwords for one account from anywhere. A browser that signed in before passes.
        account_burst: u32 = "200",
        /// One more after each.
        account_interval: Ttl = "\"1m\"",
        /// Failed client authentications of one client from one address block. The right secret always passes.
        client_burst: u32 = "200",
        /// One more after each.
        client_interval: Ttl = "\"1s\"",
        /// Times within an hour that an app may send the same person here and be answered without a page. Beyond, the person
        /// is told, and goes on by a click: the app may be caught in a loop. Only browsers count. 0 is no limit.
        silent_authorizations: u32 = "100",
        /// Accounts made from one address block.
        sign_up_burst: u32 = "20",
        /// One more after each.
        sign_up_interval: Ttl = "\"5m\"",
        /// People whom one developer invites to apps: each gets a mail.
        invite_burst: u32 = "60",
        /// One more after each.
        invite_interval: Ttl = "\"5m\"",
        /// Mails with a link that one address block may ask for to one e-mail address. Four times as many from anywhere.
        mail_burst: u32 = "5",
        /// One more after each.
        mail_interval: Ttl = "\"10m\"",
    }
}

section! {
    /// Mail to people: links that confirm an address, decisions on apps, first grants.
    "mail" => pub struct Mail {
        /// The server that takes our mail: smtps://USER:PASSWORD@HOST (TLS), smtp://USER:PASSWORD@HOST (STARTTLS, which the
        /// server must offer) or smtp://HOST?tls=none (in clear, for a relay nearby; no password then). Without it no mail
        /// is sent, so nobody can sign up or set a forgotten password anew.
        smtp: Option<SmtpUrl> = "# \"smtps://USER:PASSWORD@mail.example.com\"",
        /// Whom mail comes from.
        from: Option<MailAddress> = "# \"JioMeet <no-reply@meet.example.com>\"",
        /// How long the mail server may take for one mail. A mail that fails is tried again, later and later, for three days.
        timeout: Ttl = "\"30s\"",
    }
}

section! {
    /// The screening of the URLs that developers declare.
    "screening" => pub struct Screening {
        /// Whether they are fetched. With false every check that needs the network says 'not checked', never 'passed'.
        online: bool = "true",
        /// Hosts and networks of a closed network that may be fetched although they are not public:
        /// "localhost:8443", "*.intranet.example", "10.0.0.0/8".
        allow_hosts: Vec<String> = "[]",
        /// Hosts and networks that must not be fetched although they are public.
        deny_hosts: Vec<String> = "[]",
        /// A PEM file with certificate authorities to trust beside the system's.
        extra_authorities: Option<PathBuf> = "# \"/etc/jiomeet-oauth/authorities.pem\"",
        /// Lists of harmful sites: files or https:// URLs of hosts files, lists of domains, or URLhaus' CSV.
        blocklists: Vec<String> = "[]",
        /// How often the lists are read again.
        blocklist_refresh: Ttl = "\"6h\"",
        /// Whether registries are asked how old a domain is (RDAP).
        ask_registries: bool = "true",
        /// IANA's list of registries (https://data.iana.org/rdap/dns.json); a short one is built in.
        rdap_bootstrap: Option<PathBuf> = "# \"/var/lib/jiomeet-oauth/dns.json\"",
        /// A domain younger than this many days is suspicious.
        young_domain_days: u32 = "30",
        /// Words that are yours alone: who imitates them is suspicious.
        brand_words: Vec<String> = "[\"JioMeet\", \"Jio\"]",
        /// Sites that are yours, with all that is below them.
        brand_sites: Vec<String> = "[\"jio.com\"]",
        /// Checks before a submission ('pre-flight') that one account may ask for at once.
        preflight_burst: u32 = "10",
        /// One more after each.
        preflight_interval: Ttl = "\"1m\"",
    }
}

section! {
    /// A service beside our API whose tokens this server issues. Repeat the section for more.
    ["resource_servers"] => pub struct ResourceServer {
        /// What tokens for it carry as `aud`, and apps name as `resource`: an absolute URI without a fragment.
        identifier: String = "# \"https://recordings.example.com\"",
        /// The id with which it asks what a token is worth (introspection).
        id: String = "# \"recordings\"",
        /// The secret with which it does. Give it in one of three ways: by value, the file that holds it, or the
        /// environment variable that does.
        secret: Option<Hidden> = "# \"at least 16 characters, best random ones\"",
        /// The file that holds the secret, and nothing else but white space around it.
        secret_file: Option<PathBuf> = "# \"/etc/jiomeet-oauth/recordings.secret\"",
        /// The environment variable that holds the secret.
        secret_env: Option<String> = "# \"RECORDINGS_SECRET\"",
    }
}

section! {
    /// A scope beside our own, of a resource server. Repeat the section for more.
    ["scopes"] => pub struct DeclaredScope {
        /// Its name: what apps ask for.
        name: String = "# \"recording:read\"",
        /// What it lets an app do. People read it when they consent.
        description: String = "# \"Allows the client application to read the recordings of the user's meetings.\"",
        /// The `identifier` of the resource server that it is of.
        audience: String = "# \"https://recordings.example.com\"",
        /// The heading under which developers and people see it.
        group: Option<String> = "# \"Recordings\"",
    }
}

section! {
    /// What the log says.
    "log" => pub struct Log {
        /// json or text.
        format: LogFormat = "\"text\"",
        /// Levels, in tracing's words: info, or info,sql=debug.
        filter: String = "\"info\"",
    }
}
