//! X-Twilio-Signature. The signatures here were made by Twilio's own library (PyPI `twilio` 9.13.0), except the first,
//! which is the one Twilio documents.

use nmc_core::Secret;
use nmc_core::twilio::{SignatureError, Signer};
use proptest::prelude::*;

const TOKEN: &str = "12345";

type Params = &'static [(&'static str, &'static str)];

/// The parameters of Twilio's documented example.
const CALL: Params = &[
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
];

const VECTORS: &[(&str, Params, &str)] = &[
    ("https://mycompany.com/myapp.php?foo=1&bar=2", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ("http://nmc.example.com:8080/webhooks/twilio/voice/status", CALL, "ZOwa/60DLsZmGnS0N70KWzJOcOk="),
    ("https://nmc.example.com:443/webhooks/twilio/voice/status?a=1", CALL, "2vbj+Rl9w6MRQFeuKofW8ue3V30="),
    ("https://nmc.example.com/webhooks/twilio/voice/status?a=1", CALL, "AvsesDp2LcAVGdOdIk//kne/CGs="),
    ("http://nmc.example.com:80/x", CALL, "92e9kNXxyWJ7RIwy9b9im/R5LLI="),
    // No parameters at all.
    ("https://nmc.example.com/x", &[], "qd0ZArqZYAF0+ru1NKbSAXBgNh8="),
    // Values of a repeated name count once each, sorted; names are told apart by case.
    (
        "https://nmc.example.com/x",
        &[("A", "2"), ("B", "b"), ("A", "1"), ("A", "2"), ("a", "lower")],
        "RN3yol4z8e5N76vmc/qL+Ex7iek=",
    ),
    (
        "https://nmc.example.com/x?q=%C3%A9",
        &[("Body", "Ünïcödé ☎ 😀"), ("FromCity", "MÜNCHEN"), ("ÄName", "z"), ("Zname", "ä")],
        "LFF1KC2DXfkUA8t01Z/nOKR9cak=",
    ),
    ("https://nmc.example.com/x", &[("Body", ""), ("CallerName", ""), ("From", "")], "FP5Yy3bH463u53F/tuQ6chQhpl4="),
    ("https://nmc.example.com/x", &[("Body", "1+1 = 2 & more%20"), ("From", "+14155550123")], "xmxAK6bZ2RMoMSz4CKaGcwT1Owo="),
];

fn signer() -> Signer {
    Signer::new(Secret::new(TOKEN))
}

fn owned(params: &[(&str, &str)]) -> Vec<(String, String)> {
    params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn check(url: &str, params: &[(&str, &str)], signature: &str) -> Result<(), SignatureError> {
    signer().check(url, &owned(params), Some(signature), None)
}

#[test]
fn every_vector_is_made_and_believed() {
    for (url, params, signature) in VECTORS {
        assert_eq!(signer().sign(url, &owned(params)), *signature, "{url}");
        assert_eq!(check(url, params, signature), Ok(()), "{url}");
    }
}

#[test]
fn the_order_in_which_parameters_arrive_does_not_matter() {
    for (url, params, signature) in VECTORS {
        let reversed: Vec<_> = params.iter().copied().rev().collect();
        assert_eq!(check(url, &reversed, signature), Ok(()), "{url}");
    }
}

/// One change of each kind, made to every vector.
#[test]
fn anything_changed_is_not_believed() {
    for (url, params, signature) in VECTORS {
        let other_secret = Signer::new(Secret::new("12346")).check(url, &owned(params), Some(signature), None);
        assert_eq!(other_secret, Err(SignatureError::Mismatch), "another secret: {url}");
        let added = [*params, &[("Extra", "")]].concat();
        assert_eq!(check(url, &added, signature), Err(SignatureError::Mismatch), "a parameter added: {url}");
        for at in 0..params.len() {
            let mut changed = params.to_vec();
            changed[at].1 = "another value";
            assert_eq!(check(url, &changed, signature), Err(SignatureError::Mismatch), "a value changed: {url}");
            let mut renamed = params.to_vec();
            renamed[at].0 = "AnotherName";
            assert_eq!(check(url, &renamed, signature), Err(SignatureError::Mismatch), "a name changed: {url}");
            let mut removed = params.to_vec();
            let gone = removed.remove(at);
            // Of a value that is there twice, one may go.
            if !removed.contains(&gone) {
                assert_eq!(check(url, &removed, signature), Err(SignatureError::Mismatch), "a parameter removed: {url}");
            }
        }
        for other in [
            url.replacen("http", "HTTP", 1),
            format!("{url}x"),
            format!("{url}?z=1"),
            url.replacen("://", "://www.", 1),
            url.replacen("https:", "http:", 1).replacen("http:", "wss:", 1),
        ] {
            assert_eq!(check(&other, params, signature), Err(SignatureError::Mismatch), "another URL: {other}");
        }
    }
}

#[test]
fn the_default_port_may_be_there_or_not() {
    let with = "https://nmc.example.com:443/webhooks/twilio/voice/status?a=1";
    let without = "https://nmc.example.com/webhooks/twilio/voice/status?a=1";
    for url in [with, without] {
        for signature in ["2vbj+Rl9w6MRQFeuKofW8ue3V30=", "AvsesDp2LcAVGdOdIk//kne/CGs="] {
            assert_eq!(check(url, CALL, signature), Ok(()), "{url} {signature}");
        }
    }
    assert_eq!(check("http://nmc.example.com/x", CALL, "92e9kNXxyWJ7RIwy9b9im/R5LLI="), Ok(()), "80 is http's");
    let plain = signer().sign("http://nmc.example.com/x", &owned(CALL));
    assert_eq!(check("http://nmc.example.com:80/x", CALL, &plain), Ok(()));
    // Each scheme's own port, and no other's.
    let of_https = signer().sign("http://nmc.example.com:443/x", &owned(CALL));
    assert_eq!(check("http://nmc.example.com/x", CALL, &of_https), Err(SignatureError::Mismatch));
    assert_eq!(check("https://nmc.example.com:443", CALL, &signer().sign("https://nmc.example.com", &owned(CALL))), Ok(()));
    let of_v6 = signer().sign("https://[2001:db8::1]:443/x", &owned(CALL));
    assert_eq!(check("https://[2001:db8::1]/x", CALL, &of_v6), Ok(()));
}

/// As Twilio's own library has it: Twilio leaves a port of ours out of what it signs for a call, and never invents one.
#[test]
fn a_port_of_our_own_may_be_left_out_and_no_other_put_in() {
    let (ours, bare) = ("https://nmc.example.com:8443/x?a=1", "https://nmc.example.com/x?a=1");
    for url in [ours, bare] {
        assert_eq!(check(ours, CALL, &signer().sign(url, &owned(CALL))), Ok(()), "{url}");
    }
    assert_eq!(check(bare, CALL, &signer().sign(ours, &owned(CALL))), Err(SignatureError::Mismatch));
    let other = signer().sign("https://nmc.example.com:9443/x?a=1", &owned(CALL));
    assert_eq!(check(ours, CALL, &other), Err(SignatureError::Mismatch));
}

#[test]
fn a_missing_or_broken_signature_is_not_believed() {
    let params = owned(CALL);
    let (url, _, good) = VECTORS[0];
    assert_eq!(signer().check(url, &params, None, None), Err(SignatureError::Missing));
    for bad in ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "not base64!", "RSOYDt4T1cUTdK1PDd93/VVr", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
        assert_eq!(check(url, CALL, bad), Err(SignatureError::Mismatch), "{bad:?}");
    }
    assert_eq!(check(url, CALL, &format!(" {good}\r\n")), Ok(()), "blanks around a header's value don't count");
}

#[test]
fn the_settings_header_chooses_the_algorithm() {
    const SHA256: &str = "6jC4euOxqh95etF4ICT084yiu14B37s1moBJzcUVLgE=";
    let (url, params) = ("https://nmc.example.com/x", owned(CALL));
    let sha1 = signer().sign(url, &params);
    let check = |signature: &str, settings: &str| signer().check(url, &params, Some(signature), Some(settings));
    for settings in
        ["key=webhooks_sharedkey_1,algorithm=HMAC_SHA256", "algorithm=HMAC_SHA256", " algorithm = hmac_sha256 , key=k"]
    {
        assert_eq!(check(SHA256, settings), Ok(()), "{settings:?}");
        assert_eq!(check(&sha1, settings), Err(SignatureError::Mismatch), "{settings:?}");
    }
    // Without an algorithm's name it is the old one.
    for settings in ["key=k,algorithm=HMAC_SHA1", "key=k", ""] {
        assert_eq!(check(&sha1, settings), Ok(()), "{settings:?}");
        assert_eq!(check(SHA256, settings), Err(SignatureError::Mismatch), "{settings:?}");
    }
    for settings in ["algorithm=HMAC_MD5", "algorithm=none", "key=k,algorithm=HMAC_SHA512"] {
        assert_eq!(check(&sha1, settings), Err(SignatureError::Algorithm), "{settings:?}");
        assert_eq!(check(SHA256, settings), Err(SignatureError::Algorithm), "{settings:?}");
    }
}

#[test]
fn a_long_token_is_a_token() {
    let signer = Signer::new(Secret::new("k".repeat(200)));
    let check = signer.check("https://nmc.example.com/x", &owned(CALL), Some("5h/ePGLvk4VEzSUOmbYh1Lu6VQ4="), None);
    assert_eq!(check, Ok(()));
}

#[test]
fn a_body_that_is_no_form_is_held_to_its_digest() {
    const DIGEST: &str = "3a6d142bd5ac01c5cbb870389f0b97872008955f83f878574cbd84d6a3a28eb5";
    let body = "{\"a\": \"Ünï\"}";
    let alone = format!("https://nmc.example.com/x?bodySHA256={DIGEST}");
    let among = format!("https://nmc.example.com/x?a=1&bodySHA256={DIGEST}&b=2");
    let check =
        |url: &str, body: &str, signature: &str, settings| signer().check_body(url, body.as_bytes(), Some(signature), settings);
    assert_eq!(check(&alone, body, "oc2Wnh+lHpcFjPaBlQBbBkMnCRA=", None), Ok(()));
    assert_eq!(check(&among, body, "FIGy9aYDrAgjJbAgWFW2R32PVyQ=", None), Ok(()));
    let sha256 = Some("algorithm=HMAC_SHA256");
    assert_eq!(check(&alone, body, "xqkonvRiKlC+i/ebAik+jjS3EjnywM/b7cIS+o1ID4I=", sha256), Ok(()));
    let mismatch = Err(SignatureError::Mismatch);
    assert_eq!(check(&alone, "{\"a\": \"Unï\"}", "oc2Wnh+lHpcFjPaBlQBbBkMnCRA=", None), mismatch, "another body");
    assert_eq!(check(&alone.replace("3a6d", "3a6e"), body, "oc2Wnh+lHpcFjPaBlQBbBkMnCRA=", None), mismatch, "another digest");
    let bare = "https://nmc.example.com/x";
    let signed = signer().sign(bare, &[]);
    assert_eq!(check(bare, body, &signed, None), mismatch, "a signed URL without a digest proves nothing of the body");
    assert_eq!(signer().check_body(&alone, body.as_bytes(), None, None), Err(SignatureError::Missing));
}

#[test]
fn the_token_shows_nowhere() {
    let text = format!("{:?} {}", signer(), SignatureError::Mismatch);
    assert!(!text.contains(TOKEN), "{text}");
}

proptest! {
    /// Whatever is posted: what is signed is believed, and one more parameter is not.
    #[test]
    fn what_is_signed_is_believed(
        host in "[a-z]{1,9}(\\.[a-z]{1,9}){1,2}(:[1-9][0-9]{1,3})?",
        tail in "(/[a-z]{0,9}){0,3}(\\?[a-z=&%0-9]{0,20})?",
        params in prop::collection::vec((".{0,12}", ".{0,40}"), 0..9),
    ) {
        let url = format!("https://{host}{tail}");
        let signature = signer().sign(&url, &params);
        prop_assert_eq!(signer().check(&url, &params, Some(&signature), None), Ok(()));
        let mut more = params;
        more.push(("~a name after all others~".to_owned(), String::new()));
        prop_assert_eq!(signer().check(&url, &more, Some(&signature), None), Err(SignatureError::Mismatch));
    }

    /// Nothing that can stand in the headers makes the check panic, or pass.
    #[test]
    fn rubbish_is_not_believed(url in ".{0,60}", signature in ".{0,60}", settings in prop::option::of(".{0,60}")) {
        let checked = signer().check(&url, &owned(CALL), Some(&signature), settings.as_deref());
        prop_assert!(checked.is_err());
    }
}
