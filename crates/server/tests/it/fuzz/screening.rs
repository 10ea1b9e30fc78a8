//! What the screening reads of the web: pages, registries' answers, lists of harmful sites, pictures, hosts.

use proptest::prelude::*;
use screening::blocklist::Blocklist;
use screening::host::{HostName, key_of, site_of, with_parents};
use screening::html::{Page, refresh_target};
use screening::net::allow::AddressPolicy;
use screening::rdap::{answer, bootstrap::Bootstrap};
use screening::{logo, lookalike};
use url::Url;

use super::{almost, bytes, fuzz};
use crate::screening::site::LOGO;

#[test]
fn any_page_is_scanned() {
    let seeds = [
        "<!doctype html><html><head><title>A</title><base href='/x/'><meta http-equiv=refresh content='0; url=//b.example'></head>",
        "<p class='long name'>ab c</p><script>ignored(\"</p>\")</script><a href=\"javascript:x\">t</a><form action=https://b.example><input type=password>",
        "<!-- <a href=x> --> <![CDATA[ <p> ]]> <a\nhref = 'y' href=z>&lt;&#x26;&#99999999;&unknown</a><svg><a xlink:href=q>",
    ];
    let base = Url::parse("https://a.example/p").unwrap();
    fuzz("pages", almost(&seeds), |html| {
        let page = Page::scan(&html);
        prop_assert!(page.text_characters <= html.chars().count() * 2);
        let _ = (page.counts(), page.base_url(&base), refresh_target(&html));
        Ok(())
    });
}

#[test]
fn any_answer_of_a_registry_is_judged() {
    let seeds = [
        r#"{"objectClassName":"domain","ldhName":"a.example","events":[{"eventAction":"registration","eventDate":"2020-01-01T00:00:00Z"}],"status":["active"],"links":[{"rel":"related","href":"https://rdap.example/domain/a.example"}]}"#,
        r#"{"version":"1.0","publication":"2026-01-01T00:00:00Z","services":[[["example","test"],["https://rdap.example/"]],[["x"],[]]]}"#,
        r#"{"errorCode":404,"title":"x"}"#,
        "[]",
    ];
    fuzz("RDAP", (bytes(&seeds), almost(&["a.example", "xn--bcher-kva.example", "a..b", "."])), |(json, domain)| {
        let _ = answer::parse(&json, &domain);
        if let Ok(file) = Bootstrap::parse(&json) {
            let _ = (file.server_for(&domain), file.publication());
        }
        Ok(())
    });
}

#[test]
fn any_list_is_imported_and_says_nothing_of_what_it_does_not_name() {
    let seeds = [
        "# hosts\n127.0.0.1 evil.example\n0.0.0.0\tworse.example # why\n",
        "||ads.example^\n@@||good.example^\nevil.example##.ad\n",
        "id,dateadded,url\n\"1\",\"2026-01-01\",\"https://bad.example/x?y=\"\"1\"\"\"\n",
        "https://bad.example:8080/path\nb\u{fc}se.example\n*.wild.example\n",
    ];
    let innocent = Url::parse("https://innocent-bystander.example/").unwrap();
    fuzz("lists of harmful sites", bytes(&seeds), |list| {
        let text = String::from_utf8_lossy(&list).to_lowercase();
        if let Ok(list) = Blocklist::read("fuzz", None, list.as_slice()) {
            prop_assert!(list.find(&innocent).is_none() || text.contains("example"));
            let _ = (list.summary(), list.bytes());
        }
        Ok(())
    });
}

/// A picture that was accepted is a PNG of ours, of bounded size, whatever came.
#[test]
fn any_bytes_are_a_logo_or_not() {
    let damaged = (
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(changes, cut, whole)| {
            let mut bytes = LOGO.to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if !whole {
                bytes.truncate(cut.index(bytes.len()));
            }
            bytes
        });
    let headers = bytes(&[
        "\u{89}PNG\r\n\u{1a}\n",
        "GIF89a",
        "RIFF\0\0\0\0WEBPVP8L",
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
    ]);
    fuzz("logos", prop_oneof![1 => damaged, 3 => headers], |bytes| {
        if let Ok((image, _)) = logo::convert(&bytes) {
            prop_assert!(image.png.starts_with(b"\x89PNG\r\n"));
            prop_assert!(logo::convert(&image.png).is_ok(), "what we made we can read");
        }
        Ok(())
    });
}

#[test]
fn any_host_and_any_name_is_judged() {
    let seeds = [
        "https://www.app.co.uk/",
        "https://xn--bcher-kva.example:8443/x",
        "https://[2001:db8::1]/",
        "https://169.254.169.254/latest",
        "J\u{456}oMeet Support",
    ];
    fuzz("hosts and names", almost(&seeds), |text| {
        if let Ok(url) = Url::parse(&text) {
            let _ = key_of(&url);
            if let Some(host) = url.host_str() {
                let _ = (HostName::new(host), lookalike::label_of(host));
                prop_assert!(host.contains(site_of(host)), "{}", host);
                prop_assert!(with_parents(host).count() <= host.len() + 1);
            }
        }
        let _ = (lookalike::fold(&text), lookalike::mixes_scripts(&text), lookalike::reads_as_latin(&text));
        if let Ok(policy) = AddressPolicy::new(std::slice::from_ref(&text), &[]) {
            let metadata = "169.254.169.254".parse().unwrap();
            prop_assert!(
                policy.check("metadata.example", 80, metadata).is_err() || text.contains("169.254.169.254"),
                "{}",
                text
            );
        }
        Ok(())
    });
}
