//! The fake Twilio itself, by plain HTTP: what it sells, keeps and refuses, and how it fails.

mod faults;
mod lists;
mod numbers;
mod shop;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nmc_core::testing::{FakeTwilio, TwilioCall, noon};
use serde_json::{Value, json};

const CHICAGO: &str = "+13125550100";

/// A client of it.
struct Client {
    twilio: FakeTwilio,
    agent: ureq::Agent,
    authorization: String,
}

/// Status and body of an answer.
#[derive(Debug, PartialEq)]
struct Reply(u16, String);

impl Reply {
    #[track_caller]
    fn json(&self, status: u16) -> Value {
        assert_eq!(self.0, status, "{}", self.1);
        serde_json::from_str(&self.1).unwrap()
    }

    /// Status and code of a refusal, which says both as Twilio does.
    #[track_caller]
    fn refusal(&self) -> (u16, u64) {
        let error = self.json(self.0);
        let code = error["code"].as_u64().unwrap();
        assert_eq!((&error["status"], error["message"].is_string()), (&json!(self.0), true));
        assert_eq!(error["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
        (self.0, code)
    }
}

impl Client {
    fn new() -> Self {
        let twilio = FakeTwilio::start();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let account = twilio.account();
        let credentials = format!("{}:{}", account.account_sid, account.auth_token.expose());
        Self { twilio, agent, authorization: format!("Basic {}", STANDARD.encode(credentials)) }
    }

    /// `None` when the connection ends without an answer.
    fn try_call(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Option<Reply> {
        let (url, authorization) = (self.twilio.url() + path, &self.authorization);
        let answer = match method {
            "POST" => self.agent.post(url).header("Authorization", authorization).send_form(form.iter().copied()),
            "PUT" => self.agent.put(url).header("Authorization", authorization).send_empty(),
            "DELETE" => self.agent.delete(url).header("Authorization", authorization).call(),
            _ => self.agent.get(url).header("Authorization", authorization).call(),
        };
        let mut answer = answer.ok()?;
        Some(Reply(answer.status().as_u16(), answer.body_mut().read_to_string().unwrap()))
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Reply {
        self.try_call(method, path, form).expect("an answer")
    }

    #[track_caller]
    fn get(&self, path: &str) -> Reply {
        self.call("GET", path, &[])
    }

    fn path(&self, resource: &str) -> String {
        format!("/2010-04-01/Accounts/{}/{resource}.json", self.twilio.account().account_sid)
    }

    fn try_buy(&self, number: &str) -> Option<Reply> {
        self.try_call("POST", &self.path("IncomingPhoneNumbers"), &[("PhoneNumber", number)])
    }

    #[track_caller]
    fn buy(&self, form: &[(&str, &str)]) -> Reply {
        self.call("POST", &self.path("IncomingPhoneNumbers"), form)
    }

    /// Buys this number, and returns its SID.
    #[track_caller]
    fn bought(&self, number: &str) -> String {
        self.buy(&[("PhoneNumber", number)]).json(201)["sid"].as_str().unwrap().to_owned()
    }

    fn number(&self, sid: &str) -> String {
        self.path(&format!("IncomingPhoneNumbers/{sid}"))
    }

    /// The numbers for sale, of `US/Local` or another country and kind.
    #[track_caller]
    fn for_sale(&self, what: &str, query: &str) -> Vec<String> {
        let path = format!("{}?{query}", self.path(&format!("AvailablePhoneNumbers/{what}")));
        phone_numbers(&self.get(&path).json(200)["available_phone_numbers"])
    }
}

fn phone_numbers(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|number| number["phone_number"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn whoever_has_not_the_token_learns_nothing() {
    let client = Client::new();
    let client = Client { authorization: "Basic bm9ib2R5".to_owned(), ..client };
    for path in ["IncomingPhoneNumbers", "AvailablePhoneNumbers/US/Local", "Messages", "nothing"] {
        assert_eq!(client.get(&client.path(path)).refusal(), (401, 20_003));
    }
    assert_eq!(client.get("/v1/PhoneNumbers/Countries/US").refusal(), (401, 20_003));
    assert_eq!(client.buy(&[("PhoneNumber", CHICAGO)]).refusal(), (401, 20_003));
    assert_eq!((client.twilio.owned(), client.twilio.number_requests(), client.twilio.requests()), (vec![], 5, 6));
}

#[test]
fn what_is_not_there_and_what_can_not_be_done() {
    let client = Client::new();
    client.twilio.put_call(call());
    let sid = client.bought(CHICAGO);
    let paths = ["AvailablePhoneNumbers/US/Local", "IncomingPhoneNumbers", "Messages", "Calls/CA1"].map(|path| client.path(path));
    for path in paths.into_iter().chain([client.number(&sid), "/v1/PhoneNumbers/Countries/US".to_owned()]) {
        assert_eq!(client.call("PUT", &path, &[]).refusal(), (405, 20_004), "{path}");
    }
    let paths = ["AvailablePhoneNumbers", "Calls/CA2", "IncomingPhoneNumbers/PN1", "IncomingPhoneNumbers/PN1/Local"];
    for path in paths.map(|path| client.path(path)) {
        assert_eq!(client.get(&path).refusal(), (404, 20_404), "{path}");
    }
    let elsewhere = "/2010-04-01/Accounts/AC00000000000000000000000000000002/IncomingPhoneNumbers.json";
    for path in ["/", "/v1/PhoneNumbers/Countries/FR", elsewhere] {
        assert_eq!(client.get(path).refusal(), (404, 20_404), "{path}");
    }
}

#[test]
fn prices() {
    let client = Client::new();
    let prices = client.get("/v1/PhoneNumbers/Countries/US").json(200);
    assert_eq!((&prices["country"], &prices["iso_country"]), (&json!("United States"), &json!("US")));
    assert_eq!(prices["price_unit"], "USD");
    let expected = [("local", "1.15"), ("toll free", "2.15"), ("mobile", "1.15")]
        .map(|(kind, price)| json!({"number_type": kind, "base_price": price, "current_price": price}));
    assert_eq!(prices["phone_number_prices"], json!(expected));
    for country in ["CA", "GB"] {
        assert_eq!(client.get(&format!("/v1/PhoneNumbers/Countries/{country}")).json(200)["iso_country"], country);
    }
}

/// A call that rings.
fn call() -> TwilioCall {
    TwilioCall {
        sid: "CA1".to_owned(),
        parent_call_sid: None,
        from: "+14155550123".to_owned(),
        to: CHICAGO.to_owned(),
        status: "ringing".to_owned(),
        direction: "inbound".to_owned(),
        duration: None,
        price: None,
        start_time: None,
        end_time: None,
        answered_by: None,
        caller_name: None,
        created_at: noon(),
    }
}

#[test]
fn calls() {
    let client = Client::new();
    let path = client.path("Calls/CA1");
    assert_eq!(client.get(&path).refusal(), (404, 20_404));
    client.twilio.put_call(call());
    let ringing = client.get(&path).json(200);
    let fields = ["duration", "price", "start_time", "end_time", "answered_by", "caller_name"];
    assert_eq!(fields.map(|field| &ringing[field]), [&Value::Null; 6]);
    assert_eq!((&ringing["status"], &ringing["price_unit"]), (&json!("ringing"), &json!("USD")));
    let times = (Some(noon()), Some(noon() + chrono::TimeDelta::seconds(42)));
    client.twilio.put_call(TwilioCall {
        status: "completed".to_owned(),
        duration: Some(42),
        price: Some("-0.0085".to_owned()),
        start_time: times.0,
        end_time: times.1,
        ..call()
    });
    let over = client.get(&path).json(200);
    let [duration, price, start, end, _, _] = fields.map(|field| over[field].as_str());
    assert_eq!((duration, price), (Some("42"), Some("-0.0085")));
    let times = times.0.zip(times.1).map(|(start, end)| (start.to_rfc2822(), end.to_rfc2822())).unwrap();
    assert_eq!((start.unwrap(), end.unwrap()), (times.0.as_str(), times.1.as_str()));
}
