//! Lists of calls and texts as the stand-in has them.

use super::{Client, call};
use chrono::TimeDelta;
use nmc_core::testing::{TwilioCall, TwilioText, noon};
use serde_json::Value;

fn sids(list: &Value, name: &str) -> Vec<String> {
    list[name].as_array().unwrap().iter().map(|one| one["sid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn calls_are_listed_newest_first_by_time_and_page() {
    let client = Client::new();
    for n in 0..5 {
        let at = noon() + TimeDelta::minutes(n);
        client.twilio.put_call(TwilioCall { sid: format!("CA{n}"), start_time: Some(at), created_at: at, ..call() });
    }
    let leg = TwilioCall { sid: "CA9".to_owned(), parent_call_sid: Some("CA1".to_owned()), ..call() };
    client.twilio.put_call(leg);
    let get = |path: &str| client.get(path).json(200);
    let path = client.path("Calls");
    let since = get(&format!("{path}?StartTime%3E=2026-11-16T12:01:00Z&StartTime%3C=2026-11-16T12:03:00Z"));
    assert_eq!(sids(&since, "calls"), ["CA3", "CA2", "CA1"]);
    assert_eq!(sids(&get(&format!("{path}?ParentCallSid=CA1")), "calls"), ["CA9"]);

    let first = get(&format!("{path}?StartTime%3E=2026-11-16T12:01:00Z&PageSize=3"));
    assert_eq!(sids(&first, "calls"), ["CA4", "CA3", "CA2"]);
    let second = get(first["next_page_uri"].as_str().unwrap());
    assert_eq!((sids(&second, "calls"), &second["next_page_uri"]), (vec!["CA1".to_owned()], &Value::Null));
}

#[test]
fn texts_are_listed_by_time_and_lists_may_lag() {
    let client = Client::new();
    for n in 0..3 {
        client.twilio.put(TwilioText {
            sid: format!("SM{n}"),
            from: "+14155550123".to_owned(),
            to: "+13125550100".to_owned(),
            body: "Hello".to_owned(),
            direction: "inbound",
            status_callback: None,
            created_at: noon() + TimeDelta::minutes(n),
        });
    }
    let list = || client.get(&format!("{}?DateSent%3E=2026-11-16T12:01:00Z", client.path("Messages"))).json(200);
    assert_eq!(sids(&list(), "messages"), ["SM2", "SM1"]);
    assert_eq!(list()["messages"][0]["status"], "received");
    client.twilio.lag_lists_by(TimeDelta::days(10_000));
    assert_eq!(sids(&list(), "messages"), Vec::<String>::new());
}
