//! The functions of the hot path have their caller's rights and no more: row-level security holds inside them.

use super::Two;
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use nmc_core::TenantId;
use nmc_core::testing::{query, unique_phone, unique_sid};

/// `nmc_record_call` for `tenant`, of a call that opens a conversation, or is counted in `conversation`.
fn record(tenant: TenantId, conversation: Option<&str>) -> String {
    let (opens, conversation) = match conversation {
        None => (true, "gen_random_uuid()".to_owned()),
        Some(id) => (false, format!("'{id}'")),
    };
    let (caller, called, sid) = (unique_phone(), unique_phone(), unique_sid("CA"));
    format!(
        "SELECT nmc_record_call('{tenant}', now(), gen_random_uuid(), '{sid}', '{caller}', '{called}', 'inbound', 'no-answer', 'missed',
            0, now(), now(), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            {conversation}, {opens}, '{caller}', NULL, NULL, NULL,
            ARRAY[gen_random_uuid()], ARRAY['call_started'], ARRAY['{{}}'::jsonb])"
    )
}

/// What a statement came to after `enter`, in a transaction that ends as if it had never been.
fn after(conn: &mut PgConnection, enter: &str, sql: &str) -> Result<(), String> {
    conn.batch_execute(&format!("BEGIN; {enter}")).unwrap();
    let result = conn.batch_execute(sql).map_err(|error| error.to_string());
    conn.batch_execute("ROLLBACK").unwrap();
    result
}

#[test]
fn call_for_another_tenant_than_entered_is_refused() {
    let Two { db, victim, hostile } = Two::new();
    let mut conn = db.superuser();
    let (own, theirs) = (hostile.tenant.id(), victim.tenant.id());
    let [conversation]: [String; 1] =
        query::<String>(&mut conn, &format!("SELECT id::text FROM conversations WHERE tenant_id = '{theirs}'"))
            .try_into()
            .unwrap();
    let enter = format!("SELECT nmc_enter_tenant('{own}')");
    assert_eq!(after(&mut conn, &enter, &record(own, None)), Ok(()), "else the others would say nothing");
    let cases = [
        ("opens a conversation of theirs", record(theirs, None), "violates row-level security policy"),
        ("counted in a conversation of theirs", record(theirs, Some(&conversation)), "has been written meanwhile"),
        ("of ours, in a conversation of theirs", record(own, Some(&conversation)), "has been written meanwhile"),
    ];
    for (case, sql, why) in cases {
        let refused = after(&mut conn, &enter, &sql).expect_err(case);
        assert!(refused.contains(why), "{case}: {refused}");
    }
}

#[test]
fn functions_of_the_hot_path_are_for_one_role_each() {
    let Two { db, victim, .. } = Two::new();
    let mut conn = db.superuser();
    let tenant = victim.tenant.id();
    let find = format!("SELECT nmc_enter_holder('{}', '+14155550123', '+14155550123', 'CA1', now(), now())", victim.number);
    let (as_tenant, as_system) = (format!("SELECT nmc_enter_tenant('{tenant}')"), "SELECT nmc_enter_system()".to_owned());
    assert_eq!(after(&mut conn, &as_system, &find), Ok(()));
    for (role, enter, sql) in [
        ("a tenant finds no holder", as_tenant, &find),
        ("the system records no call", as_system, &record(tenant, None)),
        ("a login that has entered nothing finds no holder", "SET LOCAL ROLE nmc_gate".to_owned(), &find),
        ("a login that has entered nothing records no call", "SET LOCAL ROLE nmc_gate".to_owned(), &record(tenant, None)),
    ] {
        let refused = after(&mut conn, &enter, sql).expect_err(role);
        assert!(refused.contains("permission denied for function"), "{role}: {refused}");
    }
}
