//! A business with an inbox, and our server over it.

use crate::site::Site;
use nmc_core::store::embedded::EmbeddedPostgres;
use nmc_http::Limits;
use std::io::Write as _;
use std::process::{Command, Stdio};
use uuid::Uuid;

pub(crate) struct Scene {
    pub(crate) site: Site,
    pub(crate) superuser_url: String,
    /// As the application logs in.
    pub(crate) url: String,
    pub(crate) tenant: Uuid,
    pub(crate) session: Uuid,
    pub(crate) conversations: Vec<Uuid>,
}

impl Scene {
    pub(crate) fn new(conversations: u64) -> Self {
        let (mut superuser_url, mut url, mut ids) = (String::new(), String::new(), Vec::new());
        let site = Site::new(Limits::default(), |postgres| {
            superuser_url = postgres.superuser_url("nevermisscall");
            url = postgres.url();
            let psql = |sql: &str| psql(postgres, &superuser_url, sql);
            psql(&fill(conversations));
            ids = ["SELECT id FROM tenants", "SELECT id FROM user_sessions", "SELECT id FROM conversations"]
                .map(|sql| psql(sql).lines().map(|id| id.parse::<Uuid>().expect("an id")).collect::<Vec<_>>())
                .into();
        });
        let [tenants, sessions, conversations] = ids.try_into().expect("three lists");
        let first = |ids: Vec<Uuid>| ids.into_iter().next().expect("one");
        Self { site, superuser_url, url, tenant: first(tenants), session: first(sessions), conversations }
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
