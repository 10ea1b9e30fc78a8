//! Where the person will be sent, in words, and whether that is the site of the app's homepage. Pure.

use screening::host::site_of;
use url::Url;

/// The place that a redirect URI leads to, as a person reads it: a host with its port, or an app on the device.
pub fn site_words(redirect_uri: &str) -> String {
    let Ok(url) = Url::parse(redirect_uri) else { return redirect_uri.to_owned() };
    match (url.scheme(), url.host_str(), url.port()) {
        ("http", Some(host), port) if is_loopback(host) => match port {
            Some(port) => format!("a program on this device ({host}:{port})"),
            None => format!("a program on this device ({host})"),
        },
        ("http" | "https", Some(host), Some(port)) => format!("{host}:{port}"),
        ("http" | "https", Some(host), None) => host.to_owned(),
        (scheme, _, _) => format!("the app {scheme} on this device"),
    }
}

/// The homepage's host, when the redirect URI leads to another site than the homepage's.
pub fn other_site_than(redirect_uri: &str, homepage_url: &str) -> Option<String> {
    let homepage = Url::parse(homepage_url).ok()?;
    let homepage_host = homepage.host_str()?;
    let redirect = Url::parse(redirect_uri).ok()?;
    let host = match redirect.scheme() {
        // Only native apps may listen there, and they have no other site.
        "http" if is_loopback(redirect.host_str()?) => return None,
        "http" | "https" => redirect.host_str()?.to_owned(),
        // A private-use scheme is a domain name back to front (RFC 8252 7.1).
        scheme => scheme.rsplit('.').collect::<Vec<_>>().join("."),
    };
    (site_of(&host) != site_of(homepage_host)).then(|| homepage_host.to_owned())
}

fn is_loopback(host: &str) -> bool {
    host == "127.0.0.1" || host == "[::1]"
}

/// An address that may be a link on our pages: http or https, and nothing that a browser would run.
pub fn web_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_web =
        matches!(url.scheme(), "http" | "https") && (text.starts_with("https://") || text.starts_with("http://"));
    is_web.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_host_or_an_app() {
        for (uri, expected) in [
            ("https://app.example.com/cb?x=1", "app.example.com"),
            ("https://app.example.com:8443/cb", "app.example.com:8443"),
            ("http://localhost:8081/callback", "localhost:8081"),
            ("http://[::1]:49152/", "a program on this device ([::1]:49152)"),
            ("http://127.0.0.1/cb", "a program on this device (127.0.0.1)"),
            ("com.example.app:/cb", "the app com.example.app on this device"),
        ] {
            assert_eq!(site_words(uri), expected);
        }
    }

    #[test]
    fn another_site_than_the_homepages_is_named() {
        let home = "https://www.example.com/about";
        for (uri, same) in [
            ("https://app.example.com/cb", true),
            ("https://example.com/cb", true),
            ("com.example.app:/cb", true),
            ("https://example.org/cb", false),
            ("https://example.com.evil.example/cb", false),
            ("http://localhost:8081/cb", false),
            ("org.example.app:/cb", false),
        ] {
            let expected = (!same).then(|| "www.example.com".to_owned());
            assert_eq!(other_site_than(uri, home), expected, "{uri}");
        }
        let shared = other_site_than("https://one.github.io/cb", "https://two.github.io");
        assert_eq!(shared.as_deref(), Some("two.github.io"), "what stands below a shared suffix is somebody else's");
        assert_eq!(other_site_than("https://app.example.com/cb", ""), None, "a draft without homepage");
    }

    #[test]
    fn no_link_but_to_the_web() {
        assert_eq!(web_url("https://app.example.com/?a=b").as_deref(), Some("https://app.example.com/?a=b"));
        assert_eq!(web_url("http://localhost:8081/").as_deref(), Some("http://localhost:8081/"));
        for wrong in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript:alert(1)",
            " javascript:alert(1)",
            "\u{1}javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "//evil.example",
            "/relative",
            "",
            "\thttps://app.example.com/",
        ] {
            assert_eq!(web_url(wrong), None, "{wrong:?}");
        }
    }
}
