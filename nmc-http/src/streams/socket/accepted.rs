//! A request that goes on as WebSocket.

use super::frames::{Broken, Frames, LONGEST};
use crate::error::{ApiError, ApiResult};
use actix_web::web::Payload;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, dev};
use actix_ws::{MessageStream, Session};

/// A socket that has been opened.
pub(crate) struct Accepted {
    /// The messages that come.
    pub(super) messages: MessageStream,
    /// The session by which messages go.
    pub(super) session: Session,
    /// The reason why nothing more comes, if a frame broke a bound.
    pub(super) broken: Broken,
}

impl Accepted {
    /// Opens the socket, with the answer that says so.
    ///
    /// # Errors
    /// [`ApiError::NoUpgrade`].
    pub(crate) fn of(request: &HttpRequest, payload: Payload) -> ApiResult<(HttpResponse, Self)> {
        let (frames, broken) = Frames::of(payload);
        let mut payload: dev::Payload = dev::Payload::Stream { payload: Box::pin(frames) };
        let bounded = Payload::from_request(request, &mut payload).into_inner().map_err(|_| ApiError::NoUpgrade)?;
        let (response, session, messages) = actix_ws::handle(request, bounded).map_err(|_| ApiError::NoUpgrade)?;
        Ok((response, Self { messages: messages.max_frame_size(LONGEST), session, broken }))
    }
}
