//! Logos that are not what they say.

use screening::{Check, Field, Finding, Severity, checks};

use crate::support::*;

async fn judged(reply: Reply) -> (Finding, bool) {
    let site = secure_site().await;
    site.on("/logo.png", reply);
    let names = Names::new();
    names.set("www.example.com", &[OUTSIDE]);
    let run = screener(&names).begin(now());
    let (finding, picture) = checks::logo(&format!("{}/logo.png", site.at("www.example.com")), &run).await;
    assert_eq!((finding.field, finding.check), (Field::Logo, Check::Logo));
    assert_eq!(picture.is_some(), finding.severity == Severity::Passed);
    (finding, picture.is_some())
}

#[tokio::test]
async fn bytes_decide_not_the_declared_type() {
    let (finding, _) = judged(Reply::new(200, &[("Content-Type", "text/html")], &png(300, 300))).await;
    assert_eq!(finding.severity, Severity::Passed);
    assert!(
        finding.sentence.contains("PNG image of 300 by 300")
            && finding.sentence.contains("'text/html', which is not so")
    );

    let page = b"<!doctype html><title>Not found</title>";
    let (finding, _) = judged(Reply::new(200, &[("Content-Type", "image/png")], page)).await;
    expect(&finding, Severity::Invalid, "a web page, not an image");
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let (finding, _) = judged(Reply::new(200, &[("Content-Type", "image/svg+xml")], svg)).await;
    expect(&finding, Severity::Invalid, "SVG");
    let (finding, _) = judged(Reply::new(200, &[("Content-Type", "image/png")], b"MZ\x90\x00")).await;
    expect(&finding, Severity::Invalid, "not an image");
}

#[tokio::test]
async fn a_small_logo_passes_with_advice() {
    let (finding, _) = judged(Reply::png(&png(32, 32))).await;
    assert_eq!(finding.severity, Severity::Passed);
    assert!(finding.mend.unwrap().contains("blurred"));
}

#[tokio::test]
async fn a_logo_that_is_too_large() {
    let huge = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 1073741824\r\n\r\n";
    let (finding, _) = judged(Reply::Flood(huge.as_bytes().to_vec())).await;
    expect(&finding, Severity::Invalid, "larger than 2097152 bytes");
    assert_eq!(fetch_of(&finding).bytes, 0, "the declared length is enough");

    let unsaid = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\u{89}PNG";
    let (finding, _) = judged(Reply::Flood(unsaid.as_bytes().to_vec())).await;
    expect(&finding, Severity::Invalid, "larger than 2097152 bytes");
    assert_eq!(fetch_of(&finding).bytes, 2 * 1024 * 1024, "no more than the limit is read");

    let (finding, _) = judged(Reply::png(&png(5000, 10))).await;
    assert_eq!(finding.severity, Severity::Invalid);
    assert!(finding.mend.unwrap().contains("Scale the logo down"));
}

/// What comes compressed is never unpacked, whatever is in it.
#[tokio::test]
async fn a_gzip_bomb_stays_packed() {
    // 20 bytes of gzip header and an empty body are enough: nothing may look inside.
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let headers = [("Content-Type", "image/png"), ("Content-Encoding", "gzip")];
    let (finding, _) = judged(Reply::new(200, &headers, &gzip)).await;
    expect(&finding, Severity::Invalid, "'gzip' compression although none was asked for");
    let fetch = fetch_of(&finding);
    assert_eq!((fetch.bytes, fetch.content_encoding.as_deref()), (20, Some("gzip")));
}

#[tokio::test]
async fn a_logo_with_an_error_status() {
    let (finding, _) = judged(Reply::new(404, &[("Content-Type", "image/png")], &png(200, 200))).await;
    expect(&finding, Severity::Invalid, "404");
}
