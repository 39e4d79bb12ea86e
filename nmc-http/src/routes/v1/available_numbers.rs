use crate::api::reply::Json;
use crate::api::request::RequestContext;
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use nmc_core::telephony::{AvailableNumber, Capabilities, NumberSearch};
use nmc_core::{Country, NumberType};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The filter of a search for phone numbers for sale.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchQuery {
    /// The country of the numbers, as its ISO 3166 code of two letters; US if left out.
    #[param(inline, value_type = Option<text::Country>)]
    country: Option<text::Country>,
    /// The type of the numbers: `local`, `toll-free` or `mobile`; `local` if left out.
    #[serde(rename = "type")]
    #[param(inline, value_type = Option<text::NumberType>)]
    number_type: Option<text::NumberType>,
    /// The area code of the numbers, up to 5 digits.
    #[param(pattern = "^[0-9]{0,5}$")]
    area_code: Option<String>,
    /// The state or province of the numbers, as its code.
    #[param(max_length = 50)]
    region: Option<String>,
    /// The city of the numbers.
    #[param(max_length = 100)]
    locality: Option<String>,
    /// The pattern that the numbers contain: 2 to 15 digits, letters as on a phone's keys, and `*` for any digit.
    #[param(pattern = r"^(\+?[A-Za-z0-9*]{2,15})?$")]
    contains: Option<String>,
    /// Whether the numbers must take calls; true if left out.
    voice: Option<bool>,
    /// Whether the numbers must take texts; true if left out.
    sms: Option<bool>,
    /// Whether the numbers must take texts with pictures; false if left out.
    mms: Option<bool>,
    /// The most numbers to return, 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
}

/// The capabilities of a number: calls, texts, and texts with pictures.
#[derive(Serialize, ToSchema)]
pub(crate) struct CapabilitiesOut {
    voice: bool,
    sms: bool,
    mms: bool,
}

/// A phone number for sale.
#[derive(Serialize, ToSchema)]
pub(crate) struct AvailableNumberOut {
    phone_number: text::PhoneNumber,
    country: text::Country,
    #[serde(rename = "type")]
    number_type: text::NumberType,
    locality: Option<String>,
    region: Option<String>,
    capabilities: CapabilitiesOut,
    /// Whether Twilio sells the number only to those who have told it an address: such a number can't be bought here.
    needs_address: bool,
}

/// Phone numbers that were for sale a moment ago: somebody else may buy them first.
#[derive(Serialize, ToSchema)]
pub(crate) struct AvailableNumbersOut {
    items: Vec<AvailableNumberOut>,
}

impl From<AvailableNumber> for AvailableNumberOut {
    fn from(number: AvailableNumber) -> Self {
        let Capabilities { voice, sms, mms } = number.capabilities;
        Self {
            phone_number: Text(number.phone_number),
            country: Text(number.country),
            number_type: Text(number.number_type),
            locality: number.locality,
            region: number.region,
            capabilities: CapabilitiesOut { voice, sms, mms },
            needs_address: number.needs_address,
        }
    }
}

impl SearchQuery {
    fn search(&self) -> NumberSearch {
        let country = self.country.map_or(Country::US, |country| country.0);
        let plain = NumberSearch::new(country, self.number_type.map_or(NumberType::Local, |kind| kind.0));
        NumberSearch {
            area_code: self.area_code.clone(),
            region: self.region.clone(),
            locality: self.locality.clone(),
            contains: self.contains.clone(),
            capabilities: Capabilities {
                voice: self.voice.unwrap_or(plain.capabilities.voice),
                sms: self.sms.unwrap_or(plain.capabilities.sms),
                mms: self.mms.unwrap_or(plain.capabilities.mms),
            },
            limit: self.limit.unwrap_or(plain.limit),
            ..plain
        }
    }
}

pub(super) async fn search(context: RequestContext<SearchQuery, ()>) -> ApiResult<Json<AvailableNumbersOut>> {
    let search = context.query.search();
    let found = context.with_provider(move |numbers, who| numbers.search(who, &search)).await?;
    Ok(Json(AvailableNumbersOut { items: found.into_iter().map(AvailableNumberOut::from).collect() }))
}
