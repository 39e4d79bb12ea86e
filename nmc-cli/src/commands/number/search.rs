use crate::cli::{CriteriaArgs, Format, KindArgs, TwilioArgs};
use crate::error::CliResult;
use crate::output::Columns;
use nmc_core::NumberType;
use nmc_core::Page;
use nmc_core::telephony::{AvailableNumber, Capabilities, NumberProvider as _, NumberSearch};
use nmc_core::twilio::TwilioNumbers;
use serde_json::json;
use std::process::ExitCode;

const COLUMNS: Columns<AvailableNumber> = Columns {
    names: &["phone_number", "country", "number_type", "locality", "region", "voice", "sms", "mms", "needs_address"],
    values: |number| {
        vec![
            json!(number.phone_number),
            json!(number.country.as_str()),
            json!(number.number_type),
            json!(number.locality),
            json!(number.region),
            json!(number.capabilities.voice),
            json!(number.capabilities.sms),
            json!(number.capabilities.mms),
            json!(number.needs_address),
        ]
    },
};

/// Needs no database: what is for sale is nobody's yet.
pub(super) fn run(kind: &KindArgs, criteria: CriteriaArgs, limit: u16, twilio: &TwilioArgs, format: Format) -> CliResult {
    let search = search(kind, criteria, limit).checked()?;
    let found = TwilioNumbers::new(&twilio.account("searching")?).search(&search).map_err(nmc_core::Error::from)?;
    if found.is_empty() {
        eprintln!("no number for sale is like that");
    }
    COLUMNS.page(format, &Page { items: found, next: None })?;
    Ok(ExitCode::SUCCESS)
}

/// What the options ask for: numbers that take calls and texts, unless it is said that they need not text.
pub(super) fn search(kind: &KindArgs, criteria: CriteriaArgs, limit: u16) -> NumberSearch {
    let CriteriaArgs { area_code, region, locality, contains, mms, without_sms } = criteria;
    NumberSearch {
        area_code,
        region,
        locality,
        contains,
        capabilities: Capabilities { voice: true, sms: !without_sms, mms },
        limit,
        ..NumberSearch::new(kind.country, kind.number_type.unwrap_or(NumberType::Local))
    }
}
