//! The worker that takes orders and releases to their end, and compares the provider's numbers with ours every hour.

use super::{Provisioner, Reconciliation};
use crate::Result;
use crate::queue::{Stop, work_until_stopped};
use std::sync::Arc;
use std::time::Duration;

/// The configuration of the worker on numbers.
#[derive(Debug, Clone, Copy)]
pub struct NumberWorkerConfig {
    /// The pause between two looks for work.
    pub idle: Duration,
    /// The pause between two reconciliations; the first one is at once.
    pub reconcile_every: Duration,
}

impl Default for NumberWorkerConfig {
    fn default() -> Self {
        Self { idle: Duration::from_secs(1), reconcile_every: Duration::from_secs(3_600) }
    }
}

/// The worker that works on numbers until it is told to stop.
#[derive(Clone)]
pub struct NumberWorker {
    provisioner: Provisioner,
    config: NumberWorkerConfig,
    stop: Arc<Stop>,
}

impl NumberWorker {
    /// A worker over this provisioner.
    #[must_use]
    pub fn new(provisioner: Provisioner, config: NumberWorkerConfig) -> Self {
        Self { provisioner, config, stop: Arc::default() }
    }

    /// Asks every clone to stop after the number it is at.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// Works until [`Self::stop`]; failures are logged and waited out. Reconciliations have a thread of their own, so that what
    /// is due does not wait for a long list.
    pub fn run(&self) {
        std::thread::scope(|scope| {
            scope.spawn(|| self.reconcile_until_stopped());
            work_until_stopped(&self.stop, self.config.idle, "numbers can't be worked on now", || {
                self.provisioner.pass_unless(&|| self.stop.is_asked())?;
                // One that can't be worked on now is put off, or it would be looked at again at once.
                Ok(false)
            });
        });
    }

    fn reconcile_until_stopped(&self) {
        while !self.stop.is_asked() {
            tell(self.provisioner.reconcile_unless(false, &|| self.stop.is_asked()));
            self.stop.wait(self.config.reconcile_every);
        }
    }
}

/// Each number that somebody has to look at, and the sum.
fn tell(outcome: Result<Reconciliation>) {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::warn!(error = error.causes(), "Twilio's numbers can't be compared with ours now");
            return;
        }
    };
    for finding in outcome.open() {
        let (sid, row, tenant) = (&finding.sid, finding.row, finding.tenant);
        tracing::warn!(sid, ?row, ?tenant, "a number to look at: {}", finding.what());
    }
    let Reconciliation { owned, held, .. } = outcome;
    tracing::debug!(owned, held, findings = outcome.findings.len(), "Twilio's numbers compared with ours");
}
