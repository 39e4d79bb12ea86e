//! The numbers for sale: where they are, what they can do, and the AvailablePhoneNumbers resource.

use super::Server;
use super::wire::{Answer, Request, page_size, value};
use crate::{NumberType, PhoneNumber};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The traits that all numbers with the same first digits have in common.
pub(super) struct Area {
    prefix: &'static str,
    pub(super) country: &'static str,
    pub(super) kind: NumberType,
    /// Whether nobody gets a number here without having told Twilio an address.
    pub(super) needs_address: bool,
    sms: bool,
    mms: bool,
    place: Option<Place>,
}

struct Place {
    locality: &'static str,
    region: Option<&'static str>,
    rate_center: Option<&'static str>,
    lata: Option<&'static str>,
    latitude: &'static str,
    longitude: &'static str,
    postal_code: Option<&'static str>,
}

/// A number in the United States, somewhere.
const US: Area =
    Area { prefix: "+1", country: "US", kind: NumberType::Local, needs_address: false, sms: true, mms: true, place: None };
const CHICAGO: Place = Place {
    locality: "Chicago",
    region: Some("IL"),
    rate_center: Some("CHICAGO"),
    lata: Some("358"),
    latitude: "41.878100",
    longitude: "-87.629800",
    postal_code: Some("60604"),
};
const SAN_FRANCISCO: Place = Place {
    locality: "San Francisco",
    region: Some("CA"),
    rate_center: Some("SNFC CNTRL"),
    lata: Some("722"),
    latitude: "37.774900",
    longitude: "-122.419400",
    postal_code: Some("94103"),
};
const NEW_YORK: Place = Place {
    locality: "New York",
    region: Some("NY"),
    rate_center: Some("NWYRCYZN01"),
    lata: Some("132"),
    latitude: "40.712800",
    longitude: "-74.006000",
    postal_code: Some("10007"),
};
const TORONTO: Place = Place {
    locality: "Toronto",
    region: Some("ON"),
    rate_center: Some("TORONTO"),
    lata: Some("888"),
    latitude: "43.653200",
    longitude: "-79.383200",
    postal_code: None,
};
const LONDON: Place = Place {
    locality: "London",
    region: None,
    rate_center: None,
    lata: None,
    latitude: "51.507200",
    longitude: "-0.127600",
    postal_code: None,
};
const TOLL_FREE: Area = Area { kind: NumberType::TollFree, ..US };
const GB: Area = Area { prefix: "+44", country: "GB", sms: false, mms: false, ..US };

/// The areas that the stand-in sells in. A number belongs to the first one whose prefix it has.
const AREAS: [Area; 15] = [
    Area { prefix: "+1312", place: Some(CHICAGO), ..US },
    Area { prefix: "+1415", place: Some(SAN_FRANCISCO), ..US },
    Area { prefix: "+1212", place: Some(NEW_YORK), ..US },
    Area { prefix: "+1416", country: "CA", place: Some(TORONTO), ..US },
    Area { prefix: "+1800", ..TOLL_FREE },
    Area { prefix: "+1833", ..TOLL_FREE },
    Area { prefix: "+1844", ..TOLL_FREE },
    Area { prefix: "+1855", ..TOLL_FREE },
    Area { prefix: "+1866", ..TOLL_FREE },
    Area { prefix: "+1877", ..TOLL_FREE },
    Area { prefix: "+1888", ..TOLL_FREE },
    US,
    Area { prefix: "+447", kind: NumberType::Mobile, sms: true, needs_address: true, ..GB },
    Area { prefix: "+4420", place: Some(LONDON), ..GB },
    GB,
];

/// What is for sale from the start: numbers that are kept for fiction, and belong to nobody.
const FIRST_STOCK: [RangeInclusive<u64>; 7] = [
    13_125_550_100..=13_125_550_119,
    14_155_550_100..=14_155_550_119,
    12_125_550_100..=12_125_550_119,
    14_165_550_100..=14_165_550_119,
    18_005_550_190..=18_005_550_199,
    447_700_900_100..=447_700_900_119,
    442_079_460_100..=442_079_460_119,
];

/// The numbers for sale. Those that the account has are not among them.
pub(super) struct Shop(BTreeSet<PhoneNumber>);

impl Default for Shop {
    fn default() -> Self {
        let number = |digits: u64| format!("+{digits}").parse().expect("a number");
        Self(FIRST_STOCK.into_iter().flatten().map(number).collect())
    }
}

impl Shop {
    /// Puts a number up for sale. Says whether it sells such numbers.
    pub(super) fn add(&mut self, number: &PhoneNumber) -> bool {
        let sold = Area::of(number).is_some();
        if sold {
            self.0.insert(number.clone());
        }
        sold
    }

    /// Takes a number off the shelf, and says whether it was for sale.
    pub(super) fn remove(&mut self, number: &PhoneNumber) -> bool {
        self.0.remove(number)
    }

    pub(super) fn has(&self, number: &PhoneNumber) -> bool {
        self.0.contains(number)
    }
}

impl Server {
    pub(super) fn numbers_for_sale(&self, country: &str, kind: &str, request: &Request) -> Answer {
        let kind = match kind {
            "Local.json" => NumberType::Local,
            "TollFree.json" => NumberType::TollFree,
            "Mobile.json" => NumberType::Mobile,
            _ => return Answer::not_found(request),
        };
        let asked = |area: &Area| area.country == country && area.kind == kind;
        if !AREAS.iter().any(asked) {
            return Answer::not_found(request);
        }
        if request.method != "GET" {
            return Answer::not_allowed();
        }
        let query = &request.query;
        let state = self.state();
        let numbers = state.numbers.shop.0.iter();
        let found: Vec<Value> = numbers
            .filter_map(|number| Area::of(number).map(|area| (number, area)))
            .filter(|(number, area)| asked(area) && area.fits(query) && number_fits(number, query))
            .take(page_size(query, 30))
            .map(|(number, area)| area.offer(number))
            .collect();
        Answer::of(200, &json!({"available_phone_numbers": found, "uri": request.path}))
    }
}

impl Area {
    pub(super) fn of(number: &PhoneNumber) -> Option<&'static Self> {
        AREAS.iter().find(|area| number.as_str().starts_with(area.prefix))
    }

    pub(super) fn address_requirements(&self) -> &'static str {
        if self.needs_address { "any" } else { "none" }
    }

    /// The capabilities as a number for sale says them, and as the account's own one does: only the letters differ.
    pub(super) fn capabilities(&self, owned: bool) -> Value {
        let Self { sms, mms, .. } = self;
        if owned {
            json!({"voice": true, "sms": sms, "mms": mms, "fax": false})
        } else {
            json!({"voice": true, "SMS": sms, "MMS": mms, "fax": false})
        }
    }

    fn fits(&self, query: &[(String, String)]) -> bool {
        let can = |name, can: bool| value(query, name).is_none_or(|wanted| wanted.eq_ignore_ascii_case("true") == can);
        let is =
            |name, is: Option<&str>| value(query, name).is_none_or(|wanted| is.is_some_and(|is| is.eq_ignore_ascii_case(wanted)));
        let place = self.place.as_ref();
        can("VoiceEnabled", true)
            && can("SmsEnabled", self.sms)
            && can("MmsEnabled", self.mms)
            && is("InRegion", place.and_then(|place| place.region))
            && is("InLocality", place.map(|place| place.locality))
    }

    fn offer(&self, number: &PhoneNumber) -> Value {
        let place = self.place.as_ref();
        json!({
            "friendly_name": national_form(number), "phone_number": number.as_str(), "iso_country": self.country,
            "locality": place.map(|place| place.locality), "region": place.and_then(|place| place.region),
            "rate_center": place.and_then(|place| place.rate_center), "lata": place.and_then(|place| place.lata),
            "latitude": place.map(|place| place.latitude), "longitude": place.map(|place| place.longitude),
            "postal_code": place.and_then(|place| place.postal_code),
            "address_requirements": self.address_requirements(), "beta": false,
            "capabilities": self.capabilities(false), "a_field_of_next_year": {"that": ["nobody", "knows"]},
        })
    }
}

fn number_fits(number: &PhoneNumber, query: &[(String, String)]) -> bool {
    let in_area = value(query, "AreaCode").is_none_or(|wanted| number.area_code() == Some(wanted));
    let pattern = value(query, "Contains").unwrap_or_default();
    // With the plus it is a number, and not a part of one.
    let whole = !pattern.starts_with('+') || pattern.len() == number.as_str().len();
    in_area && whole && contains(number, pattern)
}

/// A pattern of digits, letters as on a telephone's keys, and `*` for any digit, somewhere in the number.
pub(super) fn contains(number: &PhoneNumber, pattern: &str) -> bool {
    let number = number.as_str().as_bytes();
    let fits = |(digit, key): (&u8, u8)| match key.to_ascii_lowercase() {
        b'*' => digit.is_ascii_digit(),
        b'a'..=b'c' => *digit == b'2',
        b'd'..=b'f' => *digit == b'3',
        b'g'..=b'i' => *digit == b'4',
        b'j'..=b'l' => *digit == b'5',
        b'm'..=b'o' => *digit == b'6',
        b'p'..=b's' => *digit == b'7',
        b't'..=b'v' => *digit == b'8',
        b'w'..=b'z' => *digit == b'9',
        key => *digit == key,
    };
    pattern.is_empty() || number.windows(pattern.len()).any(|part| part.iter().zip(pattern.bytes()).all(fits))
}

/// The number as it is dialled at home: `(312) 555-0100`. Of other countries' numbers that is not known here.
pub(super) fn national_form(number: &PhoneNumber) -> String {
    let parts = number.as_str().strip_prefix("+1").and_then(|rest| {
        let (area, rest) = rest.split_at_checked(3)?;
        let (exchange, line) = rest.split_at_checked(3)?;
        (line.len() == 4).then(|| format!("({area}) {exchange}-{line}"))
    });
    parts.unwrap_or_else(|| number.to_string())
}
