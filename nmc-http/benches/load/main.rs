//! Missed calls per second, three ways on one database: pgbench with the same statements, the library, and the server
//! over HTTP. They take turns, and what counts is the ratio within a round: machines differ, and so do minutes.
//!
//! `cargo build --release -p nmc-cli && cargo bench -p nmc-http --bench load [-- --rounds 5 --seconds 4 --clients 8 --tenants 64]`
//! With `--peer DIR` it compares servers instead (see `peer.rs`); `--relaxed` is for asynchronous commits.

mod bench;
mod client;
mod explain;
mod peer;
mod pgbench;
mod processor;
mod server;

use bench::Bench;
use client::{Bounds, Callers, Outcome};
use nmc_core::Store;
use nmc_core::telephony::VoiceCallback;
use nmc_core::testing::statements_sent;
use nmc_core::workflows::record_voice_status;
use pgbench::Baseline;
use server::Server;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// What went wrong ends the benchmark, in words.
type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

struct Options {
    rounds: u64,
    seconds: u64,
    clients: usize,
    tenants: u64,
    explain: bool,
    relaxed: bool,
    peer: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Answer<Self> {
        let mut options = Self { rounds: 5, seconds: 4, clients: 8, tenants: 64, explain: false, relaxed: false, peer: None };
        while let Some(name) = args.next() {
            if name == "--bench" {
                continue;
            }
            match name.as_str() {
                "--explain" => options.explain = true,
                "--relaxed" => options.relaxed = true,
                _ => {}
            }
            if ["--explain", "--relaxed"].contains(&name.as_str()) {
                continue;
            }
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            if name == "--peer" {
                options.peer = Some(PathBuf::from(value));
                continue;
            }
            let value: u64 = value.parse()?;
            match (name.as_str(), value) {
                ("--rounds", 1..=50) => options.rounds = value,
                ("--seconds", 1..=600) => options.seconds = value,
                ("--clients", 1..=32) => options.clients = usize::try_from(value)?,
                ("--tenants", 1..=10_000) => options.tenants = value,
                _ => return Err(format!("not understood: {name} {value}").into()),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    // `cargo test --benches` runs benchmarks without this, only to see that they start.
    if !std::env::args().any(|arg| arg == "--bench") {
        println!("run by: cargo bench -p nmc-http --bench load");
        return ExitCode::SUCCESS;
    }
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Answer<()> {
    if options.explain {
        return explain::explain(&Bench::new(options.tenants)?);
    }
    let nmc = server::nmc()?;
    let bench = Bench::new(options.tenants)?;
    if options.relaxed {
        bench.relax()?;
    }
    if let Some(dir) = &options.peer {
        return peer::compare(&bench, options, &nmc, dir);
    }
    let mut contenders = Contenders::new(&bench, &nmc, options.clients)?;
    // Plans are cached per connection: they are made over tables that have rows and statistics, as in real life.
    for seconds in [2, 1] {
        contenders.pgbench(seconds)?;
        contenders.library(Duration::from_secs(seconds))?;
        contenders.http(Duration::from_secs(seconds))?;
        bench.psql("VACUUM ANALYZE")?;
    }
    println!("missed calls per second, {} clients, {} businesses:", options.clients, options.tenants);
    println!("round   pgbench   library      HTTP   library/pgbench   HTTP/pgbench   HTTP p50   HTTP p99");
    let mut rounds = Vec::new();
    for n in 1..=options.rounds {
        let round = contenders.round(n, options.seconds)?;
        println!("{n:>5} {round}");
        rounds.push(round);
    }
    let of = |what: fn(&Round) -> f64| median(rounds.iter().map(what).collect());
    println!(
        "median of the ratios: library/pgbench {:.2}, HTTP/pgbench {:.2}",
        of(|round| round.library / round.pgbench),
        of(|round| round.http / round.pgbench)
    );
    println!("median latency over HTTP: p50 {:.1} ms, p99 {:.1} ms", of(|round| round.p50), of(|round| round.p99));
    println!("the server's memory at its peak: {:.1} MB resident", contenders.server.peak_memory()?);
    contenders.finish(&bench)?;
    start_times(bench, &nmc)
}

struct Contenders<'b> {
    bench: &'b Bench,
    clients: usize,
    baseline: Baseline,
    store: Store,
    server: Server,
    library_callers: Callers,
    http_callers: Callers,
    /// What each has recorded by its own account.
    recorded: (u64, u64, u64),
    pgbench_runs: u64,
}

impl<'b> Contenders<'b> {
    fn new(bench: &'b Bench, nmc: &std::path::Path, clients: usize) -> Answer<Self> {
        let numbers = bench.numbers();
        let store = bench.store(u32::try_from(clients)?)?;
        let baseline = baseline(bench)?;
        let server = Server::spawn(nmc, &["serve"], &[("DATABASE_URL", &bench.url())])?;
        let http_callers = Callers::new(numbers.clone(), "CAc", american, 100_000_000);
        server.answered(&http_callers)?;
        Ok(Self {
            bench,
            clients,
            baseline,
            store,
            server,
            library_callers: Callers::new(numbers, "CAb", american, 0),
            http_callers,
            recorded: (0, 0, 1),
            pgbench_runs: 0,
        })
    }

    /// All three, beginning with another one each time.
    fn round(&mut self, n: u64, seconds: u64) -> Answer<Round> {
        let mut round = Round::default();
        for turn in 0..3 {
            match (n + turn) % 3 {
                0 => round.pgbench = self.pgbench(seconds)?,
                1 => round.library = self.library(Duration::from_secs(seconds))?,
                _ => {
                    let outcome = self.http(Duration::from_secs(seconds))?;
                    round.http = outcome.rate();
                    round.p50 = outcome.percentile(50).as_secs_f64() * 1_000.0;
                    round.p99 = outcome.percentile(99).as_secs_f64() * 1_000.0;
                }
            }
        }
        Ok(round)
    }

    fn pgbench(&mut self, seconds: u64) -> Answer<f64> {
        self.pgbench_runs += 1;
        let run = self.baseline.run(self.bench, self.clients, seconds, self.pgbench_runs * 1_000_000_000)?;
        self.recorded.0 += run.transactions;
        Ok(run.rate)
    }

    fn library(&mut self, time: Duration) -> Answer<f64> {
        let (begun, store, callers) = (Instant::now(), &self.store, &self.library_callers);
        let one = || -> Answer<u32> {
            let mut recorded = 0;
            while begun.elapsed() < time {
                let callback = VoiceCallback::parse(&callers.missed_call())?;
                record_voice_status(store, &callback)?.greeting.ok_or("a missed call without a greeting")?;
                recorded += 1;
            }
            Ok(recorded)
        };
        let recorded = thread::scope(|scope| {
            let threads: Vec<_> = (0..self.clients).map(|_| scope.spawn(one)).collect();
            let mut sum = 0;
            for thread in threads {
                sum += thread.join().map_err(|_| "a client panicked")??;
            }
            Ok::<u32, Box<dyn std::error::Error + Send + Sync>>(sum)
        })?;
        self.recorded.1 += u64::from(recorded);
        Ok(f64::from(recorded) / begun.elapsed().as_secs_f64())
    }

    fn http(&mut self, time: Duration) -> Answer<Outcome> {
        let bounds = Bounds { time, requests: u64::MAX };
        let outcome = client::load(&self.server.target, &self.http_callers, self.clients, bounds)?;
        if let Some(status) = outcome.first_refusal {
            return Err(format!("the server answered {} calls with {status}", outcome.refused).into());
        }
        self.recorded.2 += u64::try_from(outcome.latencies.len())?;
        Ok(outcome)
    }

    /// Looks whether every call that was counted is there, with its conversation, its greeting and its three events.
    fn finish(self, bench: &Bench) -> Answer<()> {
        self.server.stop()?;
        let (pgbench, library, http) = self.recorded;
        for (name, sids, recorded) in [("pgbench", "CAa", pgbench), ("library", "CAb", library), ("HTTP", "CAc", http)] {
            let rows = bench.psql(&format!(
                "SELECT count(*), count(DISTINCT k.id), count(m.id), coalesce(sum((SELECT count(*) FROM conversation_events e
                    WHERE e.tenant_id = c.tenant_id AND e.call_id = c.id)), 0) / 3
                 FROM calls c
                 LEFT JOIN conversations k ON k.tenant_id = c.tenant_id AND k.id = c.conversation_id AND k.total_calls = 1
                 LEFT JOIN messages m ON m.tenant_id = c.tenant_id AND m.call_id = c.id AND m.message_kind = 'greeting'
                 WHERE c.outcome = 'missed' AND c.twilio_call_sid LIKE '{sids}%'"
            ))?;
            let counts: Vec<u64> =
                rows.split('|').map(|count| count.split('.').next().unwrap_or_default().parse()).collect::<Result<_, _>>()?;
            if counts.iter().any(|count| *count != recorded) {
                return Err(format!("{name} claims {recorded} calls; calls, conversations, greetings, events / 3: {rows}").into());
            }
            println!("{name}: {recorded} calls, and as many conversations, greetings and triples of events in the database");
        }
        Ok(())
    }
}

/// One missed call of the library's, as the server saw it, made into a script.
fn baseline(bench: &Bench) -> Answer<Baseline> {
    let (tenant, ours) = bench.tenants.first().ok_or("no business")?;
    let callers = Callers::new(vec![ours.clone()], "CAx", american, 300_000_000);
    let mut seen = None;
    let mut sent = 0;
    let trips = bench.round_trips(|store| {
        let callback = VoiceCallback::parse(&callers.missed_call())?;
        sent = statements_sent();
        record_voice_status(store, &callback)?;
        sent = statements_sent() - sent;
        seen = Some(callback);
        Ok(())
    })?;
    let facts = seen.ok_or("no call")?.facts;
    let caller = facts.other.phone().ok_or("a caller without a number")?;
    let baseline = Baseline::of(bench, &trips, &tenant.id().to_string(), ours, caller.as_str(), &facts.sid)?;
    println!("round trips of a missed call: library {sent}, pgbench {}", baseline.round_trips);
    Ok(baseline)
}

/// One round: calls per second, and milliseconds.
#[derive(Default)]
struct Round {
    pgbench: f64,
    library: f64,
    http: f64,
    p50: f64,
    p99: f64,
}

impl std::fmt::Display for Round {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pgbench, library, http, p50, p99 } = *self;
        write!(
            f,
            "{pgbench:>9.0} {library:>9.0} {http:>9.0} {:>17.2} {:>14.2} {p50:>7.1} ms {p99:>7.1} ms",
            library / pgbench,
            http / pgbench
        )
    }
}

/// How soon a server that was just started has recorded its first call: beside a running database, and with its own to start.
fn start_times(bench: Bench, nmc: &std::path::Path) -> Answer<()> {
    let callers = Callers::new(bench.numbers(), "CAd", american, 200_000_000);
    let url = bench.url();
    let (median, slowest) = server::start_time(nmc, &["serve"], &[("DATABASE_URL", &url)], &callers)?;
    println!("from process start to the first recorded call: nmc serve {median:.0} ms (slowest {slowest:.0} ms)");
    let dir = bench.stop()?;
    let path = dir.path().to_str().ok_or("a strange directory")?;
    let (median, slowest) = server::start_time(nmc, &["up"], &[("NMC_DATA_DIR", path)], &callers)?;
    println!("the same with the database to start as well: nmc up {median:.0} ms (slowest {slowest:.0} ms)");
    Ok(())
}

/// The nth caller, whom a business of this country texts; no server of the benchmark has a way to send.
fn american(n: u64) -> String {
    const AREAS: [u16; 8] = [212, 312, 415, 617, 702, 808, 206, 305];
    let area = usize::try_from(n / 100_000_000).ok().and_then(|at| AREAS.get(at)).copied().unwrap_or(212);
    format!("+1{area}{}", 2_000_000 + n % 5_000_000)
}

/// The middle of several figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
