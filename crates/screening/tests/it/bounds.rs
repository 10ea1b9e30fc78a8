//! Whatever a server does, screening ends in bounded time and memory, with the right finding.

use std::time::{Duration, Instant};

use screening::net::resolve::{Resolution, Resolve, ResolveError};
use screening::{Check, Field, Finding, Severity};

use crate::support::*;

async fn homepage(reply: Reply) -> Finding {
    let site = secure_site().await;
    site.on("/", reply);
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    let start = Instant::now();
    let run = screener_with(impatient(config()), &names).begin(now());
    let findings = screening::checks::page(Field::Homepage, &format!("{}/", site.at("www.example.com")), &run).await;
    assert!(start.elapsed() < Duration::from_secs(6), "took {:?}", start.elapsed());
    findings.into_iter().next().unwrap()
}

#[tokio::test]
async fn a_server_that_never_answers() {
    expect(&homepage(Reply::Hang).await, Severity::Invalid, "did not answer in time");
}

#[tokio::test]
async fn a_server_that_drips_its_headers() {
    let drip = Reply::Drip(b"HTTP/1.1 200 OK\r\nX-Slow: ".to_vec(), Duration::from_millis(50));
    expect(&homepage(drip).await, Severity::Invalid, "did not answer in time");
}

#[tokio::test]
async fn a_server_that_drips_its_body() {
    let drip = Reply::Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec(), Duration::from_millis(50));
    let finding = homepage(drip).await;
    expect(&finding, Severity::Invalid, "took too long");
    assert!(fetch_of(&finding).bytes > 5, "what came is told: {}", fetch_of(&finding).bytes);
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle() {
    let drip = Reply::Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf".to_vec(), Duration::from_secs(60));
    expect(&homepage(drip).await, Severity::Invalid, "stopped sending in the middle");
}

#[tokio::test]
async fn a_page_without_end_is_read_to_the_limit() {
    let finding = homepage(Reply::Flood(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>".to_vec())).await;
    expect(&finding, Severity::Passed, "200");
    let fetch = fetch_of(&finding);
    assert_eq!((fetch.cut, fetch.bytes), (true, 512 * 1024));
}

#[tokio::test]
async fn headers_without_end() {
    let finding = homepage(Reply::Flood(b"HTTP/1.1 200 OK\r\nX-Long: ".to_vec())).await;
    expect(&finding, Severity::Invalid, "proper HTTP answer");
    let many: String = (0..500).map(|n| format!("X-{n}: 1\r\n")).collect();
    let finding = homepage(Reply::Raw(format!("HTTP/1.1 200 OK\r\n{many}\r\n").into_bytes())).await;
    expect(&finding, Severity::Invalid, "proper HTTP answer");
}

#[tokio::test]
async fn an_answer_that_is_not_http() {
    for raw in [
        "SSH-2.0-OpenSSH_9\r\n",
        "<html>no headers</html>",
        "",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n",
    ] {
        expect(&homepage(Reply::Raw(raw.as_bytes().to_vec())).await, Severity::Invalid, "proper HTTP answer");
    }
}

#[tokio::test]
async fn a_chunked_answer_is_an_answer() {
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<p>Hi\r\n0\r\nX: y\r\n\r\n";
    let finding = homepage(Reply::Raw(chunked.as_bytes().to_vec())).await;
    expect(&finding, Severity::Passed, "200");
    assert_eq!((fetch_of(&finding).bytes, fetch_of(&finding).declared_bytes), (5, None));
    let broken = chunked.replace("\r\n5\r\n", "\r\nzz\r\n");
    expect(&homepage(Reply::Raw(broken.into_bytes())).await, Severity::Invalid, "proper HTTP answer");
}

#[tokio::test]
async fn interim_answers_without_end() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(100_000);
    let finding = homepage(Reply::Drip(interim.into_bytes(), Duration::from_millis(20))).await;
    assert_eq!(finding.severity, Severity::Invalid);
}

#[tokio::test]
async fn a_length_that_is_a_lie() {
    let finding = homepage(Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort".to_vec())).await;
    expect(&finding, Severity::Invalid, "proper HTTP answer");
    let finding =
        homepage(Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nshort".to_vec())).await;
    expect(&finding, Severity::Invalid, "proper HTTP answer");
}

#[tokio::test]
async fn redirects_without_end() {
    let site = secure_site().await;
    site.on("/", Reply::redirect("/"));
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    let run = screener(&names).begin(now());
    let findings = screening::checks::page(Field::Homepage, &format!("{}/", site.at("www.example.com")), &run).await;
    expect(&findings[0], Severity::Invalid, "more than 5 times");
    assert_eq!(site.requests().len(), 6);
    assert_eq!(fetch_of(&findings[0]).hops.len(), 6);
}

#[tokio::test]
async fn a_port_where_nobody_listens() {
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    let port = std::net::TcpListener::bind((OUTSIDE, 0)).unwrap().local_addr().unwrap().port();
    let gone = format!("https://www.example.com:{port}");
    let run = screener(&names).begin(now());
    let findings = screening::checks::page(Field::Homepage, &format!("{gone}/"), &run).await;
    expect(&findings[0], Severity::Invalid, "refused the connection");
    expect(&findings[1], Severity::NotChecked, "Not known");
    expect(&findings[2], Severity::NotChecked, "Not looked for");
}

#[tokio::test]
async fn names_that_do_not_resolve() {
    let names = Names::new();
    names.fail("lost.example.com", ResolveError::Unavailable("no name server".to_owned()));
    let run = screener(&names).begin(now());
    let findings = screening::checks::page(Field::Homepage, "https://nobody.example.com/", &run).await;
    expect(&findings[0], Severity::Invalid, "does not exist");
    let findings = screening::checks::page(Field::Homepage, "https://lost.example.com/", &run).await;
    expect(&findings[0], Severity::NotChecked, "could not be looked up");
}

struct Stuck;

impl Resolve for Stuck {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolution<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_resolver_that_hangs() {
    let screener = screening::Screener::with_resolver(impatient(config()), std::sync::Arc::new(Stuck)).unwrap();
    let start = Instant::now();
    let report = screen(&screener, &app("https://www.example.com")).await;
    expect(finding(&report, Field::Homepage, Check::Reachable), Severity::NotChecked, "took too long");
    assert!(start.elapsed() < Duration::from_secs(6));
}

/// Ten callbacks and all pages hang, with room for two fetches at once: the deadline of the whole ends it.
#[tokio::test]
async fn the_whole_screening_has_one_deadline() {
    let site = secure_site().await;
    for path in ["/", "/privacy", "/logo.png", "/callback"] {
        site.on(path, Reply::Hang);
    }
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    let mut config = config();
    config.fetch.parallel = 2;
    config.fetch.answer = Duration::from_secs(60);
    config.fetch.total = Duration::from_secs(60);
    config.deadline = Duration::from_millis(600);
    let mut app = app(&site.at("www.example.com"));
    app.callbacks = vec![app.callbacks[0].clone(); 10];
    let start = Instant::now();
    let report = screen(&screener_with(config, &names), &app).await;
    assert!(start.elapsed() < Duration::from_secs(6), "took {:?}", start.elapsed());
    for field in [Field::Homepage, Field::Policy, Field::Callback(0), Field::Callback(9)] {
        assert_eq!(finding(&report, field, Check::Reachable).severity, Severity::NotChecked);
    }
    assert_eq!(finding(&report, Field::Logo, Check::Logo).severity, Severity::NotChecked);
}

/// Random bytes and damaged answers: a finding each time, never a panic, never for long.
#[test]
fn any_answer_is_judged() {
    use proptest::prelude::*;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (site, names) = runtime.block_on(async { (secure_site().await, Names::new()) });
    names.set("www.example.com", &[OUTSIDE]);
    let screener = screener_with(impatient(config()), &names);
    let base = site.at("www.example.com");
    let whole = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<p>Hi\r\n0\r\n\r\n";
    let damaged = (0..whole.len(), any::<u8>()).prop_map(|(at, byte)| {
        let mut answer = whole.to_vec();
        answer[at] = byte;
        answer
    });
    let answer = prop_oneof![
        any::<Vec<u8>>(),
        damaged,
        "(HTTP/1.[01] [0-9]{3}|[A-Za-z-]{1,8}: .{0,20}|\r\n|.){0,8}".prop_map(String::into_bytes)
    ];
    proptest!(ProptestConfig::with_cases(100), |(bytes in answer)| {
        for path in ["/", "/logo.png", "/callback"] {
            site.on(path, Reply::Raw(bytes.clone()));
        }
        let start = Instant::now();
        let report = runtime.block_on(screen(&screener, &app(&base)));
        prop_assert!(start.elapsed() < Duration::from_secs(6));
        prop_assert!(report.find(Field::Homepage, Check::Reachable).is_some() && report.logo.is_none());
    });
}
