//! The rules, one function each. A URL is cut into its parts twice, by us and by the WHATWG parser,
//! and passes only when both see the same.

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::{ANSWER_PARAMETERS, Checked, FORBIDDEN_PARAMETERS, MAX_URL_LENGTH, UrlFault, UrlRule};
use crate::params::form_decode;
use crate::redirect_uri::ClientKind;

/// A check in progress.
pub(super) struct Check<'a> {
    text: &'a str,
    /// The kind of app that registers a callback URL; `None` for a page.
    callback_of: Option<ClientKind>,
    faults: Vec<UrlFault>,
}

/// A URL with an authority, cut where RFC 3986 3 and the WHATWG standard both cut.
struct Cut<'a> {
    scheme: &'a str,
    user_info: Option<&'a str>,
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Check<'a> {
    pub(super) fn new(text: &'a str, callback_of: Option<ClientKind>) -> Self {
        Self { text, callback_of, faults: Vec::new() }
    }

    fn is_native(&self) -> bool {
        self.callback_of == Some(ClientKind::PublicNative)
    }

    fn fault(&mut self, rule: UrlRule, sentence: impl Into<String>) {
        if !self.faults.iter().any(|fault| fault.rule == rule) {
            self.faults.push(UrlFault { rule, sentence: sentence.into(), url: self.text.to_owned() });
        }
    }

    /// Applies every rule.
    pub(super) fn run(mut self) -> Result<Checked, Vec<UrlFault>> {
        if self.text.len() > MAX_URL_LENGTH {
            self.fault(UrlRule::Length, format!("The URL is too long. Use at most {MAX_URL_LENGTH} characters."));
            return Err(self.faults);
        }
        self.check_characters();
        let parsed = Url::parse(self.text);
        match self.cut() {
            Some(cut) => self.check_parts(&cut, parsed.as_ref().ok()),
            None => self.fault(UrlRule::Absolute, self.not_absolute()),
        }
        match parsed {
            Ok(url) if self.faults.is_empty() => Ok(Checked { text: self.text.to_owned(), url }),
            Err(error) if self.faults.is_empty() => {
                self.fault(UrlRule::Absolute, format!("This is not a valid URL: {error}."));
                Err(self.faults)
            }
            _ => {
                self.faults.sort_by_key(|fault| fault.rule as u8);
                Err(self.faults)
            }
        }
    }

    fn not_absolute(&self) -> String {
        if self.is_native() {
            "The URL must be complete. Begin it with https://, or with a private-use scheme such as com.example.app:/."
                .into()
        } else {
            "The URL must be complete. Begin it with https:// and the host.".into()
        }
    }

    fn check_characters(&mut self) {
        let text = self.text;
        if !text.is_ascii() {
            self.fault(UrlRule::Characters, non_ascii_sentence(text));
        }
        if text.bytes().any(|b| b <= b' ' || b == 0x7f) {
            self.fault(
                UrlRule::Characters,
                "The URL has a space or a control character. Remove it, or write a space as %20.",
            );
        }
        if let Some(bad) = text.chars().find(|c| "\"<>^`{|}".contains(*c)) {
            self.fault(
                UrlRule::Characters,
                format!("The URL has the character {bad}, which URLs may not have. Percent-encode it."),
            );
        }
        if text.contains('\\') || contains_encoded(text, b'\\') {
            self.fault(UrlRule::Backslash, "The URL has a backslash. Use / instead.");
        }
        if text.contains('*') || contains_encoded(text, b'*') {
            self.fault(UrlRule::Wildcard, "The URL has a wildcard (*). Register each URL in full.");
        }
        if text.contains('#') || contains_encoded(text, b'#') {
            self.fault(UrlRule::Fragment, "The URL has a fragment (#). Remove it.");
        }
        self.check_percent_encoding();
    }

    fn check_percent_encoding(&mut self) {
        for (at, _) in self.text.match_indices('%') {
            match encoded_byte(self.text.as_bytes(), at) {
                None => self.fault(
                    UrlRule::PercentEncoding,
                    "The URL has a % that is not followed by two hexadecimal digits. Write a literal % as %25.",
                ),
                Some(byte) if byte < b' ' || byte == 0x7f => {
                    self.fault(UrlRule::Characters, "The URL has a percent-encoded control character. Remove it.")
                }
                Some(_) => {}
            }
        }
    }

    /// Cuts the URL into its parts; `None` when it has no scheme and authority (or, for native apps,
    /// no private-use scheme and path).
    fn cut(&self) -> Option<Cut<'a>> {
        // White space around it has its own fault; there is no need to call it incomplete as well.
        let (scheme, rest) = self.text.trim().split_once(':')?;
        let well_formed = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        if !well_formed {
            return None;
        }
        let (authority, tail) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())),
            None if self.is_native() && is_private_use(scheme) && rest.starts_with('/') => ("", rest),
            None => return None,
        };
        if authority.is_empty() && !is_private_use(scheme) {
            return None;
        }
        let tail = tail.split('#').next().unwrap_or_default();
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (tail, None),
        };
        let (user_info, host_and_port) = match authority.rsplit_once('@') {
            Some((user_info, rest)) => (Some(user_info), rest),
            None => (None, authority),
        };
        let host_end = match host_and_port.find(']') {
            Some(bracket) => bracket + 1,
            None => host_and_port.find(':').unwrap_or(host_and_port.len()),
        };
        let (host, port) = host_and_port.split_at(host_end);
        let port = (!port.is_empty()).then(|| port.strip_prefix(':').unwrap_or(port));
        Some(Cut { scheme, user_info, host, port, path, query })
    }

    fn check_parts(&mut self, cut: &Cut<'_>, parsed: Option<&Url>) {
        if cut.user_info.is_some() || contains_encoded(cut.host, b'@') {
            self.fault(UrlRule::UserInfo, "The URL has an @ before its host. Remove user name and password.");
        }
        self.check_path(cut.path);
        self.check_query(cut.query.unwrap_or_default());
        if self.is_native() && is_private_use(cut.scheme) {
            self.check_spelling(parsed.is_some_and(|url| url.as_str() == self.text), parsed);
            return;
        }
        self.check_scheme(cut);
        let loopback = self.is_native() && cut.scheme == "http" && is_loopback(cut.host);
        let is_ip = is_ip_address(cut.host)
            || parsed.is_some_and(|url| matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_))));
        if is_ip && !loopback {
            self.fault(UrlRule::IpAddress, "The host is an IP address, or browsers take it for one. Use a host name.");
        } else if !is_ip {
            self.check_host(cut.host);
        }
        if let Some(port) = cut.port {
            self.check_port(port);
        }
        let agrees = parsed.is_some_and(|url| browser_agrees(cut, url));
        self.check_spelling(agrees, parsed);
    }

    fn check_scheme(&mut self, cut: &Cut<'_>) {
        match cut.scheme {
            "https" => {}
            "http" if cut.host == "localhost" => {}
            "http" if self.is_native() && is_loopback(cut.host) => {}
            "http" if is_loopback(cut.host) && self.callback_of.is_some() => self.fault(
                UrlRule::Scheme,
                "Only native apps may use a loopback address. Use https://, or http://localhost while developing.",
            ),
            "http" => self.fault(
                UrlRule::Scheme,
                "The URL must begin with https://. Plain http:// is only for the host localhost.",
            ),
            other if other.eq_ignore_ascii_case("https") || other.eq_ignore_ascii_case("http") => {
                self.fault(
                    UrlRule::Scheme,
                    "The URL must begin with https://, written in lower case.",
                );
            }
            other if self.is_native() => self.fault(
                UrlRule::Scheme,
                format!("The scheme {other} can not be used. Use https, or a private-use scheme in lower case with a dot in it, such as com.example.app."),
            ),
            other => self.fault(
                UrlRule::Scheme,
                format!("The scheme {other} can not be used. Begin the URL with https://."),
            ),
        }
    }

    fn check_host(&mut self, host: &str) {
        let label_ok = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if host.ends_with('.') {
            self.fault(UrlRule::Host, "The host ends with a dot. Remove the dot.");
        } else if host.len() > 253 || !host.split('.').all(label_ok) {
            self.fault(
                UrlRule::Host,
                "The host is not a host name. Use letters, digits, hyphens and single dots, as in app.example.com.",
            );
        }
    }

    fn check_port(&mut self, port: &str) {
        let digits = port.bytes().all(|b| b.is_ascii_digit()) && !port.starts_with('0');
        if !digits || port.parse::<u16>().is_err() {
            self.fault(
                UrlRule::Port,
                "The port is not a number from 1 to 65535. Mend it, or remove it with its colon.",
            );
        }
    }

    /// Browsers resolve `.` and `..` before they send a request, and some servers do it once more
    /// after decoding or after cutting `;parameters` off.
    fn check_path(&mut self, path: &str) {
        let is_dots = |segment: &str| {
            let decoded: Vec<u8> = percent_decode_str(segment).collect();
            let name = decoded.split(|&b| b == b';').next().unwrap_or_default();
            name == b"." || name == b".."
        };
        if path.split('/').any(is_dots) {
            self.fault(UrlRule::Path, "The path has . or .. as a segment. Write the path that they lead to.");
        }
    }

    fn check_query(&mut self, query: &str) {
        for pair in query.split(['&', ';']) {
            let name = pair.split('=').next().unwrap_or_default();
            let name = form_decode(name.as_bytes()).unwrap_or_default();
            let name = name.trim();
            if let Some(forbidden) = find_ignoring_case(FORBIDDEN_PARAMETERS, name) {
                self.fault(
                    UrlRule::Parameter,
                    format!("The URL has the query parameter {forbidden}, which is not allowed. Remove or rename it."),
                );
            }
            if self.callback_of.is_some() && ANSWER_PARAMETERS.contains(&name) {
                self.fault(
                    UrlRule::Parameter,
                    format!("The URL has the query parameter {name}, which the answer brings. Remove or rename it."),
                );
            }
        }
    }

    /// The last resort: a browser would visit something else than the text says.
    fn check_spelling(&mut self, agrees: bool, parsed: Option<&Url>) {
        if let (false, true, Some(url)) = (agrees, self.faults.is_empty(), parsed) {
            self.fault(UrlRule::Spelling, format!("A browser reads this URL as {url} instead. Write it like that."));
        }
    }
}

/// Whether the WHATWG parse has the parts that the text shows.
fn browser_agrees(cut: &Cut<'_>, url: &Url) -> bool {
    let default_port = if cut.scheme == "https" { 443 } else { 80 };
    let port = cut.port.map_or(Some(default_port), |port| port.parse().ok());
    let path = if cut.path.is_empty() { "/" } else { cut.path };
    url.scheme() == cut.scheme
        && url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(cut.host))
        && url.port_or_known_default() == port
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == path
        && url.query() == cut.query
}

/// RFC 8252 7.1: reverse domain name, so there is a dot. In lower case, so that every reader
/// compares it alike.
fn is_private_use(scheme: &str) -> bool {
    scheme.contains('.')
        && !scheme.ends_with('.')
        && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
}

fn is_loopback(host: &str) -> bool {
    host == "127.0.0.1" || host == "[::1]"
}

/// The WHATWG "ends in a number" check, and brackets: what browsers take for an address or refuse.
fn is_ip_address(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_hex = last
        .strip_prefix("0x")
        .or_else(|| last.strip_prefix("0X"))
        .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    let is_decimal = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    host.starts_with('[') || is_decimal || is_hex
}

fn non_ascii_sentence(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.as_str().is_ascii() && url.domain().is_some() => {
            format!("The URL has characters outside ASCII. Write it as {url} instead.")
        }
        _ => "The URL has characters outside ASCII. Percent-encode them, and write the host in its xn-- form.".into(),
    }
}

/// The byte that a `%` at this place encodes, if it does.
fn encoded_byte(text: &[u8], at: usize) -> Option<u8> {
    let digit = |offset: usize| char::from(*text.get(at + offset)?).to_digit(16);
    u8::try_from(digit(1)? * 16 + digit(2)?).ok()
}

fn contains_encoded(text: &str, byte: u8) -> bool {
    text.match_indices('%').any(|(at, _)| encoded_byte(text.as_bytes(), at) == Some(byte))
}

fn find_ignoring_case<'a>(names: &[&'a str], name: &str) -> Option<&'a str> {
    names.iter().copied().find(|known| known.eq_ignore_ascii_case(name))
}
