//! Webhooks against a receiver that fails, and against whoever would have them sent inside.

use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::TenantId;
use nmc_core::access::TokenKeys;
use nmc_core::delivery::{
    LARGEST_WEBHOOK, OutboundWebhook, SecretVersions, WebhookAnswer, WebhookError, WebhookRules as _, WebhookSecrets,
    WebhookSender as _,
};
use nmc_core::testing::{ReceiverFault, WebhookReceiver, noon};
use nmc_core::uuid::Uuid;
use nmc_core::webhook::{HostLookup, SystemLookup, WebhookClient, WebhookPolicy};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ID: Uuid = Uuid::from_u128(7);
const BODY: &str = r#"{"type":"alert.triggered"}"#;

/// Names that lead where the test says: the next answer each time, and the last one for good. Numbers are read as the system reads
/// them; no other name is looked up anywhere.
#[derive(Default)]
struct FakeLookup {
    names: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    looks: Mutex<Vec<String>>,
}

impl FakeLookup {
    fn name(&self, host: &str, answers: &[&[&str]]) {
        let answers = answers.iter().map(|ips| ips.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
        self.names.lock().unwrap().insert(host.to_owned(), answers);
    }

    fn looks(&self) -> usize {
        self.looks.lock().unwrap().len()
    }
}

impl HostLookup for FakeLookup {
    fn look_up(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        self.looks.lock().unwrap().push(host.to_owned());
        let mut names = self.names.lock().unwrap();
        if let Some(answers) = names.get_mut(host) {
            let ips = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
            return Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect());
        }
        let is_number = host.contains(':')
            || host.trim_end_matches('.').split('.').all(|part| {
                let digits = part.to_ascii_lowercase();
                digits
                    .strip_prefix("0x")
                    .map_or(digits.bytes().all(|b| b.is_ascii_digit()), |hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            });
        if is_number { SystemLookup.look_up(host, port) } else { Err(std::io::ErrorKind::NotFound.into()) }
    }
}

struct Scene {
    receiver: WebhookReceiver,
    lookup: Arc<FakeLookup>,
    secrets: WebhookSecrets,
}

impl Scene {
    fn new() -> Self {
        let keys = TokenKeys::ephemeral(noon()).unwrap();
        let secrets = WebhookSecrets::derive(&keys, TenantId::new(ID), "https://hooks.example.com/x", SecretVersions::FIRST);
        Self { receiver: WebhookReceiver::start(), lookup: Arc::default(), secrets }
    }

    /// A client that may use the receiver's port, and go to these networks though they are inside.
    fn client(&self, allow: &[&str]) -> WebhookClient {
        let allow = allow.iter().map(|net| net.parse().unwrap()).collect();
        let policy = WebhookPolicy { allow, ports: vec![self.receiver.port()] };
        WebhookClient::with_lookup(policy, self.lookup.clone())
    }

    fn send(&self, client: &WebhookClient, url: &str, at: DateTime<Utc>) -> Result<WebhookAnswer, WebhookError> {
        client.send(&OutboundWebhook { id: ID, at, url, body: BODY, secrets: &self.secrets })
    }

    /// Sends to the receiver, as an operator may who allows it.
    fn deliver(&self) -> Result<WebhookAnswer, WebhookError> {
        let url = format!("http://127.0.0.1:{}/hook?a=b", self.receiver.port());
        self.send(&self.client(&["127.0.0.1/32"]), &url, noon())
    }
}

#[test]
fn webhook_arrives_signed_as_it_was_written() {
    let scene = Scene::new();
    assert_eq!(scene.deliver(), Ok(WebhookAnswer { status: 204, body: String::new() }));
    let later = noon() + TimeDelta::minutes(5);
    let client = scene.client(&["127.0.0.0/8"]);
    scene.send(&client, &format!("http://127.0.0.1:{}/hook?a=b", scene.receiver.port()), later).unwrap();
    let [first, second] = scene.receiver.taken().try_into().unwrap();
    assert_eq!((first.target.as_str(), first.body.as_str()), ("/hook?a=b", BODY));
    for (taken, at) in [(&first, noon()), (&second, later)] {
        assert_eq!(taken.header("content-type"), Some("application/json"));
        assert_eq!(taken.header("webhook-id"), Some(ID.to_string().as_str()), "the same at each attempt");
        assert_eq!(taken.header("webhook-timestamp"), Some(at.timestamp().to_string().as_str()));
        assert_eq!(taken.header("webhook-signature"), Some(scene.secrets.sign(ID, at, BODY).as_str()));
    }
    assert_ne!(first.header("webhook-signature"), second.header("webhook-signature"));
    assert_eq!(scene.receiver.connections(), 2, "no connection is used twice");
}

#[test]
fn answers_are_told_apart_by_what_they_mean() {
    let scene = Scene::new();
    let answer = |status, headers: &str, body: &str| {
        scene.receiver.fail_with([ReceiverFault::Answer(status, headers.to_owned(), body.to_owned())]);
        scene.deliver()
    };
    for status in [200, 201, 299] {
        assert_eq!(answer(status, "", "ok"), Ok(WebhookAnswer { status, body: "ok".to_owned() }));
    }
    assert!(matches!(answer(410, "", "bye"), Err(WebhookError::Gone { answer }) if answer.body == "bye"));
    let later = |status, headers: &str| match answer(status, headers, "no") {
        Err(WebhookError::NotNow { retry_after, answer: Some(answer), reason }) => {
            assert_eq!((answer.status, answer.body.as_str()), (status, "no"));
            assert!(reason.contains(&status.to_string()), "{reason}");
            retry_after.map(|wait| wait.as_secs())
        }
        other => panic!("{status}: {other:?}"),
    };
    assert_eq!([later(429, "Retry-After: 120\r\n"), later(503, "Retry-After: 7\r\n")], [Some(120), Some(7)]);
    assert_eq!(later(429, "Retry-After: Mon, 16 Nov 2026 12:00:09 GMT\r\n"), Some(9));
    for status in [400, 401, 404, 500, 502] {
        assert_eq!(later(status, "Retry-After: 120\r\n"), None, "{status}");
    }
    let url = format!("http://127.0.0.1:{}/", scene.receiver.port());
    for fault in [ReceiverFault::DropBefore, ReceiverFault::DropAfter, ReceiverFault::Stall] {
        scene.receiver.fail_with([fault.clone()]);
        let client = scene.client(&["127.0.0.1/32"]).with_patience(Duration::from_secs(1));
        let lost = scene.send(&client, &url, noon());
        assert!(matches!(lost, Err(WebhookError::NotNow { retry_after: None, answer: None, .. })), "{fault:?}: {lost:?}");
    }
}

#[test]
fn answer_without_end_is_cut_off() {
    let scene = Scene::new();
    scene.receiver.fail_with([ReceiverFault::Answer(200, String::new(), "x".repeat(1 << 20))]);
    assert_eq!(scene.deliver().unwrap().body.len(), 4 << 10);
}

#[test]
fn body_that_is_too_large_is_not_sent() {
    let scene = Scene::new();
    let url = format!("http://127.0.0.1:{}/", scene.receiver.port());
    let client = scene.client(&["127.0.0.1/32"]);
    let send = |body: &str| client.send(&OutboundWebhook { id: ID, at: noon(), url: &url, body, secrets: &scene.secrets });
    send(&"x".repeat(LARGEST_WEBHOOK)).unwrap();
    assert!(matches!(send(&"x".repeat(LARGEST_WEBHOOK + 1)), Err(WebhookError::Refused { .. })));
    assert_eq!(scene.receiver.taken().len(), 1);
}

#[test]
fn redirect_is_a_failure_and_not_followed() {
    let (scene, inside) = (Scene::new(), WebhookReceiver::start());
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: http://127.0.0.1:{}/admin\r\n", inside.port());
        scene.receiver.fail_with([ReceiverFault::Answer(status, location, String::new())]);
        let failed = scene.deliver().unwrap_err();
        let reason = format!("the receiver leads elsewhere ({status}), and webhooks follow no redirects");
        assert_eq!(failed.to_string(), reason);
    }
    assert_eq!((scene.receiver.connections(), inside.connections()), (5, 0));
}

/// Each leads, in the writing of somebody who would get inside, to the receiver that listens on this machine, or to another address
/// that is not public.
#[test]
fn hostile_url_is_refused_and_nothing_connects() {
    let scene = Scene::new();
    let lookup = &scene.lookup;
    let public = "93.184.215.14";
    let names: &[(&str, &[&[&str]])] = &[
        ("inside.example.com", &[&["127.0.0.1"]]),
        ("inside6.example.com", &[&["::1"]]),
        ("mapped.example.com", &[&["::ffff:127.0.0.1"]]),
        ("nat64.example.com", &[&["64:ff9b::7f00:1"]]),
        ("sixtofour.example.com", &[&["2002:7f00:1::"]]),
        ("compatible.example.com", &[&["::7f00:1"]]),
        ("metadata.example.com", &[&["169.254.169.254"]]),
        ("metadata6.example.com", &[&["fd00:ec2::254"]]),
        ("mixed.example.com", &[&[public, "10.0.0.1"]]),
        ("mixed-first.example.com", &[&["10.0.0.1", public]]),
        ("mixed-many.example.com", &[&[public, public, public, public, public, public, "127.0.0.1"]]),
        ("mixed6.example.com", &[&["2606:4700::1111", "fe80::1"]]),
        ("zero.example.com", &[&["0.0.0.0"]]),
        ("any6.example.com", &[&["::"]]),
        ("cgn.example.com", &[&["100.64.0.1"]]),
        ("multicast.example.com", &[&["224.0.0.1"]]),
        ("broadcast.example.com", &[&["255.255.255.255"]]),
        ("benchmark.example.com", &[&["198.18.0.1"]]),
        ("site.example.com", &[&["fec0::1"]]),
        ("ula.example.com", &[&["fc00::1"]]),
        ("teredo.example.com", &[&["2001:0:7f00:1::1"]]),
        ("docs.example.com", &[&["2001:db8::1"]]),
        ("localhost", &[&["127.0.0.1"]]),
        ("localhost.", &[&["127.0.0.1"]]),
        ("127.0.0.1.", &[&["127.0.0.1"]]),
        ("127.0.0.1.nip.io", &[&["127.0.0.1"]]),
        ("0x7f.1.example", &[&["127.0.0.1"]]),
    ];
    for (name, answers) in names {
        lookup.name(name, answers);
    }
    let port = scene.receiver.port();
    let here = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0X7F.0.0.1",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "0177.0.0.01",
        "127.255.255.254",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:0001::]",
        "[::127.0.0.1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "100.64.0.1",
        "192.0.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ];
    let hosts = here.into_iter().chain(names.iter().map(|(name, _)| *name));
    let mut urls: Vec<String> = hosts.map(|host| format!("https://{host}:{port}/")).collect();
    let forms = [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:25/",
        "//example.com/",
        "example.com",
        "",
        "https://",
        "https:///x",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com:443@127.0.0.1/",
        "https://127.0.0.1#@example.com/",
        "https://example.com\\@127.0.0.1/",
        "https://127.0.0.1\\.example.com/",
        "https://example.com:22/",
        "https://example.com:80/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:443:22/",
        "https://example.com:-443/",
        "https://example.com:+443/",
        "https://example.com:/",
        "https://%31%32%37.0.0.1/",
        "https://127%2e0.0.1/",
        "https://[fe80::1%25lo]/",
        "https://[::1/",
        "https://①②⑦.0.0.1/",
        "https://127。0。0。1/",
        "https://exa mple.com/",
        "https://example.com/\r\nX: y",
        "https://example.com/\t",
        "https://example.com/\0",
        "https:// example.com/",
        "javascript:alert(1)",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "http://127.0.0.1/",
        "http://[::1]/",
    ];
    urls.extend(forms.map(str::to_owned));
    urls.push(format!("https://example.com/{}", "x".repeat(2_000)));
    assert!(urls.len() >= 100, "{}", urls.len());
    let client = scene.client(&[]);
    for url in &urls {
        let sent = scene.send(&client, url, noon());
        let Err(WebhookError::Refused { reason }) = sent else { panic!("{url}: {sent:?}") };
        assert!(reason.starts_with("its ") && !reason.contains("127") && !reason.contains("secret"), "{url}: {reason}");
    }
    assert_eq!(scene.receiver.connections(), 0);
}

/// What is looked at is what is connected to: there is no second look between the two.
#[test]
fn name_that_leads_elsewhere_the_second_time_gets_nowhere() {
    let scene = Scene::new();
    scene.lookup.name("rebound.example.com", &[&["127.0.0.1"], &["127.0.0.3"]]);
    let client = scene.client(&["127.0.0.1/32"]);
    let url = format!("http://rebound.example.com:{}/", scene.receiver.port());
    scene.send(&client, &url, noon()).unwrap();
    assert_eq!((scene.lookup.looks(), scene.receiver.connections()), (1, 1));
    let sent = scene.send(&client, &url, noon());
    assert!(matches!(sent, Err(WebhookError::Refused { .. })), "{sent:?}");
    assert_eq!((scene.lookup.looks(), scene.receiver.connections()), (2, 1));
}

#[test]
fn allowed_network_opens_itself_and_nothing_else() {
    let scene = Scene::new();
    let port = scene.receiver.port();
    scene.lookup.name("ours.example.com", &[&["127.0.0.1"]]);
    scene.lookup.name("mapped.example.com", &[&["::ffff:127.0.0.1"]]);
    scene.lookup.name("mixed.example.com", &[&["127.0.0.1", "127.0.0.2"]]);
    scene.lookup.name("public.example.com", &[&["93.184.215.14"]]);
    let client = scene.client(&["127.0.0.1/32"]);
    for host in ["ours", "mapped"] {
        scene.send(&client, &format!("http://{host}.example.com:{port}/"), noon()).unwrap();
    }
    for url in ["http://mixed.example.com", "https://mixed.example.com", "http://public.example.com", "https://10.0.0.1"] {
        let sent = scene.send(&client, &format!("{url}:{port}/"), noon());
        assert!(matches!(sent, Err(WebhookError::Refused { .. })), "{url}: {sent:?}");
    }
    // A receiver without TLS where TLS is asked for is no receiver.
    let sent = scene.send(&client, &format!("https://ours.example.com:{port}/"), noon());
    assert!(matches!(sent, Err(WebhookError::NotNow { answer: None, .. })), "{sent:?}");
    assert_eq!(scene.receiver.taken().len(), 2);
}

#[test]
fn name_that_is_not_found_is_tried_again() {
    let scene = Scene::new();
    scene.lookup.name("empty.example.com", &[&[]]);
    for host in ["unknown.example.com", "empty.example.com"] {
        let sent = scene.send(&scene.client(&[]), &format!("https://{host}/"), noon());
        assert!(
            matches!(&sent, Err(WebhookError::NotNow { reason, .. }) if reason.ends_with("its host is not found")),
            "{sent:?}"
        );
    }
}

#[test]
fn contact_is_judged_by_scheme_and_port() {
    let refused = |policy: &WebhookPolicy, url: &str| policy.must_be_sendable(url).err().map(|error| error.to_string());
    let (strict, open) = (WebhookPolicy::default(), WebhookPolicy { ports: vec![8443], ..WebhookPolicy::default() });
    let port = Some("contact_value can't be sent to: its URL names a port that is not allowed".to_owned());
    assert_eq!(refused(&strict, "https://hooks.example.com:8443/x"), port);
    assert_eq!(refused(&open, "https://hooks.example.com:8443/x"), None);
    assert_eq!(refused(&strict, " https://hooks.example.com/x "), None, "as it is saved");
    assert!(refused(&open, "http://hooks.example.com/x").is_some());
}
