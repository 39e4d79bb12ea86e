use crate::api::reply::{Json, Reply, Schemas};
use crate::api::request::RequestContext;
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use crate::streams::{self, LONGEST_CURSOR, Opening, cursor};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use nmc_core::Error;
use nmc_core::events::{StreamEvent, StreamPage};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{ContentBuilder, Response};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// An event: it tells which row of the business has changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventOut {
    /// The kind of the event: what has changed, and how.
    kind: text::StreamEventKind,
    /// The id of the row that has changed, or of the user whose presence has; null when so many have changed that the lists of
    /// that kind are to be read again.
    #[schema(value_type = Option<String>, max_length = 36)]
    id: Option<Uuid>,
    /// The sequence number of the event; those of one business have no gap.
    seq: i64,
    at: DateTime<Utc>,
}

impl From<StreamEvent> for EventOut {
    fn from(event: StreamEvent) -> Self {
        Self { kind: Text(event.kind), id: event.subject, seq: event.cursor.seq(), at: event.at }
    }
}

/// Events after a cursor, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventsOut {
    #[schema(max_items = 1000)]
    items: Vec<EventOut>,
    /// The cursor from which to go on: `after` of the next request.
    #[schema(max_length = 60)]
    cursor: String,
    /// Whether `after` is too old or unknown, so that nothing can be told since: read everything again, and go on from `cursor`.
    reset: bool,
}

impl From<StreamPage> for EventsOut {
    fn from(page: StreamPage) -> Self {
        let (cursor, reset) = (page.cursor.to_string(), page.is_reset);
        Self { items: page.events.into_iter().map(EventOut::from).collect(), cursor, reset }
    }
}

/// The page of a list of events, or the start of a stream of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    /// A cursor that an earlier answer returned: events after it are told. If left out, those from now on.
    #[param(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:[0-9]{1,18}$")]
    after: Option<String>,
    /// The most events of the page, 1 to 1000; 100 if left out. A stream goes on beyond it.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
}

/// 200 with a page of events, or with a stream of them that goes on.
pub(crate) enum Told {
    Page(EventsOut),
    Stream(HttpResponse),
}

impl Reply for Told {
    const STATUS: StatusCode = StatusCode::OK;

    fn describe(schemas: &mut Schemas) -> Response {
        let mut response = Json::<EventsOut>::describe(schemas);
        response.description =
            "A page of events; with `Accept: text/event-stream` a stream of server-sent events that goes on.".to_owned();
        response.content.insert("text/event-stream".to_owned(), ContentBuilder::new().build().into());
        response
    }

    fn respond(self) -> HttpResponse {
        match self {
            Self::Page(page) => Json(page).respond(),
            Self::Stream(response) => response,
        }
    }
}

/// The events of a page, and those that a stream begins with.
const FEW: u16 = 100;

pub(super) async fn list(context: RequestContext<EventsQuery, ()>) -> ApiResult<Told> {
    let is_stream = context.accepts("text/event-stream");
    // A browser that has lost its connection says itself where it was.
    let resumes = context.text_header("Last-Event-ID")?;
    if resumes.is_some_and(|id| id.len() > LONGEST_CURSOR) {
        return Err(Error::invalid("Last-Event-ID", format!("must be at most {LONGEST_CURSOR} characters")).into());
    }
    let after = cursor("Last-Event-ID", resumes.filter(|id| is_stream && !id.is_empty()))?;
    let after = after.map_or_else(|| cursor("after", context.query.after.as_deref()), |after| Ok(Some(after)))?;
    let limit = context.query.limit.unwrap_or(FEW);
    let opening = context.acting(move |tx| Opening::read(tx, after, limit)).await?;
    if !is_stream || opening.standing.is_none() {
        return Ok(Told::Page(opening.page.into()));
    }
    let app = context.app.clone();
    let now = app.authenticator.store().now();
    let listener = app.streams.admit(opening, &context.credential()?, after, now, context.source())?;
    Ok(Told::Stream(streams::begin(app.streams.clone(), app.pool.clone(), listener, context.takes_chunks())))
}
