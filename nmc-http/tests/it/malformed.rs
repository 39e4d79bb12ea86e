//! Requests that are none, and unusual ones: each is answered in the form of all others, or served.

use crate::site::{Answer, Site};

const GOOD: &str = "GET /healthz HTTP/1.1\r\nHost: nmc\r\n\r\n";

/// The last answer on the connection, after a good one in the same breath.
fn answer(site: &Site, bytes: &str) -> Answer {
    let mut wire = site.wire();
    assert!(wire.try_write(format!("{GOOD}{bytes}").as_bytes()) || bytes.len() > 100_000);
    assert_eq!(wire.read().status, 200, "the one before is answered whole");
    let answer = wire.read();
    assert_eq!(answer.header("Connection"), Some("close"), "{bytes:.60}");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert!(answer.header("Content-Security-Policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    assert!(wire.closes());
    answer
}

#[test]
fn what_is_no_request_is_a_400_in_the_form_of_all_others() {
    let site = Site::new();
    for bytes in [
        "GET / HTTP/9.9\r\n\r\n",
        "GET\r\n\r\n",
        "G\u{1}T / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : nmc\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: nm\u{0}c\r\n\r\n",
        "GET /\u{7f} HTTP/1.1\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0} a browser that speaks TLS\r\n\r\n",
        "POST /v1/sessions HTTP/1.1\r\nHost: nmc\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        "POST /v1/sessions HTTP/1.1\r\nHost: nmc\r\nContent-Length: -5\r\n\r\n{}",
        "POST /v1/sessions HTTP/1.1\r\nHost: nmc\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n{}",
        "POST /v1/sessions HTTP/1.1\r\nHost: nmc\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /v1/sessions HTTP/1.1\r\nHost: nmc\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{x\r\n",
    ] {
        let answer = answer(&site, bytes);
        assert_eq!((answer.status, answer.body.contains("\"malformed\"")), (400, true), "{bytes:?}");
    }
}

#[test]
fn a_head_that_is_too_long_is_a_431() {
    let site = Site::new();
    let answer = answer(&site, &format!("GET / HTTP/1.1\r\nHost: nmc\r\nX: {}\r\n\r\n", "x".repeat(200_000)));
    assert_eq!(answer.status, 431);
}

#[test]
fn method_that_no_route_takes_is_a_405_that_says_which_do() {
    let site = Site::new();
    for method in ["TRACE", "OPTIONS", "PROPFIND", "FOO"] {
        let answer = site.request(method, "/v1/tenant");
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD, PATCH")), "{method}");
    }
    assert_eq!(site.request("CONNECT", "example.com:443").status, 404, "this is no proxy");
    assert_eq!(site.request("OPTIONS", "*").status, 404);
}

#[test]
fn unusual_requests_that_mean_something_are_served() {
    let site = Site::new();
    let mut wire = site.wire();
    assert_eq!(wire.exchange("GET http://nmc.example.com/healthz HTTP/1.1\r\nHost: other\r\n\r\n").status, 200);
    let old = wire.exchange("GET /healthz HTTP/1.0\r\n\r\n");
    assert_eq!(old.status, 200);
    assert!(wire.closes(), "HTTP/1.0 keeps no connection");

    let mut wire = site.wire();
    wire.write("POST /v1/sessions HTTP/1.1\r\nHost: nmc\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(wire.line(), "HTTP/1.1 100 Continue");
    assert_eq!(wire.line(), "");
    assert_eq!(wire.exchange("{}").status, 400);
    // What follows on the connection is still told apart.
    wire.write(&format!("{GOOD}nonsense\r\n\r\n"));
    assert_eq!([wire.read().status, wire.read().status], [200, 400]);
}
