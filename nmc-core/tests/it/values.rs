//! Values that are parsed once and right from then on.

use nmc_core::conversations::Keyword;
use nmc_core::{CallerIdentity, Cursor, Email, Error, PhoneNumber, Secret, Timezone};
use proptest::prelude::*;
use std::fmt::Debug;
use std::str::FromStr;

/// That a text is refused under its field's name.
fn refused<T: FromStr<Err = Error> + Debug>(text: &str, field: &str) {
    match text.parse::<T>() {
        Err(Error::Invalid { field: named, .. }) => assert_eq!(named, field, "{text:?}"),
        other => panic!("{text:?} became {other:?}"),
    }
}

#[test]
fn a_phone_number_is_e164() {
    for good in ["+14155550123", "+4930123456", "+1234567", "+123456789012345"] {
        assert_eq!(good.parse::<PhoneNumber>().unwrap().as_str(), good);
    }
    for bad in [
        "",
        "+",
        "14155550123",
        "+0415555012",
        "+123456",
        "+1234567890123456",
        "+1415555012a",
        "+1 415 555 0123",
        " +14155550123",
        "+14155550123 ",
        "+1415555\u{0}123",
        "+١٢٣٤٥٦٧٨",
        "++14155550123",
        "(415) 555-0123",
    ] {
        refused::<PhoneNumber>(bad, "phone number");
    }
}

#[test]
fn only_a_north_american_number_has_an_area_code() {
    let code = |text: &str| text.parse::<PhoneNumber>().unwrap().area_code().map(str::to_owned);
    assert_eq!(code("+14155550123").as_deref(), Some("415"));
    assert_eq!(code("+4930123456"), None);
    assert_eq!(code("+1415555012"), None);
}

#[test]
fn callers_are_told_apart() {
    let parsed = |text: &str| text.parse::<CallerIdentity>().unwrap();
    for withheld in [
        "",
        "  ",
        "anonymous",
        "Anonymous",
        "ANONYMOUS",
        "restricted",
        "Unknown",
        "unavailable",
        "blocked",
        "Private",
        "+266696687",
        "+7378742833",
        "+2562533",
        "+8656696",
        "+86282452253",
    ] {
        assert_eq!(parsed(withheld), CallerIdentity::Anonymous, "{withheld:?}");
        assert_eq!(parsed(withheld).as_str(), "anonymous");
    }
    assert_eq!(parsed(" +14155550123 "), CallerIdentity::Phone("+14155550123".parse().unwrap()));
    for sip in ["sip:joe@example.com", "SIPS:joe@example.com:5061", "sip:+14155550123@example.com;user=phone"] {
        assert_eq!(parsed(sip), CallerIdentity::Sip(sip.to_owned()));
    }
    assert_eq!(parsed("client:desk 1"), CallerIdentity::Client("client:desk 1".to_owned()));
    for code in ["711", "12345", "123456", "2273234", "56161234"] {
        assert_eq!(parsed(code), CallerIdentity::ShortCode(code.to_owned()));
    }
    for name in ["ACME", "Joes Shop 1", "A", "T-Mobile", "AT&T", "My_Shop", "Amazon.com", "naïve"] {
        assert_eq!(parsed(name), CallerIdentity::Name(name.to_owned()));
    }
    for bad in ["12", "123456789", "+1415", "ACME-Plumbing", "Twelve chars", "sip:a\u{0}b", "a@b", "+", &"sip:x".repeat(60)] {
        refused::<CallerIdentity>(bad, "caller");
    }
}

#[test]
fn only_a_number_can_be_texted() {
    for text in ["anonymous", "sip:joe@example.com", "client:desk", "72975", "ACME"] {
        assert_eq!(text.parse::<CallerIdentity>().unwrap().phone(), None, "{text}");
    }
    assert!("+14155550123".parse::<CallerIdentity>().unwrap().phone().is_some());
}

#[test]
fn an_email_is_plausible_and_in_lower_case() {
    for (given, kept) in
        [("joe@example.com", "joe@example.com"), ("  JOE@Example.COM ", "joe@example.com"), ("ö@exämple.de", "ö@exämple.de")]
    {
        assert_eq!(given.parse::<Email>().unwrap().as_str(), kept);
    }
    let long_local = format!("{}@example.com", "x".repeat(65));
    let long_all = format!("x@{}.com", "y".repeat(250));
    for bad in [
        "",
        "joe",
        "@example.com",
        "joe@",
        "joe@example",
        "joe@.com",
        "joe@example.",
        "joe@example..com",
        "a b@example.com",
        "a@b@example.com",
        "joe@exa\u{0}mple.com",
        "joe@exa\nmple.com",
        &long_local,
        &long_all,
    ] {
        refused::<Email>(bad, "email");
    }
}

#[test]
fn a_timezone_is_on_the_list() {
    for good in ["UTC", "America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata"] {
        assert_eq!(good.parse::<Timezone>().unwrap().as_str(), good);
    }
    for bad in ["", "Mars/Olympus", "america/los_angeles", "UTC+2", "+02:00", "America/Los_Angeles "] {
        refused::<Timezone>(bad, "timezone");
    }
}

#[test]
fn keywords_are_whole_texts() {
    let stop =
        ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "opt-out", "Stop.", "stop all", "«stop»"];
    for text in stop {
        assert_eq!(Keyword::of(text), Some(Keyword::Stop), "{text}");
    }
    for text in ["START", "unstop", " Start! "] {
        assert_eq!(Keyword::of(text), Some(Keyword::Start), "{text}");
    }
    for text in ["HELP", "help?"] {
        assert_eq!(Keyword::of(text), Some(Keyword::Help), "{text}");
    }
    for text in ["", "...", "yes", "don't stop", "start tomorrow", "help me", "stop by at 9", "STОP (with a Cyrillic О)"] {
        assert_eq!(Keyword::of(text), None, "{text}");
    }
}

/// A log line, a panic message or a failed assertion must not leak a person or a password.
#[test]
fn debugging_a_value_does_not_show_it() {
    let phone = "+14155550123";
    let shown = [
        format!("{:?}", phone.parse::<PhoneNumber>().unwrap()),
        format!("{:?}", phone.parse::<CallerIdentity>().unwrap()),
        format!("{:?}", "sip:joe@example.com".parse::<CallerIdentity>().unwrap()),
        format!("{:?}", "client:joe".parse::<CallerIdentity>().unwrap()),
        format!("{:?}", "72975".parse::<CallerIdentity>().unwrap()),
        format!("{:?}", "joe@example.com".parse::<Email>().unwrap()),
        format!("{:?}", Secret::new("swordfish")),
    ];
    for text in &shown {
        for hidden in ["4155550", "joe", "example", "72975", "swordfish"] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
    assert_eq!(shown[0], "+…23", "two digits tell two numbers of a log apart");
}

/// What was given may be a person's, and errors reach logs and clients.
#[test]
fn a_refusal_does_not_quote_what_was_given() {
    let given = "+1415marked5550123 marked";
    let said = [
        given.parse::<PhoneNumber>().unwrap_err(),
        given.parse::<CallerIdentity>().unwrap_err(),
        given.parse::<Email>().unwrap_err(),
        given.parse::<Timezone>().unwrap_err(),
        given.parse::<Cursor>().unwrap_err(),
    ];
    for error in said {
        assert!(!error.causes().contains("marked"), "{error}");
    }
}

/// A cursor is opaque, but not beyond a test: eight bytes of microseconds, sixteen of an id.
fn cursor(micros: i64, id: u128) -> String {
    use base64::Engine as _;
    let bytes = [micros.to_be_bytes().as_slice(), id.to_be_bytes().as_slice()].concat();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_cursor_that_no_page_gave_is_refused() {
    for bad in [
        "",
        "x",
        "AAAA",
        "not/base64+",
        &"A".repeat(31),
        &"A".repeat(33),
        &cursor(i64::MAX, 1),
        &cursor(i64::MIN, 1),
        &cursor(-1, 1),
    ] {
        refused::<Cursor>(bad, "cursor");
    }
}

proptest! {
    #[test]
    fn every_e164_number_parses_and_returns(text in "\\+[1-9][0-9]{6,14}") {
        prop_assert_eq!(text.parse::<PhoneNumber>().unwrap().to_string(), text);
    }

    /// Nothing panics, and what is taken is taken as it would be again: stored and read back, it is the same.
    #[test]
    fn what_parses_once_parses_the_same_again(text in prop_oneof![".{0,40}", "[+a-zA-Z0-9:@. ]{0,20}", "(sip|client|tel):.{0,300}"]) {
        fn settles<T: FromStr + ToString + PartialEq + Debug>(text: &str) -> bool {
            match text.parse::<T>() {
                Ok(value) => value.to_string().parse::<T>().is_ok_and(|again| again == value),
                Err(_) => true,
            }
        }
        prop_assert!(settles::<PhoneNumber>(&text));
        prop_assert!(settles::<CallerIdentity>(&text));
        prop_assert!(settles::<Email>(&text));
        prop_assert!(settles::<Timezone>(&text));
        prop_assert!(settles::<Cursor>(&text));
    }

    /// What is taken fits its column: NUL never reaches PostgreSQL, and no address is longer than 255 characters.
    #[test]
    fn a_caller_fits_its_column(text in "\\PC{0,20}|(sip:|client:|)[a-z\\x00\\n]{0,300}") {
        if let Ok(caller) = text.parse::<CallerIdentity>() {
            prop_assert!(!caller.as_str().contains('\0') && caller.as_str().chars().count() <= 255);
        }
    }

    #[test]
    fn a_cursor_returns_as_it_was(micros in 0..253_402_300_799_000_000_i64, id: u128) {
        let text = cursor(micros, id);
        let read: Cursor = text.parse().unwrap();
        prop_assert_eq!(read.to_string(), text);
    }

    #[test]
    fn no_text_makes_the_keyword_reader_panic(text in ".{0,80}") {
        if let Some(keyword) = Keyword::of(&text) {
            prop_assert_eq!(Keyword::of(&format!("  {}! ", text.to_lowercase())), Some(keyword));
        }
    }
}
