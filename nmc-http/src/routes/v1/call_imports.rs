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
            let mut read = Read::of(format, bytes.as_ref(), tx.now());
            // Nothing is written yet: all of them can be named.
            for contradiction in tx.calls().contradictions(read.batch())? {
                read.contradicted(contradiction)?;
            }
            if let Some(faults) = read.faults() {
                return Ok(Err(faults));
            }
            Ok(Ok(ImportOut { read: read.calls.len(), imported: tx.calls().import(&read.calls)? }))
        })
        .await?;
    out.map(Json).map_err(ApiError::Rows)
}

/// What was read of a log.
#[derive(Default)]
struct Read {
    /// The calls, one more than may be at the most.
    calls: Vec<NewCall>,
    /// The row of each call, and the line in which it begins.
    places: Vec<(usize, u64)>,
    /// The first rows that are at fault, and their lines.
    faults: Vec<(u64, Error)>,
}

impl Read {
    fn of(format: CallLogFormat, bytes: &[u8], now: DateTime<Utc>) -> Self {
        let (mut log, mut read) = (CallLog::new(format, bytes), Self::default());
        for row in 0..=Store::BATCH {
            let Some(call) = log.next() else { break };
            match call.and_then(|call| call.lies_before(now).map(|()| call).map_err(|error| in_row(row, error))) {
                Ok(call) => {
                    read.calls.push(call);
                    read.places.push((row, log.line()));
                }
                Err(error) => read.faults.push((log.line(), error)),
            }
            if read.faults.len() == Faults::MOST {
                break;
            }
        }
        read
    }

    /// The calls that can be asked for at once: of a log that is too long none has to be.
    fn batch(&self) -> &[NewCall] {
        if self.calls.len() > Store::BATCH { &[] } else { &self.calls }
    }

    /// Takes an error of one of the calls, as it is counted among them.
    fn contradicted(&mut self, error: Error) -> nmc_core::Result<()> {
        let place = if let Error::Invalid { row: Some(call), .. } = error { self.places.get(call).copied() } else { None };
        let Some((row, line)) = place else { return Err(error) };
        self.faults.push((line, in_row(row, error)));
        Ok(())
    }

    /// What is wrong with the first rows that are at fault, if any is.
    fn faults(&mut self) -> Option<Faults> {
        let mut faults = std::mem::take(&mut self.faults);
        faults.sort_by_key(|(line, _)| *line);
        faults.truncate(Faults::MOST);
        if faults.is_empty() { None } else { Some(Faults::new(faults)) }
    }
}

fn in_row(at: usize, mut error: Error) -> Error {
    if let Error::Invalid { row, .. } = &mut error {
        *row = Some(at);
    }
    error
}
