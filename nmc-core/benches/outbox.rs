//! How fast the outbox empties: texts per second with a provider that takes 50 ms for each, for one and for many businesses, with one
//! worker process and with three, beside the same threads calling the same provider without any outbox; and how long the text of a
//! small business waits while a large one has thousands queued. PostgreSQL is a server of its own, fsync on; each worker process has
//! four connections.
//!
//! `cargo bench -p nmc-core --bench outbox [-- --texts 4000]`

#![expect(clippy::expect_used, reason = "a benchmark that can't run has nothing better to do")]

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use nmc_core::conversations::{Worker, WorkerConfig};
use nmc_core::store::Migrator;
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::telephony::Pace;
use nmc_core::telephony::{Lookup, OutboundSms, SendError, SendReceipt, SmsSender};
use nmc_core::testing::{Business, TestDb, query};
use nmc_core::{MessageStatus, Secret, Store, StoreConfig};
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LATENCY: Duration = Duration::from_millis(50);
const CHILD: &str = "NMC_BENCH_OUTBOX_DATABASE";
/// The longest that a run may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Takes every text, 50 ms each.
struct Provider;

impl SmsSender for Provider {
    fn send(&self, sms: &OutboundSms<'_>) -> Result<SendReceipt, SendError> {
        std::thread::sleep(LATENCY);
        Ok(SendReceipt { sid: format!("SM{}", sms.id.uuid().simple()), status: MessageStatus::Accepted, error_code: None })
    }

    fn lookup(&self, _: &OutboundSms<'_>, _: DateTime<Utc>) -> Result<Lookup, SendError> {
        Ok(Lookup::CannotTell)
    }
}

/// No pace: what is measured is the machinery.
fn config() -> WorkerConfig {
    WorkerConfig { pace: Pace::NONE, ..WorkerConfig::default() }
}

fn main() {
    if let Ok(url) = std::env::var(CHILD) {
        return work(&url);
    }
    if !std::env::args().any(|arg| arg == "--bench") {
        println!("run by: cargo bench -p nmc-core --bench outbox");
        return;
    }
    let texts = std::env::args().skip_while(|arg| arg != "--texts").nth(1).map_or(4_000, |n| n.parse().expect("a number"));
    let scene = Scene::new();
    let bare = bare_sends(texts);
    println!("{:<44} {:>8} {:>22}", "", "texts/s", "ratio to bare sending");
    println!("{:<44} {bare:>8.0} {:>22}", format!("bare: {} threads, no outbox", config().senders), "1");
    for businesses in [1, 64] {
        for processes in [1, 3] {
            let rate = scene.empties(businesses, processes, texts);
            let name = format!("{businesses} business(es), {processes} worker process(es)");
            println!("{name:<44} {rate:>8.0} {:>22.2}", rate / bare);
        }
    }
    let mut waits = scene.waits_of_small_ones(5_000, 40);
    waits.sort_unstable();
    let at = |part: usize| waits.get((waits.len() * part / 100).min(waits.len() - 1)).copied().unwrap_or_default();
    println!(
        "\na small business's text beside 5,000 queued of a large one: median {:?}, 95 % {:?}, longest {:?}",
        at(50),
        at(95),
        at(100)
    );
}

/// A worker process: works until its standard input ends.
fn work(url: &str) {
    let mut store = StoreConfig::new(Secret::new(url));
    store.pool_size = 4;
    let worker = Worker::new(Store::connect(store).expect("a store"), Arc::new(Provider), config());
    let running = worker.clone();
    let thread = std::thread::spawn(move || running.run());
    println!("ready");
    drop(std::io::stdin().read(&mut [0]));
    worker.stop();
    drop(thread.join());
}

/// Texts per second of as many threads as a worker has, without anything to note.
fn bare_sends(texts: usize) -> f64 {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..config().senders {
            scope.spawn(|| {
                while next.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < texts {
                    std::thread::sleep(LATENCY);
                }
            });
        }
    });
    rate(texts, began.elapsed())
}

#[expect(clippy::as_conversions, reason = "a count of some thousand fits")]
#[expect(clippy::cast_precision_loss, reason = "a count of some thousand fits")]
fn rate(texts: usize, took: Duration) -> f64 {
    texts as f64 / took.as_secs_f64()
}

struct Scene {
    server: EmbeddedPostgres,
    businesses: Vec<Business>,
    eye: std::cell::RefCell<PgConnection>,
}

struct Worked(Child);

impl Drop for Worked {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

impl Scene {
    fn new() -> Self {
        let data_dir = std::env::temp_dir().join(format!("nmc-bench-{}", std::process::id()));
        let options = EmbeddedOptions { data_dir: Some(data_dir), remove_on_exit: true, ..EmbeddedOptions::default() };
        let server = EmbeddedPostgres::start(&options).expect("a server");
        Migrator::new(Secret::new(server.url())).run(|_| {}).expect("the migrations");
        let store = Store::connect(StoreConfig::new(Secret::new(server.url()))).expect("a store");
        let businesses = (0..64).map(|number| Business::onboard(&store, &format!("Business {number}"))).collect();
        let eye = TestDb::connect(&server.superuser_url("nevermisscall")).into();
        Self { server, businesses, eye }
    }

    fn workers(&self, processes: usize) -> Vec<Worked> {
        let start = |_| {
            let mut child = Command::new(std::env::current_exe().expect("this program"))
                .env(CHILD, self.server.url())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("a process");
            let mut ready = [0; 5];
            child.stdout.as_mut().expect("its output").read_exact(&mut ready).expect("it is ready");
            Worked(child)
        };
        (0..processes).map(start).collect()
    }

    /// Queues texts of the first businesses to people of their own, by SQL: the queueing is not what is measured.
    fn queue(&self, businesses: &[Business], texts: usize) {
        let mut eye = self.eye.borrow_mut();
        for business in businesses {
            let (id, number, each) = (business.tenant.id(), &business.number, texts / businesses.len());
            eye.batch_execute(&format!(
                "WITH people AS (
                     INSERT INTO conversations (tenant_id, customer_phone)
                     SELECT '{id}', '+1' || (2000000000 + (random() * 7000000000)::bigint)::text FROM generate_series(1, {each})
                     ON CONFLICT DO NOTHING RETURNING id, customer_phone)
                 INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number,
                                       message_status, next_attempt_at)
                 SELECT '{id}', id, 'Hello', 'outbound', '{number}', customer_phone, 'queued', now() FROM people"
            ))
            .expect("texts");
        }
        eye.batch_execute("ANALYZE messages").expect("statistics");
    }

    fn queued(&self) -> i64 {
        query(&mut self.eye.borrow_mut(), "SELECT count(*) FROM messages WHERE message_status = 'queued'").remove(0)
    }

    fn empty(&self) {
        self.eye.borrow_mut().batch_execute("TRUNCATE messages, conversations, number_pacing CASCADE").expect("empty tables");
    }

    fn empties(&self, businesses: usize, processes: usize, texts: usize) -> f64 {
        self.empty();
        self.queue(self.businesses.get(..businesses).expect("so many"), texts);
        let texts = usize::try_from(self.queued()).expect("a count");
        let began = Instant::now();
        let workers = self.workers(processes);
        while self.queued() > 0 {
            assert!(began.elapsed() < PATIENCE, "the outbox does not empty");
            std::thread::sleep(Duration::from_millis(20));
        }
        let took = began.elapsed();
        drop(workers);
        rate(texts, took)
    }

    /// How long each text of a small business waits until the provider is asked, while a large one's queue is worked.
    fn waits_of_small_ones(&self, large: usize, small: usize) -> Vec<Duration> {
        self.empty();
        self.queue(self.businesses.get(..1).expect("one"), large);
        let workers = self.workers(1);
        let mut waits = Vec::new();
        for business in self.businesses.iter().skip(1).cycle().take(small) {
            self.queue(std::slice::from_ref(business), 1);
            std::thread::sleep(Duration::from_millis(100));
        }
        let began = Instant::now();
        while self.queued() > 0 {
            assert!(began.elapsed() < PATIENCE, "the outbox does not empty");
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(workers);
        let large = self.businesses.first().expect("one").tenant.id();
        let sql = format!(
            "SELECT (extract(epoch FROM sent_at - created_at) * 1000)::bigint FROM messages WHERE tenant_id <> '{large}'"
        );
        let millis: Vec<i64> = query(&mut self.eye.borrow_mut(), &sql);
        waits.extend(millis.into_iter().map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0))));
        waits
    }
}
