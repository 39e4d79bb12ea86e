//! Streams of events over HTTP: what a client hears, and when it ends.

use crate::site::{Site, config};
use crate::websocket::WebSocket;
use nmc_core::access::Permission;
use nmc_core::access::{KeyOrder, make_service_key, revoke_key};
use nmc_core::calls::NewCall;
use nmc_core::people::UserPatch;
use nmc_core::testing::{Business, unique_phone, unique_sid, wait_until};
use nmc_core::{CallDirection, CallerIdentity, Secret, Store, StoreConfig, StreamEventKind, UserRole};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A client that takes events.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    status: u16,
    head: Vec<String>,
}

/// One event as it came.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    event: String,
    id: String,
    data: Value,
}

impl Client {
    pub(crate) fn open(address: SocketAddr, bearer: &str, more: &str) -> Self {
        Self::at(address, bearer, "", more)
    }

    fn at(address: SocketAddr, bearer: &str, query: &str, more: &str) -> Self {
        Self::on(TcpStream::connect(address).expect("a connection"), bearer, query, more)
    }

    fn on(mut tcp: TcpStream, bearer: &str, query: &str, more: &str) -> Self {
        tcp.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let request = format!(
            "GET /v1/events{query} HTTP/1.1\r\nHost: nmc\r\nAccept: text/event-stream\r\nAuthorization: Bearer {bearer}\r\n{more}\r\n"
        );
        tcp.write_all(request.as_bytes()).expect("an open connection");
        let mut client = Self { stream: BufReader::new(tcp), status: 0, head: Vec::new() };
        let first = client.line().expect("an answer");
        client.status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        client.head = std::iter::from_fn(|| client.line().filter(|line| !line.is_empty())).collect();
        client
    }

    /// The next line; `None` at the end.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).expect("a line in time");
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event; `None` when the stream has ended. Lengths of chunks and comments are passed over.
    fn next(&mut self) -> Option<Told> {
        let mut told = Told { event: String::new(), id: String::new(), data: Value::Null };
        let patience = Instant::now() + PATIENCE;
        loop {
            // Comments that come all the time are no event.
            assert!(Instant::now() < patience, "an event in time");
            let line = self.line()?;
            match line.split_once(": ") {
                Some(("event", event)) => event.clone_into(&mut told.event),
                Some(("id", id)) => id.clone_into(&mut told.id),
                Some(("data", data)) => told.data = serde_json::from_str(data).expect("JSON"),
                _ if line.is_empty() && !told.event.is_empty() => return Some(told),
                _ => {}
            }
        }
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, event: &str) -> Told {
        let told = self.next().unwrap_or_else(|| panic!("{event}, and not the end"));
        assert_eq!(told.event, event, "{told:?}");
        told
    }

    /// Why it ended.
    fn end(mut self) -> String {
        let told = self.expect("end");
        assert!(self.next().is_none(), "nothing follows");
        told.data["reason"].as_str().expect("a reason").to_owned()
    }

    fn cut(self) {
        self.stream.get_ref().shutdown(Shutdown::Both).expect("an open connection");
    }
}

fn new_call(business: &Business) -> NewCall {
    let [caller, called] = [unique_phone(), business.number.clone()].map(CallerIdentity::Phone);
    NewCall::begun(CallDirection::Inbound, caller, called, unique_sid("CA"))
}

pub(crate) fn create(store: &Store, business: &Business) -> String {
    store.tenant(&business.tenant, |tx| tx.calls().create(&new_call(business))).expect("a call").id.to_string()
}

/// A server whose streams are looked after often.
fn site() -> Site {
    Site::with(|_, config| {
        config.streams.checked_every = Duration::from_millis(50);
        config.streams.heartbeat = Duration::from_millis(100);
    })
}

#[test]
fn stream_tells_what_happens_and_nothing_of_others() {
    let site = site();
    let viewer = site.person(&site.joe, UserRole::Viewer);
    let mut client = Client::open(site.address(), &viewer.access, "");
    assert_eq!(client.status, 200);
    let has = |header: &str| client.head.iter().any(|line| line.eq_ignore_ascii_case(header));
    assert!(has("content-type: text/event-stream") && has("cache-control: no-store") && has("x-accel-buffering: no"));
    let ready = client.expect("ready");
    assert_eq!(ready.data["cursor"], ready.id.as_str());
    create(&site.db.store, &site.rival);
    let call = create(&site.db.store, &site.joe);
    let told = client.expect("call.created");
    assert_eq!((&told.data["id"], &told.data["kind"]), (&Value::from(call.as_str()), &Value::from("call.created")));
    let fields: Vec<&String> = told.data.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["at", "id", "kind", "seq"], "nothing of what is in it");
    assert!(told.id.ends_with(&format!(":{}", told.data["seq"])), "{told:?}");
    // Comments come while nothing does.
    wait_until("a comment", || client.line().as_deref() == Some(":"));
    // The same as a page, for who asks from time to time.
    let page = site.call("GET", format!("/v1/events?after={}", ready.id)).by(&viewer.access).expect(200).document();
    assert_eq!((&page["items"][0]["id"], &page["cursor"]), (&Value::from(call), &Value::from(told.id)));
    assert_eq!((page["items"].as_array().map(Vec::len), &page["reset"]), (Some(1), &Value::from(false)));
}

/// Appends an event of this kind to a business's stream, as a transaction does before it commits, and returns what it is about.
fn append(site: &Site, business: &Business, kind: StreamEventKind) -> String {
    let subject = uuid::Uuid::now_v7().to_string();
    site.db.execute(&format!(
        "BEGIN; SELECT nmc_enter_system();
         SELECT public.nmc_append_events('{}', ARRAY['{}'], ARRAY['{subject}'::uuid], now()); COMMIT",
        business.tenant.id(),
        kind.label()
    ));
    subject
}

#[test]
fn foreign_event_of_any_kind_comes_by_no_way() {
    // Whoever is not read for a while stays.
    let site = Site::with(|_, config| config.streams.checked_every = Duration::from_millis(50));
    let (viewer, stranger) = (site.person(&site.joe, UserRole::Viewer), site.person(&site.rival, UserRole::Owner));
    let head = format!("Authorization: Bearer {}\r\n", viewer.access);
    let mut socket = WebSocket::open(site.address(), "", &head).expect("a socket");
    socket.expect("ready");
    let mut stream = Client::open(site.address(), &viewer.access, "");
    let ready = stream.expect("ready").id;
    let mut theirs = Client::open(site.address(), &stranger.access, "");
    theirs.expect("ready");
    let mut foreign = BTreeSet::new();
    for kind in StreamEventKind::ALL {
        let subject = append(&site, &site.rival, *kind);
        // It was told, and to whoever may hear it.
        while theirs.next().expect("an event").data["id"] != subject.as_str() {}
        foreign.insert(subject);
    }
    let own: Vec<(String, String)> =
        StreamEventKind::ALL.iter().map(|kind| (kind.label().to_owned(), append(&site, &site.joe, *kind))).collect();
    let last = &own.last().expect("a kind").1;
    let until_the_last = |next: &mut dyn FnMut() -> Value| -> Vec<(String, String)> {
        let mut heard = Vec::new();
        while heard.last().is_none_or(|(_, id)| id != last) {
            let event = next();
            heard.push([&event["kind"], &event["id"]].map(|text| text.as_str().expect("a text").to_owned()).into());
        }
        heard
    };
    let page = site.call("GET", format!("/v1/events?after={ready}")).by(&viewer.access).expect(200).document();
    let mut items = page["items"].as_array().expect("items").iter();
    for (way, heard) in [
        ("stream", until_the_last(&mut || stream.next().expect("an event").data)),
        ("socket", until_the_last(&mut || socket.expect("event"))),
        ("page", until_the_last(&mut || items.next().expect("an event").clone())),
    ] {
        assert!(heard.iter().all(|(_, id)| !foreign.contains(id)), "{way}: {heard:?}");
        assert!(own.iter().all(|event| heard.contains(event)), "{way}: {heard:?}");
    }
}

/// HTTP/1.0 knows no chunks, and a proxy may speak it to us: what comes is the stream and nothing else, until the connection is closed.
#[test]
fn stream_to_a_client_of_http_1_0_comes_without_chunks() {
    let site = site();
    let viewer = site.person(&site.joe, UserRole::Viewer);
    let mut tcp = TcpStream::connect(site.address()).expect("a connection");
    tcp.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let request =
        format!("GET /v1/events HTTP/1.0\r\nAccept: text/event-stream\r\nAuthorization: Bearer {}\r\n\r\n", viewer.access);
    tcp.write_all(request.as_bytes()).expect("an open connection");
    let mut client = Client { stream: BufReader::new(tcp), status: 200, head: Vec::new() };
    let head: Vec<String> = std::iter::from_fn(|| client.line().filter(|line| !line.is_empty())).collect();
    assert!(head[0].ends_with(" 200 OK"), "{head:?}");
    assert!(!head.iter().any(|line| line.to_ascii_lowercase().starts_with("transfer-encoding")), "{head:?}");
    assert_eq!(client.line().as_deref(), Some("retry: 2000"));
    client.expect("ready");
    let call = create(&site.db.store, &site.joe);
    assert_eq!(client.expect("call.created").data["id"], call.as_str());
    site.call("DELETE", "/v1/sessions/current").by(&viewer.access).expect(204);
    let rest: Vec<String> = std::iter::from_fn(|| client.line()).collect();
    let is_of_a_stream =
        |line: &String| [":", "event: ", "data: "].iter().any(|start| line.starts_with(start)) || line.is_empty();
    assert!(rest.iter().all(is_of_a_stream) && rest.contains(&"event: end".to_owned()), "{rest:?}");
}

#[test]
fn client_that_is_cut_off_resumes_without_a_gap() {
    const EACH: usize = 40;
    let site = site();
    let owner = site.owner();
    // What another process commits is heard, too.
    let other = Store::connect(StoreConfig::new(Secret::new(site.db.url()))).expect("a store");
    let second = nmc_http::start(site.authenticator.clone(), config()).expect("a second server");
    let mut first = Client::open(site.address(), &owner.access, "");
    let mut last = first.expect("ready").id;
    first.cut();
    let (written, heard) = std::thread::scope(|threads| {
        let writers = [&site.db.store, &other];
        let writers = writers.map(|store| threads.spawn(|| (0..EACH).map(|_| create(store, &site.joe)).collect::<Vec<_>>()));
        let mut heard: Vec<Told> = Vec::new();
        for turn in 0.. {
            if heard.len() >= 2 * EACH {
                break;
            }
            let address = if turn % 2 == 0 { site.address() } else { second.address() };
            let mut client = Client::open(address, &owner.access, &format!("Last-Event-ID: {last}\r\n"));
            assert_eq!(client.expect("ready").id, last, "where it was");
            for _ in 0..(7 + turn % 5).min(2 * EACH - heard.len()) {
                heard.push(client.expect("call.created"));
            }
            heard.last().expect("events").id.clone_into(&mut last);
            client.cut();
        }
        let written: BTreeSet<String> = writers.into_iter().flat_map(|writer| writer.join().expect("calls")).collect();
        (written, heard)
    });
    let numbers: Vec<i64> = heard.iter().map(|told| told.data["seq"].as_i64().expect("a number")).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    let subjects: BTreeSet<String> = heard.iter().map(|told| told.data["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(subjects, written);
    second.stop().expect("a clean end");
}

#[test]
fn cursor_that_cannot_be_gone_on_from_is_reset() {
    let site = site();
    let owner = site.owner();
    let now = Client::open(site.address(), &owner.access, "").expect("ready").id;
    let (epoch, _) = now.split_once(':').expect("a cursor");
    let beyond = format!("{epoch}:9000");
    let other = format!("{}:1", uuid::Uuid::new_v4());
    for old in [&beyond, &other] {
        let mut client = Client::at(site.address(), &owner.access, &format!("?after={old}"), "");
        assert_eq!((client.expect("reset").id, client.expect("ready").id), (now.clone(), now.clone()));
        let page = site.call("GET", format!("/v1/events?after={old}")).by(&owner.access).expect(200).document();
        assert_eq!((&page["reset"], &page["cursor"]), (&Value::from(true), &Value::from(now.as_str())));
    }
    // One that is listening when the database is another.
    let mut client = Client::open(site.address(), &owner.access, "");
    client.expect("ready");
    site.db.execute("UPDATE tenant_streams SET epoch = gen_random_uuid()");
    assert_ne!(client.expect("reset").id, now);
    let twice = format!("Last-Event-ID: {now}\r\n").repeat(2);
    for (query, more, field) in [
        ("?after=x", "", "after"),
        ("", "Last-Event-ID: x\r\n", "Last-Event-ID"),
        ("", twice.as_str(), "Last-Event-ID"),
        ("?limit=0", "", "limit"),
    ] {
        let mut refused = Client::at(site.address(), &owner.access, query, more);
        assert_eq!(refused.status, 400);
        let mut body = String::new();
        refused.cut_after(&mut body);
        assert!(body.contains(&format!("#/{field}")), "{body}");
    }
}

impl Client {
    /// Reads a refusal.
    fn cut_after(&mut self, body: &mut String) {
        let length = self.head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut bytes = vec![0; length.expect("a length")];
        self.stream.read_exact(&mut bytes).expect("a body");
        *body = String::from_utf8(bytes).expect("text");
    }
}

#[test]
fn streams_end_when_their_holder_would_not_be_let_in() {
    let site = site();
    let (store, joe) = (&site.db.store, &site.joe);
    let people = [(); 4].map(|()| site.person(joe, UserRole::User));
    let key = |name: &str| {
        let order = KeyOrder { name: name.to_owned(), scopes: vec![Permission::EventsRead], expires_at: None };
        store.as_operator(&joe.tenant, |tx| make_service_key(tx, &order)).expect("a key")
    };
    let ((gone, gone_text), (_, stays_text)) = (key("gone"), key("stays"));
    let open = |bearer: &str| {
        let mut client = Client::open(site.address(), bearer, "");
        assert_eq!(client.status, 200);
        client.expect("ready");
        client
    };
    let [logs_out, dismissed, stays, only_reads, of_key, key_stays] = [
        people[0].access.as_str(),
        people[1].access.as_str(),
        people[2].access.as_str(),
        people[3].access.as_str(),
        gone_text.text().expose(),
        stays_text.text().expose(),
    ]
    .map(open);
    site.call("DELETE", "/v1/sessions/current").by(&people[0].access).expect(204);
    site.change_user(joe, people[1].id, &UserPatch { is_active: Some(false), ..UserPatch::default() });
    site.change_user(joe, people[3].id, &UserPatch { role: Some(UserRole::Viewer), ..UserPatch::default() });
    store.as_operator(&joe.tenant, |tx| revoke_key(tx, gone.id)).expect("a revoked key");
    for client in [logs_out, dismissed, only_reads, of_key] {
        assert_eq!(client.end(), "revoked");
    }
    let mut living = [stays, key_stays];
    let call = create(store, joe);
    for client in &mut living {
        assert_eq!(client.expect("call.created").data["id"], call.as_str(), "others go on");
    }
    joe.suspend(&site.db, true);
    assert_eq!(living.map(Client::end), ["revoked", "revoked"]);
}

#[test]
fn streams_are_few_for_each_and_free_again_when_cut() {
    let site = Site::with(|_, config| {
        config.streams.per_user = 2;
        config.streams.per_tenant = 3;
        config.streams.total = 4;
        // Nothing is written that would find nobody to take it.
        config.streams.heartbeat = Duration::from_secs(3_600);
    });
    let [ann, bob] = [(); 2].map(|()| site.person(&site.joe, UserRole::User));
    let rival = site.person(&site.rival, UserRole::User);
    let open = |bearer: &str| Client::open(site.address(), bearer, "");
    let held = [open(&ann.access), open(&ann.access)];
    assert_eq!(open(&ann.access).status, 429, "the share of a person");
    let bobs = open(&bob.access);
    assert_eq!((bobs.status, open(&bob.access).status), (200, 429), "the share of a business");
    let rivals = open(&rival.access);
    assert_eq!((rivals.status, open(&rival.access).status), (200, 503), "all");
    // Requests are answered beside them, and a page takes no place.
    site.call("GET", "/v1/events").by(&ann.access).expect(200);
    held.into_iter().for_each(Client::cut);
    wait_until("places are free again", || open(&ann.access).status == 200);
}

#[test]
fn client_that_takes_nothing_is_let_go() {
    const MANY: i64 = 8_000;
    let site = site();
    let owner = site.owner();
    // The system keeps little of what it does not take.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    socket.connect(&site.address().into()).expect("a connection");
    let mut slow = Client::on(socket.into(), &owner.access, "", "");
    let start: i64 = slow.expect("ready").id.rsplit_once(':').and_then(|(_, seq)| seq.parse().ok()).expect("a number");
    let many = |tx: &mut nmc_core::TenantTx<'_>| {
        (0..100).for_each(|_| tx.note(StreamEventKind::CallUpdated, uuid::Uuid::now_v7()));
        Ok(())
    };
    for _ in 0..MANY / 100 {
        site.db.store.tenant(&site.joe.tenant, many).expect("events");
    }
    // The hub has heard of all of them when another has.
    let mut quick = Client::at(site.address(), &owner.access, "", "");
    quick.expect("ready");
    create(&site.db.store, &site.joe);
    quick.expect("call.created");
    let told: Vec<Told> = std::iter::from_fn(|| slow.next()).collect();
    let (end, told) = told.split_last().expect("its end");
    assert_eq!((end.event.as_str(), &end.data["reason"]), ("end", &Value::from("slow")));
    let numbers: Vec<i64> = told.iter().map(|told| told.data["seq"].as_i64().expect("a number")).collect();
    let until = i64::try_from(numbers.len()).expect("a number") + start;
    assert_eq!(numbers, (start + 1..=until).collect::<Vec<_>>(), "what has come has no gap: it goes on from there");
    assert!(until < start + MANY, "not all of it was kept for it");
}

#[test]
fn server_with_many_streams_stops_at_once() {
    let mut site = Site::with(|_, config| {
        config.threads = 2;
        config.streams.per_user = 100;
    });
    let owner = site.owner();
    let open = |_| {
        let mut client = Client::open(site.address(), &owner.access, "");
        client.expect("ready");
        client
    };
    let clients: Vec<Client> = (0..100).map(open).collect();
    let server = site.take_server();
    let since = Instant::now();
    server.stop().expect("a clean end");
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    for client in clients {
        assert_eq!(client.end(), "stopping");
    }
}

#[test]
fn stream_ends_with_its_access_token() {
    let clock = std::sync::Arc::new(nmc_core::testing::ManualClock::new(nmc_core::testing::noon()));
    let site = Site::with(|store, _| store.clock = clock.clone());
    let owner = site.owner();
    // A second is left of its fifteen minutes.
    clock.advance(chrono::TimeDelta::seconds(899));
    let mut client = Client::open(site.address(), &owner.access, "");
    client.expect("ready");
    assert_eq!(client.end(), "expired");
}
