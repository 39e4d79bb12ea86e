//! How far an import has come, told on standard error where that is a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// A line is drawn this often at most.
const PAUSE: Duration = Duration::from_millis(200);

/// A line that is drawn over and over.
pub(super) struct Progress {
    done: &'static str,
    began: Instant,
    /// The instant at which the line was drawn last; none where nobody would see it.
    drawn: Option<Instant>,
    is_open: bool,
}

impl Progress {
    /// Starts a line that says what is done, like `read`.
    pub(super) fn start(done: &'static str) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let now = Instant::now();
        let is_seen = std::io::stderr().is_terminal() && !is_dumb;
        Self { done, began: now, drawn: is_seen.then_some(now), is_open: false }
    }

    /// Tells that so many calls have been.
    pub(super) fn tell(&mut self, calls: u64) {
        if self.drawn.is_none_or(|drawn| drawn.elapsed() < PAUSE) {
            return;
        }
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        eprint!("\r\x1b[2K{} {calls} calls, {} a second", self.done, calls.saturating_mul(1_000) / millis);
        // A terminal that is gone is nothing to stop for.
        drop(std::io::stderr().flush());
        self.drawn = Some(Instant::now());
        self.is_open = true;
    }

    /// Ends the line, so that something else can be said.
    pub(super) fn end(&mut self) {
        if self.is_open {
            eprintln!();
        }
        self.is_open = false;
    }
}
