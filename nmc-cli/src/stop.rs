//! Ctrl-C and SIGTERM, as something to wait for.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The signals that ask nmc to stop. Made before anything is started, so that none is missed.
pub(crate) struct StopSignals(Signals);

impl StopSignals {
    /// From now on the first signal is waited for. A second one ends nmc at once: nothing is lost by that, and its own
    /// PostgreSQL stops by itself.
    pub(crate) fn listen() -> std::io::Result<Self> {
        for signal in [SIGINT, SIGTERM] {
            let asked = Arc::new(AtomicBool::new(false));
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked))?;
            flag::register(signal, asked)?;
        }
        Signals::new([SIGINT, SIGTERM]).map(Self)
    }

    /// Something that ends the wait without a signal, from anywhere.
    pub(crate) fn stopper(&self) -> Stopper {
        Stopper(self.0.handle())
    }

    /// Returns when the first one comes, or when a [`Stopper`] says so.
    pub(crate) fn wait(mut self) {
        if self.0.forever().next().is_some() {
            eprintln!("stopping …");
        }
    }
}

/// Ends the wait for a signal.
pub(crate) struct Stopper(Handle);

impl Stopper {
    pub(crate) fn stop(self) {
        self.0.close();
    }
}
