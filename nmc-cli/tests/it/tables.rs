//! What lists look like on a terminal, and in a pipe.

use crate::nmc::Nmc;
use crate::terminal::Terminal;
use nmc_core::testing::TestDb;

const JOE: &str = "Joe's Plumbing";

/// A business, its data on a database of its own.
fn shop() -> (TestDb, Nmc) {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let details = ["--name", JOE, "--address", "1234 North Main\tStreet, Chicago", "--timezone", "America/Chicago"];
    nmc.run(&[&["tenant", "onboard"], &details[..]].concat()).ok();
    db.execute("UPDATE tenants SET created_at = '2026-07-04 17:30:00Z'");
    (db, nmc)
}

/// The lines on the screen, without what the test types at the end.
fn lines(screen: &str) -> Vec<&str> {
    screen.lines().filter(|line| !line.contains("the end")).collect()
}

#[test]
fn table_on_a_terminal_is_as_wide_as_the_terminal() {
    let (_db, nmc) = shop();
    for columns in [40, 80, 120, 160] {
        let said = Terminal::show(&nmc, &["tenant", "list"], columns).ok();
        let shown = lines(&said.err);
        assert_eq!(shown.len(), 3, "headers, a row, and what is missing, without rules between them: {said:#?}");
        assert!(shown[1].starts_with(JOE), "the name comes before the id: {said:#?}");
        for line in &shown[..2] {
            assert!(line.chars().count() <= usize::from(columns), "{columns}: {said:#?}");
        }
        assert!(shown[2].starts_with("not shown, for want of width: ") && shown[2].contains("--format json"), "{said:#?}");
    }
    let said = Terminal::show(&nmc, &["tenant", "list"], 400).ok();
    assert_eq!(lines(&said.err).len(), 2, "nothing is missing: {said:#?}");
    assert!(said.err.contains("1234 North Main Street, Chicago") && said.err.contains("created at"), "{said:#?}");
}

#[test]
fn table_in_a_pipe_is_lines_with_tabs_and_a_header() {
    let (_db, nmc) = shop();
    let said = nmc.run(&["tenant", "list"]).ok();
    let rows: Vec<Vec<&str>> = said.out.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 2, "{said:#?}");
    assert_eq!(rows[0][..2], ["id", "business_name"]);
    assert_eq!(rows[0].len(), rows[1].len(), "a tab in an address is a blank: {said:#?}");
    let value = |name: &str| rows[1][rows[0].iter().position(|header| *header == name).expect("a column")];
    assert_eq!(value("business_address"), "1234 North Main Street, Chicago");
    assert_eq!((value("business_phone"), value("created_at")), ("", "2026-07-04T17:30:00Z"));
    assert_eq!(said.err, "");

    let said = nmc.run(&["tenant", "show", JOE]).ok();
    assert!(
        said.out.contains("business_name\tJoe's Plumbing\n") && said.out.contains("created_at\t2026-07-04T17:30:00Z\n"),
        "{said:#?}"
    );
}

#[test]
fn times_of_one_business_are_shown_in_its_zone() {
    let (db, nmc) = shop();
    let said = Terminal::show(&nmc, &["tenant", "show", JOE], 200).ok();
    assert!(said.err.contains("created at (Chicago)") && said.err.contains("  2026-07-04 12:30:00\r\n"), "{said:#?}");
    assert!(
        said.err.contains("texting starts at ") && said.err.contains("  08:00:00\r\n"),
        "a time of day has no zone: {said:#?}"
    );
    let all = Terminal::show(&nmc, &["tenant", "list"], 400).ok();
    assert!(all.err.contains("2026-07-04T17:30:00Z"), "times of many businesses are UTC: {all:#?}");
    let json = nmc.run(&["tenant", "show", JOE, "--format", "json"]).json();
    assert_eq!(json["tenant"]["created_at"], "2026-07-04T17:30:00Z");

    nmc.run(&[
        "user",
        "invite",
        "--tenant",
        JOE,
        "--email",
        "ann@example.com",
        "--first-name",
        "Ann",
        "--last-name",
        "Other",
        "--role",
        "admin",
    ])
    .ok();
    db.execute("UPDATE users SET created_at = '2026-12-04 17:30:00Z'");
    let said = Terminal::show(&nmc, &["user", "list", "--tenant", JOE], 300).ok();
    assert!(said.err.contains("created at (Chicago)") && said.err.contains("2026-12-04 11:30:00"), "{said:#?}");
}
