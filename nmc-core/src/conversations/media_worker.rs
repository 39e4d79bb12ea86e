//! The worker that fetches the pictures of texts and keeps them, so that they outlive their deletion at the provider.
//!
//! No transaction is open while the provider answers or the disk writes: a claim commits first, its outcome afterwards. A
//! worker that dies in between leaves a lease that ends, and the picture is fetched again; the same bytes are the same file.

use super::MediaKind;
use super::media::{KeptMedia, LARGEST};
use super::media_queue::ClaimedMedia;
use crate::queue::{self, Backoff, Queue, Stop, work_until_stopped};
use crate::store::{Store, SystemTx, Tenant, TenantTx};
use crate::telephony::{FetchError, MediaSource};
use crate::uploads::Uploads;
use crate::{Result, TenantId};
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::Duration;

/// The configuration of the worker that fetches pictures.
#[derive(Debug, Clone, Copy)]
pub struct MediaWorkerConfig {
    /// Pictures claimed from one tenant before it turns to the next.
    pub batch: u16,
    /// How long a claim holds. Longer than a batch takes at the provider's slowest.
    pub lease: TimeDelta,
    /// Attempts at one picture before it is given up.
    pub max_attempts: i32,
    /// Attempts after which a picture that the provider does not have counts as gone; until then it may only be late.
    pub gone_after: i32,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// The pause between two looks for work.
    pub idle: Duration,
}

impl Default for MediaWorkerConfig {
    fn default() -> Self {
        Self {
            batch: 4,
            lease: TimeDelta::minutes(3),
            max_attempts: 20,
            gone_after: 4,
            backoff: Backoff { first: TimeDelta::seconds(10), longest: TimeDelta::hours(2) },
            idle: Duration::from_secs(1),
        }
    }
}

/// The result of one look for pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct MediaPass {
    /// Pictures that are kept now.
    pub kept: usize,
    /// Pictures that will be tried again.
    pub put_back: usize,
    /// Pictures that can't be kept.
    pub unavailable: usize,
}

/// The worker that fetches pictures until it is told to stop.
#[derive(Clone)]
pub struct MediaWorker {
    store: Store,
    source: Arc<dyn MediaSource>,
    uploads: Uploads,
    config: MediaWorkerConfig,
    stop: Arc<Stop>,
}

/// The result of one attempt at a picture.
pub(crate) enum Fate {
    Kept(KeptMedia),
    PutBack(TimeDelta, String),
    Unavailable(String),
}

impl MediaWorker {
    /// A worker that fetches from `source` and keeps below `uploads`.
    #[must_use]
    pub fn new(store: Store, source: Arc<dyn MediaSource>, uploads: Uploads, config: MediaWorkerConfig) -> Self {
        Self { store, source, uploads, config, stop: Arc::default() }
    }

    /// Asks every clone to stop after the picture it is at.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// Works until [`Self::stop`]; failures are logged and waited out.
    pub fn run(&self) {
        work_until_stopped(&self.stop, self.config.idle, "pictures can't be fetched now", || {
            let MediaPass { kept, put_back, unavailable } = self.pass()?;
            Ok(kept + put_back + unavailable > 0)
        });
    }

    /// Looks for pictures once: a batch of every tenant with due ones.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is not to be had; what was claimed comes back when its lease ends.
    pub fn pass(&self) -> Result<MediaPass> {
        let mut pass = MediaPass::default();
        queue::pass(&self.store, self, &self.stop, |claimed, fate| match fate {
            Fate::Kept(kept) => {
                tracing::debug!(media = %claimed.id, bytes = kept.bytes.len(), kind = kept.kind.media_type(), "picture kept");
                pass.kept += 1;
            }
            Fate::PutBack(_, why) => {
                tracing::info!(media = %claimed.id, attempt = claimed.attempts, why, "picture not fetched yet");
                pass.put_back += 1;
            }
            Fate::Unavailable(why) => {
                tracing::warn!(media = %claimed.id, why, "a picture can't be kept");
                pass.unavailable += 1;
            }
        })?;
        Ok(pass)
    }

    fn again(&self, claimed: &ClaimedMedia, asked: Option<Duration>, why: String, most: i32) -> Fate {
        if claimed.attempts >= most {
            return Fate::Unavailable(why);
        }
        Fate::PutBack(self.config.backoff.wait(claimed.attempts, asked, claimed.id.uuid()), why)
    }
}

impl Queue for MediaWorker {
    type Claim = ClaimedMedia;
    type Outcome = Fate;

    fn tenants_with_due(&self, tx: &mut SystemTx<'_>, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        tx.tenants_with_due_media(last, limit)
    }

    fn claim(&self, tx: &mut TenantTx<'_>) -> Result<Vec<ClaimedMedia>> {
        tx.message_media().claim(self.config.batch, self.config.lease)
    }

    /// Fetches one picture and writes its bytes, with no transaction open.
    fn attempt(&self, tenant: &Tenant, claimed: &ClaimedMedia) -> Fate {
        let bytes = match self.source.fetch(&claimed.url, LARGEST) {
            Ok(fetched) => fetched.bytes,
            Err(FetchError::NotNow { retry_after, reason }) => {
                return self.again(claimed, retry_after, reason, self.config.max_attempts);
            }
            Err(error @ FetchError::Gone) => return self.again(claimed, None, error.to_string(), self.config.gone_after),
            Err(error @ (FetchError::TooLarge | FetchError::Refused { .. })) => return Fate::Unavailable(error.to_string()),
        };
        let Some(kind) = MediaKind::of(&bytes) else {
            return Fate::Unavailable("it is of a kind that is not kept".to_owned());
        };
        let kept = KeptMedia { kind, bytes };
        match self.uploads.keep_media(tenant, &kept) {
            Ok(()) => Fate::Kept(kept),
            Err(error) => {
                // A full disk is no fault of the picture's: it waits, however long that takes.
                tracing::error!(error = error.causes(), "pictures can't be kept: see to the directory of uploads");
                Fate::PutBack(self.config.backoff.longest, "it could not be written here".to_owned())
            }
        }
    }

    fn note(&self, tx: &mut TenantTx<'_>, claimed: &ClaimedMedia, fate: &Fate) -> Result<bool> {
        match fate {
            Fate::Kept(kept) => {
                // Whoever deletes the last text with the same picture comes before this, and the file is gone with it, or after.
                tx.tenants().lock()?;
                let is_kept = tx.message_media().mark_kept(claimed, kept)?;
                if is_kept {
                    self.uploads.keep_media(&tx.tenant(), kept)?;
                }
                Ok(is_kept)
            }
            Fate::PutBack(wait, why) => {
                let at = tx.now() + *wait;
                tx.message_media().put_back(claimed, at, why)
            }
            Fate::Unavailable(why) => tx.message_media().mark_unavailable(claimed, why),
        }
    }

    fn give_back(&self, tx: &mut TenantTx<'_>, claims: &[ClaimedMedia]) -> Result<()> {
        tx.message_media().unclaim(claims)
    }
}
