//! A business with an owner, and our server over it, in this process; fsync is on.

use nmc_core::Uploads;
use nmc_core::access::{Authenticator, Hasher, LoginPolicy, Origin, TokenKeys};
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::store::{Migrator, StoreConfig};
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::Registration;
use nmc_core::{Email, Secret, Store};
use nmc_http::{ConnectionLimits, Limits, ServerConfig, StreamLimits, Uploading};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct Site {
    /// The owner's access token.
    pub(crate) access: String,
    /// There until the end.
    running: Option<nmc_http::RunningServer>,
    _postgres: EmbeddedPostgres,
}

impl Site {
    /// One whose database `prepare` has filled before the server starts.
    pub(crate) fn new(limits: Limits, prepare: impl FnOnce(&EmbeddedPostgres)) -> Self {
        let directory = std::env::temp_dir().join(format!("nmc-bench-{}", std::process::id()));
        let options = EmbeddedOptions { data_dir: Some(directory.clone()), remove_on_exit: true, ..EmbeddedOptions::default() };
        let postgres = EmbeddedPostgres::start(&options).expect("a server");
        let url = Secret::new(postgres.url());
        Migrator::new(url.clone()).run(|_| {}).expect("the migrations");
        let store = Store::connect(StoreConfig::new(url)).expect("a store");
        let keys = TokenKeys::ephemeral(store.now()).expect("a key");
        // As `nmc serve` does it: half of the processors.
        let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let hasher = Hasher::new(Hasher::COST, processors.div_ceil(2), 64).expect("a hasher");
        let auth = Authenticator::new(store, hasher, keys, LoginPolicy::default());
        let email: Email = "owner@example.com".parse().expect("an address");
        let new = Registration {
            business: NewTenant { business_name: "Joe's Plumbing".to_owned(), ..NewTenant::default() },
            email: email.clone(),
            password: Secret::new(PASSWORD),
            first_name: "Ann".to_owned(),
            last_name: "Example".to_owned(),
            phone_number: None,
        };
        auth.register(&new, None).expect("a business");
        let tokens = auth.login(&email, &Secret::new(PASSWORD), &Origin::default()).expect("a login");
        let access = tokens.access_token.expose().to_owned();
        let config = ServerConfig {
            bind: "127.0.0.1:0".to_owned(),
            webhook_bind: None,
            connections: ConnectionLimits::default(),
            public_url: None,
            signer: None,
            threads: 2,
            patience: Duration::from_secs(10),
            answer_within: Duration::from_secs(20),
            uploads_at_once: Uploading::default(),
            streams: StreamLimits::default(),
            record_connections: false,
            uploads: Uploads::new(directory.join("uploads")),
            limits,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            registration: nmc_core::tenants::RegistrationPolicy::default(),
            sends_mails: false,
            webhooks: None,
            numbers: None,
        };
        prepare(&postgres);
        let running = nmc_http::start(auth, config).expect("a server");
        Self { access, running: Some(running), _postgres: postgres }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("it runs").address()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            drop(running.stop());
        }
    }
}
