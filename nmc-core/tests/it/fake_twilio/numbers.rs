//! The account's numbers.

use super::{CHICAGO, Client, phone_numbers};
use nmc_core::testing::{FakeTwilio, ManualClock, OwnedTwilioNumber, noon};
use serde_json::{Value, json};
use std::sync::Arc;

const HOOK: &str = "https://nmc.example.com/hook?a=1&b=2";

// ------------------------------------------------------------------------------------------------ one

#[test]
fn a_number_is_bought_with_all_that_was_asked_for() {
    let mut client = Client::new();
    client.twilio = FakeTwilio::with_clock(Arc::new(ManualClock::new(noon())));
    let bought = client.buy(&[
        ("PhoneNumber", CHICAGO),
        ("FriendlyName", "Joe's, the plumber's"),
        ("VoiceUrl", HOOK),
        ("VoiceMethod", "GET"),
        ("SmsUrl", "https://nmc.example.com/sms"),
        ("StatusCallback", "https://nmc.example.com/status"),
    ]);
    let mut bought = bought.json(201);
    let sid = bought["sid"].as_str().unwrap().to_owned();
    assert!(sid.len() == 34 && sid.starts_with("PN"), "{sid}");
    assert!(sid[2..].bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{sid}");
    assert_eq!(client.get(&client.number(&sid)).json(200), bought);
    assert!(bought.as_object_mut().unwrap().remove("a_field_of_next_year").is_some());
    let expected = json!({
        "sid": sid, "account_sid": client.twilio.account().account_sid, "api_version": "2010-04-01",
        "phone_number": CHICAGO, "friendly_name": "Joe's, the plumber's",
        "voice_url": HOOK, "voice_method": "GET", "voice_fallback_url": "", "voice_fallback_method": "POST",
        "sms_url": "https://nmc.example.com/sms", "sms_method": "POST", "sms_fallback_url": "", "sms_fallback_method": "POST",
        "status_callback": "https://nmc.example.com/status", "status_callback_method": "POST",
        "voice_caller_id_lookup": false, "voice_receive_mode": "voice", "voice_application_sid": "",
        "sms_application_sid": "", "address_requirements": "none", "address_sid": null, "trunk_sid": null,
        "bundle_sid": null, "identity_sid": null, "emergency_status": "Inactive", "emergency_address_sid": null,
        "emergency_address_status": "unregistered", "beta": false, "origin": "twilio", "status": "in-use", "type": "local",
        "capabilities": {"voice": true, "sms": true, "mms": true, "fax": false},
        "date_created": noon().to_rfc2822(), "date_updated": noon().to_rfc2822(),
        "uri": client.number(&sid), "subresource_uris": {},
    });
    assert_eq!(bought, expected);
    let owned = OwnedTwilioNumber {
        sid: sid.clone(),
        phone_number: CHICAGO.to_owned(),
        friendly_name: "Joe's, the plumber's".to_owned(),
        voice_url: HOOK.to_owned(),
        voice_fallback_url: String::new(),
        sms_fallback_url: String::new(),
        sms_url: "https://nmc.example.com/sms".to_owned(),
        status_callback: "https://nmc.example.com/status".to_owned(),
    };
    assert_eq!((client.twilio.owned(), client.twilio.purchases()), (vec![owned], vec![(CHICAGO.to_owned(), sid)]));
}

#[test]
fn a_number_without_a_name_is_called_as_it_is_dialled() {
    let client = Client::new();
    let bought = |number| client.buy(&[("PhoneNumber", number)]).json(201);
    let toll_free = bought("+18005550190");
    assert_eq!((&toll_free["friendly_name"], &toll_free["type"]), (&json!("(800) 555-0190"), &json!("toll-free")));
    let london = bought("+442079460100");
    assert_eq!((&london["friendly_name"], &london["type"]), (&json!("+442079460100"), &json!("local")));
    assert_eq!(london["capabilities"], json!({"voice": true, "sms": false, "mms": false, "fax": false}));
    assert_eq!(bought("+14165550100")["friendly_name"], "(416) 555-0100");
}

#[test]
fn what_can_not_be_bought() {
    let client = Client::new();
    client.bought(CHICAGO);
    let long = "x".repeat(65);
    for (form, refusal) in [
        (vec![("PhoneNumber", CHICAGO)], (400, 21_422)),
        (vec![("PhoneNumber", "+13125550999")], (400, 21_422)),
        (vec![("PhoneNumber", "+33123456789")], (400, 21_422)),
        (vec![("PhoneNumber", "3125550101")], (400, 21_421)),
        (vec![("PhoneNumber", "+15005550001")], (400, 21_421)),
        (vec![], (400, 21_421)),
        (vec![("PhoneNumber", "+447700900100")], (400, 21_631)),
        (vec![("PhoneNumber", "+13125550101"), ("FriendlyName", &long)], (400, 20_001)),
    ] {
        assert_eq!(client.buy(&form).refusal(), refusal, "{form:?}");
    }
    assert_eq!(client.twilio.purchases().len(), 1);
    assert_eq!(client.buy(&[("PhoneNumber", "+13125550101"), ("FriendlyName", &long[1..])]).0, 201);
}

#[test]
fn without_funds_nothing_is_bought_and_all_else_works() {
    let client = Client::new();
    let sid = client.bought(CHICAGO);
    client.twilio.run_out_of_funds();
    assert_eq!(client.buy(&[("PhoneNumber", "+13125550101")]).refusal(), (403, 20_005));
    assert_eq!(client.call("POST", &client.number(&sid), &[("FriendlyName", "Joe")]).0, 200);
    assert_eq!(client.get(&client.path("IncomingPhoneNumbers")).0, 200);
    assert_eq!(client.call("DELETE", &client.number(&sid), &[]).0, 204);
    client.twilio.top_up();
    client.bought("+13125550101");
}

#[test]
fn a_change_changes_what_it_names() {
    let client = Client::new();
    let sid = client.buy(&[("PhoneNumber", CHICAGO), ("FriendlyName", "Joe"), ("SmsUrl", HOOK)]).json(201)["sid"].clone();
    let path = client.number(sid.as_str().unwrap());
    let changed = client.call("POST", &path, &[("VoiceUrl", "https://x.example.com"), ("SmsMethod", "GET")]).json(200);
    assert_eq!((&changed["friendly_name"], &changed["sms_url"]), (&json!("Joe"), &json!(HOOK)));
    assert_eq!((&changed["voice_url"], &changed["sms_method"]), (&json!("https://x.example.com"), &json!("GET")));
    let emptied = client.call("POST", &path, &[("SmsUrl", ""), ("FriendlyName", "Jim")]).json(200);
    assert_eq!((&emptied["friendly_name"], &emptied["sms_url"]), (&json!("Jim"), &json!("")));
    assert_eq!(client.get(&path).json(200), emptied);
    assert_eq!(client.call("POST", &path, &[("FriendlyName", &"x".repeat(65))]).refusal(), (400, 20_001));
    assert_eq!(client.get(&path).json(200), emptied);
}

#[test]
fn a_number_that_was_given_back_is_gone() {
    let client = Client::new();
    let sid = client.bought(CHICAGO);
    let path = client.number(&sid);
    let gone = client.call("DELETE", &path, &[]);
    assert_eq!((gone.0, gone.1.as_str()), (204, ""));
    for method in ["GET", "POST", "DELETE"] {
        assert_eq!(client.call(method, &path, &[]).refusal(), (404, 20_404), "{method}");
    }
    assert_ne!(client.bought(CHICAGO), sid, "it comes back as another one");
    assert_eq!(client.twilio.given_back(), [(CHICAGO.to_owned(), sid)]);
    assert_eq!(client.twilio.purchases().len(), 2);
}

#[test]
fn numbers_come_change_and_go_without_us() {
    let client = Client::new();
    let sid = format!("PN{}", "0".repeat(32));
    assert_eq!(client.twilio.own(&"+33123456789".parse().unwrap(), "Paris", Some(sid.clone())), sid);
    assert_eq!(client.get(&client.number(&sid)).json(200)["friendly_name"], "Paris");
    client.twilio.rename(&sid, "Lyon");
    assert_eq!(client.get(&client.number(&sid)).json(200)["friendly_name"], "Lyon");
    client.twilio.lose(&sid);
    assert_eq!(client.get(&client.number(&sid)).refusal(), (404, 20_404));
    assert_eq!((client.twilio.owned(), client.twilio.purchases(), client.twilio.given_back()), (vec![], vec![], vec![]));
}

// ------------------------------------------------------------------------------------------------ many

#[test]
fn a_list_finds_parts_of_numbers_and_whole_names() {
    let client = Client::new();
    for (number, name) in [(CHICAGO, "Joe"), ("+13125550110", "Joe & Jim"), ("+14155550100", "joe")] {
        client.buy(&[("PhoneNumber", number), ("FriendlyName", name)]).json(201);
    }
    let found = |query: &str| {
        let list = client.get(&format!("{}?{query}", client.path("IncomingPhoneNumbers"))).json(200);
        phone_numbers(&list["incoming_phone_numbers"])
    };
    let all = ["+14155550100", "+13125550110", CHICAGO];
    for (query, expected) in [
        ("", &all[..]),
        ("PhoneNumber=5550", &all),
        ("PhoneNumber=0100", &[all[0], all[2]]),
        ("PhoneNumber=%2B1312", &all[1..]),
        ("PhoneNumber=%2B1312555010", &all[2..]),
        ("PhoneNumber=312*****10", &all[1..2]),
        ("PhoneNumber=999", &[]),
        ("FriendlyName=Joe", &all[2..]),
        ("FriendlyName=Joe+%26+Jim", &all[1..2]),
        ("FriendlyName=Jo", &[]),
        ("FriendlyName=joe&PhoneNumber=312", &[]),
    ] {
        assert_eq!(found(query), expected, "{query}");
    }
}

#[test]
fn a_list_says_where_it_goes_on() {
    let client = Client::new();
    let path = client.path("IncomingPhoneNumbers");
    for line in 0..5 {
        client.buy(&[("PhoneNumber", &format!("+1312555010{line}")), ("FriendlyName", "a & b")]).json(201);
    }
    let whole = client.get(&path).json(200);
    assert_eq!((&whole["page_size"], &whole["next_page_uri"]), (&json!(50), &Value::Null));
    assert_eq!((&whole["start"], &whole["end"], &whole["page"]), (&json!(0), &json!(4), &json!(0)));
    let first = client.get(&format!("{path}?PageSize=2&FriendlyName=a+%26+b&PhoneNumber=%2B1312")).json(200);
    let filters = "FriendlyName=a%20%26%20b&PhoneNumber=%2B1312";
    assert_eq!(first["uri"], format!("{path}?{filters}&PageSize=2&Page=0"));
    assert_eq!((&first["first_page_uri"], &first["previous_page_uri"]), (&first["uri"], &Value::Null));
    let token = client.twilio.owned()[3].sid.clone();
    assert_eq!(first["next_page_uri"], format!("{path}?{filters}&PageSize=2&Page=1&PageToken=PA{token}"));
    let second = client.get(first["next_page_uri"].as_str().unwrap()).json(200);
    assert_eq!((&second["start"], &second["end"], &second["page"]), (&json!(2), &json!(3), &json!(1)));
    assert_eq!(second["uri"], first["next_page_uri"]);
    let third = client.get(second["next_page_uri"].as_str().unwrap()).json(200);
    assert_eq!(phone_numbers(&third["incoming_phone_numbers"]), [CHICAGO]);
    assert_eq!((&third["start"], &third["end"], &third["next_page_uri"]), (&json!(4), &json!(4), &Value::Null));
    let back = client.get(third["previous_page_uri"].as_str().unwrap()).json(200);
    assert_eq!(back["incoming_phone_numbers"], second["incoming_phone_numbers"]);
    for query in ["Page=1", "Page=1&PageToken=PAPN1", "Page=1&PageToken=x"] {
        assert_eq!(client.get(&format!("{path}?{query}")).refusal(), (400, 20_001), "{query}");
    }
}

/// Between two pages the number that the token names goes, and so does one ahead; one is new at the front.
#[test]
fn a_list_goes_on_where_it_ended_whatever_comes_and_goes() {
    let client = Client::new();
    let numbers: Vec<String> = (0..6).map(|line| format!("+1312555010{line}")).collect();
    let sids: Vec<String> = numbers.iter().map(|number| client.bought(number)).collect();
    let first = client.get(&format!("{}?PageSize=2", client.path("IncomingPhoneNumbers"))).json(200);
    assert_eq!(phone_numbers(&first["incoming_phone_numbers"]), [numbers[5].as_str(), &numbers[4]]);
    client.call("DELETE", &client.number(&sids[4]), &[]);
    client.twilio.lose(&sids[2]);
    client.bought("+14155550100");
    client.bought(&numbers[4]);
    let second = client.get(first["next_page_uri"].as_str().unwrap()).json(200);
    assert_eq!(phone_numbers(&second["incoming_phone_numbers"]), [numbers[3].as_str(), &numbers[1]]);
    let third = client.get(second["next_page_uri"].as_str().unwrap()).json(200);
    assert_eq!(
        (phone_numbers(&third["incoming_phone_numbers"]), &third["next_page_uri"]),
        (vec![numbers[0].clone()], &Value::Null)
    );
}
