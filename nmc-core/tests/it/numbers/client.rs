//! The client against answers in the shapes that Twilio documents, with fields that nobody knows yet, and against answers that
//! are none.

use nmc_core::telephony::{
    AvailableNumber, CallbackUrls, Capabilities, NumberProvider as _, NumberSearch, OwnedNumber, Price, ProviderError, Purchase,
    WebhookUrls,
};
use nmc_core::testing::{FakeTwilio, webhook_urls};
use nmc_core::twilio::{TwilioConfig, TwilioNumbers};
use nmc_core::{Country, NumberType, PhoneNumber, Secret};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::Duration;

/// Answers each request with the next of these, and hands over what was asked.
struct Canned {
    url: String,
    server: JoinHandle<Vec<String>>,
}

impl Canned {
    fn new(answers: Vec<(u16, &'static str)>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut request, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = text.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                    if request.is_empty() {
                        request = line.trim().to_owned();
                    }
                }
                let mut form = vec![0; length];
                reader.read_exact(&mut form).unwrap();
                asked.push(format!("{request} {}", String::from_utf8(form).unwrap()).trim().to_owned());
                let head = format!("HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nConnection: close\r\n");
                let extra = if status == 429 { "Retry-After: 17\r\n" } else { "" };
                write!(stream, "{head}{extra}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
            }
            asked
        });
        Self { url, server }
    }

    fn client(&self) -> TwilioNumbers {
        TwilioNumbers::new(&TwilioConfig {
            account_sid: "AC11111111111111111111111111111111".to_owned(),
            auth_token: Secret::new("token"),
            callbacks: CallbackUrls::default(),
            api_url: Some(self.url.clone()),
        })
    }

    fn asked(self) -> Vec<String> {
        self.server.join().unwrap()
    }
}

fn number(text: &str) -> PhoneNumber {
    text.parse().unwrap()
}

const ALL: Capabilities = Capabilities { voice: true, sms: true, mms: true };

const FOR_SALE: &str = r#"{
  "available_phone_numbers": [
    {
      "friendly_name": "(510) 555-0132", "phone_number": "+15105550132", "lata": "722", "locality": "Oakland",
      "rate_center": "OKLD0349T", "latitude": "37.780000", "longitude": "-122.380000", "region": "CA", "postal_code": "94612",
      "iso_country": "US", "address_requirements": "none", "beta": false,
      "capabilities": {"voice": true, "SMS": true, "MMS": true, "fax": false, "RCS": true}
    },
    {
      "friendly_name": "+447700900123", "phone_number": "+447700900123", "lata": null, "locality": null, "rate_center": null,
      "latitude": null, "longitude": null, "region": null, "postal_code": null, "iso_country": "GB",
      "address_requirements": "foreign", "beta": true, "capabilities": {"voice": false, "SMS": true, "MMS": false},
      "pricing_tier": {"name": "of next year"}
    },
    {"phone_number": "12345", "capabilities": {"SMS": true}},
    {"phone_number": "+15105550133"}
  ],
  "uri": "/2010-04-01/Accounts/AC11111111111111111111111111111111/AvailablePhoneNumbers/US/Local.json?Contains=5105550"
}"#;

#[test]
fn numbers_for_sale_are_read_as_documented() {
    let canned = Canned::new(vec![(200, FOR_SALE)]);
    let search = NumberSearch {
        area_code: Some("510".to_owned()),
        region: Some("CA".to_owned()),
        locality: Some("Oakland".to_owned()),
        contains: Some("+1510555****".to_owned()),
        capabilities: ALL,
        limit: 7,
        ..NumberSearch::new(Country::US, NumberType::Local)
    };
    let found = canned.client().search(&search).unwrap();
    let plain = |phone: &str| AvailableNumber {
        phone_number: number(phone),
        country: Country::US,
        number_type: NumberType::Local,
        locality: None,
        region: None,
        capabilities: Capabilities::default(),
        needs_address: false,
    };
    let (oakland, california) = (Some("Oakland".to_owned()), Some("CA".to_owned()));
    let expected = [
        AvailableNumber { locality: oakland, region: california, capabilities: ALL, ..plain("+15105550132") },
        AvailableNumber {
            capabilities: Capabilities { sms: true, ..Capabilities::default() },
            needs_address: true,
            ..plain("+447700900123")
        },
        plain("+15105550133"),
    ];
    assert_eq!(found, expected, "what is no number of ours is left out");
    let asked = canned.asked().remove(0);
    let (path, query) = asked.split_once('?').unwrap();
    assert_eq!(path, "GET /2010-04-01/Accounts/AC11111111111111111111111111111111/AvailablePhoneNumbers/US/Local.json");
    for part in [
        "PageSize=7",
        "AreaCode=510",
        "InRegion=CA",
        "InLocality=Oakland",
        "Contains=%2B1510555****",
        "VoiceEnabled=true",
        "SmsEnabled=true",
        "MmsEnabled=true",
    ] {
        assert!(query.contains(part) || query.contains(&part.replace('*', "%2A")), "{part}: {query}");
    }
}

const OWNED: &str = r#"{
  "sid": "PN22222222222222222222222222222222", "account_sid": "AC11111111111111111111111111111111",
  "friendly_name": "nmc:01936f5e-0000-7000-8000-000000000001", "phone_number": "+15105550132",
  "voice_url": "https://nmc.example.com/webhooks/twilio/voice#rc=3&rp=ct,rt,5xx", "voice_method": "POST",
  "voice_fallback_url": "https://nmc.example.com/webhooks/twilio/voice#rc=3&rp=ct,rt,5xx",
  "voice_fallback_method": "POST", "voice_caller_id_lookup": false, "voice_application_sid": "", "voice_receive_mode": "voice",
  "sms_url": "https://nmc.example.com/webhooks/twilio/sms#rc=3&rp=ct,rt,5xx", "sms_method": "POST",
  "sms_fallback_url": "https://nmc.example.com/webhooks/twilio/sms#rc=3&rp=ct,rt,5xx",
  "sms_fallback_method": "POST", "sms_application_sid": "",
  "status_callback": "https://nmc.example.com/webhooks/twilio/voice/status#rc=3&rp=ct,rt,5xx", "status_callback_method": "POST",
  "address_requirements": "none", "address_sid": null, "api_version": "2010-04-01", "beta": null, "bundle_sid": null,
  "capabilities": {"voice": true, "sms": true, "mms": true, "fax": false}, "date_created": "Thu, 30 Jul 2026 23:19:04 +0000",
  "date_updated": "Thu, 30 Jul 2026 23:19:04 +0000", "emergency_status": "Active", "emergency_address_sid": null,
  "emergency_address_status": "unregistered", "identity_sid": null, "origin": "twilio", "trunk_sid": null,
  "status": "in-use", "type": "local", "subresource_uris": {"assigned_add_ons": "/2010-04-01/x.json"}, "quantum_state": [1, 2],
  "uri": "/2010-04-01/Accounts/AC11111111111111111111111111111111/IncomingPhoneNumbers/PN22222222222222222222222222222222.json"
}"#;

fn owned() -> OwnedNumber {
    OwnedNumber {
        sid: "PN22222222222222222222222222222222".to_owned(),
        phone_number: number("+15105550132"),
        friendly_name: "nmc:01936f5e-0000-7000-8000-000000000001".to_owned(),
        capabilities: ALL,
        webhooks: webhook_urls("https://nmc.example.com/"),
    }
}

#[test]
fn purchase_names_number_row_and_webhooks_in_one_request() {
    let canned = Canned::new(vec![(201, OWNED)]);
    let webhooks = webhook_urls("https://nmc.example.com");
    let name = owned().friendly_name;
    let purchase = Purchase { phone_number: &number("+15105550132"), friendly_name: &name, webhooks: &webhooks };
    let bought = canned.client().buy(&purchase).unwrap();
    assert_eq!(
        (bought.row().map(|row| row.to_string()).as_deref(), bought),
        (Some("01936f5e-0000-7000-8000-000000000001"), owned())
    );
    let asked = canned.asked().remove(0);
    let (head, form) = asked.rsplit_once(' ').unwrap();
    assert_eq!(head, "POST /2010-04-01/Accounts/AC11111111111111111111111111111111/IncomingPhoneNumbers.json HTTP/1.1");
    let at = "https%3A%2F%2Fnmc.example.com%2Fwebhooks%2Ftwilio%2F";
    for part in [
        "PhoneNumber=%2B15105550132",
        "FriendlyName=nmc%3A01936f5e-0000-7000-8000-000000000001",
        "VoiceMethod=POST",
        "SmsMethod=POST",
        "StatusCallbackMethod=POST",
    ] {
        assert!(form.split('&').any(|pair| pair == part), "{part}: {form}");
    }
    let fallbacks = [("VoiceFallbackUrl", "voice"), ("SmsFallbackUrl", "sms")];
    for (name, path) in
        [("VoiceUrl", "voice"), ("SmsUrl", "sms"), ("StatusCallback", "voice%2Fstatus")].into_iter().chain(fallbacks)
    {
        let url = format!("{name}={at}{path}%23rc%3D3%26rp%3Dct%2Crt%2C5xx");
        assert!(form.split('&').any(|pair| pair == url), "{name}: {form}");
    }
}

/// An answer about another number is none about ours: it may have been bought all the same.
#[test]
fn an_answer_that_does_not_fit_leaves_a_purchase_in_doubt() {
    let another = OWNED.replace("+15105550132", "+15105550199").leak();
    for body in [another, "", "{}", "[]", "<html>", r#"{"sid": 5, "phone_number": "+15105550132"}"#] {
        let canned = Canned::new(vec![(201, body)]);
        let webhooks = webhook_urls("https://nmc.example.com");
        let purchase = Purchase { phone_number: &number("+15105550132"), friendly_name: "nmc:x", webhooks: &webhooks };
        let bought = canned.client().buy(&purchase);
        assert!(matches!(bought, Err(ProviderError::InDoubt { .. })), "{body}: {bought:?}");
        canned.asked();
    }
}

const LIST: &str = r#"{"end": 1, "first_page_uri": "/x", "incoming_phone_numbers": [
    {"sid": "PN1", "phone_number": "+115105550132", "friendly_name": "longer"},
    {"sid": "PN2", "phone_number": "+15105550132", "friendly_name": null, "voice_url": null, "capabilities": null},
    {"sid": "PN3", "phone_number": "72345", "friendly_name": "a short code"}
  ], "next_page_uri": null, "page": 0, "page_size": 50, "previous_page_uri": null, "start": 0, "uri": "/x", "new_field": 1}"#;

#[test]
fn look_up_takes_exactly_the_number_of_what_is_found() {
    let canned = Canned::new(vec![(200, LIST), (200, r#"{"incoming_phone_numbers": []}"#)]);
    let found = canned.client().find_by_number(&number("+15105550132")).unwrap().unwrap();
    assert_eq!((found.sid.as_str(), found.friendly_name.as_str(), found.row()), ("PN2", "", None));
    assert_eq!(canned.client().find_by_number(&number("+15105550132")).unwrap(), None);
    assert!(canned.asked()[0].contains("IncomingPhoneNumbers.json?PhoneNumber=%2B15105550132&PageSize=50"));
}

#[test]
fn a_list_goes_on_where_twilio_says_and_nowhere_else() {
    let next =
        "/2010-04-01/Accounts/AC11111111111111111111111111111111/IncomingPhoneNumbers.json?PageSize=1000&Page=1&PageToken=PAPN9";
    let first = LIST.replace(r#""next_page_uri": null"#, &format!(r#""next_page_uri": "{next}""#)).leak();
    let astray = LIST.replace(r#""next_page_uri": null"#, r#""next_page_uri": "@evil.example/2010-04-01/""#).leak();
    let canned = Canned::new(vec![(200, first), (200, astray)]);
    let client = canned.client();
    let page = client.list(None).unwrap();
    assert_eq!((page.numbers.len(), page.next.as_deref()), (2, Some(next)));
    let page = client.list(page.next.as_deref()).unwrap();
    let lost = client.list(page.next.as_deref());
    assert!(matches!(lost, Err(ProviderError::NotNow { .. })), "credentials go to nobody else: {lost:?}");
    let asked = canned.asked();
    assert!(asked[0].contains("IncomingPhoneNumbers.json?PageSize=1000 "), "{asked:?}");
    assert_eq!(asked[1], format!("GET {next} HTTP/1.1"));
}

const PRICES: &str = r#"{"country": "United States", "iso_country": "US", "url": "https://pricing.twilio.com/v1/x", "phone_number_prices": [
    {"number_type": "local", "base_price": "1.00", "current_price": "1.15"},
    {"number_type": "toll free", "base_price": "2.15", "current_price": "2.155"},
    {"number_type": "national", "base_price": "9", "current_price": "9"}
  ], "price_unit": "usd", "links": {}}"#;

#[test]
fn a_price_is_the_current_one_in_cents() {
    let canned = Canned::new(vec![(200, PRICES), (200, PRICES), (200, PRICES)]);
    let client = canned.client();
    let price = |monthly_cents| Price { setup_cents: 0, monthly_cents, currency: "USD".to_owned() };
    assert_eq!(client.price(Country::US, NumberType::Local), Ok(price(115)));
    assert_eq!(client.price(Country::US, NumberType::TollFree), Ok(price(216)), "half a cent is a cent");
    assert_eq!(client.price(Country::US, NumberType::Mobile), Err(ProviderError::Country));
    assert_eq!(canned.asked()[0], "GET /v1/PhoneNumbers/Countries/US HTTP/1.1");
    for body in [
        r#"{"phone_number_prices": [], "price_unit": "US DOLLARS"}"#,
        r#"{"phone_number_prices": [{"number_type": "local", "current_price": "free"}], "price_unit": "USD"}"#,
        r#"{"phone_number_prices": [{"number_type": "local", "current_price": "-1"}], "price_unit": "USD"}"#,
        r#"{"phone_number_prices": [{"number_type": "local", "current_price": "99999999999"}], "price_unit": "USD"}"#,
        "{}",
    ] {
        let canned = Canned::new(vec![(200, body)]);
        assert!(canned.client().price(Country::US, NumberType::Local).is_err(), "a wrong price is no price: {body}");
        canned.asked();
    }
}

#[test]
fn each_refusal_is_told_apart() {
    let told = |status: u16, body: &'static str| {
        let canned = Canned::new(vec![(status, body)]);
        let released = canned.client().release("PN1");
        canned.asked();
        released.unwrap_err()
    };
    let error = |code: i32| -> &'static str {
        format!(r#"{{"code": {code}, "message": "about +15105550132", "more_info": "x", "status": 400, "new": 1}}"#).leak()
    };
    assert_eq!(
        told(429, error(20_429)),
        ProviderError::NotNow { retry_after: Some(Duration::from_secs(17)), reason: "Twilio asks to slow down (429)".to_owned() }
    );
    assert_eq!(told(404, error(20_404)), ProviderError::Gone);
    assert!(matches!(told(404, "<html>no such page</html>"), ProviderError::NotNow { .. }), "somebody in between says it");
    assert_eq!(told(400, error(21_422)), ProviderError::Taken);
    assert!(matches!(told(401, error(20_003)), ProviderError::Credentials { .. }));
    assert!(matches!(told(403, ""), ProviderError::Credentials { .. }));
    assert!(matches!(told(403, error(20_005)), ProviderError::NoFunds { .. }));
    assert!(matches!(told(402, "<html>"), ProviderError::NoFunds { .. }));
    assert!(matches!(told(500, error(20_500)), ProviderError::InDoubt { .. }));
    assert!(matches!(told(503, ""), ProviderError::InDoubt { .. }));
    let other = told(400, error(21_999));
    assert!(matches!(other, ProviderError::Refused { code: Some(21_999), .. }), "{other:?}");
    assert!(!format!("{other:?} {other}").contains("5105550132"), "Twilio's own words may quote a number: {other:?}");
    let silent = Canned::new(vec![(204, "")]);
    assert_eq!(silent.client().release("PN1"), Ok(()));
    assert_eq!(
        silent.asked(),
        ["DELETE /2010-04-01/Accounts/AC11111111111111111111111111111111/IncomingPhoneNumbers/PN1.json HTTP/1.1"]
    );
}

#[test]
fn where_nobody_listens_nothing_was_done() {
    let twilio = FakeTwilio::start();
    let client = TwilioNumbers::new(&twilio.account());
    drop(twilio);
    let webhooks = WebhookUrls::default();
    let purchase = Purchase { phone_number: &number("+13125550100"), friendly_name: "nmc:x", webhooks: &webhooks };
    for came in [
        client.buy(&purchase).map(drop),
        client.release("PN1"),
        client.update("PN1", "x", &webhooks).map(drop),
        client.list(None).map(drop),
    ] {
        assert!(matches!(came, Err(ProviderError::NotNow { .. })), "{came:?}");
    }
}

/// Errors and debug output end in logs.
#[test]
fn credentials_show_in_no_error_and_no_debug_output() {
    let twilio = FakeTwilio::start();
    let account = twilio.account();
    let wrong = TwilioNumbers::new(&TwilioConfig { auth_token: Secret::new("a wrong token"), ..account.clone() });
    let said = format!("{wrong:?} {account:?} {:?}", wrong.list(None).unwrap_err());
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{}:a wrong token", account.account_sid));
    for secret in ["a wrong token", encoded.as_str(), account.auth_token.expose()] {
        assert!(!said.contains(secret), "{said}");
    }
}
