use crate::api::upgrade::Upgrade;
use crate::error::ApiResult;
use crate::streams::cursor;
use crate::streams::socket::{self, Admission, SocketServer};
use actix_web::HttpResponse;
use serde::Deserialize;
use utoipa::IntoParams;

/// The place from which on a WebSocket tells events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct SocketQuery {
    /// A cursor that an earlier answer returned: events after it are told. If left out, those from now on. A `cursor` in the
    /// first message takes precedence.
    #[param(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:[0-9]{1,18}$")]
    after: Option<String>,
}

pub(super) async fn open(upgrade: Upgrade<SocketQuery>) -> ApiResult<HttpResponse> {
    let after = cursor("after", upgrade.query.after.as_deref())?;
    let opened = upgrade.acting(move |tx| socket::open(tx, after)).await?;
    upgrade.must_be_ours()?;
    let (app, source) = (upgrade.app.clone(), upgrade.source());
    let admission = match opened {
        Some((opening, credential)) => {
            let now = app.authenticator.store().now();
            let listener = app.streams.admit(opening, &credential, after, now, source.clone())?;
            Admission::Admitted(Box::new(listener), credential)
        }
        None => Admission::Awaited { after, place: app.streams.wait(source.origin.ip_address)? },
    };
    let (response, accepted) = upgrade.accept()?;
    let (streams, pool, authenticator) = (app.streams.clone(), app.pool.clone(), app.authenticator.clone());
    actix_web::rt::spawn(socket::run(SocketServer { streams, pool, authenticator, source }, accepted, admission));
    Ok(response)
}
