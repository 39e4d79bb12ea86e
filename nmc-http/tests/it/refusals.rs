//! Bad input from someone who can sign: Twilio itself, misconfigured, or changed one day.

use crate::log;
use crate::site::{ANSWER, NUMBER_STATUS, SMS, SMS_STATUS, Site, VOICE, WEBHOOKS, encoded, sign};
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid};

#[test]
fn number_that_nobody_holds_is_a_404_that_helps_the_operator() {
    let site = Site::new();
    let (caller, unknown, sid) = (unique_phone(), unique_phone(), unique_sid("CA"));
    let before = site.rows();
    site.post(VOICE, &VoiceForm::missed(caller.as_str(), &unknown, &sid).0).expect(404);
    let text = SmsForm::text(caller.as_str(), &unknown, "hello").with("MessageSid", &unique_sid("SM"));
    site.post(SMS, &text.0).expect(404);
    let report = SmsForm::delivery(&unknown, &caller, &unique_sid("SM"), "sent");
    site.post(SMS_STATUS, &report.0).expect(404);
    let asked = VoiceForm::missed(caller.as_str(), &unknown, &unique_sid("CA")).with("CallStatus", "ringing");
    site.post(ANSWER, &asked.0).expect(404);
    let by_sid = form(&[("PhoneNumberSid", &unique_sid("PN"))]);
    site.post(NUMBER_STATUS, &by_sid).expect(404);
    site.post(NUMBER_STATUS, &form(&[("PhoneNumber", unknown.as_str())])).expect(404);
    assert_eq!(site.rows(), before);

    let sids = [
        Some(&*sid),
        field(&asked.0, "CallSid"),
        field(&by_sid, "PhoneNumberSid"),
        field(&text.0, "MessageSid"),
        field(&report.0, "MessageSid"),
    ];
    for sid in sids.into_iter().flatten() {
        let lines = log::lines_with(sid);
        let [line] = &lines[..] else { panic!("one line for {sid}: {lines:?}") };
        assert!(line.contains("WARN") && line.contains("`nmc number list`"), "{line}");
        assert!(!line.contains(unknown.as_str()) && !line.contains(caller.as_str()), "{line}");
    }
}

fn form(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn field<'f>(form: &'f [(String, String)], name: &str) -> Option<&'f str> {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_number_that_was_released_is_nobodys() {
    let site = Site::new();
    site.db.execute("UPDATE phone_numbers SET status = 'released'");
    for path in [VOICE, ANSWER] {
        site.post(path, &VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0).expect(404);
    }
    site.post(NUMBER_STATUS, &form(&[("PhoneNumber", site.joe.number.as_str())])).expect(404);
    assert_eq!(site.counts(), [0, 0, 0]);
}

#[test]
fn a_missing_or_malformed_field_is_named_as_twilio_spells_it() {
    let site = Site::new();
    let before = site.rows();
    let customer = unique_phone();
    let voice = VoiceForm::missed(customer.as_str(), &site.joe.number, &unique_sid("CA")).0;
    let text = SmsForm::text(customer.as_str(), &site.joe.number, "hello").0;
    let report = SmsForm::delivery(&site.joe.number, &customer, &unique_sid("SM"), "sent").0;

    type Form<'a> = &'a [(String, String)];
    type Wrong<'a> = (&'a str, Form<'a>, &'a [(&'a str, &'a str)]);
    let number = form(&[("PhoneNumber", site.joe.number.as_str())]);
    let required: [(&str, Form<'_>, &[&str]); 5] = [
        (ANSWER, &voice, &["CallSid", "To"]),
        (NUMBER_STATUS, &number, &["PhoneNumber"]),
        (VOICE, &voice, &["CallSid", "To"]),
        (SMS, &text, &["MessageSid", "To"]),
        (SMS_STATUS, &report, &["MessageSid", "From", "To", "MessageStatus"]),
    ];
    for (path, form, fields) in required {
        for field in fields {
            let without: Vec<_> = form.iter().filter(|(name, _)| name != field).cloned().collect();
            let answer = site.post(path, &without).expect(400);
            assert_eq!(answer.field().as_deref(), Some(*field), "{path}: {}", answer.body);
            assert!(answer.body.contains("is required"), "{}", answer.body);
        }
    }

    let too_long = "9".repeat(500);
    let malformed: [Wrong<'_>; 5] = [
        (ANSWER, &voice, &[("CallSid", "'"), ("To", "5550100")]),
        (
            NUMBER_STATUS,
            &number,
            &[("PhoneNumber", "5550100"), ("PhoneNumberSid", "PN 1; --"), ("IncomingPhoneNumberSid", &too_long)],
        ),
        (
            VOICE,
            &voice,
            &[
                ("CallSid", "CA 1; DROP TABLE calls"),
                ("CallSid", &too_long),
                ("To", "5550100"),
                ("To", ""),
                ("To", "+0123456789"),
            ],
        ),
        (SMS, &text, &[("MessageSid", "'"), ("MessageSid", "Ünïcode"), ("To", "short"), ("To", "+1415555010a")]),
        (
            SMS_STATUS,
            &report,
            &[
                ("MessageSid", "../../etc"),
                ("From", "12345"),
                ("To", "anonymous"),
                ("MessageStatus", "teleported"),
                ("ErrorCode", "many"),
                ("ErrorCode", "99999999999"),
            ],
        ),
    ];
    for (path, form, cases) in malformed {
        for (field, value) in cases {
            let mut bad: Vec<_> = form.iter().filter(|(name, _)| name != field).cloned().collect();
            bad.push(((*field).to_owned(), (*value).to_owned()));
            let answer = site.post(path, &bad).expect(400);
            assert_eq!(answer.field().as_deref(), Some(*field), "{path} {field}={value}: {}", answer.body);
        }
    }
    assert_eq!(site.rows(), before);
}

/// Whatever is wrong with a call, its caller hears something, and the call is recorded.
#[test]
fn no_odd_field_loses_a_call() {
    let site = Site::new();
    let too_long = "9".repeat(500);
    let odd = [
        ("From", ""),
        ("From", "4155550204"),
        ("From", "5550123"),
        ("From", "22732345"),
        ("From", "+1911"),
        ("From", "+"),
        ("From", "sim:DE0123"),
        ("From", "joe@example.com"),
        ("From", "\"Joe\" <sip:joe@example.com>"),
        ("From", "+1 (415) 555"),
        ("From", "Jo\0e"),
        ("From", &too_long),
        ("CallStatus", "gone fishing"),
        ("CallDuration", "-1"),
        ("CallDuration", "12.0"),
        ("CallDuration", "99999999999"),
        ("RecordingDuration", "-1"),
        ("DialCallStatus", "maybe"),
        ("Timestamp", "2026-11-28T10:00:00Z"),
        ("Timestamp", "yesterday"),
        ("CallerName", "Jo\0e"),
        ("Un\0heard", "of"),
    ];
    for (calls, (field, value)) in (1..).zip(odd) {
        let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).with(field, value);
        let answer = site.post(ANSWER, &form.clone().with("CallStatus", "ringing").0).expect(200);
        assert!(answer.body.contains("<Response>"), "{field}={value:?}: {}", answer.body);
        site.post(VOICE, &form.0).expect(200);
        assert_eq!(site.count("calls"), calls, "{field}={value:?}");
    }
    let bare = VoiceForm(Vec::new()).with("CallSid", &unique_sid("CA")).with("To", site.joe.number.as_str());
    site.post(ANSWER, &bare.0).expect(200);
    site.post(VOICE, &bare.0).expect(200);
}

#[test]
fn a_callback_of_no_call_of_ours_is_taken_and_left_alone() {
    let site = Site::new();
    let before = site.rows();
    let leg = VoiceForm::missed(site.joe.number.as_str(), &unique_phone(), &unique_sid("CA"))
        .with("Direction", "outbound-dial")
        .with("ParentCallSid", &unique_sid("CA"));
    let detection = VoiceForm(Vec::new()).with("CallSid", &unique_sid("CA")).with("AnsweredBy", "machine_start");
    for form in [leg, detection.clone(), detection.with("MachineDetectionDuration", "3000")] {
        let answer = site.post(VOICE, &form.0).expect(200);
        assert_eq!(answer.body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>");
    }
    assert_eq!(site.rows(), before);
}

#[test]
fn nul_bytes_are_refused_by_the_name_of_their_field() {
    let site = Site::new();
    let before = site.rows();
    let customer = unique_phone();
    let forms = [(
        SMS_STATUS,
        SmsForm::delivery(&site.joe.number, &customer, "SM1", "sent").with("ErrorMessage", "\0").0,
        "ErrorMessage",
    )];
    for (path, form, field) in forms {
        let answer = site.post(path, &form).expect(400);
        assert_eq!(answer.field().as_deref(), Some(field), "{}", answer.body);
    }
    assert_eq!(site.rows(), before);
}

#[test]
fn a_nul_byte_in_a_text_costs_that_character_alone() {
    let site = Site::new();
    let text = SmsForm::text(unique_phone().as_str(), &site.joe.number, "before\0after").with("Unheard\0Of", "1");
    site.post(SMS, &text.0).expect(200);
    assert_eq!(site.db.query::<String>("SELECT message_body FROM messages"), ["beforeafter"]);
}

#[test]
fn a_body_that_is_too_large_is_refused_declared_or_not() {
    let site = Site::new();
    let before = site.rows();
    for path in WEBHOOKS {
        // Refused at the declaration: not a byte of the body is waited for.
        let answer = site.wire().exchange(&format!("{}Content-Length: 65537\r\n\r\n", head(path)));
        assert_eq!(answer.status, 413, "{}", answer.body);

        let mut wire = site.wire();
        wire.write(&format!("{}Transfer-Encoding: chunked\r\n\r\n", head(path)));
        for _ in 0..65 {
            wire.write(&format!("400\r\n{}\r\n", "x".repeat(1024)));
        }
        assert_eq!(wire.read().status, 413);
    }
    assert_eq!(site.rows(), before);
}

fn head(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: nmc\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: x\r\n")
}

#[test]
fn the_longest_text_there_is_comes_through_whole() {
    let site = Site::new();
    let longest = "ß水🚰".repeat(533);
    let form = SmsForm::text(unique_phone().as_str(), &site.joe.number, &longest).0;
    let answer = site.post(SMS, &form).expect(200);
    assert_eq!(answer.status, 200);
    assert_eq!(site.db.query::<String>("SELECT message_body FROM messages"), [longest]);
}

#[test]
fn a_chunked_form_is_a_form() {
    let site = Site::new();
    let form = SmsForm::text(unique_phone().as_str(), &site.joe.number, "in two pieces").0;
    let body = encoded(&form);
    let (first, second) = body.split_at(20);
    let signature = sign(crate::site::TOKEN, &format!("{}{SMS}", site.public_url), &form);
    let answer = site.wire().exchange(&format!(
        "POST {SMS} HTTP/1.1\r\nHost: nmc\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: {signature}\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    ));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(site.counts(), [0, 1, 1]);
}

#[test]
fn what_is_not_a_form_is_a_415() {
    let site = Site::new();
    let before = site.rows();
    for path in WEBHOOKS {
        for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
            let header = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
            let answer =
                site.wire().exchange(&format!("POST {path} HTTP/1.1\r\nHost: nmc\r\n{header}Content-Length: 2\r\n\r\n{{}}"));
            assert_eq!(answer.status, 415, "{path} {kind}: {}", answer.body);
        }
    }
    assert_eq!(site.rows(), before);
}

#[test]
fn a_wrong_method_is_a_405_that_says_which_is_right() {
    let site = Site::new();
    for path in WEBHOOKS {
        for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let answer = site.request(method, path);
            assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST")), "{method} {path}");
        }
    }
    for path in ["/healthz", "/readyz"] {
        let answer = site.request("POST", path);
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD")));
    }
}

#[test]
fn an_unknown_path_is_a_404() {
    let site = Site::new();
    for path in ["/webhooks", "/webhooks/twilio/sms/", "/webhooks/twilio/SMS", "/%00", "/..%2f..%2fetc/passwd", "/none?a=%ff"] {
        for method in ["GET", "POST"] {
            assert_eq!(site.request(method, path).status, 404, "{method} {path}");
        }
    }
}
