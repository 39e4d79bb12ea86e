use crate::api::lists::{List, bounded};
use crate::api::reply::{Created, Json, PageOut, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::conversations::NumberPace;
use nmc_core::numbers::{HeldNumber, NumberFilter, NumberOrder};
use nmc_core::{Confirmed, Country, NumberStatus, PhoneNumber, PhoneNumberId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("numbers");

/// How long a request waits for a provider that has to be asked again. What is not done by then, a worker does.
const PATIENCE: Duration = Duration::from_secs(3);

/// A phone number that the business has, or had.
#[derive(Serialize, ToSchema)]
pub(crate) struct NumberOut {
    id: text::PhoneNumberId,
    phone_number: text::PhoneNumber,
    /// The status of the number. `active`: it is in use. `provisioning`: the order is accepted, but Twilio could not be asked in
    /// time; that goes on by itself until the number is `active`, or in `error` and not paid for. `inactive`: it is held and not
    /// used. `released`: it was given back, or its order was called off.
    status: text::NumberStatus,
    /// The reason why the number is in error, or why its order or release is not done yet.
    status_reason: Option<String>,
    /// Whether the number is being given back to Twilio, which is tried until it is done.
    releasing: bool,
    #[serde(rename = "type")]
    number_type: text::NumberType,
    /// The country of the number, as its ISO 3166 code.
    country: String,
    area_code: Option<String>,
    locality: Option<String>,
    region: Option<String>,
    /// The capabilities of the number: `voice`, `sms`, `mms`, each true or false. Empty until they are known.
    #[schema(value_type = Object)]
    capabilities: serde_json::Value,
    /// The URLs that Twilio calls about calls and texts, as it last confirmed them: `voice`, `voice_status`, `sms`, and for when
    /// the server can't be reached `voice_fallback`, `sms_fallback`. Empty until Twilio has confirmed them.
    #[schema(value_type = Object)]
    webhook_urls: serde_json::Value,
    /// Twilio's SID of the number; null until it is bought.
    twilio_phone_sid: Option<String>,
    /// The price of buying the number, paid once, in hundredths of the currency.
    setup_cost_cents: i32,
    /// The monthly rent of the number, in hundredths of the currency.
    monthly_cost_cents: i32,
    /// The currency of the costs, as its ISO 4217 code.
    currency: String,
    /// The instant at which the number was bought.
    provisioned_at: Option<DateTime<Utc>>,
    release_requested_at: Option<DateTime<Utc>>,
    released_at: Option<DateTime<Utc>>,
    /// The latest instant at which Twilio is asked about the number next; null when there is nothing to ask.
    next_attempt_at: Option<DateTime<Utc>>,
    /// The instant until which the number's texts are held back, after Twilio said that it may not send them; null when they are
    /// not.
    held_until: Option<DateTime<Utc>>,
    /// The reason why the number's texts are held back, and what to do about it.
    hold_reason: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl NumberOut {
    fn of(row: HeldNumber, held: &[NumberPace]) -> Self {
        let hold = held.iter().find(|pace| pace.phone_number == row.phone_number && row.status != NumberStatus::Released);
        Self {
            held_until: hold.and_then(|pace| pace.held_until),
            hold_reason: hold.and_then(|pace| pace.hold_reason.clone()),
            releasing: row.is_releasing(),
            id: Text(row.id),
            phone_number: Text(row.phone_number),
            status: Text(row.status),
            status_reason: row.status_reason,
            number_type: Text(row.number_type),
            country: row.country,
            area_code: row.area_code,
            locality: row.locality,
            region: row.region,
            capabilities: row.capabilities,
            webhook_urls: row.webhook_urls,
            twilio_phone_sid: row.twilio_phone_sid,
            setup_cost_cents: row.setup_cost_cents,
            monthly_cost_cents: row.monthly_cost_cents,
            currency: row.currency,
            provisioned_at: row.provisioned_at,
            release_requested_at: row.release_requested_at,
            released_at: row.released_at,
            next_attempt_at: row.next_attempt_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The filter of a list of the business's phone numbers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumberQuery {
    /// The status of the numbers.
    #[param(inline, value_type = Option<text::NumberStatus>)]
    status: Option<text::NumberStatus>,
    /// The type of the numbers: `local`, `toll-free` or `mobile`.
    #[serde(rename = "type")]
    #[param(inline, value_type = Option<text::NumberType>)]
    number_type: Option<text::NumberType>,
    /// The area code of the numbers.
    #[param(max_length = 10)]
    area_code: Option<String>,
    /// The state or province of the numbers, as its code.
    #[param(max_length = 50)]
    region: Option<String>,
    /// The city of the numbers.
    #[param(max_length = 100)]
    locality: Option<String>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// A phone number to buy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumberIn {
    /// The number to buy, exactly this one. It is bought once: the same order again continues one that is not finished, or has
    /// failed.
    phone_number: text::PhoneNumber,
    /// The country of the number; US if left out.
    country: Option<text::Country>,
    /// The type of the number; if left out, `toll-free` or `local`, as the number itself shows.
    #[serde(rename = "type")]
    number_type: Option<text::NumberType>,
    /// Whether the number may be one that can't send texts, from which no missed call is answered; false if left out.
    without_sms: Option<bool>,
}

impl NumberIn {
    fn order(&self) -> NumberOrder {
        let country = self.country.map_or(Country::US, |country| country.0);
        let order = NumberOrder::of(self.phone_number.0.clone(), country);
        let number_type = self.number_type.map_or(order.number_type, |kind| kind.0);
        NumberOrder { number_type, without_sms: self.without_sms.unwrap_or(false), ..order }
    }
}

pub(super) async fn list(context: RequestContext<NumberQuery, ()>) -> ApiResult<Json<PageOut<NumberOut>>> {
    let page = LIST.page(context.query.limit, context.query.after.as_deref())?;
    let filter = NumberFilter {
        status: context.query.status.map(|status| status.0),
        number_type: context.query.number_type.map(|kind| kind.0),
        area_code: bounded("area_code", context.query.area_code.as_deref(), 10)?,
        region: bounded("region", context.query.region.as_deref(), 50)?,
        locality: bounded("locality", context.query.locality.as_deref(), 100)?,
    };
    let found = context.acting(move |tx| {
        let rows = tx.phone_numbers().list(&filter, page)?;
        let numbers: Vec<PhoneNumber> = rows.items.iter().map(|row| row.phone_number.clone()).collect();
        Ok((rows, tx.number_pacing().list_held(&numbers)?))
    });
    let (rows, held) = found.await?;
    Ok(Json(LIST.with(rows, |row| NumberOut::of(row, &held))))
}

/// A number to which something was done, with what holds its texts back. Where that can't be read now it is left out: what was done is done.
async fn shown<B>(context: &RequestContext<NoQuery, B>, row: HeldNumber) -> NumberOut {
    let number = [row.phone_number.clone()];
    let held = context.acting(move |tx| tx.number_pacing().list_held(&number)).await.unwrap_or_else(|_| {
        tracing::warn!(number = %row.id, "what holds back the texts of a number can't be read");
        Vec::new()
    });
    NumberOut::of(row, &held)
}

pub(super) async fn buy(context: RequestContext<NoQuery, JsonBody<NumberIn>>) -> ApiResult<Created<NumberOut>> {
    let order = context.body.0.order();
    let row = context.with_provider(move |numbers, who| numbers.buy(who, &order, PATIENCE, &mut |_| {})).await?;
    Ok(Created(format!("/v1/numbers/{}", row.id), shown(&context, row).await))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<NumberOut>> {
    let id: PhoneNumberId = context.id("number", "phone number")?;
    let found = context.acting(move |tx| {
        let row = tx.phone_numbers().get(id)?;
        let held = tx.number_pacing().list_held(std::slice::from_ref(&row.phone_number))?;
        Ok((row, held))
    });
    let (row, held) = found.await?;
    Ok(Tagged(row.version(), NumberOut::of(row, &held)))
}

pub(super) async fn release(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<NumberOut>> {
    let id: PhoneNumberId = context.id("number", "phone number")?;
    // Whoever sends this names one number, and the one thing that is done to it.
    let yes = Confirmed::irrevocably();
    let row = context.with_provider(move |numbers, who| numbers.release(who, id, yes, PATIENCE, &mut |_| {})).await?;
    Ok(Json(shown(&context, row).await))
}

pub(super) async fn configure(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<NumberOut>> {
    let id: PhoneNumberId = context.id("number", "phone number")?;
    let row = context.with_provider(move |numbers, who| numbers.configure(who, id)).await?;
    Ok(Json(shown(&context, row).await))
}
