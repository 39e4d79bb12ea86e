//! Lists of calls and texts: filtered by their time, newest first, page by page; and behind the times, if told so.

use super::wire::{Answer, Request, encoded, page_size, value};
use super::{ACCOUNT, FakeTwilio, Server, State};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// The facts of what became of a text, beyond what it was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextFacts {
    /// The status of the text: `delivered`, `undelivered`, `received`…
    pub status: String,
    /// Twilio's code of an error.
    pub error_code: Option<i32>,
    /// The price of the text, once that is known: a decimal below zero, in US dollars.
    pub price: Option<String>,
    /// The media types of what came with the text, like `image/jpeg`.
    pub media: Vec<String>,
}

impl FakeTwilio {
    /// Tells the stand-in what became of the text with this SID.
    pub fn tell_of_text(&self, sid: &str, facts: TextFacts) {
        self.server.state().text_facts.insert(sid.to_owned(), facts);
    }

    /// Keeps from lists, from now on, what is younger than this.
    pub fn lag_lists_by(&self, behind: TimeDelta) {
        self.server.state().lists_lag = behind;
    }

    /// Puts a null, and a resource that can't be read, among the others of every list from now on.
    pub fn spoil_lists(&self) {
        self.server.state().lists_spoilt = true;
    }

    /// Makes lists tell the same in other types from now on (numbers as numbers, codes as strings), and nothing of a text's
    /// direction and status.
    pub fn loosen_lists(&self) {
        self.server.state().lists_loose = true;
    }

    /// Makes lists leave out from now on when anything was.
    pub fn undate_lists(&self) {
        self.server.state().lists_undated = true;
    }
}

/// A time filter of a request, like `StartTime>` and `StartTime<`; both ends count.
pub(super) fn in_time(request: &Request, name: &str, at: DateTime<Utc>) -> bool {
    let bound = |operator: &str| {
        let text = value(&request.query, &format!("{name}{operator}"))?;
        DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc))
    };
    bound(">").is_none_or(|from| at >= from) && bound("<").is_none_or(|until| at <= until)
}

/// One page of what was found, newest first. A page's token is the SID of the item that it comes after.
pub(super) fn page(request: &Request, name: &str, found: &[(String, Value)], usual: usize, state: &State) -> Answer {
    let query = &request.query;
    let size = page_size(query, usual);
    let number: usize = value(query, "Page").and_then(|text| text.parse().ok()).unwrap_or(0);
    let token = value(query, "PageToken").and_then(|token| token.strip_prefix("PA"));
    let start = match token {
        Some(sid) => found.iter().position(|(known, _)| known == sid).map_or(found.len(), |place| place + 1),
        None => 0,
    };
    let items: Vec<&(String, Value)> = found.iter().skip(start).take(size).collect();
    let kept = query.iter().filter(|(name, _)| !["Page", "PageToken", "PageSize"].contains(&name.as_str()));
    let kept: String = kept.map(|(name, value)| format!("{}={}&", encoded(name), encoded(value))).collect();
    let path = &request.path;
    let next = items
        .last()
        .filter(|_| start + items.len() < found.len())
        .map(|(sid, _)| format!("{path}?{kept}PageSize={size}&Page={}&PageToken=PA{sid}", number.saturating_add(1)));
    let mut resources: Vec<Value> = items.iter().map(|(_, resource)| resource.clone()).collect();
    if state.lists_loose {
        resources.iter_mut().filter_map(Value::as_object_mut).flatten().for_each(|(field, value)| loosen(name, field, value));
    }
    if state.lists_undated {
        let fields = resources.iter_mut().filter_map(Value::as_object_mut).flatten();
        fields.filter(|(field, _)| field.starts_with("date_")).for_each(|(_, value)| *value = Value::Null);
    }
    if state.lists_spoilt {
        resources.insert(0, Value::Null);
        resources.push(json!({"sid": 5, "status": []}));
    }
    let mut body = json!({
        "page": number, "page_size": size, "start": start, "end": (start + items.len()).saturating_sub(1),
        "uri": path, "first_page_uri": path, "previous_page_uri": null, "next_page_uri": next,
    });
    if let Some(body) = body.as_object_mut() {
        body.insert(name.to_owned(), Value::Array(resources));
    }
    Answer::of(200, &body)
}

/// The same value in another type.
fn loosen(list: &str, field: &str, value: &mut Value) {
    match (list, field) {
        ("messages", "direction" | "status") => *value = Value::Null,
        (_, "num_media" | "duration" | "price") => {
            if let Some(number) = value.as_str().and_then(|text| serde_json::from_str(text).ok()) {
                *value = number;
            }
        }
        (_, "error_code") if value.is_number() => *value = json!(value.to_string()),
        (_, "error_message" | "answered_by" | "caller_name") if value.is_null() => *value = json!([]),
        _ => {}
    }
}

impl Server {
    /// The list of calls.
    pub(super) fn calls(&self, request: &Request) -> Answer {
        if request.method != "GET" {
            return Answer::not_allowed();
        }
        let wanted = |name: &str, held: Option<&str>| value(&request.query, name).is_none_or(|wanted| Some(wanted) == held);
        let now = self.clock.now();
        let state = self.state();
        let mut found: Vec<_> = state
            .calls
            .values()
            .filter(|call| call.created_at <= now - state.lists_lag)
            .filter(|call| in_time(request, "StartTime", call.start_time.unwrap_or(call.created_at)))
            .filter(|call| wanted("ParentCallSid", call.parent_call_sid.as_deref()))
            .filter(|call| {
                wanted("To", Some(&call.to)) && wanted("From", Some(&call.from)) && wanted("Status", Some(&call.status))
            })
            .collect();
        found.sort_by(|a, b| (b.start_time.unwrap_or(b.created_at), &b.sid).cmp(&(a.start_time.unwrap_or(a.created_at), &a.sid)));
        let found: Vec<(String, Value)> = found.into_iter().map(|call| (call.sid.clone(), call.resource())).collect();
        page(request, "calls", &found, 50, &state)
    }

    /// The media that came with a text.
    pub(super) fn media(&self, sid: &str, request: &Request) -> Answer {
        let state = self.state();
        let media = state.text_facts.get(sid).map(|facts| facts.media.clone()).unwrap_or_default();
        let resources: Vec<Value> = (0..)
            .zip(media)
            .map(|(place, content_type)| {
                json!({
                    "sid": format!("ME{place:032}"), "account_sid": ACCOUNT, "parent_sid": sid, "content_type": content_type,
                    "uri": format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media/ME{place:032}.json"),
                })
            })
            .collect();
        Answer::of(200, &json!({"media_list": resources, "uri": request.path, "next_page_uri": null}))
    }
}
