//! A request to go on as WebSocket.

use super::Access;
use super::request::{bearer, parse_query, source};
use crate::error::{ApiError, ApiResult};
use crate::state::App;
use crate::streams::Source;
use crate::streams::socket::Accepted;
use actix_web::http::header::{AUTHORIZATION, HOST, ORIGIN};
use actix_web::{HttpRequest, HttpResponse, web};
use nmc_core::access::Credential;
use nmc_core::{Error, Result, TenantTx};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

/// The request, whose credential may follow in the first message: browsers can't show it.
pub(crate) struct Upgrade<Q> {
    pub(crate) app: web::Data<App>,
    pub(crate) query: Q,
    pub(crate) credential: Option<Credential>,
    access: Access,
    request: HttpRequest,
    payload: web::Payload,
}

impl<Q: DeserializeOwned + IntoParams> Upgrade<Q> {
    pub(super) fn read(access: Access, request: HttpRequest, payload: web::Payload) -> ApiResult<Self> {
        let app = request.app_data::<web::Data<App>>().cloned().ok_or(ApiError::NoRoute)?;
        // Whoever would not go on as WebSocket has no other message to show it in.
        let is_to_follow = !request.headers().contains_key(AUTHORIZATION) && handshake(&request).is_ok();
        let credential = if is_to_follow { None } else { Some(app.authenticator.credential(&bearer(&request)?)?) };
        let query = parse_query(request.query_string())?;
        Ok(Self { app, query, credential, access, request, payload })
    }
}

impl<Q> Upgrade<Q> {
    /// Runs `work` as whoever asks, if they may and have shown it.
    pub(crate) async fn acting<T: Send + 'static>(
        &self,
        work: impl Fn(&mut TenantTx<'_>) -> Result<T> + Send + 'static,
    ) -> ApiResult<Option<(T, Credential)>> {
        let Some(credential) = self.credential.clone() else { return Ok(None) };
        let (access, shown) = (self.access, credential.clone());
        let done = self.app.pool.blocking(move |store| {
            store.acting(&shown, |tx| {
                if let Access::Needs(permission) = access {
                    tx.must(permission)?;
                }
                work(tx)
            })
        });
        Ok(Some((done.await?, credential)))
    }

    /// Insists that it can go on as WebSocket, and that no page of another origin asks for it.
    pub(crate) fn must_be_ours(&self) -> ApiResult<()> {
        handshake(&self.request)?;
        let Some(origin) = self.request.headers().get(ORIGIN) else { return Ok(()) };
        let page = origin.to_str().unwrap_or_default();
        let host = self.request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        // A proxy may have taken off the TLS: the scheme is not compared.
        let is_of_host = page.split_once("://").is_some_and(|(_, of)| !of.is_empty() && of.eq_ignore_ascii_case(host));
        if is_of_host || self.app.origins.iter().any(|ours| ours.eq_ignore_ascii_case(page)) {
            return Ok(());
        }
        Err(Error::Forbidden("pages of this origin may not open a socket here").into())
    }

    /// The origin of the request, for its socket.
    pub(crate) fn source(&self) -> Source {
        source(&self.app, &self.request)
    }

    /// Goes on as WebSocket.
    pub(crate) fn accept(self) -> ApiResult<(HttpResponse, Accepted)> {
        Accepted::of(&self.request, self.payload)
    }
}

fn handshake(request: &HttpRequest) -> ApiResult<()> {
    use actix_http::ws::HandshakeError;
    actix_http::ws::verify_handshake(request.head()).map_err(|error| match error {
        HandshakeError::BadWebsocketKey => Error::invalid("Sec-WebSocket-Key", "must be there").into(),
        _ => ApiError::NoUpgrade,
    })
}
