//! Call logs from elsewhere, in CSV or JSON lines, read a row at a time.

use super::call_log_input::{Bounded, Lines, Members, Taken, is_well_quoted};
use super::{NewCall, outcome};
use crate::types::{bounds, required};
use crate::{CallDirection, CallOutcome, CallStatus, CallerIdentity, Error, PhoneNumber, Result};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read};
use std::rc::Rc;
use std::str::FromStr;

mod party;
mod seen;
use party::{is_nobody, is_service};
use seen::Seen;

/// The form of a call log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallLogFormat {
    /// Comma-separated values (RFC 4180), in UTF-8, the names of [`CallLog::FIELDS`] in the first line.
    Csv,
    /// One JSON object in each line, in UTF-8, with fields of the same names.
    JsonLines,
}

/// A call log that is read as it is asked for, a row in memory at a time. A row at fault is an error that names it, counted from
/// 0, and the field; the rows after it can still be read, unless the input itself broke off.
///
/// ```
/// use nmc_core::calls::{CallLog, CallLogFormat};
///
/// let csv = "caller_phone,called_phone,twilio_call_sid,outcome\n+14155550123,+14155550100,CA1,missed\n";
/// let calls: Vec<_> = CallLog::new(CallLogFormat::Csv, csv.as_bytes()).collect::<nmc_core::Result<_>>()?;
/// assert_eq!(calls.len(), 1);
/// # Ok::<(), nmc_core::Error>(())
/// ```
pub struct CallLog<R> {
    rows: Rows<R>,
    taken: Rc<RefCell<Taken>>,
    next: usize,
    is_over: bool,
    lines: Lines,
    seen: Seen,
}

enum Rows<R> {
    Csv { reader: csv::Reader<Bounded<R>>, names: Option<Vec<String>> },
    JsonLines(BufReader<Bounded<R>>),
}

/// The longest row, in bytes: an open quotation mark would otherwise make one row of the whole rest.
const LONGEST_ROW: usize = 64 * 1024;

impl<R: Read> CallLog<R> {
    /// The fields of a row. The first three are required; a status that is left out is `completed`, a direction `inbound`. The outcome
    /// of an inbound call, where it is left out, [follows](outcome) from the status, if there is one; that a call was answered, only
    /// where the row has its seconds. Instants are in RFC 3339, like `2026-11-22T18:00:00Z`; the price is in US dollars, and may be
    /// below zero, as Twilio's lists have it. `twilio_call_sid` may be any id that tells the calls of a business apart; rows that have
    /// it in common tell of one call, or the later one is at fault. That is told of the 50,000 calls before it at least.
    pub const FIELDS: [&'static str; 19] = [
        "caller_phone",
        "called_phone",
        "twilio_call_sid",
        "call_direction",
        "call_status",
        "outcome",
        "started_at",
        "ended_at",
        "duration_seconds",
        "caller_name",
        "caller_city",
        "caller_state",
        "caller_country",
        "recording_url",
        "recording_duration_seconds",
        "disconnect_reason",
        "price",
        "answered_by",
        "forwarded_from",
    ];

    /// A call log in this form, read from `input`.
    pub fn new(format: CallLogFormat, input: R) -> Self {
        let taken = Rc::new(RefCell::new(Taken::up_to(LONGEST_ROW)));
        let input = Bounded { input, taken: Rc::clone(&taken) };
        let rows = match format {
            CallLogFormat::Csv => {
                Rows::Csv { reader: csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input), names: None }
            }
            CallLogFormat::JsonLines => Rows::JsonLines(BufReader::new(input)),
        };
        Self { rows, taken, next: 0, is_over: false, lines: Lines::default(), seen: Seen::default() }
    }

    /// The line of the input in which the last row begins, counted from 1, with that of the names: a row may take several, and
    /// empty ones may stand between.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.lines.before_row.saturating_add(1)
    }

    /// The fields of the next row, if there is one.
    fn fields(&mut self) -> Result<Option<Fields>, Broken> {
        self.taken.borrow_mut().left = LONGEST_ROW;
        match &mut self.rows {
            Rows::Csv { reader, names } => {
                let names = match names {
                    Some(names) => names,
                    None => {
                        let read = header(reader).map_err(|broken| Broken { is_header: true, ..broken })?;
                        self.lines.read(&self.taken.borrow_mut().row(reader.position().byte()));
                        names.insert(read)
                    }
                };
                let mut record = csv::StringRecord::new();
                let read = reader.read_record(&mut record);
                // The reader takes quotation marks as they come: an open one would make one value of all rows that follow.
                let row = self.taken.borrow_mut().row(reader.position().byte());
                self.lines.read(&row);
                let is_there = read.map_err(|error| refusal(&error))?;
                if !is_well_quoted(&row) {
                    return Err(Broken::ends(Error::invalid(
                        "the row",
                        "must have its quotation marks around whole values, and in pairs",
                    )));
                }
                if !is_there {
                    return Ok(None);
                }
                Ok(Some(Fields(names.iter().cloned().zip(record.iter().map(str::to_owned)).collect())))
            }
            Rows::JsonLines(input) => loop {
                let mut line = Vec::new();
                if input.read_until(b'\n', &mut line).map_err(|error| Broken::ends(of_reading(&error)))? == 0 {
                    return Ok(None);
                }
                self.taken.borrow_mut().ahead.clear();
                self.lines.read(&line);
                if !line.trim_ascii().is_empty() {
                    return object(&line).map(Some).map_err(Broken::row);
                }
            },
        }
    }
}

impl<R: Read> Iterator for CallLog<R> {
    type Item = Result<NewCall>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let read = self.fields();
        let row = self.next;
        self.next += 1;
        let call = match read {
            Ok(None) => {
                self.is_over = true;
                return None;
            }
            Ok(Some(fields)) => {
                let call = fields.call().and_then(|call| self.seen.agrees(&call).map(|()| call));
                call.map_err(|error| (error, false))
            }
            Err(broken) => {
                self.is_over = broken.ends;
                Err((broken.error, broken.is_header))
            }
        };
        Some(call.map_err(|(error, is_header)| if is_header { error } else { crate::store::at_row(row, error) }))
    }
}

impl<R> std::fmt::Debug for CallLog<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallLog").field("next", &self.next).finish_non_exhaustive()
    }
}

/// The reason why there is no row, and whether there can be none after it.
struct Broken {
    error: Error,
    ends: bool,
    /// Whether the line of names is at fault.
    is_header: bool,
}

impl Broken {
    const fn row(error: Error) -> Self {
        Self { error, ends: false, is_header: false }
    }

    const fn ends(error: Error) -> Self {
        Self { error, ends: true, is_header: false }
    }
}

/// The names in the first line of a CSV file.
fn header<R: Read>(reader: &mut csv::Reader<Bounded<R>>) -> Result<Vec<String>, Broken> {
    let names = reader.headers().map_err(|error| Broken { ends: true, ..refusal(&error) })?;
    let names: Vec<String> = names.iter().map(str::to_owned).collect();
    if let [one] = names.as_slice()
        && one.contains([';', '\t', '|'])
    {
        return Err(Broken::ends(Error::invalid("the header", "must have commas between the names, and no other mark")));
    }
    for (at, name) in names.iter().enumerate() {
        known(name, || format!("column {} of the header", at + 1)).map_err(Broken::ends)?;
        if names.iter().take(at).any(|earlier| earlier == name) {
            return Err(Broken::ends(Error::invalid(name.clone(), "must be there once")));
        }
    }
    Ok(names)
}

fn known(name: &str, place: impl Fn() -> String) -> Result<()> {
    if CallLog::<&[u8]>::FIELDS.contains(&name) {
        return Ok(());
    }
    // Their name is repeated only if it could be one of ours.
    let is_a_name = name.len() <= 60 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && !name.is_empty();
    let field = if is_a_name { name.to_owned() } else { place() };
    Err(Error::invalid(field, format!("is no field of a call log, which are: {}", CallLog::<&[u8]>::FIELDS.join(", "))))
}

fn refusal(error: &csv::Error) -> Broken {
    match error.kind() {
        csv::ErrorKind::Io(error) => Broken::ends(of_reading(error)),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => Broken::row(Error::invalid(
            "the row",
            format!("must have {expected_len} values, as the first line has, and has {len}"),
        )),
        csv::ErrorKind::Utf8 { .. } => Broken::row(Error::invalid("the row", "must be UTF-8, as a spreadsheet's `CSV UTF-8` is")),
        _ => Broken::ends(Error::invalid("the row", "must be comma-separated values")),
    }
}

fn of_reading(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::FileTooLarge => Error::invalid("the row", format!("must be at most {LONGEST_ROW} bytes long")),
        kind => Error::invalid("the file", format!("can't be read: {kind}")),
    }
}

/// The fields of a line of JSON.
fn object(line: &[u8]) -> Result<Fields> {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    let Ok(Members(members)) = serde_json::from_slice(line) else {
        return Err(Error::invalid("the row", "must be a JSON object on a line of its own"));
    };
    let mut fields = BTreeMap::new();
    for (name, value) in members {
        known(&name, || "a member".to_owned())?;
        let text = match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => return Err(Error::invalid(name, "must be a text or a number")),
        };
        if fields.insert(name.clone(), text).is_some() {
            return Err(Error::invalid(name, "must be there once"));
        }
    }
    Ok(Fields(fields.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()))
}

/// The fields of a row, by name.
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    fn required(&self, name: &'static str) -> Result<&str> {
        self.text(name).ok_or_else(|| Error::invalid(name, "is required"))
    }

    /// A value of a list, in whatever case it is written, and with blanks or underscores for its hyphens: `No Answer`.
    fn listed<T: FromStr<Err = Error>>(&self, name: &'static str) -> Result<Option<T>> {
        let label = |text: &str| text.to_ascii_lowercase().replace([' ', '_'], "-");
        self.text(name).map(|text| Self::typed(name, &label(text))).transpose()
    }

    /// The direction of a call. Twilio's lists tell what began an outbound one as well.
    fn direction(&self) -> Result<Option<CallDirection>> {
        let name = "call_direction";
        let is_of_twilio = |text: &str| ["outbound-api", "outbound-dial"].iter().any(|told| text.eq_ignore_ascii_case(told));
        if self.text(name).is_some_and(is_of_twilio) { Ok(Some(CallDirection::Outbound)) } else { self.listed(name) }
    }

    /// The cost of a call, to four decimals. A statement such as Twilio's has it as an amount below zero.
    fn price(&self) -> Result<Option<Decimal>> {
        let told = self.parsed("price", "must be an amount like 0.0085")?.map(|price: Decimal| price.abs());
        bounds::PRICE.rounded_if_given("price", told)
    }

    /// A value of another type of ours, which knows its rule.
    fn typed<T: FromStr<Err = Error>>(name: &'static str, text: &str) -> Result<T> {
        text.parse().map_err(|error| match error {
            Error::Invalid { rule, .. } => Error::invalid(name, rule),
            other => other,
        })
    }

    fn parsed<T: FromStr>(&self, name: &'static str, rule: &'static str) -> Result<Option<T>> {
        self.text(name).map(|text| text.parse().map_err(|_| Error::invalid(name, rule))).transpose()
    }

    /// An address that a browser may be sent to.
    fn address(&self, name: &'static str) -> Result<Option<String>> {
        let is_of_the_web = |text: &str| ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
        match self.text(name) {
            Some(text) if !is_of_the_web(text) => Err(Error::invalid(name, "must begin with https:// or http://")),
            text => Ok(text.map(str::to_owned)),
        }
    }

    fn instant(&self, name: &'static str) -> Result<Option<DateTime<Utc>>> {
        self.parsed(name, "must be an instant like 2026-11-22T18:00:00Z")
    }

    /// A party, as people write numbers or as a network told of it. What begins as a number of the world's and is none was mistyped:
    /// nobody goes by it.
    fn party(&self, name: &'static str, ours: Option<&str>) -> Result<CallerIdentity> {
        let text = self.required(name)?;
        // Some spellings of a withheld number look like numbers.
        if text.parse().is_ok_and(|party: CallerIdentity| party == CallerIdentity::Anonymous) {
            return Ok(CallerIdentity::Anonymous);
        }
        if let Ok(phone) = PhoneNumber::typed(text) {
            return Ok(CallerIdentity::Phone(phone));
        }
        // Digits without a plus are a number where ours leaves no doubt.
        let certain = ours.and_then(|ours| PhoneNumber::typed(ours).ok()).map(|ours| CallerIdentity::told(text, &ours));
        if let Some(phone @ CallerIdentity::Phone(_)) = certain {
            return Ok(phone);
        }
        // Others may go by a name, but not here.
        let rule = "must be a number, like +14155550123, a short code, a SIP or client address, or `anonymous`";
        let party = text.parse::<CallerIdentity>().ok().filter(|party| !is_nobody(party));
        let party = party.ok_or_else(|| Error::invalid(name, rule))?;
        if party.as_str().starts_with('+') && !is_service(party.as_str()) {
            return Err(Error::invalid(
                name,
                "must be a number with its country, 7 to 15 digits in all (ten after +1), like +14155550123, or what the network told",
            ));
        }
        Ok(party)
    }

    fn call(&self) -> Result<NewCall> {
        let direction = self.direction()?;
        let is_outbound = direction == Some(CallDirection::Outbound);
        let ours_of = |name| self.text(name).filter(|_| is_outbound == (name == "caller_phone"));
        let caller = self.party("caller_phone", ours_of("called_phone"))?;
        let called = self.party("called_phone", ours_of("caller_phone"))?;
        // One of which nobody sees anything is none.
        let sid = required("twilio_call_sid", self.required("twilio_call_sid")?, 100)?;
        let seconds = "must be a whole number of seconds";
        let (status, duration_seconds) = (self.listed("call_status")?, self.parsed("duration_seconds", seconds)?);
        // Lists such as Twilio's have no outcome. Of a call that is over, and of which nobody says how long it was, nothing follows.
        let follows = |status| {
            let told = outcome(status, None, None, self.text("answered_by"), duration_seconds, false);
            told.filter(|told| *told != CallOutcome::Answered || duration_seconds.is_some())
        };
        let call = NewCall {
            call_status: status.unwrap_or(CallStatus::Completed),
            outcome: self.listed("outcome")?.or_else(|| status.filter(|_| !is_outbound).and_then(follows)),
            started_at: self.instant("started_at")?,
            ended_at: self.instant("ended_at")?,
            duration_seconds,
            caller_name: self.owned("caller_name"),
            caller_city: self.owned("caller_city"),
            caller_state: self.owned("caller_state"),
            caller_country: self.owned("caller_country"),
            recording_url: self.address("recording_url")?,
            recording_duration_seconds: self.parsed("recording_duration_seconds", seconds)?,
            disconnect_reason: self.owned("disconnect_reason"),
            price: self.price()?,
            answered_by: self.owned("answered_by"),
            forwarded_from: self.owned("forwarded_from"),
            ..NewCall::begun(direction.unwrap_or(CallDirection::Inbound), caller, called, sid)
        };
        call.checked()
    }
}

#[cfg(test)]
mod tests;
