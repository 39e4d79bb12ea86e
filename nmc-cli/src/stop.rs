//! Ctrl-C and SIGTERM, as something to wait for.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The signals that ask nmc to stop. Made before anything is started, so that none is missed.
pub(crate) struct StopSignals(Signals);

impl StopSignals {
    /// Makes the first signal be waited for from now on. A second one ends nmc at once: nothing is lost by that, and its own
    /// PostgreSQL stops by itself. Ctrl-C is left alone where nmc was started to ignore it, as a script does with `nmc up &`: it
    /// is meant for what runs in the foreground.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let signals: &[i32] = if ignores_interrupts() { &[SIGTERM] } else { &[SIGINT, SIGTERM] };
        for &signal in signals {
            let asked = Arc::new(AtomicBool::new(false));
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked))?;
            flag::register(signal, asked)?;
        }
        Signals::new(signals).map(Self)
    }

    /// A stopper that ends the wait without a signal, from anywhere.
    pub(crate) fn stopper(&self) -> Stopper {
        Stopper(self.0.handle())
    }

    /// Returns when the first one comes, or when a [`Stopper`] says so. What is not done ten seconds after a signal is left: see [`give_up`].
    pub(crate) fn wait(self) {
        self.wait_and(|| {});
    }

    /// Returns as [`Self::wait`] does, and does something at a signal before the word of it is out.
    pub(crate) fn wait_and(mut self, at_once: impl FnOnce()) {
        if self.0.forever().next().is_some() {
            at_once();
            eprintln!("stopping …");
            // Without this thread the end is as orderly, and only not bounded.
            if let Err(error) = std::thread::Builder::new().name("nmc-stop".to_owned()).spawn(give_up) {
                tracing::warn!(%error, "the end has no time limit");
            }
        }
    }
}

/// Whether this process was started with SIGINT ignored, where the system tells. It is asked before a handler is set.
pub(crate) fn ignores_interrupts() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| (mask >> (SIGINT - 1)) & 1 == 1)
}

/// How long an orderly end may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends nmc when something keeps it from ending, such as a database that does not answer. Nothing is lost by that: whatever
/// is under way is taken up again by the next process, as after a crash.
fn give_up() {
    std::thread::sleep(PATIENCE);
    eprintln!("ended after {} s without waiting for what does not answer", PATIENCE.as_secs());
    std::process::exit(1);
}

/// Ends the wait for a signal.
pub(crate) struct Stopper(Handle);

impl Stopper {
    pub(crate) fn stop(self) {
        self.0.close();
    }
}
