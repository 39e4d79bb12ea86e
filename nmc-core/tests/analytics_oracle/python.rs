//! The oracle: a program that scripts/test-analytics.sh has Python for, and that knows docs/ANALYTICS.md alone.

use nmc_core::testing::{Business, TestDb};
use serde_json::Value;
use std::io::Write as _;
use std::process::{Command, Stdio};

const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/analytics/oracle.py");

/// What the oracle prints.
pub(crate) fn run(arguments: &[&str], input: &str) -> String {
    let python = std::env::var("NMC_TEST_PYTHON").expect("scripts/test-analytics.sh runs this");
    let mut command = Command::new(python);
    command.arg("-B").arg(ORACLE).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It reads all before it writes.
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "the oracle fails: {}", done.status);
    String::from_utf8(done.stdout).unwrap()
}

/// The rows of a business as the oracle reads them: with all digits, and without the library's eyes.
pub(crate) fn document(db: &TestDb, business: &Business) -> String {
    let rows = |table: &str| {
        format!("'{table}', coalesce((SELECT jsonb_agg(to_jsonb(r)) FROM {table} r WHERE r.tenant_id = t.id), '[]')")
    };
    let tables =
        ["calls", "conversations", "messages", "consents", "call_analytics", "conversation_analytics"].map(rows).join(", ");
    let id = business.tenant.id();
    let targets = "jsonb_build_object('kpi_name', k.kpi_name, 'period_type', k.period_type, 'target', k.kpi_target)";
    let sql = format!(
        "SELECT jsonb_build_object('timezone', t.timezone, 'opens', t.business_hours_start, 'closes', t.business_hours_end, {tables},
             'holidays', coalesce((SELECT jsonb_agg(h.day) FROM holidays AS h WHERE h.tenant_id = t.id), '[]'),
             'targets', coalesce((SELECT jsonb_agg({targets}) FROM kpi_targets AS k WHERE k.tenant_id = t.id), '[]'))::text
         FROM tenants t WHERE t.id = '{id}'"
    );
    db.query(&sql).remove(0)
}

/// What the oracle computes from the rows.
pub(crate) struct Computed {
    /// The figures, the snapshots, and what is kept of each call and conversation, a line each.
    pub(crate) lines: Vec<String>,
    /// The snapshots.
    pub(crate) snapshots: Vec<Value>,
}

pub(crate) fn computed(db: &TestDb, business: &Business) -> Computed {
    let told: Value = serde_json::from_str(&run(&[], &document(db, business))).unwrap();
    let words = |row: &Value, names: &[&str]| {
        names
            .iter()
            .map(|name| row[*name].as_str().map_or_else(|| row[*name].to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let figures = told["figures"].as_array().unwrap().iter();
    let snapshots = told["snapshots"].as_array().unwrap();
    let mut lines: Vec<String> = figures
        .map(|row| words(row, &["level", "from", "until", "type", "name", "value", "dimensions"]))
        .chain(
            snapshots.iter().map(|row| words(row, &["period", "from", "until", "kpi", "value", "target", "variance", "trend"])),
        )
        .collect();
    let of_calls = ["call", "conversation", "phone", "type", "status", "seconds", "cost", "at"];
    lines.extend(told["calls"].as_array().unwrap().iter().map(|row| format!("call {}", words(row, &of_calls))));
    let of_conversations = ["conversation", "call", "texts", "ai", "human", "seconds", "status", "at"];
    let conversations = told["conversations"].as_array().unwrap().iter();
    lines.extend(conversations.map(|row| format!("conversation {}", words(row, &of_conversations))));
    lines.sort();
    Computed { lines, snapshots: snapshots.clone() }
}
