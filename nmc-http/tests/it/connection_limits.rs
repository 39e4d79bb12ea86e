//! Crowds of connections, and slow ones: they keep nobody else out.

use crate::site::{SMS, Site, VOICE};
use crate::wire::Wire;
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid, wait_until};
use nmc_http::ConnectionLimits;
use std::time::{Duration, Instant};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: nmc\r\n\r\n";

fn limited(total: usize, per_address: usize, change: impl FnOnce(&mut ConnectionLimits)) -> Site {
    Site::with(|_, config| {
        config.connections.total = total;
        config.connections.per_address = per_address;
        change(&mut config.connections);
    })
}

/// A webhook is answered, and soon.
fn answers_webhooks(site: &Site) {
    let since = Instant::now();
    let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0;
    site.post(VOICE, &form).expect(200);
    assert!(since.elapsed() < Duration::from_secs(1), "it took {:?}", since.elapsed());
}

#[test]
fn idle_connections_of_one_address_keep_nobody_out() {
    let site = limited(64, 8, |_| {});
    let mut crowd: Vec<Wire> = (0..60).map(|_| site.wire_from("127.0.0.2")).collect();
    answers_webhooks(&site);
    let mut refused = crowd.split_off(8);
    for wire in &mut crowd {
        assert_eq!(wire.exchange(HEALTH).status, 200, "within its share");
    }
    for wire in &mut refused {
        let answer = wire.read();
        assert_eq!((answer.status, answer.header("Retry-After"), answer.header("Connection")), (503, Some("2"), Some("close")));
        assert!(wire.closes());
    }
}

#[test]
fn an_address_at_its_bound_goes_on_once_its_own_are_idle() {
    let site = limited(64, 4, |limits| limits.head = Duration::from_secs(600));
    let mut idle: Vec<Wire> = (0..4).map(|_| site.wire_from("127.0.0.2")).collect();
    assert_eq!(idle[0].exchange(HEALTH).status, 200);
    wait_until("an idle one makes room", || site.wire_from("127.0.0.2").exchange(HEALTH).status == 200);
    assert!(idle[1].closes(), "it was idle longest");
}

#[test]
fn a_full_server_closes_idle_connections_and_takes_others_in() {
    let site = limited(8, 4, |limits| (limits.idle, limits.head) = (Duration::from_secs(600), Duration::from_secs(600)));
    let crowd: Vec<Wire> = (0..8).map(|n| site.wire_from(if n < 4 { "127.0.0.2" } else { "127.0.0.3" })).collect();
    wait_until("there is room", || site.wire().exchange(HEALTH).status == 200);
    drop(crowd);
}

#[test]
fn idle_connections_are_closed_the_sooner_the_more_there_are() {
    let site = limited(8, 8, |_| {});
    let mut few = site.wire();
    assert_eq!(few.exchange(HEALTH).status, 200);
    let mut many: Vec<Wire> = (0..5).map(|_| site.wire()).collect();
    let since = Instant::now();
    for wire in &mut many {
        assert_eq!(wire.exchange(HEALTH).status, 200);
    }
    assert!(few.closes() && since.elapsed() < Duration::from_secs(4), "after {:?} and not 75 s", since.elapsed());
}

#[test]
fn a_head_that_dawdles_is_a_408_on_a_kept_connection_too() {
    let site = limited(64, 64, |limits| limits.head = Duration::from_millis(100));
    let mut silent = site.wire();
    let mut slow = site.wire();
    slow.write("GET /healthz HTTP/1.1\r\nHost:");
    let mut kept = site.wire();
    assert_eq!(kept.exchange(HEALTH).status, 200);
    kept.write("GET /hea");
    for wire in [&mut slow, &mut kept] {
        let answer = wire.read();
        assert_eq!((answer.status, answer.header("Connection")), (408, Some("close")));
        assert!(wire.closes());
    }
    assert_eq!(silent.rest(), "", "who has said nothing hears nothing");
}

#[test]
fn a_client_that_takes_no_answer_is_given_up() {
    let site = limited(64, 64, |limits| limits.stalled = Duration::from_millis(100));
    let mut deaf = site.wire();
    let request = "GET /openapi.json HTTP/1.1\r\nHost: nmc\r\n\r\n".repeat(200);
    let since = Instant::now();
    wait_until("it is given up", || !deaf.try_write(request.as_bytes()));
    assert!(since.elapsed() < Duration::from_secs(20), "it took {:?}", since.elapsed());
    answers_webhooks(&site);
}

#[test]
fn webhooks_with_their_own_listener_are_answered_there_alone() {
    let site = Site::with(|_, config| {
        config.webhook_bind = Some("127.0.0.1:0".to_owned());
        config.connections.total = 8;
        config.connections.per_address = 8;
        config.connections.idle = Duration::from_secs(600);
    });
    assert_ne!(site.webhook_address(), site.address());
    let crowd: Vec<Wire> = (0..8).map(|_| site.wire()).collect();
    answers_webhooks(&site);
    drop(crowd);
    let text = site.post(SMS, &SmsForm::text(unique_phone().as_str(), &site.joe.number, "hello").0).written();
    wait_until("there is room", || site.wire().exchange(&text).status == 404);
    let ask = |path: &str| Wire::open(site.webhook_address()).exchange(&HEALTH.replace("/healthz", path)).status;
    assert_eq!(["/healthz", "/readyz", "/v1/tenant", "/docs/", "/openapi.json"].map(ask), [200, 200, 404, 404, 404]);
    assert_eq!(Wire::open(site.webhook_address()).exchange(&text).status, 200);
}
