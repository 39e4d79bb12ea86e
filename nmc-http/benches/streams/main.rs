//! Streams of events between servers that are killed: whether what clients have heard is the table, how soon they hear, and what those cost
//! that hear nothing. The servers are the release build of `nmc serve`, processes of their own; fsync is on.
//!
//! `cargo build --release -p nmc-cli && cargo bench -p nmc-http --bench streams
//! [-- --clients 32 --disconnects 1000 --seconds 30 --idle 1000]`; 0 leaves a part out.

mod client;
mod idle;
mod latency;
mod random;
mod servers;
mod storm;
mod writers;

use std::process::ExitCode;

/// What went wrong ends the benchmark, in words.
type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    // `cargo test --benches` runs benchmarks without this, only to see that they start.
    if !args.iter().any(|arg| arg == "--bench") {
        println!("run by: cargo bench -p nmc-http --bench streams");
        return ExitCode::SUCCESS;
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Answer<()> {
    let number = |name: &str, default: usize| -> Answer<usize> {
        Ok(args.iter().skip_while(|arg| *arg != name).nth(1).map(|text| text.parse()).transpose()?.unwrap_or(default))
    };
    let (clients, disconnects) = (number("--clients", 32)?, number("--disconnects", 1_000)?);
    let (seconds, idle) = (number("--seconds", 30)?, number("--idle", 1_000)?);
    let site = servers::Site::new()?;
    if idle > 0 {
        idle::measure(&site, idle)?;
    }
    if seconds > 0 {
        latency::measure(&site, u64::try_from(seconds)?)?;
    }
    if disconnects > 0 {
        storm::measure(&site, clients, disconnects)?;
    }
    Ok(())
}
