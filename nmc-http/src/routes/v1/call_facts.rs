use crate::api::lists::List;
use crate::api::reply::{Done, Json, PageOut};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::calls::{CallMetadata, CallMetadataFilter, MetadataValue};
use nmc_core::{CallId, Result};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("call metadata");

/// A fact about a call for which a call has no field of its own.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactOut {
    #[serde(rename = "key")]
    name: String,
    /// The type of the value.
    #[serde(rename = "type")]
    metadata_type: text::MetadataType,
    /// The value of the fact: a string, a number, true or false, or any JSON.
    #[schema(value_type = Value)]
    value: Value,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<CallMetadata> for FactOut {
    fn from(row: CallMetadata) -> Self {
        let metadata_type = Text(row.value.declared_type());
        let value = match row.value {
            MetadataValue::String(text) => Value::String(text),
            // A number that JSON can't hold exactly travels as a text, so that nothing is rounded.
            MetadataValue::Number(number) => exact(number),
            MetadataValue::Boolean(truth) => Value::Bool(truth),
            MetadataValue::Json(document) => document,
        };
        Self { name: row.metadata_key, metadata_type, value, created_at: row.created_at, updated_at: row.updated_at }
    }
}

fn exact(number: Decimal) -> Value {
    let text = number.normalize().to_string();
    let value: Option<serde_json::Number> = text.parse().ok();
    value.filter(|value| value.to_string() == text).map_or(Value::String(text), Value::Number)
}

/// A fact to set. Its type is that of the value: strings, numbers, true and false are kept as such, all else as JSON. A number is kept to
/// the digit, up to 28 of them; one of more than some 16 is returned as a string. Within JSON, and beyond that, it is one that a double holds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactIn {
    /// The value of the fact: any JSON, up to 64 KiB.
    #[schema(value_type = Value)]
    value: Box<RawValue>,
}

impl FactIn {
    fn typed(&self) -> Result<MetadataValue> {
        MetadataValue::of_json(self.value.get()).map_err(|error| error.renamed(&[("metadata_value", "value")]))
    }
}

/// The page of a list of facts about a call.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactQuery {
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

fn about<Q, B>(context: &RequestContext<Q, B>) -> ApiResult<(CallId, String)> {
    Ok((context.id("call", "call")?, context.id("key_name", "call metadata")?))
}

pub(super) async fn list(context: RequestContext<FactQuery, ()>) -> ApiResult<Json<PageOut<FactOut>>> {
    let id: CallId = context.id("call", "call")?;
    let page = LIST.page(context.query.limit, context.query.after.as_deref())?;
    let filter = CallMetadataFilter { call: Some(id), ..CallMetadataFilter::default() };
    let rows = context
        .acting(move |tx| {
            tx.calls().get(id)?;
            tx.call_metadata().list(&filter, page)
        })
        .await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<FactOut>> {
    let (id, name) = about(&context)?;
    Ok(Json(context.acting(move |tx| tx.call_metadata().get(id, &name)).await?.into()))
}

pub(super) async fn set(context: RequestContext<NoQuery, JsonBody<FactIn>>) -> ApiResult<Json<FactOut>> {
    let ((id, name), value) = (about(&context)?, context.body.0.typed()?);
    let row = context
        .acting(move |tx| {
            tx.calls().get(id)?;
            tx.call_metadata().put(id, &name, &value)
        })
        .await
        .map_err(|error| error.renamed(&[("metadata_value", "value"), ("metadata_key", "key_name")]))?;
    Ok(Json(row.into()))
}

pub(super) async fn remove(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    let (id, name) = about(&context)?;
    context.acting(move |tx| tx.call_metadata().delete(id, &name)).await?;
    Ok(Done)
}
