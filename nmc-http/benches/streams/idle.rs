//! What streams cost in which nothing happens: memory of the server, and connections of the database.

use crate::Answer;
use crate::client::{Client, Heard, Transport};
use crate::servers::Site;
use std::thread::sleep;
use std::time::Duration;

/// Streams that are opened and closed before, so that what the server allocates once is there.
const BEFORE: usize = 8;

const SAMPLES: usize = 50;

pub(crate) fn measure(site: &Site, count: usize) -> Answer<()> {
    println!("{count} streams in which nothing happens, of one server:");
    for transport in [Transport::Sse, Transport::WebSocket] {
        let server = site.server()?;
        let open = |count: usize| -> Answer<Vec<Client>> {
            let open = |_| -> Answer<Client> {
                let mut client = Client::open(server.address, transport, &site.key, None)?;
                match client.next()? {
                    Heard::Ready(_) => Ok(client),
                    _ => Err("a stream that does not begin".into()),
                }
            };
            (0..count).map(open).collect()
        };
        drop(open(BEFORE)?);
        sleep(Duration::from_secs(2));
        let (before, sessions) = (server.resident()?, site.psql(SESSIONS)?);
        let clients = open(count)?;
        sleep(Duration::from_secs(2));
        let after = server.resident()?;
        let (mut busy, mut most) = (0_usize, 0_usize);
        for _ in 0..SAMPLES {
            let now: usize = site.psql(BUSY)?.parse()?;
            busy += now;
            most = most.max(now);
            sleep(Duration::from_millis(40));
        }
        let each = (after - before) / f64::from(u32::try_from(clients.len())?);
        println!(
            "{transport:?}: {each:.1} kB each ({before:.0} kB resident before, {after:.0} with them); sessions of the database: {sessions} before, \
             {} with them, of which {most} at the most in a transaction or a statement ({busy} in {SAMPLES} looks)",
            site.psql(SESSIONS)?
        );
    }
    Ok(())
}

/// The sessions of the server's login.
const SESSIONS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";

const BUSY: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'";
