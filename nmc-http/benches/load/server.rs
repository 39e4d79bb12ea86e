//! The server as it is shipped: the release build of `nmc`, a process of its own.

use crate::client::{Callers, Client, Target};
use crate::{Answer, median};
use nmc_core::Secret;
use nmc_core::twilio::Signer;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) const TOKEN: &str = "the benchmark's auth token";

/// `NMC_BIN`, or the one that cargo puts beside the benchmark.
pub(crate) fn nmc() -> Answer<PathBuf> {
    let built = || std::env::current_exe().ok()?.parent()?.parent().map(|release| release.join("nmc"));
    let path = std::env::var_os("NMC_BIN").map(PathBuf::from).or_else(built).unwrap_or_default();
    if path.is_file() { Ok(path) } else { Err("there is no server to measure; run: cargo build --release -p nmc-cli".into()) }
}

pub(crate) struct Server {
    process: Child,
    pub(crate) target: Target,
}

impl Server {
    /// One that was started otherwise and answers here.
    pub(crate) fn of(process: Child, address: SocketAddr) -> Self {
        let signer = Signer::new(Secret::new(TOKEN));
        Self { process, target: Target { address, public_url: format!("http://{address}"), signer } }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Starts `nmc` with these arguments; says nothing about when it answers.
    pub(crate) fn spawn(nmc: &Path, args: &[&str], settings: &[(&str, &str)]) -> Answer<Self> {
        let address = free_address()?;
        let process = Command::new(nmc)
            .args(args)
            .envs(settings.iter().copied())
            .env("NMC_BIND", address.to_string())
            .env("TWILIO_AUTH_TOKEN", TOKEN)
            .env_remove("NMC_PUBLIC_URL")
            .env_remove("NMC_SMS")
            .env_remove("TWILIO_ACCOUNT_SID")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self::of(process, address))
    }

    /// Waits until it has recorded a missed call.
    pub(crate) fn answered(&self, callers: &Callers) -> Answer<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut client = loop {
            match Client::connect(self.target.address) {
                Ok(client) => break client,
                Err(error) if Instant::now() > deadline => return Err(error.into()),
                Err(_) => sleep(Duration::from_micros(500)),
            }
        };
        match client.post(&self.target, &callers.missed_call())? {
            200 | 204 => Ok(()),
            status => Err(format!("the server answered {status}").into()),
        }
    }

    /// The most memory that it has had resident so far, in megabytes.
    pub(crate) fn peak_memory(&self) -> Answer<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let kilobytes =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|rest| rest.split_whitespace().next());
        Ok(kilobytes.ok_or("no VmHWM in /proc")?.parse::<f64>()? / 1024.0)
    }

    /// Stops it as Ctrl-C does.
    pub(crate) fn stop(mut self) -> Answer<()> {
        let asked = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status()?.success();
        if !asked {
            self.process.kill()?;
        }
        self.process.wait()?;
        Ok(())
    }
}

/// A port that is free now is most likely still free in a moment.
pub(crate) fn free_address() -> Answer<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Milliseconds from the start of the process to its first recorded call: the median of several starts, and the slowest.
pub(crate) fn start_time(nmc: &Path, args: &[&str], settings: &[(&str, &str)], callers: &Callers) -> Answer<(f64, f64)> {
    let mut times = Vec::new();
    for _ in 0..7 {
        let since = Instant::now();
        let server = Server::spawn(nmc, args, settings)?;
        let answered = server.answered(callers);
        times.push(since.elapsed().as_secs_f64() * 1_000.0);
        server.stop()?;
        answered?;
    }
    let slowest = times.iter().copied().fold(0.0, f64::max);
    Ok((median(times), slowest))
}
