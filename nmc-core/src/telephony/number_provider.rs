//! The port numbers are bought through.

use super::WebhookUrls;
use crate::error::ProviderError;
use crate::types::optional;
use crate::{Country, Error, NumberType, PhoneNumber, PhoneNumberId, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The capabilities of a number; of a search, those it must have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Whether calls are possible.
    pub voice: bool,
    /// Whether texts are possible.
    pub sms: bool,
    /// Whether texts with pictures are possible.
    pub mms: bool,
}

impl Capabilities {
    /// The document that a row keeps.
    #[must_use]
    pub fn document(self) -> Value {
        json!({"voice": self.voice, "sms": self.sms, "mms": self.mms})
    }
}

/// The terms of a search among the numbers for sale.
#[derive(Debug, Clone)]
pub struct NumberSearch {
    /// The country of the numbers.
    pub country: Country,
    /// The type of the numbers.
    pub number_type: NumberType,
    /// The area code: up to 5 digits.
    pub area_code: Option<String>,
    /// The state or province, as its code: up to 50 characters.
    pub region: Option<String>,
    /// The city: up to 100 characters.
    pub locality: Option<String>,
    /// The pattern of the number: 2 to 15 digits, letters as on a phone's keys, and `*` for any digit; or the number itself.
    pub contains: Option<String>,
    /// The capabilities that the numbers must have.
    pub capabilities: Capabilities,
    /// The most numbers to be found, 1 to [`Self::MOST`].
    pub limit: u16,
}

impl NumberSearch {
    /// The most numbers that one search returns.
    pub const MOST: u16 = 100;

    /// A search for numbers of this country and kind that take calls and texts; 20 at the most.
    #[must_use]
    pub const fn new(country: Country, number_type: NumberType) -> Self {
        Self {
            country,
            number_type,
            area_code: None,
            region: None,
            locality: None,
            contains: None,
            capabilities: Capabilities { voice: true, sms: true, mms: false },
            limit: 20,
        }
    }

    /// The same search, trimmed and found to be within its bounds.
    ///
    /// # Errors
    /// [`Error::Invalid`], with the field.
    pub fn checked(&self) -> Result<Self> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (area_code, contains) = (given(&self.area_code), given(&self.contains));
        if area_code.as_ref().is_some_and(|code| code.len() > 5 || !code.bytes().all(|b| b.is_ascii_digit())) {
            return Err(Error::invalid("area_code", "must be up to 5 digits"));
        }
        let is_pattern = |text: &String| {
            let rest = text.strip_prefix('+').unwrap_or(text);
            (2..=15).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'*')
        };
        if contains.as_ref().is_some_and(|text| !is_pattern(text)) {
            return Err(Error::invalid("contains", "must be 2 to 15 digits, letters, and * for any digit"));
        }
        if !(1..=Self::MOST).contains(&self.limit) {
            return Err(Error::invalid("limit", format!("must be between 1 and {}", Self::MOST)));
        }
        Ok(Self {
            area_code,
            contains,
            region: optional("region", self.region.as_deref(), 50)?,
            locality: optional("locality", self.locality.as_deref(), 100)?,
            ..self.clone()
        })
    }
}

/// A number for sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvailableNumber {
    /// The number itself.
    pub phone_number: PhoneNumber,
    /// The country of the number.
    pub country: Country,
    /// The type of the number.
    pub number_type: NumberType,
    /// The city of the number.
    pub locality: Option<String>,
    /// The state or province of the number.
    pub region: Option<String>,
    /// The capabilities of the number.
    pub capabilities: Capabilities,
    /// Whether the provider sells the number only to those who have told it an address.
    pub needs_address: bool,
}

/// The price of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The price paid once, in hundredths of the currency.
    pub setup_cents: i32,
    /// The price paid each month, in hundredths of the currency.
    pub monthly_cents: i32,
    /// The currency's ISO 4217 code, like `USD`.
    pub currency: String,
}

/// The name under which a number is bought for a row: it finds the number again, whatever became of the answer.
#[must_use]
pub fn friendly_name(id: PhoneNumberId) -> String {
    format!("{NAME_PREFIX}{id}")
}

const NAME_PREFIX: &str = "nmc:";

/// A number that the account owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedNumber {
    /// The provider's SID of the number.
    pub sid: String,
    /// The number itself.
    pub phone_number: PhoneNumber,
    /// The name of the number at the provider.
    pub friendly_name: String,
    /// The capabilities of the number.
    pub capabilities: Capabilities,
    /// The webhooks of the number.
    pub webhooks: WebhookUrls,
}

impl OwnedNumber {
    /// The row it was bought for, as its name says.
    #[must_use]
    pub fn row(&self) -> Option<PhoneNumberId> {
        self.friendly_name.strip_prefix(NAME_PREFIX)?.parse().ok()
    }
}

/// A page of the numbers that the account owns.
#[derive(Debug, Clone)]
pub struct OwnedPage {
    /// The numbers.
    pub numbers: Vec<OwnedNumber>,
    /// The cursor of the next page, in the provider's words; `None` on the last page.
    pub next: Option<String>,
}

/// A purchase of one number, by its name and with its webhooks in the same request.
#[derive(Debug, Clone, Copy)]
pub struct Purchase<'a> {
    /// The number to buy, exactly this one.
    pub phone_number: &'a PhoneNumber,
    /// The name for the number: see [`friendly_name`].
    pub friendly_name: &'a str,
    /// The webhooks for the number.
    pub webhooks: &'a WebhookUrls,
}

/// The port that sells numbers. One call must end within half a minute.
pub trait NumberProvider: Send + Sync {
    /// Numbers for sale.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn search(&self, search: &NumberSearch) -> Result<Vec<AvailableNumber>, ProviderError>;

    /// The price of a number of this kind.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn price(&self, country: Country, number_type: NumberType) -> Result<Price, ProviderError>;

    /// Buys one number.
    ///
    /// # Errors
    /// [`ProviderError`]; after [`ProviderError::InDoubt`] it may have been bought, and after [`ProviderError::Taken`], too:
    /// by an earlier request of ours.
    fn buy(&self, purchase: &Purchase<'_>) -> Result<OwnedNumber, ProviderError>;

    /// The number, if the account owns it.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn find_by_number(&self, number: &PhoneNumber) -> Result<Option<OwnedNumber>, ProviderError>;

    /// The number with this SID, if the account owns it.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn find(&self, sid: &str) -> Result<Option<OwnedNumber>, ProviderError>;

    /// A page of the numbers that the account owns: the first, or the one after an earlier page.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn list(&self, after: Option<&str>) -> Result<OwnedPage, ProviderError>;

    /// Names a number that the account owns, and sets its webhooks.
    ///
    /// # Errors
    /// [`ProviderError`], such as [`ProviderError::Gone`].
    fn update(&self, sid: &str, friendly_name: &str, webhooks: &WebhookUrls) -> Result<OwnedNumber, ProviderError>;

    /// Gives a number back, whatever number that is: ask [`owned_as`] before.
    ///
    /// # Errors
    /// [`ProviderError`]; [`ProviderError::Gone`] when it was given back before.
    fn release(&self, sid: &str) -> Result<(), ProviderError>;
}

/// The number that the account owns under `sid`, if that is `number` indeed. A SID that was written down wrong is a stranger's
/// number: whoever changes or gives back a number compares first.
///
/// # Errors
/// [`ProviderError::Gone`] when the account owns none under this SID; [`ProviderError::Mismatched`] when it is another number;
/// [`ProviderError`] when the provider can't say.
pub fn owned_as(provider: &dyn NumberProvider, sid: &str, number: &PhoneNumber) -> Result<OwnedNumber, ProviderError> {
    match provider.find(sid)? {
        Some(owned) if owned.phone_number == *number => Ok(owned),
        Some(_) => Err(ProviderError::Mismatched),
        None => Err(ProviderError::Gone),
    }
}
