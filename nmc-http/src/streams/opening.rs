//! How a stream begins: who asks is let in, finds a place, and is told from a cursor on.

use super::Streams;
use crate::connections::Line;
use crate::error::ApiResult;
use crate::shares::{Place, caller};
use chrono::{DateTime, Utc};
use nmc_core::access::{Credential, Origin, Standing};
use nmc_core::events::{StreamCursor, StreamPage};
use nmc_core::{Error, Result, Tenant, TenantTx, UserId};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The longest cursor.
pub(crate) const LONGEST_CURSOR: usize = 60;

/// The cursor that a client names in a field.
///
/// # Errors
/// [`Error::Invalid`] when no stream has given it.
pub(crate) fn cursor(field: &'static str, text: Option<&str>) -> Result<Option<StreamCursor>> {
    let refused = |_| Error::invalid(field, "must be a cursor that the stream has given");
    text.map(str::parse).transpose().map_err(refused)
}

/// The beginning of a stream, as it was read in the transaction that let its holder in.
pub(crate) struct Opening {
    /// The events that follow the cursor.
    pub(crate) page: StreamPage,
    /// The session or API key by which its holder was let in; `None`: they hold no stream.
    pub(crate) standing: Option<Standing>,
    tenant: Tenant,
    caller: Uuid,
    user: Option<UserId>,
}

impl Opening {
    /// Reads up to `limit` events after the cursor, as whoever acts.
    ///
    /// # Errors
    /// As [`nmc_core::events::StreamEvents::list`].
    pub(crate) fn read(tx: &mut TenantTx<'_>, after: Option<StreamCursor>, limit: u16) -> Result<Self> {
        let page = tx.stream_events().list(after, limit)?;
        Ok(Self { page, standing: Standing::of(tx), tenant: tx.tenant(), caller: caller(tx), user: tx.actor().user() })
    }
}

/// The origin of a stream's request, and its connection.
#[derive(Clone)]
pub(crate) struct Source {
    /// The client.
    pub(crate) origin: Origin,
    /// The connection, whose end may be told before anything is written to it.
    pub(crate) line: Option<Arc<Line>>,
}

/// The one who listens to a stream, and to what of it.
pub(crate) struct Listener {
    pub(super) tenant: Tenant,
    /// The user; `None`: an API key.
    pub(super) user: Option<UserId>,
    pub(super) standing: Standing,
    /// How long the access token is in force.
    pub(super) until: Option<Duration>,
    pub(super) source: Source,
    /// The cursor at which the client was; `None`: it begins.
    pub(super) after: Option<StreamCursor>,
    /// The events that follow that cursor.
    pub(super) page: StreamPage,
    /// Held until the stream has ended.
    _place: Place,
}

impl Streams {
    /// Finds a place for a stream of whoever shows the credential, after the cursor that was read from.
    ///
    /// # Errors
    /// [`crate::error::ApiError::TooMany`] or [`crate::error::ApiError::Overloaded`]; [`Error::Forbidden`] without standing.
    pub(crate) fn admit(
        &self,
        opening: Opening,
        credential: &Credential,
        after: Option<StreamCursor>,
        now: DateTime<Utc>,
        source: Source,
    ) -> ApiResult<Listener> {
        let Opening { page, standing, tenant, caller, user } = opening;
        let standing = standing.ok_or(Error::Forbidden("a stream needs a session or an API key"))?;
        let until = match credential {
            Credential::Token(claims) => Some((claims.expires_at - now).to_std().unwrap_or_default()),
            Credential::Key { .. } => None,
        };
        let place = self.places.take(tenant.id(), caller)?;
        Ok(Listener { tenant, user, standing, until, source, after, page, _place: place })
    }
}
