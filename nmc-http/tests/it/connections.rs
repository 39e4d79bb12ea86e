//! Connections: kept, slow, broken off, and those under way when the server stops.

use crate::site::{SMS, Site, VOICE};
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid, wait_until};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn a_connection_serves_many_requests() {
    let site = Site::new();
    let mut wire = site.wire();
    for _ in 0..5 {
        let call = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0;
        assert_eq!(wire.exchange(&site.post(VOICE, &call).written()).status, 200);
        assert_eq!(wire.exchange(&site.post(VOICE, &call).unsigned().written()).status, 403);
        assert_eq!(wire.exchange("GET /healthz HTTP/1.1\r\nHost: nmc\r\n\r\n").status, 200);
    }
    assert_eq!(site.counts(), [5, 5, 5]);
}

#[test]
fn bodies_that_dawdle_hold_nobody_up() {
    let site = Site::new();
    let text = SmsForm::text(unique_phone().as_str(), &site.joe.number, "slowly").0;
    let written = site.post(SMS, &text).written();
    let (most, rest) = written.split_at(written.len() - 5);
    let mut dawdlers: Vec<_> = (0..40).map(|_| site.wire()).collect();
    for dawdler in &mut dawdlers {
        dawdler.write(most);
    }
    // One thread serves them all.
    site.post(VOICE, &VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0).expect(200);
    for dawdler in &mut dawdlers[..3] {
        assert_eq!(dawdler.exchange(rest).status, 200, "late is not too late");
    }
}

#[test]
fn a_body_that_never_arrives_is_given_up() {
    let site = Site::with(|_, config| config.patience = Duration::from_millis(50));
    let before = site.rows();
    let text = SmsForm::text(unique_phone().as_str(), &site.joe.number, "never").0;
    let written = site.post(SMS, &text).written();
    let mut wire = site.wire();
    wire.write(&written[..written.len() - 5]);
    let answer = wire.read();
    assert_eq!(answer.status, 408, "{}", answer.body);
    assert!(wire.closes(), "the rest of it would be taken for a request");
    assert_eq!(site.rows(), before);
}

#[test]
fn a_client_that_breaks_off_leaves_nothing_behind() {
    let site = Site::new();
    let before = site.rows();
    let text = SmsForm::text(unique_phone().as_str(), &site.joe.number, "half a").0;
    let written = site.post(SMS, &text).written();
    for length in [10, 100, written.len() - 1] {
        let mut wire = site.wire();
        wire.write(&written[..length]);
        wire.hang_up();
        assert!(wire.closes());
    }
    assert_eq!(site.rows(), before);
    site.post(SMS, &text).expect(200);
}

#[test]
fn a_request_under_way_is_finished_before_the_server_stops() {
    let mut site = Site::new();
    let server = site.take_server();
    let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0;
    let mut blockade = site.db.block("messages");
    std::thread::scope(|scope| {
        let request = scope.spawn(|| site.post(VOICE, &form).expect(200));
        blockade.wait_for_blocked(1);
        let stopping = scope.spawn(|| server.stop());
        wait_until("nobody new is let in", || TcpStream::connect(site.address()).is_err());
        assert!(!request.is_finished() && !stopping.is_finished());
        drop(blockade);
        request.join().expect("an answer");
        stopping.join().expect("no panic").expect("a clean end");
    });
    assert_eq!(site.counts(), [1, 1, 1]);
}

#[test]
fn an_idle_connection_does_not_delay_the_stop() {
    let mut site = Site::new();
    let mut idle = site.wire();
    assert_eq!(idle.exchange("GET /healthz HTTP/1.1\r\nHost: nmc\r\n\r\n").status, 200);
    let since = Instant::now();
    site.take_server().stop().expect("a clean end");
    assert!(since.elapsed() < Duration::from_secs(3), "it took {:?}", since.elapsed());
    assert!(idle.closes());
}

#[test]
fn an_address_that_is_taken_is_named() {
    let site = Site::new();
    let mut config = crate::site::config();
    config.bind = site.address().to_string();
    let refused =
        |config| nmc_http::start(site.authenticator.clone(), config).err().map_or_else(String::new, |error| error.to_string());
    let said = refused(config.clone());
    assert!(said.starts_with(&format!("can't listen on {}: ", site.address())), "{said}");
    config.bind = "nonsense".to_owned();
    let said = refused(config);
    assert!(said.starts_with("can't listen on nonsense: "), "{said}");
}
