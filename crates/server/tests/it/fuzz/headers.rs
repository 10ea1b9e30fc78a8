//! Headers: `Authorization`, `Cookie`, and what proxies say.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Extensions, HeaderMap, HeaderValue};
use jiomeet_oauth::web::{address_block, client_address, cookie, visitor};
use proptest::prelude::*;
use protocol::basic_auth::{parse_basic, parse_bearer};

use super::{almost, bytes, fuzz};
use crate::support::World;

#[test]
fn basic_headers_are_read_in_one_way() {
    let seeds =
        ["Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3", "basic   YTpi", "Basic Og==", "Bearer mF_9.B5f-4.1JqM="];
    fuzz("Basic and Bearer", bytes(&seeds), |header| {
        if let Ok(Some(credentials)) = parse_basic(&header) {
            prop_assert!(!credentials.client_id.is_empty());
            prop_assert!(!credentials.client_id.chars().any(char::is_control));
            // Written as RFC 6749 wants it, it reads the same.
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encode(&credentials.client_id), encode(credentials.client_secret.expose()));
            let again = format!("Basic {}", STANDARD.encode(pair));
            if again.len() <= 2048 {
                prop_assert_eq!(parse_basic(again.as_bytes()).unwrap().unwrap(), credentials);
            }
        }
        if let Ok(Some(token)) = parse_bearer(&header) {
            prop_assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
            let same = format!("Bearer {token}");
            prop_assert_eq!(parse_bearer(same.as_bytes()), Ok(Some(token)));
        }
        Ok(())
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// What no header can hold never reaches us.
fn header(text: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text).ok()
}

#[test]
fn a_cookie_is_the_one_of_its_name_or_none() {
    let runtime = runtime();
    let world = runtime.block_on(World::new());
    let seeds = [
        "jm_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA; jm_browser=BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA",
        "__Host-jm_session=x;;; =; jm_session",
        "a=b; jm_session=\"quoted\"; jm_session=second",
    ];
    fuzz("cookies", prop::collection::vec(bytes(&seeds), 1..3), |lines| {
        let mut headers = HeaderMap::new();
        for line in lines.iter().filter_map(|line| header(line)) {
            headers.append("cookie", line);
        }
        let _ = visitor(&world.app, &headers);
        if let Some(value) = cookie::find(&headers, "jm_session") {
            prop_assert!(!value.contains(';'));
            let text = format!("jm_session={value}");
            prop_assert!(lines.iter().any(|line| String::from_utf8_lossy(line).contains(&text)));
        }
        Ok(())
    });
    runtime.block_on(async { drop(world) });
}

/// Without a trusted proxy the connection's address is the client's, whatever headers say; with one it is an address that
/// the proxy wrote, and never an invention.
#[test]
fn a_forwarded_address_counts_from_a_trusted_proxy_alone() {
    let runtime = runtime();
    let (alone, behind) = runtime.block_on(async {
        (World::new().await, World::with("server.trusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]\n").await)
    });
    let peer: SocketAddr = "127.0.0.1:40000".parse().unwrap();
    let seeds = [
        "203.0.113.9, 10.0.0.1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "unknown, 198.51.100.1:443",
        "[2001:db8::1]:80",
        "127.1",
    ];
    let line = prop_oneof![almost(&seeds), any::<IpAddr>().prop_map(|address| address.to_string())];
    fuzz("forwarded headers", prop::collection::vec(line, 0..4), |lines| {
        let mut headers = HeaderMap::new();
        for line in lines.iter().filter_map(|line| header(line.as_bytes())) {
            headers.append("x-forwarded-for", line);
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(peer));
        prop_assert_eq!(client_address(&alone.app, &extensions, &headers), peer.ip());
        let client = client_address(&behind.app, &extensions, &headers);
        let written = |line: &String| {
            line.split(',').filter_map(|entry| entry.trim().parse().ok()).any(|ip: IpAddr| ip.to_canonical() == client)
        };
        prop_assert!(client == peer.ip() || lines.iter().any(written), "{} of {:?}", client, lines);
        prop_assert!(address_block(client).contains('/'));
        Ok(())
    });
    runtime.block_on(async { drop((alone, behind)) });
}
