//! Servers beside each other, in turns and on one database server: ours; another build of it, if `NMC_OTHER` names one; and a peer in
//! Node. The peer is a folder with a `schema.sql` of its own (64 businesses, whose numbers are +14155550001 and so on) and a `server.mjs`
//! that takes DATABASE_URL, PORT, PUBLIC_URL, CLUSTER and TWILIO_AUTH_TOKEN from its environment.

use crate::bench::Bench;
use crate::client::{self, Bounds, Callers};
use crate::server::{self, Server, TOKEN};
use crate::{Answer, Options, american, median, processor};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

struct Contender {
    name: &'static str,
    database_name: &'static str,
    server: Server,
    callers: Callers,
    /// Of each round: calls per second, and the milliseconds of processor time per call of the server and of the database.
    rates: Vec<f64>,
    /// How many calls it says it has recorded.
    recorded: u64,
    own: Vec<f64>,
    database: Vec<f64>,
}

pub(crate) fn compare(bench: &Bench, options: &Options, nmc: &Path, dir: &Path) -> Answer<()> {
    let ours = Server::spawn(nmc, &["serve"], &[("DATABASE_URL", &bench.url())])?;
    let mut contenders = vec![
        Contender::new("nmc", "nevermisscall", ours, Callers::new(bench.numbers(), "CAc", american, 100_000_000)),
        Contender::new("peer", "peer", peer(bench, dir)?, Callers::new(numbers_of_the_peer(), "CAp", american, 500_000_000)),
    ];
    if let Some(other) = std::env::var_os("NMC_OTHER").map(PathBuf::from) {
        let other = another_build(bench, &other)?;
        contenders.push(Contender::new(
            "other nmc",
            "other",
            other,
            Callers::new(numbers_of_the_peer(), "CAo", american, 700_000_000),
        ));
    }
    for contender in &contenders {
        contender.server.answered(&contender.callers)?;
    }
    let postmaster = bench.postmaster()?;
    for seconds in [2, 1] {
        for contender in &mut contenders {
            contender.run(postmaster, options.clients, seconds)?;
        }
        for contender in &contenders {
            bench.psql_on(contender.database_name, "VACUUM ANALYZE")?;
        }
    }
    for contender in &mut contenders {
        contender.forget();
    }
    println!("missed calls per second over HTTP, {} clients, commits {}:", options.clients, commits(options));
    for n in 0..usize::try_from(options.rounds)? {
        let count = contenders.len();
        for turn in 0..count {
            if let Some(contender) = contenders.get_mut((n + turn) % count) {
                contender.run(postmaster, options.clients, options.seconds)?;
            }
        }
        let rates: Vec<String> =
            contenders.iter().map(|one| format!("{} {:.0}", one.name, one.rates.last().unwrap_or(&0.0))).collect();
        println!("round {}: {}", n + 1, rates.join(", "));
    }
    let of_the_peer = contenders.iter().find(|one| one.name == "peer").map_or_else(Vec::new, |one| one.rates.clone());
    for one in contenders {
        one.check(bench)?;
        let ratios: Vec<f64> = one.rates.iter().zip(&of_the_peer).map(|(rate, peer)| rate / peer).collect();
        let (least, most) = (ratios.iter().copied().fold(f64::MAX, f64::min), ratios.iter().copied().fold(0.0, f64::max));
        println!(
            "{}: {:.0} a second, {:.2} of the peer's ({least:.2}-{most:.2}); per call {:.2} ms of processor time in the server, {:.2} ms in the database",
            one.name,
            median(one.rates),
            median(ratios),
            median(one.own),
            median(one.database),
        );
        one.server.stop()?;
    }
    Ok(())
}

const fn commits(options: &Options) -> &'static str {
    if options.relaxed { "asynchronous" } else { "durable" }
}

impl Contender {
    const fn new(name: &'static str, database_name: &'static str, server: Server, callers: Callers) -> Self {
        Self { name, database_name, server, callers, rates: Vec::new(), recorded: 1, own: Vec::new(), database: Vec::new() }
    }

    fn forget(&mut self) {
        self.rates.clear();
        self.own.clear();
        self.database.clear();
    }

    fn run(&mut self, postmaster: u32, clients: usize, seconds: u64) -> Answer<()> {
        let used = || Answer::Ok((processor::used_by(self.server.id())?, processor::used_by(postmaster)?));
        let before = used()?;
        let bounds = Bounds { time: Duration::from_secs(seconds), requests: u64::MAX };
        let outcome = client::load(&self.server.target, &self.callers, clients, bounds)?;
        let after = used()?;
        if let Some(status) = outcome.first_refusal {
            return Err(format!("{} answered {} calls with {status}", self.name, outcome.refused).into());
        }
        let calls = f64::from(u32::try_from(outcome.latencies.len())?);
        let each = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() * 1_000.0 / calls;
        self.own.push(each(before.0, after.0));
        self.database.push(each(before.1, after.1));
        self.rates.push(outcome.rate());
        self.recorded += u64::try_from(outcome.latencies.len())?;
        Ok(())
    }

    /// Looks whether every call that was answered is there, with its conversation, a text and three events.
    fn check(&self, bench: &Bench) -> Answer<()> {
        let rows = bench.psql_on(
            self.database_name,
            "SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM conversations WHERE total_calls = 1),
                    (SELECT count(*) FROM messages), (SELECT count(*) FROM conversation_events) / 3",
        )?;
        if rows.trim().split('|').any(|count| count.parse() != Ok(self.recorded)) {
            return Err(format!("{} claims {} calls; there are {}", self.name, self.recorded, rows.trim()).into());
        }
        Ok(())
    }
}

fn numbers_of_the_peer() -> Vec<String> {
    (1..=64).map(|n| format!("+1415555{n:04}")).collect()
}

/// With a database of its own, in the state that this build brings it to.
fn another_build(bench: &Bench, nmc: &Path) -> Answer<Server> {
    let url = bench.another("other")?;
    let migrated = Command::new(nmc).args(["migrate", "run"]).env("DATABASE_URL", &url).output()?;
    if !migrated.status.success() {
        return Err(String::from_utf8_lossy(&migrated.stderr).into_owned().into());
    }
    bench.psql_on(
        "other",
        "INSERT INTO tenants (business_name, approved_at) SELECT 'Business ' || n, now() FROM generate_series(1, 64) n;
         INSERT INTO business_settings (tenant_id) SELECT id FROM tenants;
         INSERT INTO phone_numbers (tenant_id, phone_number, twilio_phone_sid, status)
             SELECT id, '+1415555' || lpad((row_number() OVER ())::text, 4, '0'), 'PN' || row_number() OVER (), 'active' FROM tenants;",
    )?;
    Server::spawn(nmc, &["serve"], &[("DATABASE_URL", &url)])
}

fn peer(bench: &Bench, dir: &Path) -> Answer<Server> {
    let url = bench.another("peer")?;
    bench.psql_on("peer", &format!("SET ROLE nmc; {}", std::fs::read_to_string(dir.join("schema.sql"))?))?;
    let address = server::free_address()?;
    let process = Command::new("node")
        .arg("server.mjs")
        .current_dir(dir)
        .env("DATABASE_URL", url)
        .env("PUBLIC_URL", format!("http://{address}"))
        .env("PORT", address.port().to_string())
        .env("CLUSTER", "2")
        .env("TWILIO_AUTH_TOKEN", TOKEN)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(Server::of(process, address))
}
