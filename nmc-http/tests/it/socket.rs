//! WebSockets: what their clients hear of the business and of each other, and when they end.

use crate::events::create;
use crate::site::{Site, config};
use crate::websocket::{BINARY, Came, WebSocket};
use nmc_core::access::Permission;
use nmc_core::access::{KeyOrder, make_service_key};
use nmc_core::events::{ConnectionMetricFilter, WebsocketEventFilter};
use nmc_core::testing::{Business, SmsForm, unique_phone, wait_until};
use nmc_core::workflows::receive_text;
use nmc_core::{ConnectionMetricName, PageRequest, StreamEventKind, TenantTx, UserRole, WebsocketEventType};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use uuid::Uuid;

fn site() -> Site {
    Site::with(|_, config| {
        config.streams.checked_every = Duration::from_millis(50);
        config.streams.per_user = 100;
        config.cors_origins = vec!["https://app.example.com".to_owned()];
    })
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// One that its request has let in.
#[track_caller]
fn open(site: &Site, token: &str, query: &str) -> WebSocket {
    WebSocket::open(site.address(), query, &bearer(token)).expect("a socket")
}

/// One that its first message lets in, as those of browsers.
#[track_caller]
fn open_as_a_browser(site: &Site, first: &Value) -> WebSocket {
    let mut socket = WebSocket::open(site.address(), "", "Origin: https://nmc.example.com\r\n").expect("a socket");
    socket.say(first);
    socket
}

pub(crate) fn conversation(site: &Site, business: &Business) -> String {
    let text = SmsForm::text(unique_phone().as_str(), &business.number, "My sink leaks");
    receive_text(&site.db.store, &text.parse()).expect("a text").conversation.to_string()
}

#[test]
fn socket_tells_what_happens_as_a_stream_does() {
    let site = site();
    let viewer = site.person(&site.joe, UserRole::Viewer);
    let mut by_header = open(&site, &viewer.access, "");
    let ready = by_header.expect("ready");
    let mut by_message = open_as_a_browser(&site, &json!({ "type": "authenticate", "token": viewer.access }));
    assert_eq!(by_message.expect("ready"), ready);
    create(&site.db.store, &site.rival);
    let call = create(&site.db.store, &site.joe);
    let told = by_header.expect("event");
    assert_eq!(by_message.expect("event"), told);
    let fields: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["at", "cursor", "id", "kind", "seq", "type"], "nothing of what is in it");
    assert_eq!((&told["id"], &told["kind"]), (&json!(call), &json!("call.created")));
    assert_eq!(by_header.ask(&json!({ "type": "ping" }), "pong"), json!({ "type": "pong" }));
    // It resumes where it was, by either way, and each event comes once.
    let [second, third] = [(); 2].map(|()| create(&site.db.store, &site.joe));
    let cursor = told["cursor"].as_str().unwrap();
    let resumes = json!({ "type": "authenticate", "token": viewer.access, "cursor": cursor });
    for mut socket in [open(&site, &viewer.access, &format!("?after={cursor}")), open_as_a_browser(&site, &resumes)] {
        assert_eq!(socket.expect("ready")["cursor"], cursor);
        assert_eq!([socket.expect("event")["id"].clone(), socket.expect("event")["id"].clone()], [json!(second), json!(third)]);
    }
    let other = format!("{}:1", Uuid::new_v4());
    let mut lost = open(&site, &viewer.access, &format!("?after={other}"));
    assert_eq!(lost.expect("reset")["cursor"], lost.expect("ready")["cursor"], "told before its cursor can be kept");
    // A frame may come in parts.
    by_message.expect("event");
    by_message.expect("event");
    by_message.bytes(&[0x01, 0x80 | 8, 0, 0, 0, 0]);
    by_message.bytes(br#"{"type":"#);
    by_message.bytes(&[0x80, 0x80 | 7, 0, 0, 0, 0]);
    by_message.bytes(br#""ping"}"#);
    by_message.expect("pong");
}

#[test]
fn socket_of_whoever_is_not_let_in_is_refused() {
    let site = site();
    let user = site.person(&site.joe, UserRole::User);
    let refused = |query: &str, head: &str| WebSocket::open(site.address(), query, head).err().expect("a refusal");
    let good = bearer(&user.access);
    assert_eq!(refused("", &bearer("rubbish")).0, 401);
    assert_eq!(refused("?after=x", &good).0, 400);
    assert_eq!(refused("?token=x", &good).0, 400);
    for origin in ["https://evil.example", "null", "https://nmc.example.com.evil.example", "https://", ""] {
        for more in ["", good.as_str()] {
            let (status, body) = refused("", &format!("{more}Origin: {origin}\r\n"));
            assert_eq!(status, 403, "{origin}: {body}");
        }
    }
    for origin in ["https://app.example.com", "http://nmc.example.com"] {
        let mut welcome = WebSocket::open(site.address(), "", &format!("{good}Origin: {origin}\r\n")).expect("a socket");
        welcome.expect("ready");
    }
    let ask = |head: &str| WebSocket::asked(TcpStream::connect(site.address()).unwrap(), "", head).err().expect("a refusal").0;
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    assert_eq!(ask(""), 401);
    assert_eq!(ask(&good), 426);
    assert_eq!(ask(&format!("{good}{upgrade}Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: x\r\n")), 426);
    assert_eq!(ask(&format!("{good}{upgrade}Sec-WebSocket-Version: 13\r\n")), 400);
    // What is refused in the first message.
    let key = |scopes: &[Permission]| {
        let order = KeyOrder { name: "a key".to_owned(), scopes: scopes.to_vec(), expires_at: None };
        let made = site.db.store.as_operator(&site.joe.tenant, |tx| make_service_key(tx, &order)).expect("a key");
        made.1.text().expose().to_owned()
    };
    let [hears, deaf] = [key(&[Permission::EventsRead]), key(&[Permission::CallsRead])];
    assert_eq!(refused("", &bearer(&deaf)).0, 403);
    open_as_a_browser(&site, &json!({ "type": "authenticate", "token": hears })).expect("ready");
    let ended = |reason: &str, code: u16| (reason.to_owned(), code);
    for (first, end) in [
        (json!({ "type": "authenticate", "token": "rubbish" }), ended("unauthenticated", 4401)),
        (json!({ "type": "authenticate", "token": deaf }), ended("forbidden", 4403)),
        (json!({ "type": "authenticate", "token": hears, "cursor": "x" }), ended("invalid", 4400)),
        (json!({ "type": "join", "room": "tenant" }), ended("unauthenticated", 4401)),
        (json!("rubbish"), ended("invalid", 4400)),
        (json!({}), ended("invalid", 4400)),
        (json!({ "type": "authenticate", "token": hears, "cursor": 5 }), ended("invalid", 4400)),
        (json!({ "type": "authenticate", "token": hears, "more": 5 }), ended("invalid", 4400)),
    ] {
        assert_eq!(open_as_a_browser(&site, &first).end(), end, "{first}");
    }
}

#[test]
fn socket_ends_with_a_code_that_says_why() {
    let mut site = Site::with(|_, config| {
        config.streams.checked_every = Duration::from_millis(50);
        config.streams.heartbeat = Duration::from_millis(300);
        // What comes on an open socket is no late head of a request.
        config.connections.head = Duration::from_millis(300);
        config.streams.authenticated_within = Duration::from_millis(300);
        config.streams.per_user = 100;
    });
    let people = [(); 2].map(|()| site.person(&site.joe, UserRole::User));
    let admitted = |site: &Site| {
        let mut socket = open(site, &people[0].access, "");
        socket.expect("ready");
        socket
    };
    let ended = |reason: &str, code: u16| (reason.to_owned(), code);
    let late = WebSocket::open(site.address(), "", "").expect("a socket");
    assert_eq!(late.end(), ended("late", 4408));
    let mut binary = admitted(&site);
    binary.frame(BINARY, b"{}");
    assert_eq!(binary.end(), ended("binary", 1003));
    let mut long = admitted(&site);
    long.say(&json!({ "type": "join", "room": "x".repeat(9_000) }));
    assert_eq!(long.end(), ended("too_long", 1009));
    // What a frame says that it will hold is enough: nothing of it is kept. Nobody need be let in for that.
    for mut huge in [admitted(&site), WebSocket::open(site.address(), "", "").expect("a socket")] {
        huge.bytes(&[0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(huge.end(), ended("too_long", 1009));
    }
    let mut parts = admitted(&site);
    parts.bytes(&[0x01, 0x80, 0, 0, 0, 0]);
    (0..200).for_each(|_| parts.bytes(&[0x00, 0x80, 0, 0, 0, 0]));
    assert_eq!(parts.end(), ended("too_many", 4429));
    let mut grows = admitted(&site);
    for first in [0x01, 0x00, 0x00] {
        grows.bytes(&[&[first, 0xfe, 0x0f, 0xa0, 0, 0, 0, 0][..], &[b'x'; 4_000]].concat());
    }
    assert_eq!(grows.end(), ended("too_long", 1009));
    let mut unmasked = admitted(&site);
    unmasked.bytes(&[0x81, 2, b'{', b'}']);
    assert_eq!(unmasked.end(), ended("malformed", 1002));
    let mut talks = admitted(&site);
    (0..200).for_each(|_| talks.say(&json!({ "type": "shout" })));
    assert_eq!(talks.end(), ended("too_many", 4429));
    // One that takes part in the protocol stays; one that does not answer pings goes.
    let mut silent = admitted(&site);
    let mut pings = 0;
    let last = loop {
        match silent.any() {
            Came::Ping => pings += 1,
            other => break other,
        }
    };
    assert!(pings >= 1 && matches!(last, Came::Message(_)), "it was asked, and is told: {last:?}");
    assert_eq!(silent.any(), Came::Close(4408));
    let mut revoked = open(&site, &people[1].access, "");
    revoked.expect("ready");
    site.call("DELETE", "/v1/sessions/current").by(&people[1].access).expect(204);
    assert_eq!(revoked.end(), ended("revoked", 4401));
    let mut stays = admitted(&site);
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(1) {
        stays.ask(&json!({ "type": "ping" }), "pong");
        assert_eq!(stays.any(), Came::Ping);
    }
    let waits = WebSocket::open(site.address(), "", "").expect("a socket");
    let stopping = admitted(&site);
    let server = site.take_server();
    let since = Instant::now();
    server.stop().expect("a clean end");
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    for socket in [stopping, stays, waits] {
        assert_eq!(socket.end(), ended("stopping", 1001));
    }
}

#[test]
fn user_who_types_is_heard_in_the_room_alone() {
    let site = site();
    let [ann, bob] = [(); 2].map(|()| site.person(&site.joe, UserRole::User));
    let viewer = site.person(&site.joe, UserRole::Viewer);
    let stranger = site.person(&site.rival, UserRole::Owner);
    let leak = conversation(&site, &site.joe);
    let theirs = conversation(&site, &site.rival);
    let ready = |token: &str| {
        let mut socket = open(&site, token, "");
        socket.expect("ready");
        socket
    };
    let room = |id: &str| json!({ "type": "join", "room": format!("conversation:{id}") });
    let typing = |typing: bool| json!({ "type": "typing", "conversation_id": leak, "typing": typing });
    let [mut anns, mut anns_other, mut bobs, mut viewers, mut strangers] =
        [&ann, &ann, &bob, &viewer, &stranger].map(|person| ready(&person.access));
    for socket in [&mut anns, &mut anns_other, &mut viewers] {
        assert_eq!(socket.ask(&room(&leak), "joined")["room"], format!("conversation:{leak}"));
    }
    // A stranger's conversation is answered as one that nobody has.
    strangers.ask(&room(&theirs), "joined");
    let told = |socket: &mut WebSocket, id: &str| {
        let error = socket.ask(&room(id), "error");
        (error["code"].clone(), error["detail"].clone())
    };
    let missing = told(&mut strangers, &Uuid::now_v7().to_string());
    assert_eq!(missing.0, "not_found");
    assert_eq!(told(&mut strangers, &leak), missing);
    assert_eq!(told(&mut strangers, "rubbish"), missing);
    // Who is not in the room neither hears nor is heard, and who may not answer is not about to.
    assert_eq!(strangers.ask(&typing(true), "error")["code"], "invalid");
    assert_eq!(bobs.ask(&typing(true), "error")["code"], "invalid");
    assert_eq!(viewers.ask(&typing(true), "error")["code"], "forbidden");
    anns.say(&typing(false));
    (0..5).for_each(|_| anns.say(&typing(true)));
    let notice =
        |typing: bool| json!({ "type": "typing", "conversation_id": leak, "user_id": ann.id.to_string(), "typing": typing });
    assert_eq!(viewers.expect("typing"), notice(true), "that she does not was no news");
    bobs.ask(&room(&leak), "joined");
    anns.say(&typing(false));
    assert_eq!([bobs.expect("typing"), viewers.expect("typing")], [notice(false), notice(false)], "said once");
    // Who leaves, or is gone, has stopped.
    anns.say(&typing(true));
    assert_eq!(bobs.expect("typing"), notice(true));
    anns.ask(&json!({ "type": "leave", "room": format!("conversation:{leak}") }), "left");
    assert_eq!(bobs.expect("typing"), notice(false));
    anns.ask(&room(&leak), "joined");
    anns.say(&typing(true));
    assert_eq!(bobs.expect("typing"), notice(true));
    anns.cut();
    assert_eq!(bobs.expect("typing"), notice(false));
    for socket in [&mut anns_other, &mut strangers] {
        socket.ask(&json!({ "type": "ping" }), "pong");
    }
    // It is kept nowhere but where other servers read it.
    assert!(!site.rows().iter().any(|row| row.contains("typing") && !row.starts_with("typing_notices: ")));
}

#[test]
fn socket_that_leaves_its_business_hears_of_its_rooms() {
    let site = site();
    let ann = site.person(&site.joe, UserRole::User);
    let [leak, other] = [(); 2].map(|()| conversation(&site, &site.joe));
    let mut socket = open(&site, &ann.access, "");
    socket.expect("ready");
    for message in [
        json!({ "type": "leave", "room": "tenant" }),
        json!({ "type": "leave", "room": "user" }),
        json!({ "type": "leave", "room": format!("conversation:{other}") }),
    ] {
        socket.ask(&message, "left");
    }
    socket.ask(&json!({ "type": "join", "room": format!("conversation:{leak}") }), "joined");
    let subjects: Vec<Uuid> = [&other, &leak].map(|id| id.parse().unwrap()).into();
    let note = |tx: &mut TenantTx<'_>| {
        subjects.iter().for_each(|id| tx.note(StreamEventKind::ConversationUpdated, *id));
        tx.note(StreamEventKind::PresenceChanged, ann.id.uuid());
        Ok(())
    };
    site.db.store.tenant(&site.joe.tenant, note).expect("events");
    assert_eq!(socket.expect("event")["id"], leak);
    socket.ask(&json!({ "type": "join", "room": "user" }), "joined");
    site.db.store.tenant(&site.joe.tenant, note).expect("events");
    assert_eq!(
        [socket.expect("event")["id"].clone(), socket.expect("event")["id"].clone()],
        [json!(leak), json!(ann.id.to_string())]
    );
    socket.ask(&json!({ "type": "join", "room": "tenant" }), "joined");
    site.db.store.tenant(&site.joe.tenant, note).expect("events");
    assert_eq!([(); 3].map(|()| socket.expect("event")["id"].clone()), [json!(other), json!(leak), json!(ann.id.to_string())]);
    for room in ["Tenant", "", "user:1", "conversation"] {
        let error = socket.ask(&json!({ "type": "join", "room": room }), "error");
        assert_eq!((&error["code"], &error["room"]), (&json!("invalid"), &json!(room)));
    }
    // So many rooms and no more.
    let rooms: Vec<String> = (0..64).map(|_| conversation(&site, &site.joe)).collect();
    let mut socket = open(&site, &ann.access, "");
    socket.expect("ready");
    let join = |room: &String| json!({ "type": "join", "room": format!("conversation:{room}") });
    for room in &rooms {
        socket.ask(&join(room), "joined");
    }
    assert_eq!(socket.ask(&join(&leak), "error")["code"], "invalid");
    socket.ask(&join(&rooms[0]), "joined");
}

#[test]
fn sockets_share_the_places_of_streams() {
    let site = Site::with(|_, config| {
        config.streams.per_user = 2;
    });
    let ann = site.person(&site.joe, UserRole::User);
    let mut held = [open(&site, &ann.access, ""), open(&site, &ann.access, "")];
    held.iter_mut().for_each(|socket| drop(socket.expect("ready")));
    let refused = || WebSocket::open(site.address(), "", &bearer(&ann.access)).err().map(|(status, _)| status);
    assert_eq!(refused(), Some(429));
    let first = json!({ "type": "authenticate", "token": ann.access });
    assert_eq!(open_as_a_browser(&site, &first).end(), ("too_many".to_owned(), 4429));
    held.into_iter().for_each(WebSocket::cut);
    wait_until("places are free again", || refused().is_none());
    // Those who have not said who they are have a share of their own.
    let open = || WebSocket::open(site.address(), "", "");
    let waiting: Vec<WebSocket> = (0..32).map(|_| open().expect("a socket")).collect();
    assert_eq!(open().err().map(|(status, _)| status), Some(429));
    waiting.into_iter().for_each(WebSocket::cut);
    wait_until("places are free again", || open().is_ok());
}

#[test]
fn socket_that_takes_nothing_is_let_go() {
    const MANY: i64 = 8_000;
    let site = site();
    let owner = site.owner();
    // The system keeps little of what it does not take.
    let tcp = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    tcp.set_recv_buffer_size(4_096).expect("a small buffer");
    tcp.connect(&site.address().into()).expect("a connection");
    let mut slow = WebSocket::on(tcp.into(), "", &bearer(&owner.access)).expect("a socket");
    let ready = slow.expect("ready");
    let start: i64 = ready["cursor"].as_str().and_then(|cursor| cursor.rsplit_once(':')?.1.parse().ok()).expect("a number");
    let many = |tx: &mut TenantTx<'_>| {
        (0..100).for_each(|_| tx.note(StreamEventKind::CallUpdated, Uuid::now_v7()));
        Ok(())
    };
    for _ in 0..MANY / 100 {
        site.db.store.tenant(&site.joe.tenant, many).expect("events");
    }
    // The hub has heard of all of them when another has.
    let mut quick = open(&site, &owner.access, "");
    quick.expect("ready");
    create(&site.db.store, &site.joe);
    quick.expect("event");
    let mut next = start + 1;
    let reason = loop {
        match slow.next() {
            Came::Message(message) if message["type"] == "event" => {
                assert_eq!(message["seq"], next, "what has come has no gap: it goes on from there");
                next += 1;
            }
            Came::Message(message) if message["type"] == "end" => break message["reason"].clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((reason, slow.next()), (json!("slow"), Came::Close(1013)));
    assert!(next < start + MANY, "not all of it was kept for it");
}

#[test]
fn user_is_online_while_any_server_has_a_stream_of_theirs() {
    let often = |config: &mut nmc_http::ServerConfig| config.streams.presence_every = Some(Duration::from_millis(600));
    let site = Site::with(|_, config| often(config));
    let mut other = config();
    often(&mut other);
    let second = nmc_http::start(site.authenticator.clone(), other).expect("a second server");
    let [ann, bob] = [(); 2].map(|()| site.person(&site.joe, UserRole::User));
    site.call("PATCH", "/v1/users/me/status")
        .by(&ann.access)
        .json(&json!({ "status": "busy", "message": "on the roof" }))
        .expect(200);
    let start = site.db.store.events(&site.joe.tenant, None, 1).expect("a cursor").cursor;
    let told = || {
        let events = site.db.store.events(&site.joe.tenant, Some(start), 1_000).expect("events").events;
        let of = |user: nmc_core::UserId| events.iter().filter(|event| event.subject == Some(user.uuid())).count();
        (of(ann.id), of(bob.id))
    };
    let status = |person: &crate::api::Person| {
        let status = site.call("GET", format!("/v1/users/{}/status", person.id)).by(&bob.access).expect(200).document();
        (status["is_online"] == true, status["status"].clone(), status["message"].clone())
    };
    let at = |address, person: &crate::api::Person| {
        let mut socket = WebSocket::open(address, "", &bearer(&person.access)).expect("a socket");
        socket.expect("ready");
        socket
    };
    // A program is nobody who could be online, and is told of those who are.
    let order = KeyOrder { name: "a key".to_owned(), scopes: vec![Permission::EventsRead], expires_at: None };
    let key = site.db.store.as_operator(&site.joe.tenant, |tx| make_service_key(tx, &order)).expect("a key").1;
    let mut program = open(&site, key.text().expose(), "");
    program.expect("ready");
    let first = at(site.address(), &ann);
    let event = program.expect("event");
    assert_eq!((&event["kind"], &event["id"]), (&json!("presence.changed"), &json!(ann.id.to_string())));
    let _bobs = crate::events::Client::open(second.address(), &bob.access, "");
    wait_until("bob is online by a stream of server-sent events", || told() == (1, 1));
    // She moves from one server to the other, which keeps her online for longer than either would alone.
    let moved = at(second.address(), &ann);
    first.cut();
    let since = Instant::now();
    wait_until("the first server has let her go long ago", || {
        assert!(status(&ann).0);
        since.elapsed() > Duration::from_secs(2)
    });
    assert_eq!(told(), (1, 1), "nothing has changed");
    assert_eq!(status(&ann), (true, json!("busy"), json!("on the roof")), "what she says of it stays");
    moved.cut();
    wait_until("she is offline", || told() == (2, 1));
    assert_eq!(status(&ann), (false, json!("busy"), json!("on the roof")));
    assert!(status(&bob).0);
    second.stop().expect("a clean end");
}

#[test]
fn connections_are_recorded_where_an_operator_wants_it() {
    let mut site = Site::with(|_, config| {
        config.record_connections = true;
        config.streams.measured_every = Duration::from_millis(50);
    });
    let ann = site.person(&site.joe, UserRole::User);
    let leak = conversation(&site, &site.joe);
    let head = format!("{}User-Agent: a browser\r\n", bearer(&ann.access));
    let mut socket = WebSocket::open(site.address(), "", &head).expect("a socket");
    socket.expect("ready");
    let mut sse = crate::events::Client::open(site.address(), &ann.access, "");
    sse.expect("ready");
    let room = format!("conversation:{leak}");
    socket.ask(&json!({ "type": "join", "room": room }), "joined");
    socket.say(&json!({ "type": "typing", "conversation_id": leak, "typing": true }));
    socket.ask(&json!({ "type": "leave", "room": room }), "left");
    socket.ask(&json!({ "type": "leave", "room": room }), "left");
    create(&site.db.store, &site.joe);
    socket.expect("event");
    sse.expect("call.created");
    let counted = |tx: &mut TenantTx<'_>| {
        let name = Some(ConnectionMetricName::ConcurrentConnections);
        let filter = ConnectionMetricFilter { metric_name: name, ..ConnectionMetricFilter::default() };
        Ok(tx.connection_metrics().list(&filter, PageRequest::first())?.items)
    };
    let are_counted = |streams: i32| {
        let counts = site.db.store.tenant(&site.joe.tenant, counted).expect("rows");
        counts.first().is_some_and(|count| count.metric_value == streams)
    };
    wait_until("two streams are counted", || are_counted(2));
    socket.cut();
    // Before the server stops, for which the reason would be another.
    wait_until("one is left", || are_counted(1));
    // What still waits is written before the server has ended.
    site.take_server().stop().expect("a clean end");
    let read = |tx: &mut TenantTx<'_>| {
        let log = tx.websocket_events().list(&WebsocketEventFilter::default(), PageRequest::first())?.items;
        Ok((log, tx.connection_metrics().list(&ConnectionMetricFilter::default(), PageRequest::first())?.items))
    };
    let (mut log, metrics) = site.db.store.tenant(&site.joe.tenant, read).expect("rows");
    log.reverse();
    let of_socket: Vec<_> = log.iter().filter(|event| event.socket_id == log[0].socket_id).collect();
    let data = |at: usize, name: &str| of_socket[at].event_data[name].clone();
    use WebsocketEventType::{Broadcast, Connect, Disconnect, JoinRoom, LeaveRoom};
    let kinds: Vec<WebsocketEventType> = of_socket.iter().map(|event| event.event_type).collect();
    assert_eq!(kinds, [Connect, JoinRoom, Broadcast, LeaveRoom, Disconnect]);
    assert_eq!((of_socket[0].user_id, of_socket[0].user_agent.as_deref()), (Some(ann.id), Some("a browser")));
    assert_eq!(of_socket[0].ip_address, Some("127.0.0.1".parse().unwrap()));
    assert_eq!(
        [data(0, "transport"), data(1, "room"), data(4, "reason"), data(4, "events")],
        [json!("websocket"), json!(room), json!("gone"), json!(1)]
    );
    let of_sse: Vec<_> = log.iter().filter(|event| event.socket_id != log[0].socket_id).collect();
    assert_eq!(of_sse.iter().map(|event| event.event_type).collect::<Vec<_>>(), [Connect, Disconnect]);
    assert_eq!((&of_sse[0].event_data["transport"], &of_sse[1].event_data["reason"]), (&json!("sse"), &json!("stopping")));
    let of =
        |name| metrics.iter().filter(|metric| metric.metric_name == name).map(|metric| metric.metric_value).collect::<Vec<_>>();
    assert_eq!((of(ConnectionMetricName::EventsSent), of(ConnectionMetricName::ConnectionDuration).len()), (vec![1, 1], 2));
    let theirs = site.db.store.tenant(&site.rival.tenant, read).expect("rows");
    assert_eq!((theirs.0.len(), theirs.1.len()), (0, 0));
}
