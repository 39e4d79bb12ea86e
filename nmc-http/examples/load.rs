//! Load for a running server of one's own: signed callbacks of missed calls, each of another caller.

#[path = "../benches/load/client.rs"]
mod client;

use client::{Bounds, Callers, Outcome, Target};
use nmc_core::twilio::Signer;
use nmc_core::{PhoneNumber, Secret};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const HELP: &str = "\
Posts signed callbacks of missed calls to a running server of your own, and prints the rate and the latencies.

Every call is recorded for good, and queues a greeting to a number that no country has (+999…): use a server whose
worker does not send through Twilio.

Usage: scripts/load.sh --to NUMBER [OPTIONS] [URL]

  URL                 where the server listens, http only [default: http://127.0.0.1:8080]
  --to NUMBER         a number that the server knows (nmc number list); may be given several times
  --clients N         connections, each with one request at a time; 1 to 64 [default: 8]
  --seconds N         how long; 1 to 600 [default: 10]
  --requests N        how many at most; up to 1000000 [default: 100000]
  --public-url URL    what the server checks signatures against, if not URL
  --not-loopback      the server is on another machine, and mine

The environment's TWILIO_AUTH_TOKEN signs the callbacks; it is the one that the server was started with.";

struct Options {
    url: String,
    public_url: Option<String>,
    to: Vec<String>,
    clients: usize,
    bounds: Bounds,
    not_loopback: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            url: "http://127.0.0.1:8080".to_owned(),
            public_url: None,
            to: Vec::new(),
            clients: 8,
            bounds: Bounds { time: Duration::from_secs(10), requests: 100_000 },
            not_loopback: false,
        };
        while let Some(name) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--to" => {
                    let number: PhoneNumber = value()?.parse().map_err(|error| format!("--to: {error}"))?;
                    options.to.push(number.as_str().to_owned());
                }
                "--clients" => options.clients = usize::try_from(within(&name, &value()?, 64)?).unwrap_or(1),
                "--seconds" => options.bounds.time = Duration::from_secs(within(&name, &value()?, 600)?),
                "--requests" => options.bounds.requests = within(&name, &value()?, 1_000_000)?,
                "--public-url" => options.public_url = Some(value()?),
                "--not-loopback" => options.not_loopback = true,
                url if url.starts_with("http://") => options.url = name,
                _ => return Err(format!("not understood: {name}")),
            }
        }
        if options.to.is_empty() { Err("--to is missing".to_owned()) } else { Ok(options) }
    }
}

fn within(name: &str, value: &str, most: u64) -> Result<u64, String> {
    let number = value.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("{name} must be 1 to {most}"))
}

fn main() -> ExitCode {
    if std::env::args().skip(1).any(|arg| arg == "--help" || arg == "-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(outcome) => report(&outcome),
        Err(error) => {
            eprintln!("load: {error} (see --help)");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<Outcome, String> {
    let authority = options.url.trim_start_matches("http://").trim_end_matches('/');
    let with_port = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let address: SocketAddr = with_port
        .to_socket_addrs()
        .map_err(|error| format!("{}: {error}", options.url))?
        .next()
        .ok_or_else(|| format!("{} has no address", options.url))?;
    if !address.ip().is_loopback() && !options.not_loopback {
        return Err(format!("{address} is another machine; say --not-loopback if it is yours"));
    }
    let token = std::env::var("TWILIO_AUTH_TOKEN").map_err(|_| "TWILIO_AUTH_TOKEN is not set".to_owned())?;
    let public_url = options.public_url.as_deref().unwrap_or(&options.url).trim_end_matches('/').to_owned();
    let target = Target { address, public_url, signer: Signer::new(Secret::new(token)) };
    // Callers that no run of the last weeks has used.
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // No country has the code 999: nobody is texted.
    let number_of = |n| format!("+999{n:011}");
    let callers = Callers::new(options.to.clone(), "CAf", number_of, seconds % 10_000_000 * 10_000);
    client::load(&target, &callers, options.clients, options.bounds).map_err(|error| format!("{}: {error}", options.url))
}

fn report(outcome: &Outcome) -> ExitCode {
    let ms = |percent| outcome.percentile(percent).as_secs_f64() * 1_000.0;
    println!(
        "{} calls recorded in {:.1} s: {:.0} per second, p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms",
        outcome.latencies.len(),
        outcome.took.as_secs_f64(),
        outcome.rate(),
        ms(50),
        ms(90),
        ms(99),
        ms(100)
    );
    match outcome.first_refusal {
        None => ExitCode::SUCCESS,
        Some(status) => {
            println!("{} were not recorded; the first was answered {status}", outcome.refused);
            ExitCode::FAILURE
        }
    }
}
