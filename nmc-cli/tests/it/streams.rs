//! Streams of events of real servers: they are killed, and clients come back; they are told to end, and end their streams first.

use crate::home::Home;
use crate::nmc::{Nmc, PATIENCE, Running};
use nmc_core::access::{KeyOrder, Permission, make_service_key};
use nmc_core::testing::{Business, TestDb, wait_until};
use nmc_core::{StreamEventKind, TenantTx};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, ErrorKind, Result, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A database with a business, whose stream a key may hear at any number of servers.
struct Shop {
    db: TestDb,
    joe: Business,
    key: String,
    nmc: Nmc,
    _home: Home,
}

impl Shop {
    fn new() -> Self {
        let db = TestDb::new();
        let joe = Business::onboard(&db.store, "Joe's Plumbing");
        let order = KeyOrder { name: "a screen".to_owned(), scopes: vec![Permission::EventsRead], expires_at: None };
        let (_, text) = db.store.as_operator(&joe.tenant, |tx| make_service_key(tx, &order)).expect("a key");
        let home = Home::new();
        let nmc = Nmc::on(db.url())
            .with("NMC_TOKEN_KEYS", home.beside("keys").join("token-keys"))
            .with("NMC_MAX_STREAMS_PER_USER", "100");
        Self { db, joe, key: text.text().expose().to_owned(), nmc, _home: home }
    }

    fn happens(&self) {
        let note = |tx: &mut TenantTx<'_>| {
            tx.note(StreamEventKind::CallUpdated, Uuid::now_v7());
            Ok(())
        };
        self.db.store.tenant(&self.joe.tenant, note).expect("an event");
    }
}

/// A stream, as server-sent events.
struct Client(BufReader<TcpStream>);

/// The event, its id, and its data.
type Told = (String, String, Value);

impl Client {
    fn open(url: &str, key: &str, after: Option<&str>) -> Result<Self> {
        let mut tcp = TcpStream::connect(url.trim_start_matches("http://"))?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        let resumes = after.map(|after| format!("Last-Event-ID: {after}\r\n")).unwrap_or_default();
        let head = format!("Accept: text/event-stream\r\nAuthorization: Bearer {key}\r\n{resumes}");
        tcp.write_all(format!("GET /v1/events HTTP/1.1\r\nHost: nmc\r\n{head}\r\n").as_bytes())?;
        let mut client = Self(BufReader::new(tcp));
        let status = client.line()?;
        assert!(status.contains(" 200 "), "{status}");
        Ok(client)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    fn next(&mut self) -> Result<Told> {
        let mut told = (String::new(), String::new(), Value::Null);
        loop {
            let line = self.line()?;
            match line.split_once(": ") {
                Some(("event", event)) => event.clone_into(&mut told.0),
                Some(("id", id)) => id.clone_into(&mut told.1),
                Some(("data", data)) => told.2 = serde_json::from_str(data).expect("JSON"),
                _ if line.is_empty() && !told.0.is_empty() => return Ok(told),
                _ => {}
            }
        }
    }
}

/// Two servers, each of which may be killed and have a successor.
struct Servers<'a> {
    shop: &'a Shop,
    running: [Mutex<(Running, String)>; 2],
}

impl<'a> Servers<'a> {
    fn start(shop: &'a Shop) -> Self {
        Self { shop, running: [(); 2].map(|()| Mutex::new(Self::one(shop))) }
    }

    fn one(shop: &Shop) -> (Running, String) {
        let running = shop.nmc.start(&["serve"]);
        let url = running.address();
        (running, url)
    }

    fn url(&self, turn: usize) -> String {
        self.running[turn % 2].lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    fn kill(&self, turn: usize) {
        let next = Self::one(self.shop);
        let (killed, _) = std::mem::replace(&mut *self.running[turn % 2].lock().unwrap_or_else(PoisonError::into_inner), next);
        killed.kill();
    }
}

impl Servers<'_> {
    /// Hears all that follows a cursor until the number that is told, by one connection after another: what happened, and to what.
    fn listen(&self, mut cursor: String, first: usize, heard_to: &AtomicI64, until: &AtomicI64) -> Vec<(i64, String)> {
        let mut heard = Vec::new();
        for turn in first.. {
            let Ok(mut client) = Client::open(&self.url(turn), &self.shop.key, Some(&cursor)) else { continue };
            for _ in 0..5 + turn % 17 {
                match client.next() {
                    Ok((event, id, data)) if event == "call.updated" => {
                        let seq = data["seq"].as_i64().expect("a number");
                        heard.push((seq, data["id"].as_str().expect("an id").to_owned()));
                        cursor = id;
                        heard_to.store(seq, Ordering::SeqCst);
                        if seq == until.load(Ordering::SeqCst) {
                            return heard;
                        }
                    }
                    Ok((event, id, _)) => assert_eq!((event.as_str(), id), ("ready", cursor.clone())),
                    // The server was killed.
                    Err(_) => break,
                }
            }
        }
        heard
    }
}

#[test]
fn clients_of_killed_servers_resume_without_a_gap() {
    const WRITERS: usize = 4;
    const ROUNDS: usize = 6;
    let shop = Shop::new();
    let servers = Servers::start(&shop);
    let start = Client::open(&servers.url(0), &shop.key, None).and_then(|mut client| client.next()).expect("a stream").1;
    let number = |cursor: &str| -> i64 { cursor.rsplit_once(':').and_then(|(_, seq)| seq.parse().ok()).expect("a number") };
    let (over, until) = (AtomicBool::new(false), AtomicI64::new(i64::MAX));
    let heard_to = [(); 3].map(|()| AtomicI64::new(number(&start)));
    let told: Vec<Vec<(i64, String)>> = std::thread::scope(|threads| {
        let listener = |(first, heard_to)| {
            let (servers, until, start) = (&servers, &until, start.clone());
            threads.spawn(move || servers.listen(start, first, heard_to, until))
        };
        let listeners: Vec<_> = heard_to.iter().enumerate().map(listener).collect();
        let write = || {
            while !over.load(Ordering::SeqCst) {
                shop.happens();
                // Not more than clients of an unoptimized server take.
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        let writers = [(); WRITERS].map(|()| threads.spawn(write));
        for round in 0..ROUNDS {
            let goal: Vec<i64> = heard_to.iter().map(|seq| seq.load(Ordering::SeqCst) + 20).collect();
            wait_until("all to hear more", || heard_to.iter().zip(&goal).all(|(seq, goal)| seq.load(Ordering::SeqCst) >= *goal));
            servers.kill(round);
        }
        over.store(true, Ordering::SeqCst);
        writers.into_iter().for_each(|writer| writer.join().expect("events"));
        let head = shop.db.store.events(&shop.joe.tenant, None, 1).expect("the head").cursor.seq();
        until.store(head + 1, Ordering::SeqCst);
        shop.happens();
        listeners.into_iter().map(|listener| listener.join().expect("what was heard")).collect()
    });
    let rows = format!("FROM stream_events WHERE tenant_id = '{}' AND seq > {}", shop.joe.tenant.id(), number(&start));
    let table: Vec<(i64, String)> = shop
        .db
        .query::<i64>(&format!("SELECT seq {rows} ORDER BY seq"))
        .into_iter()
        .zip(shop.db.query::<String>(&format!("SELECT subject_id::text {rows} ORDER BY seq")))
        .collect();
    assert!(table.len() > 20 * ROUNDS, "{}", table.len());
    for heard in told {
        let differs = heard.iter().zip(&table).find(|(heard, row)| heard != row);
        assert_eq!((differs, heard.len()), (None, table.len()));
    }
}

#[test]
fn server_told_to_end_ends_its_streams_first() {
    const MANY: usize = 50;
    let shop = Shop::new();
    let server = shop.nmc.clone().with("NMC_RECORD_CONNECTIONS", "true").start(&["serve"]);
    let url = server.address();
    let mut clients = [(); MANY].map(|()| Client::open(&url, &shop.key, None).expect("a stream"));
    clients.iter_mut().for_each(|client| assert_eq!(client.next().expect("its beginning").0, "ready"));
    let since = Instant::now();
    server.signal(Signal::TERM);
    server.end().ok();
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    for client in &mut clients {
        let (event, _, data) = client.next().expect("its end");
        assert_eq!((event.as_str(), &data["reason"]), ("end", &Value::from("stopping")));
        assert_eq!(client.next().expect_err("nothing follows").kind(), ErrorKind::UnexpectedEof);
    }
    // What was to be recorded is.
    let recorded = |kind: &str| format!("SELECT count(*)::int FROM websocket_events WHERE event_type = '{kind}'");
    let ended = format!("{} AND event_data ->> 'reason' = 'stopping'", recorded("disconnect"));
    assert_eq!([recorded("connect"), ended].map(|sql| shop.db.query::<usize>(&sql)), [vec![MANY], vec![MANY]]);
}
