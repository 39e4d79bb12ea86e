//! All rows of a business as JSON lines: `cargo run -p nmc-core --example export_tenant -- "Joe's Plumbing"`
//!
//! Without a name: of a new one. [`TABLES`] names what is exported, which is every table; `SECRETS` what is left out.

mod support;

use nmc_core::diesel::dsl::sql;
use nmc_core::diesel::prelude::*;
use nmc_core::diesel::sql_types::Text;
use nmc_core::store::Reason;
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::onboard;
use nmc_core::{Result, TenantTx, schema};
use std::io::Write as _;
use uuid::Uuid;

/// Reads the next rows of one table, by id: each as JSON.
type Read = fn(&mut TenantTx<'_>, after: Uuid) -> Result<Vec<(Uuid, String)>>;

const PAGE: i64 = 500;

/// Hashes of passwords and tokens are no one's data but the platform's.
macro_rules! SECRETS {
    () => {
        "'{password_hash, verification_token, registration_key, token_family_hash, refresh_token_hash, previous_token_hash,
           sibling_token_hashes, secret_hash, link_hash}'::text[]"
    };
}

/// The same query for each table. PostgreSQL makes the JSON: no decimal and no instant loses a digit on the way.
macro_rules! tables {
    ($($table:ident by $tenant:ident),+ $(,)?) => {
        &[$((stringify!($table), |tx, after| {
            use schema::$table as t;
            tx.diesel(|conn, tenant| {
                t::table
                    .filter(t::$tenant.eq(tenant))
                    .filter(t::id.gt(after))
                    .order(t::id)
                    .limit(PAGE)
                    .select((t::id, sql::<Text>(concat!("(to_jsonb(", stringify!($table), ") - ", SECRETS!(), ")::text"))))
                    .load(conn)
            })
        })),+]
    };
}

/// Parents before their children, though calls and conversations point at each other.
const TABLES: &[(&str, Read)] = tables![
    tenants by id,
    users by tenant_id,
    user_profiles by tenant_id,
    user_preferences by tenant_id,
    user_status by tenant_id,
    user_sessions by tenant_id,
    account_mails by tenant_id,
    api_keys by tenant_id,
    business_settings by tenant_id,
    phone_numbers by tenant_id,
    catch_up_marks by tenant_id,
    erased_sids by tenant_id,
    number_pacing by tenant_id,
    conversations by tenant_id,
    conversation_reads by tenant_id,
    conversation_tags by tenant_id,
    calls by tenant_id,
    call_participants by tenant_id,
    call_metadata by tenant_id,
    conversation_events by tenant_id,
    messages by tenant_id,
    message_media by tenant_id,
    consents by tenant_id,
    analytics_metrics by tenant_id,
    call_analytics by tenant_id,
    conversation_analytics by tenant_id,
    holidays by tenant_id,
    kpi_snapshots by tenant_id,
    kpi_targets by tenant_id,
    analytics_processing_jobs by tenant_id,
    analytics_reports by tenant_id,
    report_schedules by tenant_id,
    report_mails by tenant_id,
    alert_rules by tenant_id,
    alerts by tenant_id,
    alert_history by tenant_id,
    notifications by tenant_id,
    escalation_contacts by tenant_id,
    alert_metrics_cache by tenant_id,
    websocket_events by tenant_id,
    connection_metrics by tenant_id,
];

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (_server, store) = support::store()?;
    let tenant = match std::env::args().nth(1) {
        Some(name) => store.system(Reason::Operations, |tx| match tx.find_tenant_by_name(&name)? {
            Some(row) => tx.act_for(row.id),
            None => Err(nmc_core::Error::NotFound { entity: "tenant" }),
        })?,
        None => {
            let business_name = format!("Joe's Plumbing {}", Uuid::new_v4());
            onboard(&store, &NewTenant { business_name, ..NewTenant::default() })?.0
        }
    };

    // A transaction per page, so that an export of hours holds nothing up. What changes meanwhile is in it or not.
    let mut out = std::io::stdout().lock();
    for (table, read) in TABLES {
        let (mut after, mut rows) = (Uuid::nil(), 0);
        loop {
            let page = store.tenant(&tenant, |tx| read(tx, after))?;
            for (_, row) in &page {
                writeln!(out, r#"{{"table":"{table}","row":{row}}}"#)?;
            }
            rows += page.len();
            match page.last() {
                Some((last, _)) => after = *last,
                None => break,
            }
        }
        eprintln!("{table}: {rows}");
    }
    Ok(())
}
