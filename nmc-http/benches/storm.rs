//! What a login storm does to everybody else: reads of the API, paced, by themselves and while guesses pour in. Both in turns
//! against one server, in this process, with fsync on; what counts is the ratio of the latencies.
//!
//! `cargo bench -p nmc-http --bench storm [-- --rounds 5 --seconds 4 --guessers 64]`

#![expect(clippy::expect_used, reason = "a benchmark that can't run has nothing better to do")]

#[path = "shared/site.rs"]
mod site;

use nmc_http::{Limit, Limits};
use site::Site;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

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
        let scene = Scene(Site::new(limits, |_| {}));
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

struct Scene(Site);

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
    fn agent() -> ureq::Agent {
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30))).build().into()
    }

    fn reads(&self, time: Duration) -> Latencies {
        let url = format!("http://{}/v1/tenant", self.0.address());
        let one = || {
            let (agent, until) = (Self::agent(), Instant::now() + time);
            let mut took = Vec::new();
            while Instant::now() < until {
                let since = Instant::now();
                let request = agent.get(&url).header("Authorization", format!("Bearer {}", self.0.access));
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
        let url = format!("http://{}/v1/sessions", self.0.address());
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
