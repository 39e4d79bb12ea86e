//! A business with an inbox, and our server over it.

use nmc_core::Uploads;
use nmc_core::access::{Authenticator, Hasher, LoginPolicy, Origin, TokenKeys};
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::store::{Migrator, StoreConfig};
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::Registration;
use nmc_core::{Email, Secret, Store};
use nmc_http::{ConnectionLimits, Limits, ServerConfig, StreamLimits, Uploading};
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;
use uuid::Uuid;

const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct Scene {
    running: nmc_http::RunningServer,
    pub(crate) token: String,
    pub(crate) superuser_url: String,
    pub(crate) tenant: Uuid,
    pub(crate) session: Uuid,
    pub(crate) conversations: Vec<Uuid>,
    server: EmbeddedPostgres,
}

impl Scene {
    pub(crate) fn new(conversations: u64) -> Self {
        let directory = std::env::temp_dir().join(format!("nmc-reads-{}", std::process::id()));
        let options = EmbeddedOptions { data_dir: Some(directory.clone()), remove_on_exit: true, ..EmbeddedOptions::default() };
        let server = EmbeddedPostgres::start(&options).expect("a server");
        let url = Secret::new(server.url());
        Migrator::new(url.clone()).run(|_| {}).expect("the migrations");
        let store = Store::connect(StoreConfig::new(url)).expect("a store");
        let keys = TokenKeys::ephemeral(store.now()).expect("a key");
        let auth = Authenticator::new(store, Hasher::new(Hasher::COST, 1, 4).expect("a hasher"), keys, LoginPolicy::default());
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
        let token = auth.login(&email, &Secret::new(PASSWORD), &Origin::default()).expect("a login");
        let token = token.access_token.expose().to_owned();
        let superuser_url = server.superuser_url("nevermisscall");
        let psql = |sql: &str| psql(&server, &superuser_url, sql);
        psql(&fill(conversations));
        let one = |sql: &str| psql(sql).trim().parse::<Uuid>().expect("an id");
        let (tenant, session) =
            (one("SELECT id FROM tenants"), one("SELECT id FROM user_sessions ORDER BY created_at DESC LIMIT 1"));
        let conversations = psql("SELECT id FROM conversations").lines().map(|id| id.parse().expect("an id")).collect();
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
            uploads: Uploads::new(directory.join("uploads")),
            limits: Limits::default(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            registration: nmc_core::tenants::RegistrationPolicy::default(),
            numbers: None,
        };
        let running = nmc_http::start(auth, config).expect("a server");
        Self { running, token, superuser_url, tenant, session, conversations, server }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    pub(crate) fn stop(self) {
        drop(self.running.stop());
        drop(self.server.stop());
    }
}

/// Open conversations, each of another customer and with four texts.
fn fill(conversations: u64) -> String {
    format!(
        "INSERT INTO conversations (id, tenant_id, customer_phone, channel, created_at, updated_at)
         SELECT gen_random_uuid(), t.id, '+1415' || lpad(n::text, 7, '0'), 'sms', now() - n * interval '1 minute',
             now() - n * interval '1 minute'
         FROM tenants t, generate_series(1, {conversations}) AS n;
         INSERT INTO messages (id, tenant_id, conversation_id, message_body, message_direction, from_number, to_number,
             message_status, message_sid, created_at)
         SELECT gen_random_uuid(), c.tenant_id, c.id, 'The sink in the kitchen leaks, can you come by today?', 'inbound',
             c.customer_phone, '+14155550000', 'received', 'SM' || md5(c.id::text || n), c.created_at + n * interval '1 second'
         FROM conversations c, generate_series(1, 4) AS n;
         VACUUM ANALYZE conversations; VACUUM ANALYZE messages;"
    )
}

fn psql(server: &EmbeddedPostgres, url: &str, sql: &str) -> String {
    let mut psql = Command::new(server.bin_dir().join("psql"))
        .args(["-XAtq", "-v", "ON_ERROR_STOP=1", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("psql");
    psql.stdin.take().expect("an input").write_all(sql.as_bytes()).expect("psql reads");
    let output = psql.wait_with_output().expect("psql ends");
    assert!(output.status.success(), "psql: {sql}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
