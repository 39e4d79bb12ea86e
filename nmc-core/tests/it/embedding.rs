//! What an application that embeds the library brings along: errors, tables and rows of its own.

use diesel::prelude::*;
use diesel::sql_types::Uuid;
use nmc_core::analytics::{MetricFilter, NewMetric};
use nmc_core::conversations::{ConversationPatch, NewConversationEvent};
use nmc_core::store::{LoadError, Loaded, Reason};
use nmc_core::testing::{Business, TestDb, noon, unique_phone};
use nmc_core::{ConversationEventType, ConversationId, Error, ErrorKind, MetricType, Patch, Secret, Store, StoreConfig, UserId};
use std::error::Error as _;
use std::sync::atomic::{AtomicU32, Ordering};

/// An application's own error, which keeps nothing of the library's.
#[derive(Debug, PartialEq, thiserror::Error)]
enum AppError {
    #[error("the store says {0:?}")]
    Store(ErrorKind),
    #[error("the customer is not to be renamed")]
    Unwanted,
}

impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        Self::Store(error.kind())
    }
}

fn named(name: &str) -> ConversationPatch {
    ConversationPatch { customer_name: Patch::Set(name.to_owned()), ..ConversationPatch::default() }
}

fn name_of(db: &TestDb, business: &Business, id: ConversationId) -> Option<String> {
    db.store.tenant(&business.tenant, |tx| tx.conversations().get(id)).unwrap().customer_name
}

#[test]
fn closure_fails_with_an_error_of_its_own() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Plumber");
    let id = business.conversation_with(&db.store, &unique_phone());
    let store = db.store.failing_with::<AppError>();
    let runs = AtomicU32::new(0);
    let unwanted = store.tenant(&business.tenant, |tx| {
        runs.fetch_add(1, Ordering::SeqCst);
        tx.conversations().update(id, &named("Ann"))?;
        if tx.conversations().get(id)?.customer_name.is_some() { Err(AppError::Unwanted) } else { Ok(()) }
    });
    assert_eq!((unwanted, runs.load(Ordering::SeqCst)), (Err(AppError::Unwanted), 1));
    assert_eq!(name_of(&db, &business, id), None, "all of it is rolled back");

    let missing = store.tenant(&business.tenant, |tx| {
        tx.conversations().get(ConversationId::new(uuid::Uuid::now_v7()))?;
        Ok(())
    });
    assert_eq!(missing, Err(AppError::Store(ErrorKind::NotFound)));
    let system = store.system(Reason::Operations, |tx| {
        tx.act_for(business.tenant.id())?;
        Err::<(), _>(AppError::Unwanted)
    });
    assert_eq!(system, Err(AppError::Unwanted));
    let found = store.found_tenant(Reason::NumberLookup, None, |_| Ok((business.tenant, 7)), |_, seven| Ok(seven));
    assert_eq!(found, Ok(7));
    // A key that is checked when the transaction commits: it is the store that says so, in the application's error.
    let nobody = UserId::new(uuid::Uuid::now_v7());
    let refused = store.tenant_on_behalf_of(&business.tenant, nobody, |tx| {
        tx.conversations().update(id, &named("Ann"))?;
        tx.conversation_events().append(&[NewConversationEvent::new(id, ConversationEventType::NoteAdded)])?;
        Ok(())
    });
    assert_eq!(refused, Err(AppError::Store(ErrorKind::Invalid)));
    assert_eq!(name_of(&db, &business, id), None);
}

#[test]
fn loser_is_run_again_whatever_its_error_tells() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Plumber");
    let id = business.conversation_with(&db.store, &unique_phone());
    db.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database());
         END $$",
    );
    let serializing = Store::connect(StoreConfig::new(Secret::new(db.url()))).unwrap();
    let renamed = |losses: u32| {
        let runs = AtomicU32::new(0);
        let result = serializing.failing_with::<AppError>().tenant(&business.tenant, |tx| {
            tx.conversations().get(id)?;
            let run = runs.fetch_add(1, Ordering::SeqCst);
            if run < losses {
                db.store.tenant(&business.tenant, |other| other.conversations().update(id, &named(&format!("winner {run}"))))?;
            }
            // Not even that the store said something is left.
            tx.conversations().update(id, &named("second")).map_err(|_| AppError::Unwanted)
        });
        (result.map(|row| row.customer_name), runs.load(Ordering::SeqCst))
    };
    assert_eq!(renamed(1), (Ok(Some("second".to_owned())), 2));
    assert_eq!(renamed(9), (Err(AppError::Unwanted), 6), "once, and five times more");
    // What was lost in an earlier transaction of the connection is forgotten.
    let runs = AtomicU32::new(0);
    let unwanted = serializing.failing_with().tenant(&business.tenant, |_| {
        runs.fetch_add(1, Ordering::SeqCst);
        Err::<(), _>(AppError::Unwanted)
    });
    assert_eq!((unwanted, runs.load(Ordering::SeqCst)), (Err(AppError::Unwanted), 1));
}

/// A table of the embedding application's, each of whose constraints can be broken.
const THEIRS: &str = "
    CREATE TABLE acme_visits (
        tenant_id UUID NOT NULL,
        id UUID NOT NULL,
        conversation_id UUID,
        title TEXT NOT NULL CONSTRAINT acme_title_is_short CHECK (length(title) < 10),
        days INT4RANGE NOT NULL DEFAULT '[0,1)',
        PRIMARY KEY (tenant_id, id),
        CONSTRAINT acme_one_of_a_title UNIQUE (tenant_id, title),
        CONSTRAINT acme_one_a_day EXCLUDE USING gist (days WITH &&) WHERE (days <> '[0,1)'),
        CONSTRAINT acme_of_a_conversation FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id)
    );
    SELECT nmc_protect_table('acme_visits');";

#[test]
fn constraint_of_the_applications_own_is_told_by_its_name() {
    let db = TestDb::new();
    db.execute(THEIRS);
    let business = Business::onboard(&db.store, "Plumber");
    let conversation = business.conversation_with(&db.store, &unique_phone());
    let insert = |sql: &str| {
        let sql =
            format!("INSERT INTO acme_visits (tenant_id, id, conversation_id, title, days) SELECT $1, gen_random_uuid(), {sql}");
        db.store.tenant(&business.tenant, |tx| {
            tx.diesel(|conn, tenant| diesel::sql_query(&sql).bind::<Uuid, _>(tenant).execute(conn))
        })
    };
    insert(&format!("'{conversation}', 'marked', '[5,7)'")).unwrap();
    for (sql, kind, constraint, words) in [
        ("NULL, 'marked', '[0,1)'", ErrorKind::Conflict, "acme_one_of_a_title", "a value is already taken"),
        ("NULL, 'another', '[6,9)'", ErrorKind::Conflict, "acme_one_a_day", "a value stands against another row's"),
        (
            "gen_random_uuid(), 'lost', '[0,1)'",
            ErrorKind::Invalid,
            "acme_of_a_conversation",
            "a reference must be an existing row",
        ),
        ("NULL, 'marked as too long', '[0,1)'", ErrorKind::Invalid, "acme_title_is_short", "a value breaks a rule of its table"),
    ] {
        let error = insert(sql).unwrap_err();
        assert_eq!((error.kind(), error.constraint(), error.to_string().as_str()), (kind, Some(constraint), words));
        assert!(!error.causes().contains("marked"), "{}", error.causes());
    }
    let none = insert("NULL, NULL, '[0,1)'").unwrap_err();
    assert_eq!((none.kind(), none.to_string().as_str()), (ErrorKind::Invalid, "title is required"));
    // A row of ours that theirs still points at: said at COMMIT, as the key is deferred.
    let kept = db.store.tenant(&business.tenant, |tx| {
        tx.diesel(|conn, tenant| {
            use nmc_core::schema::conversations;
            let ours =
                conversations::table.filter(conversations::tenant_id.eq(tenant)).filter(conversations::id.eq(conversation));
            diesel::delete(ours).execute(conn)
        })
    });
    let kept = kept.unwrap_err();
    assert_eq!((kept.kind(), kept.constraint()), (ErrorKind::Conflict, Some("acme_of_a_conversation")), "{kept:?}");
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("line {0} is no number")]
struct NoNumber(u64);

fn point(name: &str, row: u64) -> NewMetric {
    let after = chrono::TimeDelta::seconds(i64::try_from(row).unwrap());
    NewMetric::raw(MetricType::Call, name, row.into(), noon() + after)
}

#[test]
fn load_stops_at_the_first_row_that_cannot_be_had() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Plumber");
    let batch = u64::try_from(Store::BATCH).unwrap();
    let bad = batch + 7;
    let (mut read, mut reports) = (0, Vec::new());
    let rows = (0..3 * batch).map(|row| {
        read += 1;
        if row == bad { Err(NoNumber(row)) } else { Ok(point("ring", row)) }
    });
    let stopped = db
        .store
        .try_load(&business.tenant, rows, |tx, rows| tx.metrics().upsert_many(rows), |so_far| reports.push(so_far))
        .unwrap_err();
    assert!(matches!(stopped, LoadError::Row { row, .. } if row == bad), "{stopped:?}");
    assert_eq!(stopped.to_string(), format!("rows[{bad}] can't be read"));
    assert_eq!(stopped.source().unwrap().to_string(), format!("line {bad} is no number"));
    assert_eq!((read, reports), (bad + 1, vec![Loaded { taken: batch, written: batch }]), "nothing is read on");
    let kept = db.store.tenant(&business.tenant, |tx| tx.metrics().totals(&MetricFilter::default())).unwrap().points;
    assert_eq!(u64::try_from(kept).unwrap(), batch, "what was reported, and no part of the batch with the bad row");

    // A row that can be had and is refused is named by its place in the input, as by `load`.
    let rows = (0..batch + 3).map(|row| Ok::<_, NoNumber>(point(if row == batch + 1 { "" } else { "wait" }, row)));
    let refused = db.store.try_load(&business.tenant, rows, |tx, rows| tx.metrics().upsert_many(rows), |_| {}).unwrap_err();
    match refused {
        LoadError::Write(Error::Invalid { row: Some(row), .. }) => assert_eq!(u64::try_from(row).unwrap(), batch + 1),
        other => panic!("{other:?}"),
    }
}
