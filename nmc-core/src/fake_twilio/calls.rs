//! The Calls resource: what became of a call. None is made here.

use super::wire::{Answer, Request};
use super::{ACCOUNT, FakeTwilio, Server};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// One call resource of Twilio's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioCall {
    /// The call's SID.
    pub sid: String,
    /// The SID of the call that this one is a leg of.
    pub parent_call_sid: Option<String>,
    /// The caller.
    pub from: String,
    /// The one who is called.
    pub to: String,
    /// The status of the call: `ringing`, `completed`, `no-answer`…
    pub status: String,
    /// The direction: `inbound` or `outbound-api`.
    pub direction: String,
    /// The length of the call in seconds, once it is over.
    pub duration: Option<u32>,
    /// The price of the call, once that is known: a decimal below zero, in US dollars.
    pub price: Option<String>,
    /// The instant at which the call was answered.
    pub start_time: Option<DateTime<Utc>>,
    /// The instant at which the call ended.
    pub end_time: Option<DateTime<Utc>>,
    /// The verdict of machine detection: `human` or a machine, where that was asked for.
    pub answered_by: Option<String>,
    /// The caller's name, where that was looked up.
    pub caller_name: Option<String>,
    /// The instant at which the call came.
    pub created_at: DateTime<Utc>,
}

impl FakeTwilio {
    /// Tells the stand-in of a call, or what has become of one that it knows.
    pub fn put_call(&self, call: TwilioCall) {
        self.server.state().calls.insert(call.sid.clone(), call);
    }
}

impl Server {
    pub(super) fn call(&self, file: &str, request: &Request) -> Answer {
        let state = self.state();
        let Some(call) = file.strip_suffix(".json").and_then(|sid| state.calls.get(sid)) else {
            return Answer::not_found(request);
        };
        if request.method == "GET" { Answer::of(200, &call.resource()) } else { Answer::not_allowed() }
    }
}

impl TwilioCall {
    pub(super) fn resource(&self) -> Value {
        let created = self.created_at.to_rfc2822();
        let updated = self.end_time.map_or_else(|| created.clone(), |at| at.to_rfc2822());
        json!({
            "sid": self.sid, "account_sid": ACCOUNT, "api_version": "2010-04-01", "parent_call_sid": self.parent_call_sid,
            "from": self.from, "from_formatted": self.from, "to": self.to, "to_formatted": self.to,
            "status": self.status, "direction": self.direction, "duration": self.duration.map(|seconds| seconds.to_string()),
            "price": self.price, "price_unit": "USD", "start_time": self.start_time.map(|at| at.to_rfc2822()),
            "end_time": self.end_time.map(|at| at.to_rfc2822()), "answered_by": self.answered_by,
            "caller_name": self.caller_name, "forwarded_from": null, "group_sid": null, "annotation": null,
            "phone_number_sid": null, "trunk_sid": "", "queue_time": "0",
            "date_created": created, "date_updated": updated,
            "uri": format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{}.json", self.sid),
            "subresource_uris": {}, "a_field_of_next_year": {"that": ["nobody", "knows"]},
        })
    }
}
