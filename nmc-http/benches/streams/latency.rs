//! From a commit to a client's hearing of it. The database notes when it commits; all clocks are this machine's.

use crate::Answer;
use crate::client::{Client, Heard, Transport};
use crate::servers::Site;
use crate::writers::{WRITERS, write};
use std::collections::HashMap;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Between two changes of one writer.
const PACE: Duration = Duration::from_millis(100);

/// Clients of each server and transport.
const EACH: usize = 4;

/// What a client has heard: the number of an event, and when.
type Heards = Vec<(i64, i64)>;

pub(crate) fn measure(site: &Site, seconds: u64) -> Answer<()> {
    let servers = [site.server()?, site.server()?];
    println!(
        "\nfrom a commit to a client: {WRITERS} writers at one of two servers, a change each 100 ms; {EACH} clients by each transport of each server"
    );
    let over = AtomicBool::new(false);
    let (heard, made) = thread::scope(|scope| -> Answer<_> {
        let mut clients = Vec::new();
        for server in &servers {
            for transport in [Transport::Sse, Transport::WebSocket] {
                for _ in 0..EACH {
                    let client = Client::open(server.address, transport, &site.key, None)?;
                    let (handle, over) = (client.handle()?, &over);
                    clients.push((server.address, transport, handle, scope.spawn(move || listen(client, over))));
                }
            }
        }
        let writer = |first| {
            // Only at the first: what the other commits itself would wake it.
            let (servers, over) = (servers.get(..1).unwrap_or_default(), &over);
            scope.spawn(move || write(site, servers, first, PACE, over))
        };
        let writers: Vec<_> = (0..WRITERS).map(writer).collect();
        thread::sleep(Duration::from_secs(seconds));
        over.store(true, Ordering::Relaxed);
        let mut made = HashMap::new();
        for writer in writers {
            made.extend(writer.join().map_err(|_| "a writer panicked")?);
        }
        // What is on its way arrives.
        thread::sleep(Duration::from_secs(1));
        let mut heard = Vec::new();
        for (address, transport, handle, client) in clients {
            handle.shutdown(Shutdown::Both)?;
            heard.push((address, transport, client.join().map_err(|_| "a client panicked")??));
        }
        Ok((heard, made))
    })?;
    let table: HashMap<i64, _> = site.table(0)?.into_iter().map(|row| (row.seq, row)).collect();
    println!("{:<52} {:>7} {:>9} {:>9} {:>9}", "", "heard", "p50 ms", "p99 ms", "max ms");
    for transport in [Transport::Sse, Transport::WebSocket] {
        for (is_same, what) in [(true, "in the process that commits"), (false, "in the other process")] {
            let mut took: Vec<i64> = Vec::new();
            for (address, _, heard) in heard.iter().filter(|(_, of, _)| *of == transport) {
                for (seq, at) in heard {
                    let row = table.get(seq).ok_or("an event that is not in the table")?;
                    if made.get(&row.id).is_some_and(|by| (by == address) == is_same) {
                        took.push(at - row.committed);
                    }
                }
            }
            took.sort_unstable();
            let at = |percent: usize| took.get(took.len() * percent / 100).or(took.last()).copied().unwrap_or_default();
            let [p50, p99, max] =
                [at(50), at(99), at(100)].map(|micros| format!("{}.{:01}", micros / 1_000, micros % 1_000 / 100));
            println!("{:<52} {:>7} {p50:>9} {p99:>9} {max:>9}", format!("{transport:?}, {what}"), took.len());
        }
    }
    Ok(())
}

/// Listens until it is cut off.
fn listen(mut client: Client, over: &AtomicBool) -> Answer<Heards> {
    let mut heard = Vec::new();
    loop {
        match client.next() {
            Ok(Heard::Event(event)) => heard.push((event.seq, event.heard)),
            Ok(Heard::Ready(_)) => {}
            Ok(Heard::Reset | Heard::End) => return Err("a stream that was reset, or ended".into()),
            Err(_) if over.load(Ordering::Relaxed) => return Ok(heard),
            Err(error) => return Err(error.into()),
        }
    }
}
