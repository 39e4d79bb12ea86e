//! Who types, told to the clients of other servers.

use crate::api::Person;
use crate::site::{Site, config};
use crate::socket::{bearer, conversation};
use crate::websocket::WebSocket;
use nmc_core::UserRole;
use nmc_core::testing::wait_until;
use nmc_http::RunningServer;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A second server over the database of the site.
fn second(site: &Site) -> RunningServer {
    nmc_http::start(site.authenticator.clone(), config()).expect("a second server")
}

/// A socket of theirs in a conversation's room.
#[track_caller]
fn joined(address: SocketAddr, person: &Person, conversation: &str) -> WebSocket {
    let mut socket = WebSocket::open(address, "", &bearer(&person.access)).expect("a socket");
    socket.expect("ready");
    socket.ask(&json!({ "type": "join", "room": format!("conversation:{conversation}") }), "joined");
    socket
}

fn typing(conversation: &str, typing: bool) -> Value {
    json!({ "type": "typing", "conversation_id": conversation, "typing": typing })
}

fn notice(conversation: &str, person: &Person, typing: bool) -> Value {
    json!({ "type": "typing", "conversation_id": conversation, "user_id": person.id.to_string(), "typing": typing })
}

#[test]
fn user_who_types_is_heard_on_other_servers() {
    let site = Site::new();
    let other = second(&site);
    let [ann, bob] = [(); 2].map(|()| site.person(&site.joe, UserRole::User));
    let viewer = site.person(&site.joe, UserRole::Viewer);
    let stranger = site.person(&site.rival, UserRole::Owner);
    let [leak, heating] = [(); 2].map(|()| conversation(&site, &site.joe));
    let theirs = conversation(&site, &site.rival);
    let mut anns = joined(site.address(), &ann, &leak);
    let [mut bobs, mut viewers, mut anns_other, mut elsewhere, mut strangers] =
        [(&bob, &leak), (&viewer, &leak), (&ann, &leak), (&bob, &heating), (&stranger, &theirs)]
            .map(|(person, room)| joined(other.address(), person, room));
    for is_typing in [true, false, true] {
        anns.say(&typing(&leak, is_typing));
        for socket in [&mut bobs, &mut viewers] {
            assert_eq!(socket.expect("typing"), notice(&leak, &ann, is_typing));
        }
    }
    // Who is gone has stopped, there as well.
    anns.cut();
    assert_eq!(bobs.expect("typing"), notice(&leak, &ann, false));
    // The other way round, and to read is to type for no time.
    let mut reads = joined(site.address(), &ann, &leak);
    bobs.say(&typing(&leak, true));
    bobs.say(&typing(&leak, false));
    wait_until("she hears that he reads", || reads.expect("typing") == notice(&leak, &bob, false));
    assert_eq!(viewers.expect("typing"), notice(&leak, &ann, false));
    assert_eq!([viewers.expect("typing"), viewers.expect("typing")], [true, false].map(|is| notice(&leak, &bob, is)));
    assert_eq!([anns_other.expect("typing"), anns_other.expect("typing")], [true, false].map(|is| notice(&leak, &bob, is)));
    for socket in [&mut elsewhere, &mut strangers, &mut reads] {
        socket.ask(&json!({ "type": "ping" }), "pong");
    }
    // One that stops says so for its clients.
    bobs.say(&typing(&leak, true));
    assert_eq!(reads.expect("typing"), notice(&leak, &bob, true));
    other.stop().expect("a clean end");
    assert_eq!(reads.expect("typing"), notice(&leak, &bob, false));
}

#[test]
fn socket_lives_on_while_no_notice_can_be_written() {
    let mut site = Site::new();
    let [ann, bob] = [(); 2].map(|()| site.person(&site.joe, UserRole::User));
    let leak = conversation(&site, &site.joe);
    let [mut anns, mut bobs] = [&ann, &bob].map(|person| joined(site.address(), person, &leak));
    let mut blockade = site.db.block("typing_notices");
    blockade.wait_for_blocked(1);
    for is_typing in [true, false] {
        anns.say(&typing(&leak, is_typing));
        assert_eq!(bobs.expect("typing"), notice(&leak, &ann, is_typing), "in this process it needs no database");
    }
    anns.ask(&json!({ "type": "ping" }), "pong");
    drop(blockade);
    let other = second(&site);
    let mut others = joined(other.address(), &bob, &leak);
    wait_until("it is told again", || {
        anns.say(&typing(&leak, true));
        others.expect("typing") == notice(&leak, &ann, true)
    });
    let outage = site.db.take_down();
    anns.say(&typing(&leak, false));
    wait_until("what was said meanwhile, and this", || bobs.expect("typing") == notice(&leak, &ann, false));
    anns.ask(&json!({ "type": "ping" }), "pong");
    drop(outage);
    let _blockade = site.db.block("typing_notices");
    let since = Instant::now();
    site.take_server().stop().expect("a clean end");
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}
