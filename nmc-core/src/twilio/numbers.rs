//! Numbers through Twilio's REST API, version 2010-04-01, and their prices.

use super::TwilioConfig;
use super::client::{Answer, Client, answered, answered_by_an_error, never_arrived, plain, refused};
use super::list::Resources;
use crate::telephony::{
    AvailableNumber, Capabilities, NumberProvider, NumberSearch, OwnedNumber, OwnedPage, Price, ProviderError, Purchase,
    WebhookUrls,
};
use crate::types::clip;
use crate::{Country, NumberType, PhoneNumber};
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use std::time::Duration;

/// The longest exchange. Longer than for texts: no lock is held meanwhile, and a purchase takes its time.
const LIMIT: Duration = Duration::from_secs(12);

/// Numbers on a page, Twilio's most.
const PAGE: &str = "1000";

type Result<T> = std::result::Result<T, ProviderError>;

/// Buys numbers from Twilio.
#[derive(Debug, Clone)]
pub struct TwilioNumbers {
    client: Client,
}

/// The capabilities of a number. The letters are large where numbers are for sale, and small where they are owned.
#[derive(Deserialize, Default)]
struct Can {
    #[serde(default)]
    voice: bool,
    #[serde(default, alias = "SMS")]
    sms: bool,
    #[serde(default, alias = "MMS")]
    mms: bool,
}

#[derive(Deserialize)]
struct ForSale {
    phone_number: String,
    #[serde(default)]
    locality: Option<String>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    capabilities: Option<Can>,
    #[serde(default)]
    address_requirements: Option<String>,
}

#[derive(Deserialize)]
struct SalePage {
    available_phone_numbers: Resources<ForSale>,
}

#[derive(Deserialize)]
struct Owned {
    sid: String,
    phone_number: String,
    #[serde(default)]
    friendly_name: Option<String>,
    #[serde(default)]
    capabilities: Option<Can>,
    #[serde(default)]
    voice_url: Option<String>,
    #[serde(default)]
    status_callback: Option<String>,
    #[serde(default)]
    sms_url: Option<String>,
    #[serde(default)]
    voice_fallback_url: Option<String>,
    #[serde(default)]
    sms_fallback_url: Option<String>,
}

#[derive(Deserialize)]
struct OwnedList {
    incoming_phone_numbers: Resources<Owned>,
    #[serde(default)]
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct PriceOf {
    number_type: String,
    current_price: Decimal,
}

#[derive(Deserialize)]
struct PriceList {
    phone_number_prices: Resources<PriceOf>,
    price_unit: String,
}

impl From<Can> for Capabilities {
    fn from(Can { voice, sms, mms }: Can) -> Self {
        Self { voice, sms, mms }
    }
}

impl Owned {
    /// `None` when it is none that we could hold, such as a short code.
    fn number(self) -> Option<OwnedNumber> {
        Some(OwnedNumber {
            phone_number: self.phone_number.parse().ok()?,
            sid: self.sid,
            friendly_name: self.friendly_name.unwrap_or_default(),
            capabilities: self.capabilities.unwrap_or_default().into(),
            webhooks: WebhookUrls {
                voice: self.voice_url.unwrap_or_default(),
                voice_status: self.status_callback.unwrap_or_default(),
                sms: self.sms_url.unwrap_or_default(),
                voice_fallback: self.voice_fallback_url.unwrap_or_default(),
                sms_fallback: self.sms_fallback_url.unwrap_or_default(),
            },
        })
    }
}

impl TwilioNumbers {
    /// Twilio as the provider of numbers, for this account. Nothing is asked yet.
    #[must_use]
    pub fn new(config: &TwilioConfig) -> Self {
        Self::within(config, LIMIT)
    }

    /// Twilio as the provider of numbers for this account, with an end to every exchange after so long, for somebody who waits
    /// for the answer.
    #[must_use]
    pub fn within(config: &TwilioConfig, limit: Duration) -> Self {
        Self { client: Client::new(config, limit) }
    }

    fn owned_at(&self, sid: &str) -> String {
        self.client.resource(&format!("IncomingPhoneNumbers/{sid}.json"))
    }

    /// A question that changes nothing: what fails is certainly not done.
    fn ask(&self, url: &str, query: &[(&str, &str)]) -> Result<Answer> {
        let answer = self.client.get(url, query).map_err(|error| not_now(plain(&error)))?;
        answered_by_an_error(&answer).map_or(Ok(answer), Err)
    }
}

impl NumberProvider for TwilioNumbers {
    fn search(&self, search: &NumberSearch) -> Result<Vec<AvailableNumber>> {
        let kind = match search.number_type {
            NumberType::Local => "Local",
            NumberType::TollFree => "TollFree",
            NumberType::Mobile => "Mobile",
        };
        let size = search.limit.to_string();
        let mut query = vec![("PageSize", size.as_str())];
        let texts = [
            ("AreaCode", &search.area_code),
            ("InRegion", &search.region),
            ("InLocality", &search.locality),
            ("Contains", &search.contains),
        ];
        query.extend(texts.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
        let Capabilities { voice, sms, mms } = search.capabilities;
        let wanted = [("VoiceEnabled", voice), ("SmsEnabled", sms), ("MmsEnabled", mms)];
        query.extend(wanted.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| (name, "true")));
        let url = self.client.resource(&format!("AvailablePhoneNumbers/{}/{kind}.json", search.country));
        let answer = self.ask(&url, &query).map_err(in_country)?;
        let page: SalePage = answer.read().map_err(|_| unreadable())?;
        let numbers = page.available_phone_numbers.read.into_iter().filter_map(|number| {
            Some(AvailableNumber {
                phone_number: number.phone_number.parse().ok()?,
                country: search.country,
                number_type: search.number_type,
                locality: clip(number.locality.as_deref(), 100),
                region: clip(number.region.as_deref(), 50),
                capabilities: number.capabilities.unwrap_or_default().into(),
                needs_address: number.address_requirements.is_some_and(|needs| needs != "none"),
            })
        });
        Ok(numbers.take(usize::from(search.limit)).collect())
    }

    fn price(&self, country: Country, number_type: NumberType) -> Result<Price> {
        let url = self.client.prices(&format!("PhoneNumbers/Countries/{country}"));
        let answer = self.ask(&url, &[]).map_err(in_country)?;
        let list: PriceList = answer.read().map_err(|_| unreadable())?;
        // "toll free" here, "toll-free" elsewhere.
        let of_kind = |price: &&PriceOf| price.number_type.replace(' ', "-") == number_type.label();
        let price = list.phone_number_prices.read.iter().find(of_kind).ok_or(ProviderError::Country)?;
        let cents = price.current_price.checked_mul(Decimal::ONE_HUNDRED).ok_or_else(unreadable)?;
        let cents = cents.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i32();
        Ok(Price {
            // Twilio takes the first month when it sells, and nothing else.
            setup_cents: 0,
            monthly_cents: cents.filter(|cents| *cents >= 0).ok_or_else(unreadable)?,
            currency: Some(list.price_unit.to_ascii_uppercase()).filter(|unit| unit.len() == 3).ok_or_else(unreadable)?,
        })
    }

    fn buy(&self, purchase: &Purchase<'_>) -> Result<OwnedNumber> {
        let mut form = vec![("PhoneNumber", purchase.phone_number.as_str()), ("FriendlyName", purchase.friendly_name)];
        form.extend(fields(purchase.webhooks));
        let url = self.client.resource("IncomingPhoneNumbers.json");
        let answer = self.client.post(&url, &form).map_err(|error| not_answered(&error))?;
        match answer.status {
            200..=299 => {
                let owned = answer.read::<Owned>().ok().and_then(Owned::number);
                let exactly = owned.filter(|owned| owned.phone_number == *purchase.phone_number);
                exactly.ok_or_else(|| in_doubt("Twilio sold a number but its answer can't be read".to_owned()))
            }
            500.. => Err(in_doubt(answered(answer.status))),
            _ => Err(refused(&answer)),
        }
    }

    fn find_by_number(&self, number: &PhoneNumber) -> Result<Option<OwnedNumber>> {
        // Twilio's filter also finds numbers that only contain this one.
        let query = [("PhoneNumber", number.as_str()), ("PageSize", "50")];
        let answer = self.ask(&self.client.resource("IncomingPhoneNumbers.json"), &query)?;
        let list: OwnedList = answer.read().map_err(|_| unreadable())?;
        // Among those that can't be read it may be: then nobody knows whether it is owned, and it must not be bought once more.
        let Resources { read, unreadable: lost } = list.incoming_phone_numbers;
        let found = read.into_iter().filter_map(Owned::number).find(|owned| owned.phone_number == *number);
        if found.is_none() && lost > 0 { Err(unreadable()) } else { Ok(found) }
    }

    fn find(&self, sid: &str) -> Result<Option<OwnedNumber>> {
        // What is no SID is not asked for, and does not lead elsewhere.
        if sid.is_empty() || !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        match self.ask(&self.owned_at(sid), &[]) {
            Ok(answer) => {
                let owned = answer.read::<Owned>().ok().and_then(Owned::number);
                owned.map(Some).ok_or_else(unreadable)
            }
            Err(ProviderError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(&self, after: Option<&str>) -> Result<OwnedPage> {
        let answer = match after {
            Some(uri) => self.ask(&self.client.page(uri).ok_or_else(unreadable)?, &[])?,
            None => self.ask(&self.client.resource("IncomingPhoneNumbers.json"), &[("PageSize", PAGE)])?,
        };
        let list: OwnedList = answer.read().map_err(|_| unreadable())?;
        let numbers = list.incoming_phone_numbers.read.into_iter().filter_map(Owned::number).collect();
        Ok(OwnedPage { numbers, next: list.next_page_uri.filter(|uri| !uri.is_empty()) })
    }

    fn update(&self, sid: &str, friendly_name: &str, webhooks: &WebhookUrls) -> Result<OwnedNumber> {
        let mut form = vec![("FriendlyName", friendly_name)];
        form.extend(fields(webhooks));
        let answer = self.client.post(&self.owned_at(sid), &form).map_err(|error| not_answered(&error))?;
        match answer.status {
            200..=299 => answer
                .read::<Owned>()
                .ok()
                .and_then(Owned::number)
                .ok_or_else(|| in_doubt("Twilio changed a number but its answer can't be read".to_owned())),
            500.. => Err(in_doubt(answered(answer.status))),
            _ => Err(refused(&answer)),
        }
    }

    fn release(&self, sid: &str) -> Result<()> {
        let answer = self.client.delete(&self.owned_at(sid)).map_err(|error| not_answered(&error))?;
        match answer.status {
            200..=299 => Ok(()),
            500.. => Err(in_doubt(answered(answer.status))),
            _ => Err(refused(&answer)),
        }
    }
}

/// The webhooks as Twilio's fields. All are POSTs: that is what signatures are checked of. A fallback that is somewhere else
/// keeps its own method.
fn fields(webhooks: &WebhookUrls) -> Vec<(&'static str, &str)> {
    let host = |url: &str| url.split('/').nth(2).map(str::to_owned);
    let mut fields = vec![
        ("VoiceUrl", webhooks.voice.as_str()),
        ("VoiceMethod", "POST"),
        ("StatusCallback", webhooks.voice_status.as_str()),
        ("StatusCallbackMethod", "POST"),
        ("SmsUrl", webhooks.sms.as_str()),
        ("SmsMethod", "POST"),
        ("VoiceFallbackUrl", webhooks.voice_fallback.as_str()),
        ("SmsFallbackUrl", webhooks.sms_fallback.as_str()),
    ];
    if host(&webhooks.voice_fallback) == host(&webhooks.voice) {
        fields.push(("VoiceFallbackMethod", "POST"));
    }
    if host(&webhooks.sms_fallback) == host(&webhooks.sms) {
        fields.push(("SmsFallbackMethod", "POST"));
    }
    fields
}

/// Where nothing was named but a country, that is what there is none of.
fn in_country(error: ProviderError) -> ProviderError {
    if error == ProviderError::Gone { ProviderError::Country } else { error }
}

fn not_now(why: &str) -> ProviderError {
    ProviderError::NotNow { retry_after: None, reason: format!("Twilio can't be reached: {why}") }
}

const fn in_doubt(reason: String) -> ProviderError {
    ProviderError::InDoubt { retry_after: None, reason }
}

fn unreadable() -> ProviderError {
    ProviderError::NotNow { retry_after: None, reason: "Twilio's answer can't be read".to_owned() }
}

/// No answer at all. Only when the connection was never made is it certain that nothing was done.
fn not_answered(error: &ureq::Error) -> ProviderError {
    let why = plain(error);
    if never_arrived(error) { not_now(why) } else { in_doubt(format!("Twilio's answer got lost: {why}")) }
}
