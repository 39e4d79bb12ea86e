//! A server over a database of its own, and a client that looks twice at every answer.

use crate::log;
use crate::wire::Wire;
use nmc_core::Uploads;
use nmc_core::access::{Authenticator, Hasher, LoginPolicy, TokenKeys};
use nmc_core::numbers::{Provisioner, ProvisioningConfig};
use nmc_core::tenants::RegistrationPolicy;
use nmc_core::testing::{Business, FakeTwilio, TestDb, query};
use nmc_core::twilio::{Signer, TwilioNumbers};
use nmc_core::{Secret, Store, StoreConfig};
use nmc_http::{ConnectionLimits, Limit, Limits, RunningServer, ServerConfig, StreamLimits, Uploading};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub(crate) const ANSWER: &str = "/webhooks/twilio/voice";
pub(crate) const VOICE: &str = "/webhooks/twilio/voice/status";
pub(crate) const SCREEN: &str = "/webhooks/twilio/voice/screen";
pub(crate) const ACCEPTED: &str = "/webhooks/twilio/voice/screen/accepted";
pub(crate) const MACHINE: &str = "/webhooks/twilio/voice/machine";
pub(crate) const SMS: &str = "/webhooks/twilio/sms";
pub(crate) const SMS_STATUS: &str = "/webhooks/twilio/sms/status";
pub(crate) const NUMBER_STATUS: &str = "/webhooks/twilio/number/status";
pub(crate) const WEBHOOKS: [&str; 8] = [ANSWER, VOICE, SCREEN, ACCEPTED, MACHINE, SMS, SMS_STATUS, NUMBER_STATUS];

pub(crate) const TOKEN: &str = "the auth token of the account";
const JOE: &str = "Joe's Plumbing";
const RIVAL: &str = "Rival Rooter & Sons";

/// What no answer may say: how things are kept, and who else is there.
const UNSPEAKABLE: [&str; 17] = [
    "select ",
    "insert ",
    "update ",
    "constraint",
    "relation",
    "postgres",
    "diesel",
    "sql",
    "pg_",
    "nmc_",
    "_key",
    "_fkey",
    "_check",
    "tenant_id",
    "panicked",
    "rival",
    "joe",
];

/// What no refusal may say, not even to those whose own words and columns it repeats.
const UNSPEAKABLE_ANYWHERE: [&str; 11] =
    ["select ", "insert into", "diesel", "postgres", "backtrace", "panicked", ".rs:", "/tmp", "_fkey", "_check", "violates"];

/// One running server with two businesses. Nothing here goes to the second: its rows must not move.
pub(crate) struct Site {
    pub(crate) db: TestDb,
    pub(crate) joe: Business,
    pub(crate) rival: Business,
    pub(crate) public_url: String,
    pub(crate) authenticator: Authenticator,
    /// The provider of numbers.
    pub(crate) twilio: FakeTwilio,
    /// Asks it, as the server does.
    pub(crate) numbers: Provisioner,
    agent: ureq::Agent,
    address: SocketAddr,
    webhook_address: SocketAddr,
    server: Option<RunningServer>,
    uploads: PathBuf,
}

/// What a server needs that no test is about.
pub(crate) fn config() -> ServerConfig {
    let often = Limit { burst: 1_000_000, per_minute: 60_000_000 };
    ServerConfig {
        bind: "127.0.0.1:0".to_owned(),
        webhook_bind: None,
        connections: ConnectionLimits::default(),
        public_url: Some("https://nmc.example.com".to_owned()),
        signer: Some(Signer::new(Secret::new(TOKEN))),
        threads: 1,
        patience: Duration::from_secs(10),
        answer_within: Duration::from_secs(20),
        uploads_at_once: Uploading::default(),
        // Who has a stream and is told of it would be told of themselves.
        streams: StreamLimits { presence_every: None, ..StreamLimits::default() },
        record_connections: false,
        uploads: Uploads::new(std::env::temp_dir().join(format!("nmc-http-test-{}", Uuid::now_v7()))),
        limits: Limits {
            token_per_address: often,
            login_per_address: often,
            login_per_account: often,
            login_per_known_address: often,
            registration_per_address: often,
            registration_per_account: often,
            reset_per_address: often,
            reset_per_account: often,
            conflict_per_account: often,
            conflict_per_business: often,
            conflict_per_address: often,
        },
        trusted_proxies: Vec::new(),
        cors_origins: Vec::new(),
        registration: RegistrationPolicy::default(),
        sends_mails: true,
        webhooks: None,
        numbers: None,
    }
}

/// Logs in over this store, at the lowest cost there is.
pub(crate) fn authenticator(store: &Store) -> Authenticator {
    let hasher = Hasher::new(4, 2, 64).expect("a hasher");
    let keys = TokenKeys::ephemeral(store.now()).expect("a key");
    Authenticator::new(store.clone(), hasher, keys, LoginPolicy::default())
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(|_, _| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut StoreConfig, &mut ServerConfig)) -> Self {
        Self::built(true, change)
    }

    /// One whose operator has named no provider of numbers.
    pub(crate) fn without_provider() -> Self {
        Self::built(false, |_, _| {})
    }

    fn built(has_provider: bool, change: impl FnOnce(&mut StoreConfig, &mut ServerConfig)) -> Self {
        log::capture();
        let mut config = config();
        let uploads = std::env::temp_dir().join(format!("nmc-http-test-{}", Uuid::now_v7()));
        config.uploads = Uploads::new(&uploads);
        let db = TestDb::with(|store| {
            store.pool_timeout = Duration::from_secs(1);
            change(store, &mut config);
        });
        let (joe, rival) = (Business::onboard(&db.store, JOE), Business::onboard(&db.store, RIVAL));
        let public_url = config.public_url.clone();
        let twilio = FakeTwilio::start();
        let provider = Arc::new(TwilioNumbers::new(&twilio.account()));
        let webhooks_at = public_url.as_deref().unwrap_or("https://nmc.example.com");
        let numbers = Provisioner::new(
            db.store.clone(),
            provider,
            nmc_http::callback_urls(webhooks_at).numbers,
            ProvisioningConfig::default(),
        );
        config.numbers = has_provider.then(|| numbers.clone());
        let authenticator = authenticator(&db.store);
        let server = nmc_http::start(authenticator.clone(), config).expect("a server");
        let address = server.address();
        let webhook_address = server.webhook_address().unwrap_or(address);
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            // The server looks only once a second whether the last idle connection has gone.
            .max_idle_connections(0)
            .build()
            .into();
        let public_url = public_url.unwrap_or_else(|| format!("http://{address}"));
        Self {
            db,
            joe,
            rival,
            public_url,
            authenticator,
            twilio,
            numbers,
            agent,
            address,
            webhook_address,
            server: Some(server),
            uploads,
        }
    }

    /// A form post to this path, signed as Twilio would.
    pub(crate) fn post(&self, path: &str, form: &[(String, String)]) -> Post<'_> {
        let signature = Some(sign(TOKEN, &format!("{}{path}", self.public_url.trim_end_matches('/')), form));
        Post { site: self, path: path.to_owned(), form: form.to_vec(), signature, headers: Vec::new() }
    }

    /// Any other request without a body.
    pub(crate) fn request(&self, method: &str, path: &str) -> Answer {
        self.wire().exchange(&format!("{method} {path} HTTP/1.1\r\nHost: nmc\r\n\r\n"))
    }

    /// A connection to write on by hand.
    pub(crate) fn wire(&self) -> Wire {
        Wire::open(self.address)
    }

    /// A client.
    pub(crate) fn agent(&self) -> &ureq::Agent {
        &self.agent
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for webhooks.
    pub(crate) fn webhook_address(&self) -> SocketAddr {
        self.webhook_address
    }

    /// A connection from another address of this machine.
    pub(crate) fn wire_from(&self, from: &str) -> Wire {
        Wire::open_from(from, self.address)
    }

    /// Where photos are kept.
    pub(crate) fn uploads(&self) -> &std::path::Path {
        &self.uploads
    }

    /// Every row of every table.
    pub(crate) fn rows(&self) -> Vec<String> {
        let each: Vec<String> = self
            .db
            .tables()
            .into_iter()
            .map(|table| format!("SELECT '{0}: ' || t::text AS row FROM public.{0} t", table.name))
            .collect();
        query(&mut self.db.superuser(), &format!("{} ORDER BY 1", each.join(" UNION ALL ")))
    }

    /// How many rows this table has.
    pub(crate) fn count(&self, table: &str) -> i64 {
        self.db.query(&format!("SELECT count(*) FROM {table}"))[0]
    }

    /// Calls, conversations, messages.
    pub(crate) fn counts(&self) -> [i64; 3] {
        ["calls", "conversations", "messages"].map(|table| self.count(table))
    }

    /// Takes the server, to stop it.
    pub(crate) fn take_server(&mut self) -> RunningServer {
        self.server.take().expect("a running server")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let stopped = server.stop();
            assert!(std::thread::panicking() || stopped.is_ok(), "{stopped:?}");
        }
        drop(std::fs::remove_dir_all(&self.uploads));
    }
}

pub(crate) fn sign(token: &str, url: &str, form: &[(String, String)]) -> String {
    Signer::new(Secret::new(token)).sign(url, form)
}

/// A form as it is written.
pub(crate) fn encoded(form: &[(String, String)]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let part = |text: &str| -> String {
        text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
    };
    form.iter().map(|(name, value)| format!("{}={}", part(name), part(value))).collect::<Vec<_>>().join("&")
}

/// A form post on its way.
pub(crate) struct Post<'s> {
    site: &'s Site,
    path: String,
    form: Vec<(String, String)>,
    signature: Option<String>,
    headers: Vec<(&'static str, String)>,
}

impl Post<'_> {
    pub(crate) fn unsigned(self) -> Self {
        Self { signature: None, ..self }
    }

    pub(crate) fn signature(self, signature: impl Into<String>) -> Self {
        Self { signature: Some(signature.into()), ..self }
    }

    /// Signed with another token.
    pub(crate) fn signed_with(self, token: &str) -> Self {
        let signature = sign(token, &format!("{}{}", self.site.public_url, self.path), &self.form);
        self.signature(signature)
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn send(self) -> Answer {
        let body = encoded(&self.form);
        let mut request = self.site.agent.post(format!("http://{}{}", self.site.webhook_address, self.path));
        request = request.content_type("application/x-www-form-urlencoded; charset=UTF-8");
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(signature) = self.signature {
            request = request.header("X-Twilio-Signature", signature);
        }
        let mut answer = request.send(body.as_bytes()).expect("an answer");
        let headers =
            answer.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let body = answer.body_mut().read_to_string().expect("a body");
        Answer { status: answer.status().as_u16(), headers, body }.checked()
    }

    pub(crate) fn expect(self, status: u16) -> Answer {
        let what = format!("POST {}", self.path);
        let answer = self.send();
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        answer
    }

    /// The same as it goes over the wire.
    pub(crate) fn written(&self) -> String {
        let body = encoded(&self.form);
        format!(
            "POST {} HTTP/1.1\r\nHost: nmc\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: {}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.path,
            self.signature.as_deref().unwrap_or_default(),
            body.len()
        )
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The field that a problem document points at.
    pub(crate) fn field(&self) -> Option<String> {
        let problem: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        Some(problem["errors"][0]["pointer"].as_str()?.trim_start_matches("#/").to_owned())
    }

    /// Holds of every answer, good or bad.
    pub(crate) fn checked(self) -> Self {
        let this = self.checked_form();
        let body = this.body.to_lowercase();
        for word in UNSPEAKABLE {
            assert!(!body.contains(word), "an answer says {word:?}: {}", this.body);
        }
        this
    }

    /// Holds of answers of the API, too, which tell a business its own words.
    pub(crate) fn checked_form(self) -> Self {
        assert_eq!(self.header("X-Content-Type-Options"), Some("nosniff"), "{self:?}");
        if self.status >= 400 {
            let body = self.body.to_lowercase();
            for word in UNSPEAKABLE_ANYWHERE {
                assert!(!body.contains(word), "an answer says {word:?}: {}", self.body);
            }
            assert_eq!(self.header("Content-Type"), Some("application/problem+json"), "{self:?}");
            let problem: serde_json::Value = serde_json::from_str(&self.body).expect("a problem document");
            assert_eq!(problem["status"], self.status, "{self:?}");
            for text in ["type", "title", "code", "detail"] {
                assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{self:?}");
            }
        }
        assert_eq!(self.header("X-Request-Id").map(str::len), Some(32), "{self:?}");
        assert_eq!(self.header("Retry-After").is_some(), [503, 429].contains(&self.status), "{self:?}");
        self
    }
}
