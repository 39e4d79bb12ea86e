//! What a login storm does to everybody else: reads of the API, paced, by themselves and while guesses pour in. Both in turns
//! against one server, in this process, with fsync on; what counts is the ratio of the latencies.
//!
//! `cargo bench -p nmc-http --bench storm [-- --rounds 5 --seconds 4 --guessers 64]`

#![expect(clippy::expect_used, reason = "a benchmark that can't run has nothing better to do")]

use nmc_core::Uploads;
use nmc_core::access::{Authenticator, Hasher, LoginPolicy, Origin, TokenKeys};
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::store::{Migrator, StoreConfig};
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::Registration;
use nmc_core::{Email, Secret, Store};
use nmc_http::{ConnectionLimits, Limit, Limits, ServerConfig, StreamLimits, Uploading};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PASSWORD: &str = "correct horse battery staple";
const READERS: u64 = 4;
/// Between two reads of one reader.
const PACE: Duration = Duration::from_millis(10);

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if !args.iter().any(|arg| arg == "--bench") {
        println!("run by: cargo bench -p nmc-http --bench storm");
        return;
    }
    let number = |name: &str, default: u64| {
        args.iter().skip_while(|arg| *arg != name).nth(1).map_or(default, |text| text.parse().expect("a number"))
    };
    let (rounds, seconds, guessers) = (number("--rounds", 5), number("--seconds", 4), number("--guessers", 64));
    let often = Limit { burst: 1_000_000, per_minute: 60_000_000 };
    let unlimited = Limits {
        token_per_address: often,
        login_per_address: often,
        login_per_account: often,
        registration_per_address: often,
        registration_per_account: often,
        ..Limits::default()
    };
    println!("{READERS} readers, one read each 10 ms; {guessers} guessers without a pause");
    for (what, limits) in
        [("from many addresses (no limit)", unlimited), ("from one address (the limits in force)", Limits::default())]
    {
        let scene = Scene::new(limits);
        println!(
            "\nguesses {what}\nround   calm p50   calm p99   storm p50   storm p99   p99 storm/calm   guesses checked/s   refused/s"
        );
        scene.reads(Duration::from_secs(1));
        let mut ratios = Vec::new();
        for round in 1..=rounds {
            let time = Duration::from_secs(seconds);
            let calm = scene.reads(time);
            let (storm, guesses) = scene.storm(time, guessers);
            let ratio = storm.percentile(99).as_secs_f64() / calm.percentile(99).as_secs_f64();
            println!(
                "{round:>5} {:>10.1?} {:>10.1?} {:>11.1?} {:>11.1?} {ratio:>16.2} {:>19} {:>11}",
                calm.percentile(50),
                calm.percentile(99),
                storm.percentile(50),
                storm.percentile(99),
                guesses.checked / seconds,
                guesses.refused / seconds
            );
            ratios.push(ratio);
        }
        ratios.sort_by(f64::total_cmp);
        println!("median of the ratios: {:.2}", ratios.get(ratios.len() / 2).expect("a round"));
    }
}

struct Scene {
    address: SocketAddr,
    access: String,
    running: Option<nmc_http::RunningServer>,
    _server: EmbeddedPostgres,
}

#[derive(Default)]
struct Guesses {
    checked: u64,
    refused: u64,
}

struct Latencies(Vec<Duration>);

impl Latencies {
    fn percentile(&self, percent: usize) -> Duration {
        self.0.get(self.0.len() * percent / 100).copied().unwrap_or_default()
    }
}

impl Scene {
    fn new(limits: Limits) -> Self {
        let directory = std::env::temp_dir().join(format!("nmc-storm-{}", std::process::id()));
        let options = EmbeddedOptions { data_dir: Some(directory.clone()), remove_on_exit: true, ..EmbeddedOptions::default() };
        let server = EmbeddedPostgres::start(&options).expect("a server");
        let url = Secret::new(server.url());
        Migrator::new(url.clone()).run(|_| {}).expect("the migrations");
        let store = Store::connect(StoreConfig::new(url)).expect("a store");
        let keys = TokenKeys::ephemeral(store.now()).expect("a key");
        // As `nmc serve` does it: half of the processors.
        let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let hasher = Hasher::new(Hasher::COST, processors.div_ceil(2), 64).expect("a hasher");
        let auth = Authenticator::new(store, hasher, keys, LoginPolicy::default());
        let email: Email = "owner@example.com".parse().expect("an address");
        let new = Registration {
            business: NewTenant { business_name: "Joe's Plumbing".to_owned(), ..NewTenant::default() },
            email: email.clone(),
            password: Secret::new(PASSWORD),
            first_name: "Ann".to_owned(),
            last_name: "Example".to_owned(),
            phone_number: None,
        };
        auth.register(&new, None).expect("a business");
        let tokens = auth.login(&email, &Secret::new(PASSWORD), &Origin::default()).expect("a login");
        let config = ServerConfig {
            bind: "127.0.0.1:0".to_owned(),
            webhook_bind: None,
            connections: ConnectionLimits::default(),
            public_url: None,
            signer: None,
            threads: 2,
            patience: Duration::from_secs(10),
            answer_within: Duration::from_secs(20),
            uploads_at_once: Uploading::default(),
            streams: StreamLimits::default(),
            uploads: Uploads::new(directory.join("uploads")),
            limits,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            registration: nmc_core::tenants::RegistrationPolicy::default(),
            numbers: None,
        };
        let running = nmc_http::start(auth, config).expect("a server");
        Self {
            address: running.address(),
            access: tokens.access_token.expose().to_owned(),
            running: Some(running),
            _server: server,
        }
    }

    fn agent() -> ureq::Agent {
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30))).build().into()
    }

    fn reads(&self, time: Duration) -> Latencies {
        let url = format!("http://{}/v1/tenant", self.address);
        let one = || {
            let (agent, until) = (Self::agent(), Instant::now() + time);
            let mut took = Vec::new();
            while Instant::now() < until {
                let since = Instant::now();
                let request = agent.get(&url).header("Authorization", format!("Bearer {}", self.access));
                let mut answer = request.call().expect("an answer");
                assert_eq!(answer.status(), 200, "a read is answered whatever else goes on");
                drop(answer.body_mut().read_to_vec().expect("a body"));
                took.push(since.elapsed());
                thread::sleep(PACE.saturating_sub(since.elapsed()));
            }
            took
        };
        let mut all: Vec<Duration> = thread::scope(|scope| {
            let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(one)).collect();
            readers.into_iter().flat_map(|reader| reader.join().expect("a reader")).collect()
        });
        all.sort_unstable();
        Latencies(all)
    }

    /// Reads while `guessers` guess the passwords of accounts that are there and of ones that are not.
    fn storm(&self, time: Duration, guessers: u64) -> (Latencies, Guesses) {
        let url = format!("http://{}/v1/sessions", self.address);
        let (over, checked, refused) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        let guess = |guesser: u64| {
            let agent = Self::agent();
            let mut n = 0_u64;
            while !over.load(Ordering::Relaxed) {
                n += 1;
                let account = if n.is_multiple_of(4) { "owner".to_owned() } else { format!("nobody{guesser}x{n}") };
                let body = format!(r#"{{"email":"{account}@example.com","password":"a wrong guess {n}"}}"#);
                let mut answer = agent.post(&url).content_type("application/json").send(body).expect("an answer");
                let count = if answer.status() == 401 { &checked } else { &refused };
                count.fetch_add(1, Ordering::Relaxed);
                drop(answer.body_mut().read_to_vec().expect("a body"));
            }
        };
        let latencies = thread::scope(|scope| {
            let storm: Vec<_> = (0..guessers).map(|guesser| scope.spawn(move || guess(guesser))).collect();
            // The storm is up when the first guesses have come back.
            while checked.load(Ordering::Relaxed) + refused.load(Ordering::Relaxed) < guessers {
                thread::sleep(Duration::from_millis(5));
            }
            let latencies = self.reads(time);
            over.store(true, Ordering::Relaxed);
            storm.into_iter().for_each(|guesser| guesser.join().expect("a guesser"));
            latencies
        });
        (latencies, Guesses { checked: checked.into_inner(), refused: refused.into_inner() })
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            drop(running.stop());
        }
    }
}
