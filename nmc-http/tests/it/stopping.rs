//! The end of a server with many clients: each request is answered, or was not read.

use crate::site::{Site, VOICE};
use nmc_core::testing::{VoiceForm, unique_phone, unique_sid, wait_until};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[test]
fn every_request_that_is_read_is_answered_when_the_server_stops() {
    const CLIENTS: usize = 24;
    for _ in 0..3 {
        let mut site = Site::with(|_, config| config.threads = 2);
        let server = site.take_server();
        let (answered, closing) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    // Until the server closes the connection, or refuses another.
                    let mut wire = site.wire();
                    loop {
                        let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0;
                        if !wire.try_write(site.post(VOICE, &form).written().as_bytes()) || wire.is_closed_unanswered() {
                            return;
                        }
                        // Once it has begun an answer is whole.
                        let answer = wire.read();
                        assert_eq!(answer.status, 200, "{}", answer.body);
                        answered.fetch_add(1, Ordering::Relaxed);
                        if answer.header("Connection") == Some("close") {
                            closing.fetch_add(1, Ordering::Relaxed);
                            assert!(wire.closes());
                            return;
                        }
                    }
                });
            }
            wait_until("all are at work", || answered.load(Ordering::Relaxed) > 10 * CLIENTS);
            server.stop().expect("a clean end");
        });
        assert!(TcpStream::connect(site.address()).is_err());
        let calls = usize::try_from(site.count("calls")).unwrap();
        assert_eq!(calls, answered.into_inner(), "what was read was answered");
        assert!(closing.into_inner() > 0, "answers at the end say that it is one");
    }
}

#[test]
fn request_waiting_for_the_database_does_not_delay_the_stop() {
    let mut site = Site::new();
    let server = site.take_server();
    let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0;
    let mut wire = site.wire();
    let mut blockade = site.db.block("messages");
    wire.write(&site.post(VOICE, &form).written());
    blockade.wait_for_blocked(1);
    let since = Instant::now();
    server.stop().expect("a clean end");
    assert!(since.elapsed() < Duration::from_secs(8), "it took {:?}", since.elapsed());
    assert!(wire.is_closed_unanswered());
}
