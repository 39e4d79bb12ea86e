//! Ctrl-C and SIGTERM, as something to wait for.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The signals that ask nmc to stop. Made before anything is started, so that none is missed.
pub(crate) struct StopSignals(Signals);

impl StopSignals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Signals::new([SIGINT, SIGTERM]).map(Self)
    }

    /// Returns when the first one comes.
    pub(crate) fn wait(mut self) {
        if self.0.forever().next().is_some() {
            eprintln!("stopping …");
        }
    }
}
