//! Clients that lose their connections, and servers that are killed: what each client has heard is the table, in order.

use crate::Answer;
use crate::client::{Client, Event, Heard, Transport};
use crate::random::Random;
use crate::servers::{Row, Server, Site};
use crate::writers::{WRITERS, write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Between two changes of one writer.
const PACE: Duration = Duration::from_millis(20);

/// Between two kills.
const KILLS: Duration = Duration::from_millis(700);

/// The most events that a client takes before it hangs up.
const TAKEN: usize = 150;

/// One client, over all its connections.
struct Tale {
    transport: Transport,
    /// The number that it began after.
    start: i64,
    cursor: String,
    events: Vec<Event>,
    resets: usize,
    /// Connections that ended without its will: the server was killed.
    cut_off: usize,
}

pub(crate) fn measure(site: &Site, clients: usize, disconnects: usize) -> Answer<()> {
    let servers = [site.server()?, site.server()?];
    println!(
        "\na storm: {WRITERS} writers, 2 servers, {clients} clients, half of them WebSockets; {disconnects} hang-ups and kills"
    );
    let (over, ends, kills) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let since = Instant::now();
    let tales = thread::scope(|scope| -> Answer<Vec<Tale>> {
        let (servers, over, ends) = (&servers[..], &over, &ends);
        let mut tales = Vec::new();
        for n in 0..clients {
            let tale = Tale::begin(site, servers, if n % 2 == 0 { Transport::Sse } else { Transport::WebSocket })?;
            tales.push(scope.spawn(move || tale.listen(site, servers, u64::try_from(n)? + 1, over, ends)));
        }
        let writers: Vec<_> = (0..WRITERS).map(|first| scope.spawn(move || write(site, servers, first, PACE, over))).collect();
        let mut random = Random::new(4_711);
        while ends.load(Ordering::Relaxed) < disconnects {
            thread::sleep(KILLS);
            let server = servers.get(random.below(servers.len())).ok_or("no server")?;
            server.kill_and_start()?;
            kills.fetch_add(1, Ordering::Relaxed);
            ends.fetch_add(1, Ordering::Relaxed);
        }
        over.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().map_err(|_| "a writer panicked")?;
        }
        // The clients have their rest now, which ends at the head.
        let head = site.table(0)?.last().map_or(0, |row| row.seq);
        let mut told = Vec::new();
        for tale in tales {
            let mut tale = tale.join().map_err(|_| "a client panicked")??;
            tale.catch_up(site, servers, head)?;
            told.push(tale);
        }
        Ok(told)
    })?;
    let table = site.table(0)?;
    let events: usize = tales.iter().map(|tale| tale.events.len()).sum();
    let sum = |of: fn(&Tale) -> usize| tales.iter().map(of).sum::<usize>();
    println!(
        "{} hang-ups and kills in {:.0} s, {} of them kills, which cut off {} connections more; {} events in the table, {events} told",
        ends.load(Ordering::Relaxed),
        since.elapsed().as_secs_f64(),
        kills.load(Ordering::Relaxed),
        sum(|tale| tale.cut_off),
        table.len()
    );
    let (mut gaps, mut doubles, mut strange) = (0, 0, 0);
    for tale in &tales {
        let (missed, doubled, other) = tale.differs_from(&table);
        (gaps, doubles, strange) = (gaps + missed, doubles + doubled, strange + other);
    }
    println!(
        "gaps: {gaps}; duplicates: {doubles}; out of order, or not as in the table: {strange}; resets: {}",
        sum(|tale| tale.resets)
    );
    if gaps + doubles + strange + sum(|tale| tale.resets) > 0 {
        Err("what clients have heard is not the table".into())
    } else {
        Ok(())
    }
}

impl Tale {
    fn begin(site: &Site, servers: &[Server<'_>], transport: Transport) -> Answer<Self> {
        let server = servers.first().ok_or("no server")?;
        let Heard::Ready(cursor) = Client::open(server.address, transport, &site.key, None)?.next()? else {
            return Err("a stream that does not begin".into());
        };
        let start = cursor.rsplit_once(':').ok_or("no cursor")?.1.parse()?;
        Ok(Self { transport, start, cursor, events: Vec::new(), resets: 0, cut_off: 0 })
    }

    /// Listens by one connection after another.
    fn listen(mut self, site: &Site, servers: &[Server<'_>], seed: u64, over: &AtomicBool, ends: &AtomicUsize) -> Answer<Self> {
        let mut random = Random::new(seed);
        while !over.load(Ordering::Relaxed) {
            let server = servers.get(random.below(servers.len())).ok_or("no server")?;
            let Ok(mut client) = Client::open(server.address, self.transport, &site.key, Some(&self.cursor)) else {
                // It is being killed.
                thread::sleep(Duration::from_millis(50));
                continue;
            };
            client.patience(Duration::from_millis(1_500))?;
            let is_own_will = (0..=random.below(TAKEN)).all(|_| self.hear(&mut client));
            if is_own_will {
                ends.fetch_add(1, Ordering::Relaxed);
            } else {
                self.cut_off += 1;
            }
            thread::sleep(Duration::from_millis(u64::try_from(random.below(100))?));
        }
        Ok(self)
    }

    fn catch_up(&mut self, site: &Site, servers: &[Server<'_>], head: i64) -> Answer<()> {
        let server = servers.first().ok_or("no server")?;
        let mut client = Client::open(server.address, self.transport, &site.key, Some(&self.cursor))?;
        client.patience(Duration::from_secs(10))?;
        while self.events.last().map_or(self.start, |event| event.seq) < head {
            if !self.hear(&mut client) {
                return Err("what is in the table does not come".into());
            }
        }
        Ok(())
    }

    /// Hears what comes next; `false` at the connection's end.
    fn hear(&mut self, client: &mut Client) -> bool {
        match client.next() {
            Ok(Heard::Event(event)) => {
                event.cursor.clone_into(&mut self.cursor);
                self.events.push(event);
                true
            }
            Ok(Heard::Ready(cursor)) => {
                self.cursor = cursor;
                true
            }
            Ok(Heard::Reset) => {
                self.resets += 1;
                true
            }
            Ok(Heard::End) | Err(_) => false,
        }
    }

    /// How many rows it has missed, has had before, and has had otherwise.
    fn differs_from(&self, table: &[Row]) -> (usize, usize, usize) {
        let (mut gaps, mut doubles, mut strange) = (0, 0, 0);
        let mut heard = self.events.iter().peekable();
        let mut last = self.start;
        for row in table.iter().filter(|row| row.seq > self.start) {
            while heard.next_if(|event| event.seq <= last).is_some() {
                doubles += 1;
            }
            match heard.next_if(|event| event.seq == row.seq) {
                Some(event) if event.kind == row.kind && event.id == row.id => {}
                Some(_) => strange += 1,
                None => gaps += 1,
            }
            last = row.seq;
        }
        (gaps, doubles, strange + heard.count())
    }
}
