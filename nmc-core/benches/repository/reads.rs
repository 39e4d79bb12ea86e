//! One call by id, a page of ten, and a thousand in pages: repository, plain Diesel, and row-level security off.

use super::pairs::compare;
use super::{Scene, Side};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use nmc_core::calls::{Call, CallFilter};
use nmc_core::schema::calls;
use nmc_core::testing::{TestDb, connection};
use nmc_core::{CallId, PageRequest, TenantId, TenantTx};

/// Calls per page of the longest reads.
const LONG: u16 = PageRequest::MAX;

pub(crate) fn run(scene: &Scene, rounds: usize) {
    println!("{:<58} {:>9} {:>9}   theirs/ours, median (quartiles)", "", "ours", "theirs");
    let Side { store, tenant, calls: ids, .. } = &scene.walled;
    let id = *ids.first().expect("a call");

    println!("\ninside one transaction: repository | plain Diesel, same connection");
    store
        .tenant(tenant, |tx| {
            let tenant = tenant.id();
            let rows = |count: usize| if count == 1 { "1 row".to_owned() } else { format!("{count} rows") };
            let tx = std::cell::RefCell::new(tx);
            let raw = |work: &dyn Fn(&mut PgConnection)| work(connection(*tx.borrow_mut()));
            compare(&rows(1), rounds, 200, || one(*tx.borrow_mut(), id), || raw(&|conn| drop(raw_one(conn, tenant, id))));
            compare(&rows(10), rounds, 100, || page_of(*tx.borrow_mut(), 10), || raw(&|conn| drop(raw_page(conn, tenant, 10))));
            compare(
                "1,000 rows in 5 pages",
                rounds,
                5,
                || thousand(*tx.borrow_mut()),
                || raw(&|conn| raw_thousand(conn, tenant)),
            );
            compare(
                "1,000 rows in 5 pages | in one query without a limit",
                rounds,
                5,
                || thousand(*tx.borrow_mut()),
                || raw(&|conn| drop(raw_page(conn, tenant, 1_000))),
            );
            Ok(())
        })
        .expect("the transaction");

    println!("\nwith its transaction: store.tenant(…) | plain Diesel as superuser, conn.transaction(…)");
    let mut superuser = TestDb::connect(&scene.walled.url);
    let plain = |superuser: &mut PgConnection, work: &dyn Fn(&mut PgConnection)| {
        #[expect(clippy::disallowed_methods, reason = "this is what others do")]
        superuser
            .transaction(|conn| {
                work(conn);
                QueryResult::Ok(())
            })
            .expect("a transaction");
    };
    let ours = |work: &dyn Fn(&mut TenantTx<'_>)| {
        store
            .tenant(tenant, |tx| {
                work(tx);
                Ok(())
            })
            .expect("a transaction");
    };
    let its = tenant.id();
    compare("1 row", rounds, 200, || ours(&|tx| one(tx, id)), || plain(&mut superuser, &|conn| drop(raw_one(conn, its, id))));
    compare(
        "10 rows",
        rounds,
        100,
        || ours(&|tx| page_of(tx, 10)),
        || plain(&mut superuser, &|conn| drop(raw_page(conn, its, 10))),
    );
    compare("1,000 rows", rounds, 5, || ours(&thousand), || plain(&mut superuser, &|conn| raw_thousand(conn, its)));

    println!("\nthe library with row-level security | without");
    let open = &scene.open;
    let other = *open.calls.first().expect("a call");
    let without = |work: &dyn Fn(&mut TenantTx<'_>)| {
        open.store
            .tenant(&open.tenant, |tx| {
                work(tx);
                Ok(())
            })
            .expect("a transaction");
    };
    compare("1 row", rounds, 200, || ours(&|tx| one(tx, id)), || without(&|tx| one(tx, other)));
    compare("10 rows", rounds, 100, || ours(&|tx| page_of(tx, 10)), || without(&|tx| page_of(tx, 10)));
    compare("1,000 rows", rounds, 5, || ours(&thousand), || without(&thousand));
}

fn one(tx: &mut TenantTx<'_>, id: CallId) {
    tx.calls().get(id).expect("a call");
}

fn page_of(tx: &mut TenantTx<'_>, limit: u16) {
    let page = PageRequest::new(limit, None).expect("a page");
    assert_eq!(tx.calls().list(&CallFilter::default(), page).expect("calls").items.len(), usize::from(limit));
}

fn thousand(tx: &mut TenantTx<'_>) {
    let (mut page, mut rows) = (PageRequest::new(LONG, None).expect("a page"), 0);
    loop {
        let read = tx.calls().list(&CallFilter::default(), page).expect("calls");
        rows += read.items.len();
        match read.next {
            Some(next) => page = page.after(next),
            None => break,
        }
    }
    assert_eq!(rows, 1_000);
}

fn raw_one(conn: &mut PgConnection, tenant: TenantId, id: CallId) -> Call {
    Call::query().filter(calls::tenant_id.eq(tenant)).filter(calls::id.eq(id)).first(conn).expect("a call")
}

/// A page, and one row more, which tells whether there is another: the same query as the repository's.
fn raw_page(conn: &mut PgConnection, tenant: TenantId, limit: i64) -> Vec<Call> {
    let mut rows: Vec<Call> = Call::query()
        .filter(calls::tenant_id.eq(tenant))
        .order((calls::created_at.desc(), calls::id.desc()))
        .limit(limit + 1)
        .load(conn)
        .expect("calls");
    rows.truncate(usize::try_from(limit).expect("a length"));
    rows
}

fn raw_thousand(conn: &mut PgConnection, tenant: TenantId) {
    let mut rows = raw_page(conn, tenant, LONG.into());
    let mut read = rows.len();
    while let (Some(last), true) = (rows.last(), read < 1_000) {
        rows = Call::query()
            .filter(calls::tenant_id.eq(tenant))
            .filter(calls::created_at.le(last.created_at))
            .filter(calls::created_at.lt(last.created_at).or(calls::id.lt(last.id)))
            .order((calls::created_at.desc(), calls::id.desc()))
            .limit(i64::from(LONG) + 1)
            .load(conn)
            .expect("calls");
        rows.truncate(LONG.into());
        read += rows.len();
    }
    assert_eq!(read, 1_000);
}
