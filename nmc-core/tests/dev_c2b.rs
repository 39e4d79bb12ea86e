//! A measurement.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]
use diesel::connection::SimpleConnection as _;
use nmc_core::testing::TestDb;
use std::time::Instant;
#[test]
fn bench() {
    let db = TestDb::new();
    let mut conn = db.superuser();
    conn.batch_execute("SELECT 1").unwrap();
    for strategy in ["WAL_LOG", "FILE_COPY"] {
        let (mut c, mut o, mut d) = (0.0, 0.0, 0.0);
        for n in 0..20 {
            let t = Instant::now();
            conn.batch_execute(&format!("CREATE DATABASE x{n}{strategy} TEMPLATE nevermisscall OWNER nmc STRATEGY {strategy}")).unwrap();
            c += t.elapsed().as_secs_f64();
            let t = Instant::now();
            let _ = o;
            o += t.elapsed().as_secs_f64();
            let t = Instant::now();
            conn.batch_execute(&format!("DROP DATABASE x{n}{strategy} WITH (FORCE)")).unwrap();
            d += t.elapsed().as_secs_f64();
        }
        println!("{strategy}: create {:.1} ms drop {:.1} ms", c * 50.0, d * 50.0);
    }
    let t = Instant::now();
    for _ in 0..10 { drop(TestDb::new()); }
    println!("TestDb new+drop {:.1} ms", t.elapsed().as_secs_f64() * 100.0);
    let t = Instant::now();
    for _ in 0..10 { drop(db.superuser()); }
    println!("superuser conn {:.1} ms", t.elapsed().as_secs_f64() * 100.0);
    let id = db.query::<i64>("SELECT 1::bigint");
    println!("{id:?}");
}
