//! The store: what a transaction costs, what becomes of its connection, what is tried again, and what an error says.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use nmc_core::calls::{CallFilter, NewCall};
use nmc_core::conversations::{Conversation, ConversationFilter, ConversationPatch, NewConversation};
use nmc_core::people::NewUser;
use nmc_core::schema::calls;
use nmc_core::store::{Person, Reason};
use nmc_core::tenants::BusinessSettingsPatch;
use nmc_core::tenants::TenantPatch;
use nmc_core::testing::{
    Business, ManualClock, TestDb, connection, query, statements_sent, unique_phone, unique_sid, wait_until,
};
use nmc_core::{
    CallDirection, CallId, CallerIdentity, Clock, ConversationChannel, ConversationId, Cursor, Error, PageRequest, Patch, Result,
    Secret, Store, StoreConfig, Tenant, TenantTx, UserId, UserRole,
};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

fn new_call() -> NewCall {
    let [caller, called] = [unique_phone(), unique_phone()].map(CallerIdentity::Phone);
    NewCall::begun(CallDirection::Inbound, caller, called, unique_sid("CA"))
}

fn named(name: &str) -> ConversationPatch {
    ConversationPatch { customer_name: Patch::Set(name.to_owned()), ..ConversationPatch::default() }
}

/// A user that does not exist: a key that is checked when the transaction commits.
fn nobody() -> Option<UserId> {
    Some(UserId::new(uuid::Uuid::now_v7()))
}

/// One connection, so that whoever comes next gets the one that was used last.
fn one_connection() -> TestDb {
    TestDb::with(|config| config.pool_size = 1)
}

// --- one round trip -------------------------------------------------------------------------------------------------

#[test]
fn begin_role_and_tenant_travel_in_one_round_trip() {
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    let person = Person::new(unique_phone());
    let cost = |work: &dyn Fn()| {
        let before = statements_sent();
        work();
        statements_sent() - before
    };
    // The first and the last statement of each transaction are the only ones.
    assert_eq!(cost(&|| db.store.tenant(&business.tenant, |_| Ok(())).unwrap()), 2);
    let user = nobody().unwrap();
    assert_eq!(cost(&|| db.store.tenant_on_behalf_of(&business.tenant, user, |_| Ok(())).unwrap()), 2);
    assert_eq!(cost(&|| db.store.as_operator(&business.tenant, |_| Ok(())).unwrap()), 2);
    assert_eq!(cost(&|| db.store.tenant_and_person(&business.tenant, &person, |_| Ok(())).unwrap()), 2);
    assert_eq!(cost(&|| db.store.system(Reason::Operations, |_| Ok(())).unwrap()), 2);
    // Going on as the tenant that was found costs one more.
    let found = || db.store.found_tenant(Reason::NumberLookup, Some(&person), |_| Ok((business.tenant, ())), |_, ()| Ok(()));
    assert_eq!(cost(&|| found().unwrap()), 3);
    // And the server sees it so: the last thing it was told is all of it.
    let told: Vec<String> = db
        .store
        .tenant(&business.tenant, |_| {
            Ok(db
                .query("SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"))
        })
        .unwrap();
    assert_eq!(told, [format!("BEGIN; SELECT public.nmc_enter_tenant('{}')", business.tenant.id())]);
}

#[test]
fn a_transaction_that_reads_sees_one_state_and_writes_nothing() {
    let db = one_connection();
    let Business { tenant, .. } = Business::onboard(&db.store, "Plumber");
    let reading = db.store.reading();
    let before = statements_sent();
    reading.tenant(&tenant, |_| Ok(())).unwrap();
    assert_eq!(statements_sent() - before, 2);
    let count = |tx: &mut TenantTx<'_>| tx.calls().count(&CallFilter::default());
    let seen = reading.tenant(&tenant, |tx| {
        let first = count(tx)?;
        insert_calls(&db, tenant, 3);
        Ok((first, count(tx)?))
    });
    assert_eq!((seen.unwrap(), db.store.tenant(&tenant, count).unwrap()), ((0, 0), 3));
    // Who writes is refused, and the connection is none the worse.
    let pid = |tx: &mut TenantTx<'_>| tx.diesel(|conn, _| Ok(query::<i32>(conn, "SELECT pg_backend_pid()")));
    let of = db.store.tenant(&tenant, pid).unwrap();
    assert!(reading.tenant(&tenant, |tx| tx.calls().create(&new_call())).is_err());
    assert_eq!(db.store.tenant(&tenant, pid).unwrap(), of);
    assert!(db.store.tenant(&tenant, |tx| tx.calls().create(&new_call())).is_ok());
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Inside {
    role: String,
    tenant: Option<String>,
}

fn inside(conn: &mut PgConnection) -> Inside {
    query(conn, "SELECT current_user AS role, current_setting('nmc.tenant_id', true) AS tenant").remove(0)
}

#[test]
fn a_transaction_has_its_tenant_and_leaves_nothing_of_it_behind() {
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    let as_tenant = Inside { role: "nmc_tenant".to_owned(), tenant: Some(business.tenant.id().to_string()) };
    assert_eq!(db.store.tenant(&business.tenant, |tx| Ok(inside(connection(tx)))).unwrap(), as_tenant);
    // It began as the system; then it is the tenant all the same.
    let found = db.store.found_tenant(
        Reason::NumberLookup,
        None,
        |tx| tx.holder_of(&business.number, None),
        |tx, _| Ok(inside(connection(tx))),
    );
    assert_eq!(found.unwrap(), as_tenant);
    assert_eq!(db.pooled(inside), Inside { role: "nmc".to_owned(), tenant: Some(String::new()) });
}

#[test]
fn a_query_without_any_filter_still_sees_one_tenant_only() {
    let db = TestDb::new();
    let [one, _other] = ["One", "Other"].map(|name| Business::onboard(&db.store, name));
    let names: Vec<String> =
        db.store.tenant(&one.tenant, |tx| Ok(query(connection(tx), "SELECT business_name FROM tenants"))).unwrap();
    assert_eq!(names, ["One"]);
}

#[test]
fn the_session_is_as_the_configuration_says() {
    let db = TestDb::with(|config| {
        config.application_name = "it's nmc";
        config.statement_timeout = Duration::from_millis(7001);
        config.lock_timeout = Duration::from_millis(7002);
        config.idle_in_transaction_timeout = Duration::from_millis(7003);
    });
    let settings: Vec<String> = db.pooled(|conn| {
        query(
            conn,
            "SELECT current_setting(name) FROM unnest(ARRAY['application_name', 'TimeZone', 'statement_timeout', 'lock_timeout',
                                                            'idle_in_transaction_session_timeout']) AS name",
        )
    });
    assert_eq!(settings, ["it's nmc", "UTC", "7001ms", "7002ms", "7003ms"]);
}

// --- a connection is never handed on inside a transaction -------------------------------------------------------------

/// The next user of the only connection finds it as new.
fn is_as_new(db: &TestDb, business: &Business) {
    let open = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
    let mut conn = db.superuser();
    wait_until("no transaction is open", || query::<i64>(&mut conn, open) == [0]);
    let Inside { role, tenant } = db.pooled(inside);
    assert_eq!(role, "nmc");
    assert!(tenant.unwrap_or_default().is_empty());
    let rows = db.store.tenant(&business.tenant, |tx| tx.conversations().count(&ConversationFilter::default()));
    assert_eq!(rows.unwrap(), 0, "nothing of a failed transaction stays");
}

fn create_conversation(tx: &mut TenantTx<'_>) -> Result<ConversationId> {
    let customer_phone = CallerIdentity::Phone(unique_phone());
    let new = NewConversation { customer_phone, channel: ConversationChannel::Web, subject: None, customer_name: None };
    tx.conversations().create(&new).map(|row| row.id)
}

#[test]
fn the_connection_of_a_closure_that_fails_is_as_new() {
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    let failed = db.store.tenant(&business.tenant, |tx| {
        create_conversation(tx)?;
        Err::<(), _>(Error::Forbidden("on purpose"))
    });
    assert!(matches!(failed, Err(Error::Forbidden("on purpose"))), "{failed:?}");
    is_as_new(&db, &business);
}

#[test]
fn the_connection_of_a_closure_that_panics_is_as_new() {
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        db.store.tenant(&business.tenant, |tx| -> Result<()> {
            create_conversation(tx)?;
            panic!("on purpose")
        })
    }));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"on purpose"));
    is_as_new(&db, &business);
}

#[test]
fn the_connection_whose_statement_failed_is_as_new() {
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    let failed = db.store.tenant(&business.tenant, |tx| {
        create_conversation(tx)?;
        tx.tenants().set_onboarding(9, false)
    });
    assert!(matches!(&failed, Err(Error::Invalid { field, .. }) if field == "onboarding_step"), "{failed:?}");
    is_as_new(&db, &business);
}

#[test]
fn closure_that_swallows_a_failed_statement_fails() {
    // The server answers such a COMMIT with ROLLBACK, which is no error: all would be lost without a word.
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    let swallowed = db.store.tenant(&business.tenant, |tx| {
        create_conversation(tx)?;
        drop(tx.tenants().set_onboarding(9, false));
        Ok(())
    });
    assert!(matches!(swallowed, Err(Error::Internal(_))), "{swallowed:?}");
    is_as_new(&db, &business);
}

#[test]
fn the_connection_whose_commit_was_refused_is_as_new() {
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    let refused = db.store.tenant(&business.tenant, |tx| {
        let id = create_conversation(tx)?;
        tx.conversations().assign(id, nobody())
    });
    assert!(matches!(&refused, Err(Error::Invalid { field, .. }) if field == "assigned_to"), "{refused:?}");
    is_as_new(&db, &business);
}

#[test]
fn the_connection_that_could_not_enter_its_role_is_as_new() {
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    db.execute("ALTER FUNCTION nmc_enter_tenant(uuid) RENAME TO nmc_away");
    let failed = db.store.tenant(&business.tenant, |_| Ok(()));
    db.execute("ALTER FUNCTION nmc_away(uuid) RENAME TO nmc_enter_tenant");
    assert!(matches!(failed, Err(Error::Internal(_))), "{failed:?}");
    is_as_new(&db, &business);
}

#[test]
fn a_connection_that_dies_inside_a_transaction_is_replaced() {
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    let died = db.store.tenant(&business.tenant, |tx| {
        create_conversation(tx)?;
        end_sessions(&db);
        create_conversation(tx)
    });
    assert!(matches!(died, Err(Error::Unavailable { contention: false, .. })), "{died:?}");
    is_as_new(&db, &business);
}

fn end_sessions(db: &TestDb) {
    // One that has just ended by itself is ended, too.
    let ended: Vec<bool> = db.query(
        "SELECT pg_terminate_backend(pid, 5000) OR NOT EXISTS (SELECT FROM pg_stat_get_activity(of_others.pid))
         FROM pg_stat_activity AS of_others WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    assert!(!ended.is_empty() && ended.iter().all(|ended| *ended), "{ended:?}");
}

#[test]
fn connections_that_died_in_the_pool_cost_nobody_an_error() {
    let db = TestDb::with(|config| config.pool_size = 4);
    let business = Business::onboard(&db.store, "Plumber");
    let all_at_once = || {
        let together = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let work = |tx: &mut TenantTx<'_>| {
                        tx.conversations().count(&ConversationFilter::default())?;
                        together.wait();
                        Ok(())
                    };
                    db.store.tenant(&business.tenant, work).unwrap();
                });
            }
        });
    };
    all_at_once();
    end_sessions(&db);
    db.store.tenant(&business.tenant, |tx| tx.conversations().count(&ConversationFilter::default())).unwrap();
    all_at_once();
    end_sessions(&db);
    all_at_once();
}

// --- a server that has turned read-only -----------------------------------------------------------------------------

#[test]
fn a_session_that_turned_read_only_is_replaced_unnoticed() {
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    db.pooled(|conn| RunQueryDsl::execute(diesel::sql_query("SET default_transaction_read_only = on"), conn)).unwrap();
    db.store.tenant(&business.tenant, create_conversation).unwrap();
}

#[test]
fn a_read_only_server_is_read_and_not_ready() {
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    let set = |read_only: &str| {
        db.execute(&format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {read_only}', current_database());
             END $$"
        ));
        end_sessions(&db);
    };
    set("on");
    db.store.tenant(&business.tenant, |tx| tx.conversations().count(&ConversationFilter::default())).unwrap();
    let refused = db.store.tenant(&business.tenant, create_conversation);
    assert!(matches!(refused, Err(Error::Unavailable { what: "the database takes no changes now", .. })), "{refused:?}");
    is_unavailable(&db.store.readiness(Duration::from_secs(5)));
    // The superuser's own session is read-only by default, too.
    let mut conn = db.superuser();
    diesel::connection::SimpleConnection::batch_execute(&mut conn, "SET default_transaction_read_only = off").unwrap();
    let reset = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$";
    diesel::connection::SimpleConnection::batch_execute(&mut conn, reset).unwrap();
    wait_until("the replaced connection takes writes", || db.store.tenant(&business.tenant, create_conversation).is_ok());
    db.store.readiness(Duration::from_secs(5)).unwrap();
}

#[test]
fn behind_a_pooler_the_timeouts_are_the_transactions() {
    let db = TestDb::with(|config| {
        config.pool_size = 1;
        config.prepared_statements = false;
        config.statement_timeout = Duration::from_millis(7001);
        config.lock_timeout = Duration::from_millis(7002);
        config.idle_in_transaction_timeout = Duration::from_millis(7003);
    });
    let business = Business::onboard(&db.store, "Plumber");
    let settings = |conn: &mut PgConnection| -> Vec<String> {
        let names = "ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']";
        query(conn, &format!("SELECT current_setting(name) FROM unnest({names}) AS name"))
    };
    let before = statements_sent();
    let inside = db.store.tenant(&business.tenant, |tx| Ok(settings(connection(tx)))).unwrap();
    assert_eq!(statements_sent() - before, 3, "no round trip more");
    assert_eq!(inside, ["7001ms", "7002ms", "7003ms"]);
    assert_eq!(db.pooled(settings), ["0", "0", "0"], "nothing for whoever gets the connection next");
}

#[test]
fn a_connection_that_has_had_its_time_is_closed() {
    let db = TestDb::with(|config| {
        config.pool_size = 1;
        config.max_lifetime = Duration::from_millis(1);
    });
    let business = Business::onboard(&db.store, "Plumber");
    let pid =
        || -> Vec<i32> { db.store.tenant(&business.tenant, |tx| Ok(query(connection(tx), "SELECT pg_backend_pid()"))).unwrap() };
    assert_ne!(pid(), pid());
}

/// Whoever combines filters can think of thousands of statements, each of which is a plan in the server's memory.
#[test]
fn a_connection_that_keeps_too_many_statements_is_replaced() {
    let db = one_connection();
    let business = Business::onboard(&db.store, "Plumber");
    let pid =
        || -> Vec<i32> { db.store.tenant(&business.tenant, |tx| Ok(query(connection(tx), "SELECT pg_backend_pid()"))).unwrap() };
    let read = |conditions: usize| {
        let read = |conn: &mut PgConnection, tenant| {
            let all = calls::table.select(calls::id).into_boxed();
            let some = (0..conditions).fold(all, |query, _| query.filter(calls::tenant_id.eq(tenant)));
            some.load::<CallId>(conn)
        };
        drop(db.store.tenant(&business.tenant, |tx| tx.diesel(read)).unwrap());
    };
    let first = pid();
    (0..400).for_each(read);
    assert_eq!(pid(), first);
    (400..502).for_each(read);
    assert_ne!(pid(), first);
}

// --- what is tried again ------------------------------------------------------------------------------------------------

#[test]
fn a_deadlock_is_tried_again_until_both_have_their_way() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Plumber");
    let [a, b] = [(); 2].map(|()| business.conversation_with(&db.store, &unique_phone()));
    let crossing = Barrier::new(2);
    let runs = AtomicU32::new(0);
    let both = |first, second, name: &str| {
        let tries = AtomicU32::new(0);
        db.store.tenant(&business.tenant, |tx| {
            runs.fetch_add(1, Ordering::SeqCst);
            tx.conversations().update(first, &named(name))?;
            if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                crossing.wait();
            }
            tx.conversations().update(second, &named(name))
        })
    };
    std::thread::scope(|scope| {
        let one = scope.spawn(|| both(a, b, "one"));
        let other = scope.spawn(|| both(b, a, "other"));
        one.join().unwrap().unwrap();
        other.join().unwrap().unwrap();
    });
    assert_eq!(runs.load(Ordering::SeqCst), 3, "one of the two ran twice");
    let [a, b] = [a, b].map(|id| db.store.tenant(&business.tenant, |tx| tx.conversations().get(id)).unwrap().customer_name);
    assert_eq!(a, b, "all of the later one's work is there");
}

/// A store in which a row that was changed since the transaction began can't be changed: there a loser is told so.
fn serializing(db: &TestDb) -> Store {
    db.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database());
         END $$",
    );
    Store::connect(StoreConfig::new(Secret::new(db.url()))).unwrap()
}

#[test]
fn a_serialization_failure_is_tried_again() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Plumber");
    let id = business.conversation_with(&db.store, &unique_phone());
    let store = serializing(&db);
    let runs = AtomicU32::new(0);
    let row = store
        .tenant(&business.tenant, |tx| {
            tx.conversations().get(id)?;
            if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                db.store.tenant(&business.tenant, |other| other.conversations().update(id, &named("first")))?;
            }
            tx.conversations().update(id, &named("second"))
        })
        .unwrap();
    assert_eq!((runs.load(Ordering::SeqCst), row.customer_name.as_deref()), (2, Some("second")));
}

#[test]
fn who_always_loses_is_told_so_in_the_end() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Plumber");
    let id = business.conversation_with(&db.store, &unique_phone());
    let store = serializing(&db);
    let runs = AtomicU32::new(0);
    let lost = store.tenant(&business.tenant, |tx| {
        tx.conversations().get(id)?;
        let winner = format!("winner {}", runs.fetch_add(1, Ordering::SeqCst));
        db.store.tenant(&business.tenant, |other| other.conversations().update(id, &named(&winner)))?;
        tx.conversations().update(id, &named("never"))
    });
    assert!(matches!(lost, Err(Error::Unavailable { contention: true, .. })), "{lost:?}");
    assert_eq!(runs.load(Ordering::SeqCst), 6, "once, and five times more");
}

#[test]
fn what_would_fail_again_is_not_tried_again() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Plumber");
    let runs = AtomicU32::new(0);
    let refused = db.store.tenant(&business.tenant, |tx| {
        runs.fetch_add(1, Ordering::SeqCst);
        tx.tenants().set_onboarding(9, false)
    });
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    let dead = db.store.tenant(&business.tenant, |tx| {
        runs.fetch_add(1, Ordering::SeqCst);
        end_sessions(&db);
        tx.calls().count(&CallFilter::default())
    });
    assert!(matches!(dead, Err(Error::Unavailable { contention: false, .. })), "{dead:?}");
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

// --- every wait has an end ------------------------------------------------------------------------------------------------

fn is_unavailable<T: std::fmt::Debug>(result: &Result<T>) {
    assert!(matches!(result, Err(Error::Unavailable { contention: false, .. })), "{result:?}");
}

#[test]
fn a_pool_without_a_free_connection_says_so_in_time() {
    let db = TestDb::with(|config| {
        config.pool_size = 1;
        config.pool_timeout = Duration::from_millis(100);
    });
    let business = Business::onboard(&db.store, "Plumber");
    db.store
        .tenant(&business.tenant, |_| {
            let begun = Instant::now();
            is_unavailable(&db.store.tenant(&business.tenant, |_| Ok(())));
            assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
            Ok(())
        })
        .unwrap();
    db.store.ping().unwrap();
}

#[test]
fn a_lock_that_is_not_to_be_had_ends_the_wait() {
    let db = TestDb::with(|config| config.lock_timeout = Duration::from_millis(50));
    let business = Business::onboard(&db.store, "Plumber");
    let id = business.conversation_with(&db.store, &unique_phone());
    let person = Person::new(unique_phone());
    db.store
        .tenant_and_person(&business.tenant, &person, |tx| {
            tx.conversations().update(id, &named("first"))?;
            is_unavailable(&db.store.tenant(&business.tenant, |other| other.conversations().update(id, &named("second"))));
            is_unavailable(&db.store.tenant_and_person(&business.tenant, &person, |_| Ok(())));
            Ok(())
        })
        .unwrap();
    db.store.tenant_and_person(&business.tenant, &person, |_| Ok(())).unwrap();
}

#[test]
fn a_statement_that_takes_too_long_is_ended() {
    let db = TestDb::with(|config| config.statement_timeout = Duration::from_millis(50));
    let business = Business::onboard(&db.store, "Plumber");
    let slow = |tx: &mut TenantTx<'_>| {
        RunQueryDsl::execute(diesel::sql_query("SELECT pg_sleep(30)"), connection(tx)).map_err(Error::from)
    };
    is_unavailable(&db.store.tenant(&business.tenant, slow));
    db.store.ping().unwrap();
}

#[test]
fn a_transaction_that_sleeps_is_ended() {
    let db = TestDb::with(|config| config.idle_in_transaction_timeout = Duration::from_millis(50));
    let business = Business::onboard(&db.store, "Plumber");
    let mut conn = db.superuser();
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
    let slept = {
        let conn = std::cell::RefCell::new(&mut conn);
        db.store.tenant(&business.tenant, |tx| {
            wait_until("the server has lost patience", || query::<i64>(&mut conn.borrow_mut(), others) == [0]);
            tx.calls().count(&CallFilter::default())
        })
    };
    is_unavailable(&slept);
    db.store.ping().unwrap();
}

#[test]
fn a_database_that_is_not_there_is_named_so_at_once() {
    let begun = Instant::now();
    let away = Store::connect(StoreConfig::new(Secret::new("postgres://nmc@/none?host=/nonexistent".to_owned())));
    is_unavailable(&away.map(|_| ()));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

// --- what an error says ---------------------------------------------------------------------------------------------------

/// No error may tell a person about SQL, constraints or the values of anybody's rows; nor may the log hold the values.
fn keeps_its_secrets(error: &Error, marked: &str) {
    let (shown, logged, debugged) = (error.to_string(), error.causes(), format!("{error:?}"));
    for secret in ["users_", "calls_", "_key", "_check", "_fkey", "SELECT", "INSERT", "UPDATE", "relation", "column", "$1"] {
        assert!(!shown.contains(secret), "{shown} tells of {secret}");
    }
    for text in [shown, logged, debugged] {
        assert!(!text.contains(marked), "{text} tells the value");
    }
}

#[test]
fn errors_keep_sql_names_and_values_to_themselves() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Plumber");
    let marked = "marked.value@example.com";
    let user = || NewUser {
        email: marked.parse().unwrap(),
        password_hash: "$2b$".to_owned(),
        first_name: None,
        last_name: None,
        role: UserRole::User,
        email_verified: true,
    };
    let create = || db.store.tenant(&business.tenant, |tx| tx.users().create(&user()));
    create().unwrap();
    let taken = create().unwrap_err();
    assert!(matches!(taken, Error::Conflict { field: "email", rule: "is already taken", .. }), "{taken:?}");
    assert_eq!(taken.constraint(), Some("users_email_key"), "for programs");
    keeps_its_secrets(&taken, marked);

    let call = || NewCall { caller_name: Some(marked.to_owned()), ..new_call() };
    // The server's detail shows the whole row.
    let template = BusinessSettingsPatch {
        greeting_template: Some(format!("{marked} of {{{{business_name}}}}")),
        greeting_cooldown_hours: Some(0),
        ..BusinessSettingsPatch::default()
    };
    let broken = db.store.tenant(&business.tenant, |tx| tx.business_settings().update(&template));
    keeps_its_secrets(&broken.unwrap_err(), marked);
    let nowhere = ConversationId::new(uuid::Uuid::now_v7());
    let missing =
        db.store.tenant(&business.tenant, |tx| tx.calls().create(&NewCall { conversation_id: Some(nowhere), ..call() }));
    let missing = missing.unwrap_err();
    keeps_its_secrets(&missing, marked);
    keeps_its_secrets(&missing, &nowhere.to_string());
    let long = NewCall { caller_name: Some(marked.repeat(20)), ..new_call() };
    let long = db.store.tenant(&business.tenant, |tx| tx.calls().create(&long)).unwrap_err();
    assert!(matches!(long, Error::Invalid { .. }), "{long:?}");
    keeps_its_secrets(&long, marked);

    // A constraint that the library does not know, and a schema that is not what it should be: defects, and no more is said.
    db.execute("ALTER TABLE calls ADD CONSTRAINT calls_strange_check CHECK (caller_name IS NULL)");
    let strange = db.store.tenant(&business.tenant, |tx| tx.calls().create(&call())).unwrap_err();
    assert_eq!(strange.to_string(), "internal error");
    assert!(strange.causes().contains("calls_strange_check"), "the log names it: {}", strange.causes());
    keeps_its_secrets(&strange, marked);
    db.execute("ALTER TABLE calls RENAME COLUMN caller_name TO name_of_caller");
    let lost = db.store.tenant(&business.tenant, |tx| tx.calls().create(&call())).unwrap_err();
    assert_eq!(lost.to_string(), "internal error");
    keeps_its_secrets(&lost, marked);
}

// --- the clock --------------------------------------------------------------------------------------------------------------

/// A clock that goes on by a second and a bit whenever somebody looks, in nanoseconds.
struct Restless(AtomicU32);

impl Clock for Restless {
    fn now(&self) -> DateTime<Utc> {
        let looks = self.0.fetch_add(1, Ordering::SeqCst);
        DateTime::from_timestamp(1_800_000_000, 123_456_789).unwrap() + TimeDelta::seconds(i64::from(looks))
    }
}

#[test]
fn a_transaction_has_one_now_in_the_servers_resolution() {
    let db = TestDb::with_clock(Arc::new(Restless(AtomicU32::new(0))));
    let business = Business::onboard(&db.store, "Plumber");
    let (now, call, conversation) = db
        .store
        .tenant(&business.tenant, |tx| {
            let id = create_conversation(tx)?;
            let (call, conversation) = (tx.calls().create(&new_call())?, tx.conversations().get(id)?);
            Ok((tx.now(), call, conversation))
        })
        .unwrap();
    assert_eq!(now.timestamp_subsec_nanos(), 123_456_000);
    for time in [call.created_at, call.updated_at, conversation.created_at, conversation.updated_at] {
        assert_eq!(time, now);
    }
    let stored = db.store.tenant(&business.tenant, |tx| tx.calls().get(call.id)).unwrap();
    assert_eq!(stored, call, "what was returned is what is stored");
    let later = db.store.tenant(&business.tenant, |tx| Ok(tx.now())).unwrap();
    assert!(later > now, "another transaction, another now");
}

#[test]
fn ids_are_uuids_of_version_7_in_the_order_they_were_made() {
    let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let db = TestDb::with_clock(Arc::new(ManualClock::new(at)));
    let business = Business::onboard(&db.store, "Plumber");
    let ids: Vec<uuid::Uuid> = db
        .store
        .tenant(&business.tenant, |tx| (0..50).map(|_| tx.calls().create(&new_call()).map(|call| call.id.uuid())).collect())
        .unwrap();
    assert!(ids.is_sorted_by(|a, b| a < b), "even within one instant");
    for id in ids {
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_timestamp().unwrap().to_unix().0, 1_800_000_000);
    }
}

// --- pages ------------------------------------------------------------------------------------------------------------------

/// Calls of one instant, so that only their ids tell them apart.
fn insert_calls(db: &TestDb, tenant: Tenant, number: u32) {
    db.execute(&format!(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, created_at)
         SELECT '{}', '+14155550123', '+14155550100', 'inbound', '2026-11-22T12:00:00.123456Z' FROM generate_series(1, {number})",
        tenant.id()
    ));
}

#[test]
fn pages_hold_each_row_once_while_others_arrive() {
    let db = TestDb::new();
    let [business, other] = ["Plumber", "Other"].map(|name| Business::onboard(&db.store, name));
    insert_calls(&db, business.tenant, 1_000);
    insert_calls(&db, other.tenant, 100);
    let ids = || -> BTreeSet<String> {
        db.query(&format!("SELECT id::text FROM calls WHERE tenant_id = '{}'", business.tenant.id())).into_iter().collect()
    };
    let original = ids();
    for arriving in [0, 40] {
        let (mut seen, mut page) = (Vec::new(), PageRequest::new(97, None).unwrap());
        loop {
            let got = db.store.tenant(&business.tenant, |tx| tx.calls().list(&CallFilter::default(), page)).unwrap();
            assert!(got.items.len() == 97 || got.next.is_none(), "a page is full unless it is the last");
            seen.extend(got.items.iter().map(|call| call.id.to_string()));
            insert_calls(&db, business.tenant, arriving);
            // As a client does: out as text, back in as text.
            let Some(next) = got.next else { break };
            let next: Cursor = next.to_string().parse().unwrap();
            assert_eq!(next, got.next.unwrap());
            page = page.after(next);
        }
        assert!(seen.is_sorted_by(|a, b| a > b), "newest first, none twice");
        let seen: BTreeSet<String> = seen.into_iter().collect();
        assert!(seen.is_superset(&original), "none is missing");
        assert!(seen.is_subset(&ids()), "none is another tenant's");
    }
}

#[test]
fn the_last_page_knows_that_it_is_the_last() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Plumber");
    insert_calls(&db, business.tenant, 10);
    let list = |page| db.store.tenant(&business.tenant, |tx| tx.calls().list(&CallFilter::default(), page)).unwrap();
    let exact = list(PageRequest::new(10, None).unwrap());
    assert_eq!((exact.items.len(), exact.next), (10, None));
    let nine = list(PageRequest::new(9, None).unwrap());
    assert_eq!((nine.items.len(), list(PageRequest::new(9, nine.next).unwrap()).items.len()), (9, 1));
}

#[test]
fn page_lengths_and_cursors_that_make_no_sense_are_refused() {
    for limit in [0, PageRequest::MAX + 1] {
        assert!(matches!(PageRequest::new(limit, None), Err(Error::Invalid { field, .. }) if field == "limit"));
    }
    // The last three: too short and too long by a little, and long before the beginning of PostgreSQL's time.
    let ancient = format!("-{}", "A".repeat(31));
    for garbage in ["", "x", "AAAA", "%%%", "ÄÖÜ", "null", &"A".repeat(31), &"A".repeat(33), &ancient] {
        let parsed = garbage.parse::<Cursor>();
        assert!(matches!(&parsed, Err(Error::Invalid { field, .. }) if field == "cursor"), "{garbage}: {parsed:?}");
    }
}

// --- the configuration's switches ---------------------------------------------------------------------------------------------

#[test]
fn store_without_prepared_statements_leaves_none_behind() {
    for (prepared, left) in [(true, true), (false, false)] {
        let db = TestDb::with(|config| {
            config.pool_size = 1;
            config.prepared_statements = prepared;
        });
        let business = Business::onboard(&db.store, "Plumber");
        for _ in 0..10 {
            db.store
                .tenant(&business.tenant, |tx| {
                    tx.calls().create(&new_call())?;
                    let patch = TenantPatch { business_type: Patch::Set("plumbing".to_owned()), ..TenantPatch::default() };
                    tx.tenants().update(&patch)?;
                    tx.calls().list(&CallFilter::default(), PageRequest::first())
                })
                .unwrap();
        }
        let statements = "SELECT name FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_prepared_statements%'";
        let names: Vec<String> = db.pooled(|conn| query(conn, statements));
        assert_eq!(!names.is_empty(), left, "prepared: {prepared}, left: {names:?}");
    }
}

// --- patches ------------------------------------------------------------------------------------------------------------------

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Plumber");
    let id = business.conversation_with(&db.store, &unique_phone());
    let update =
        |patch: &ConversationPatch| db.store.tenant(&business.tenant, |tx| tx.conversations().update(id, patch)).unwrap();
    let set = |text: &str| Patch::Set(text.to_owned());
    let everything = ConversationPatch {
        subject: set(" a leak "),
        customer_name: set("Ada"),
        customer_email: Patch::Set("Ada@Example.com".parse().unwrap()),
        customer_address: set("1 Main St"),
        notes: set("hurry"),
    };
    let full = update(&everything);
    assert_eq!((full.subject.as_deref(), full.notes.as_deref()), (Some("a leak"), Some("hurry")));
    assert_eq!(full.customer_email.as_ref().unwrap().as_str(), "ada@example.com");

    // One patch for each field and each thing a patch can say ⇒ the row as it must be then.
    let keep = ConversationPatch::default;
    let as_set = || full.clone();
    let some = |text: &str| Some(text.to_owned());
    let cases = [
        (ConversationPatch { subject: Patch::Clear, ..keep() }, Conversation { subject: None, ..as_set() }),
        (
            ConversationPatch { customer_name: Patch::Clear, subject: set("another"), ..keep() },
            Conversation { customer_name: None, subject: some("another"), ..as_set() },
        ),
        (
            ConversationPatch { customer_email: Patch::Clear, customer_name: set("Eve"), ..keep() },
            Conversation { customer_email: None, customer_name: some("Eve"), ..as_set() },
        ),
        (
            ConversationPatch { customer_address: Patch::Clear, notes: set("done"), ..keep() },
            Conversation { customer_address: None, notes: some("done"), ..as_set() },
        ),
        (ConversationPatch { notes: Patch::Clear, ..keep() }, Conversation { notes: None, ..as_set() }),
    ];
    for (patch, mut expected) in cases {
        update(&everything);
        let row = update(&patch);
        expected.updated_at = row.updated_at;
        assert_eq!(row, expected, "{patch:?}");
        assert_eq!(db.store.tenant(&business.tenant, |tx| tx.conversations().get(id)).unwrap(), row);
    }
    // Nothing to say: nothing is written, not even an event or a time.
    let before = db.rows_of(business.tenant.id());
    update(&keep());
    assert_eq!(db.rows_of(business.tenant.id()), before);
    // A text that says nothing is refused, rather than taken for Clear.
    let blank =
        db.store.tenant(&business.tenant, |tx| tx.conversations().update(id, &ConversationPatch { notes: set("  "), ..keep() }));
    assert!(matches!(&blank, Err(Error::Invalid { field, .. }) if field == "notes"), "{blank:?}");
}
