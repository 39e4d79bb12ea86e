//! Reads of an inbox over HTTP, ours beside a server that is written by hand with actix-web and tokio-postgres: the same rows of the
//! same database, as the superuser, whom row-level security does not bind. It comes in three kinds: one that answers whoever asks, one that
//! looks up session, user and business first, as ours does, and one that does both in a transaction of the tenant's role, as ours has to. The
//! first two read pages by `LIMIT $2`; the first by a bound in the text, too, as the third does and ours, which is planned once. They take
//! turns; what counts is the ratio within a round.
//!
//! `cargo bench -p nmc-http --bench reads [-- --rounds 5 --seconds 4 --clients 8 --conversations 20000]`

#![expect(clippy::expect_used, reason = "a benchmark that can't run has nothing better to do")]

mod client;
mod plain;
mod scene;
#[path = "../shared/site.rs"]
mod site;

use client::Client;
use scene::Scene;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

struct Options {
    rounds: u64,
    seconds: u64,
    clients: u64,
    conversations: u64,
}

/// Who answers, where, and with what.
struct Contender {
    name: &'static str,
    address: SocketAddr,
    prefix: &'static str,
    token: Option<String>,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if !args.iter().any(|arg| arg == "--bench") {
        println!("run by: cargo bench -p nmc-http --bench reads");
        return;
    }
    let number = |name: &str, default: u64| {
        args.iter().skip_while(|arg| *arg != name).nth(1).map_or(default, |text| text.parse().expect("a number"))
    };
    let options = Options {
        rounds: number("--rounds", 5),
        seconds: number("--seconds", 4),
        clients: number("--clients", 8),
        conversations: number("--conversations", 20_000),
    };
    let scene = Scene::new(options.conversations);
    let plain = plain::start(&scene.superuser_url, &scene.url, scene.tenant, scene.session);
    let contenders = [
        Contender {
            name: "ours",
            address: scene.site.address(),
            prefix: "/v1/conversations",
            token: Some(scene.site.access.clone()),
        },
        Contender { name: "by hand, anybody", address: plain, prefix: "/anybody", token: None },
        Contender { name: "by hand, checked", address: plain, prefix: "/checked", token: None },
        Contender { name: "by hand, in a transaction", address: plain, prefix: "/tenant", token: None },
    ];
    println!("{} conversations with 4 texts each, {} clients", options.conversations, options.clients);
    let planned_once = Contender { name: "by hand, planned once", address: plain, prefix: "/planned-once", token: None };
    compare("one conversation by its id", &options, &contenders.each_ref(), |contender, n| {
        let id = scene.conversations.get(n % scene.conversations.len()).expect("a conversation");
        format!("{}/{id}", contender.prefix)
    });
    let [ours, anybody, checked, in_a_transaction] = &contenders;
    let of_pages = [ours, anybody, &planned_once, checked, in_a_transaction];
    compare("a page of 50, each with its last text", &options, &of_pages, |contender, _| {
        format!("{}?limit=50", contender.prefix)
    });
}

fn compare<const N: usize>(
    what: &str,
    options: &Options,
    contenders: &[&Contender; N],
    path: impl Fn(&Contender, usize) -> String + Sync,
) {
    let sizes = contenders.map(|contender| once(contender, &path(contender, 0)));
    println!("\n{what}: answers of {sizes:?} bytes\nround   answers a second: {:?}", contenders.map(|contender| contender.name));
    let mut ratios = [const { Vec::new() }; N];
    for round in 0..=options.rounds {
        let rates = contenders.map(|contender| rate(contender, options, &path));
        if round == 0 {
            continue;
        }
        println!("{round:>5} {rates:>10.0?}");
        let ours = *rates.first().expect("ours");
        for (ratios, rate) in ratios.iter_mut().zip(rates) {
            ratios.push(ours / rate);
        }
    }
    for (contender, mut ratios) in contenders.iter().zip(ratios).skip(1) {
        ratios.sort_by(f64::total_cmp);
        let median = ratios.get(ratios.len() / 2).expect("a round");
        println!("ours / {}: {median:.2} in the median", contender.name);
    }
}

/// How long one answer is; it must be one.
fn once(contender: &Contender, path: &str) -> usize {
    let mut client = Client::connect(contender.address).expect("a connection");
    client.get(path, contender.token.as_deref()).expect("an answer").expect("200")
}

/// Answers a second that all clients together get.
fn rate(contender: &Contender, options: &Options, path: &(impl Fn(&Contender, usize) -> String + Sync)) -> f64 {
    let time = Duration::from_secs(options.seconds);
    let one = |first: u64| {
        let mut client = Client::connect(contender.address).expect("a connection");
        let (since, mut answers) = (Instant::now(), 0_u64);
        while since.elapsed() < time {
            let n = usize::try_from(first + answers * 7_919).expect("few answers");
            client.get(&path(contender, n), contender.token.as_deref()).expect("an answer").expect("200");
            answers += 1;
        }
        answers
    };
    let answers: u64 = thread::scope(|scope| {
        let clients: Vec<_> = (0..options.clients).map(|n| scope.spawn(move || one(n * 1_000_003))).collect();
        clients.into_iter().map(|client| client.join().expect("a client")).sum()
    });
    f64::from(u32::try_from(answers).expect("few answers")) / time.as_secs_f64()
}
