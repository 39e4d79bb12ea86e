use crate::api::body::must_be_utf8;
use crate::api::reply::{Json, Schemas};
use crate::api::request::{Body, NoQuery, RequestContext};
use crate::error::{ApiError, ApiResult, Faults};
use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use nmc_core::calls::{CallLog, CallLogFormat, NewCall};
use nmc_core::{Error, Store};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// A call log.
#[derive(Clone)]
pub(crate) struct CallLogBody {
    format: CallLogFormat,
    bytes: Bytes,
}

impl Body for CallLogBody {
    const MEDIA_TYPE: Option<&'static str> = Some("text/csv");
    const OR: Option<&'static str> = Some("application/x-ndjson");
    const LONGEST: usize = 2 * 1024 * 1024;

    fn describe(_: &mut Schemas) -> Option<RefOr<Schema>> {
        let what = "A call log: in CSV a line of names and one for each call, else one JSON object in each line; up to \
                    5,000 calls of `caller_phone`, `called_phone`, `twilio_call_sid` (any id that tells them apart), and what \
                    else is known: `call_direction`, `call_status`, `outcome`, `started_at`, `ended_at`, `duration_seconds`, \
                    `caller_name` and so on.";
        Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(Self::LONGEST)).description(Some(what)).into())
    }

    fn read(media_type: &str, bytes: Bytes) -> ApiResult<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        must_be_utf8(media_type)?;
        let format = if essence.eq_ignore_ascii_case("text/csv") {
            CallLogFormat::Csv
        } else if ["application/x-ndjson", "application/jsonl"].iter().any(|known| essence.eq_ignore_ascii_case(known)) {
            CallLogFormat::JsonLines
        } else {
            return Err(ApiError::MediaType("text/csv or application/x-ndjson"));
        };
        Ok(Self { format, bytes })
    }
}

/// The result of an import of calls.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportOut {
    /// The number of calls in the log.
    #[schema(minimum = 0, maximum = 5000)]
    read: usize,
    /// The number of calls that were new; the others were there already, and stay as they are.
    #[schema(minimum = 0, maximum = 5000)]
    imported: u64,
}

pub(super) async fn import(context: RequestContext<NoQuery, CallLogBody>) -> ApiResult<Json<ImportOut>> {
    let CallLogBody { format, bytes } = context.body.clone();
    let out = context
        .acting(move |tx| {
            // Read here, where it keeps no other request waiting, and after the permission has been asked for.
            let read = match read(format, bytes.as_ref(), tx.now()) {
                Ok(read) => read,
                Err(faults) => return Ok(Err(faults)),
            };
            // Nothing is written yet: all of them can be named.
            let contradictions = tx.calls().contradictions(&read.calls)?;
            if contradictions.is_empty() {
                Ok(Ok(ImportOut { read: read.calls.len(), imported: tx.calls().import(&read.calls)? }))
            } else {
                Ok(Err(read.faults(contradictions)))
            }
        })
        .await?;
    out.map(Json).map_err(ApiError::Rows)
}

/// The calls of a log, and the line in which each begins.
#[derive(Default)]
struct Read {
    calls: Vec<NewCall>,
    lines: Vec<u64>,
}

impl Read {
    /// The first of these errors, with the lines of their rows.
    fn faults(&self, errors: Vec<Error>) -> Faults {
        let line = |error: &Error| match error {
            Error::Invalid { row: Some(row), .. } => self.lines.get(*row).copied(),
            _ => None,
        };
        Faults::new(errors.into_iter().take(Faults::MOST).map(|error| (line(&error).unwrap_or_default(), error)).collect())
    }
}

/// The calls of a log, one more than may be at the most, or what is wrong with the first rows that are at fault.
fn read(format: CallLogFormat, bytes: &[u8], now: DateTime<Utc>) -> Result<Read, Faults> {
    let (mut log, mut read, mut faults) = (CallLog::new(format, bytes), Read::default(), Vec::new());
    for at in 0..=Store::BATCH {
        let lies_before = |call: NewCall| {
            call.lies_before(now).map(|()| call).map_err(|mut error| {
                if let Error::Invalid { row, .. } = &mut error {
                    *row = Some(at);
                }
                error
            })
        };
        match log.next().map(|row| row.and_then(lies_before)) {
            Some(Ok(call)) if faults.is_empty() => {
                read.calls.push(call);
                read.lines.push(log.line());
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => faults.push((log.line(), error)),
            None => break,
        }
        if faults.len() == Faults::MOST {
            break;
        }
    }
    if faults.is_empty() { Ok(read) } else { Err(Faults::new(faults)) }
}
