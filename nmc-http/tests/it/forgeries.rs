//! What Twilio has not signed is refused, and leaves no trace.

use crate::site::{ACCEPTED, ANSWER, MACHINE, NUMBER_STATUS, SCREEN, SMS, SMS_STATUS, Site, TOKEN, VOICE, WEBHOOKS, sign};
use nmc_core::Secret;
use nmc_core::testing::{SmsForm, VoiceForm, unique_phone, unique_sid};
use nmc_core::twilio::Signer;

type Form = Vec<(String, String)>;

/// One good form for each webhook, with the query that we put into its URL.
fn forms(site: &Site) -> Vec<(String, Form)> {
    let customer = unique_phone();
    let ours = site.joe.queue(&site.db.store, &customer, "We'll come at nine").expect("a text");
    site.db.execute(&format!("UPDATE messages SET message_sid = 'SM1', message_status = 'accepted' WHERE id = '{}'", ours.id));
    let leg = VoiceForm::missed(site.joe.number.as_str(), &unique_phone(), &unique_sid("CA")).with("ParentCallSid", "CA1").0;
    let of_call = format!("call={}&number=%2B{}&from=anonymous", unique_sid("CA"), &site.joe.number.as_str()[1..]);
    let leg_sid = vec![("CallSid".to_owned(), unique_sid("CA")), ("Called".to_owned(), site.joe.number.to_string())];
    let detected = with(&leg_sid, "AnsweredBy", "machine_start");
    let forms = [
        (SCREEN, leg.clone()),
        (ACCEPTED, with(&leg, "Digits", "5")),
        (&format!("{MACHINE}?{of_call}"), detected),
        (ANSWER, VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).with("CallStatus", "ringing").0),
        (NUMBER_STATUS, vec![("PhoneNumber".to_owned(), site.joe.number.to_string())]),
        (VOICE, VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0),
        (SMS, SmsForm::text(customer.as_str(), &site.joe.number, "STOP").0),
        (SMS_STATUS, SmsForm::delivery(&site.joe.number, &customer, "SM1", "delivered").0),
    ];
    forms.map(|(path, form)| (path.to_owned(), form)).into()
}

fn with(form: &Form, name: &str, value: &str) -> Form {
    let mut form = form.clone();
    form.push((name.to_owned(), value.to_owned()));
    form
}

/// The same about the rival's number instead of ours.
fn of_the_rival(form: &Form, site: &Site) -> Form {
    let theirs = |value: &String| if *value == site.joe.number.as_str() { site.rival.number.to_string() } else { value.clone() };
    form.iter().map(|(name, value)| (name.clone(), theirs(value))).collect()
}

#[test]
fn forgeries_are_refused_and_leave_no_trace() {
    let site = Site::new();
    for (path, form) in forms(&site) {
        let before = site.rows();
        let url = format!("{}{path}", site.public_url);
        let good = sign(TOKEN, &url, &form);
        let path = path.as_str();
        let elsewhere = |url: String| site.post(path, &form).signature(sign(TOKEN, &url, &form));
        let refused = [
            ("unsigned", site.post(path, &form).unsigned()),
            ("an empty signature", site.post(path, &form).signature("")),
            ("no base64", site.post(path, &form).signature("%%%")),
            ("half a signature", site.post(path, &form).signature(good[..12].to_owned())),
            ("another token", site.post(path, &form).signed_with("another token")),
            ("an empty token", site.post(path, &form).signed_with("")),
            ("another number", site.post(path, &of_the_rival(&form, &site)).signature(good.clone())),
            ("an added parameter", site.post(path, &with(&form, "Extra", "1")).signature(good.clone())),
            ("a repeated parameter", site.post(path, &with(&form, "From", "+14155550100")).signature(good.clone())),
            ("a parameter less", site.post(path, &form[1..]).signature(good.clone())),
            ("no parameters", site.post(path, &[]).signature(good.clone())),
            ("an added query", site.post(&format!("{path}?message=1"), &form).signature(good.clone())),
            ("another path", elsewhere(format!("{}/other", site.public_url))),
            ("another host", elsewhere(format!("https://evil.example{path}"))),
            ("another scheme", elsewhere(format!("http://nmc.example.com{path}"))),
            ("another port", elsewhere(format!("https://nmc.example.com:8443{path}"))),
            (
                "an unknown algorithm",
                site.post(path, &form).header("X-Twilio-Webhooks-Signature-Settings", "key=primary,algorithm=NONE"),
            ),
        ];
        for (what, post) in refused {
            let answer = post.send();
            assert_eq!(answer.status, 403, "{path}, {what}: {}", answer.body);
            assert!(answer.body.contains("not signed by Twilio"), "{}", answer.body);
        }
        assert_eq!(site.rows(), before, "{path}");
        // And nothing but the signature stood in the way.
        site.post(path, &form).expect(200);
        // What becomes of a call that is answered is told later.
        assert_eq!(site.rows() != before, ![ANSWER, SCREEN, ACCEPTED].contains(&path), "{path}");
    }
}

#[test]
fn a_signature_holds_for_its_own_webhook_only() {
    let site = Site::new();
    let before = site.rows();
    let form = SmsForm::text(unique_phone().as_str(), &site.joe.number, "hello").0;
    let for_sms = sign(TOKEN, &format!("{}{SMS}", site.public_url), &form);
    for path in WEBHOOKS.into_iter().filter(|path| *path != SMS) {
        site.post(path, &form).signature(for_sms.clone()).expect(403);
    }
    assert_eq!(site.rows(), before);
}

#[test]
fn forwarded_headers_neither_help_a_forger_nor_harm_twilio() {
    let site = Site::new();
    let forwarded = |post: crate::site::Post<'_>| {
        post.header("X-Forwarded-Host", "evil.example")
            .header("X-Forwarded-Proto", "http")
            .header("Forwarded", "host=evil.example;proto=http")
            .header("X-Original-URL", "/other")
            .header("Host", "evil.example")
            .send()
            .status
    };
    let form = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA")).0;
    let before = site.rows();
    let forged = site.post(VOICE, &form).signature(sign(TOKEN, &format!("http://evil.example{VOICE}"), &form));
    assert_eq!(forwarded(forged), 403);
    assert_eq!(site.rows(), before);
    assert_eq!(forwarded(site.post(VOICE, &form)), 200);
}

#[test]
fn webhook_without_a_configured_token_is_refused() {
    for signer in [None, Some(Signer::new(Secret::new("")))] {
        let site = Site::with(|_, config| config.signer = signer);
        for (path, form) in forms(&site) {
            let before = site.rows();
            site.post(&path, &form).expect(403);
            site.post(&path, &form).signed_with("").expect(403);
            assert_eq!(site.rows(), before);
        }
    }
}
