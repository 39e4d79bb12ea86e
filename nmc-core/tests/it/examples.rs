//! The examples, run as their readers run them: each twice against a database of its own, and one with a server of its own.

use nmc_core::testing::{Business, TestDb};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// An example, what it says each time, and what it leaves: a query's number after the first run, and after the second.
type Example = (&'static str, &'static [&'static str], &'static [(&'static str, [i64; 2])]);

const EXAMPLES: &[Example] = &[
    (
        "connect_and_migrate",
        &["migrations applied, 0 pending", "0 differences", "0 businesses"],
        &[("SELECT count(*) FROM tenants", [0, 0])],
    ),
    (
        "conversation",
        &["Water heater leaks: resolved, urgent", "conversation is resolved already", "assigned by Ada"],
        &[
            (
                "SELECT count(*) FROM conversations WHERE status = 'resolved' AND tags = '{leak}' AND closed_at IS NOT NULL",
                [1, 2],
            ),
            ("SELECT count(*) FROM conversation_events", [6, 12]),
        ],
    ),
    (
        "export_tenant",
        &[r#"{"table":"tenants","row":{"#, r#"{"table":"business_settings","row":{"#],
        &[("SELECT count(*) FROM tenants", [1, 2])],
    ),
    (
        "load_metrics",
        &["10000 of 20000 points", "again: 20000 points taken, 0 written", "20000 points in the database, 390000 seconds"],
        &[("SELECT count(*) FROM analytics_metrics WHERE created_at = updated_at", [20_000, 20_000])],
    ),
    (
        "onboard",
        &["once more: business_name is already taken", "Joe answers for +1"],
        &[
            ("SELECT count(*) FROM phone_numbers WHERE status = 'active'", [1, 2]),
            ("SELECT count(*) FROM users WHERE role = 'owner'", [1, 2]),
            ("SELECT count(*) FROM business_settings WHERE greeting_template LIKE '%sorry%'", [1, 2]),
        ],
    ),
    (
        "own_query",
        &["2024-12-18: missed 3, of so many customers: 2", "2024-12-21: missed 1, of so many customers: 1"],
        &[("SELECT count(*) FROM calls", [10, 20])],
    ),
    (
        "page_through_calls",
        &["a page of 30", "a page of 23", "83 missed calls seen, each once"],
        &[("SELECT count(*) FROM calls", [250, 500])],
    ),
    (
        "raise_an_alert",
        &["1 rule compared, 1 alert raised", "again: 0 raised", "resolved: Too many missed calls", "acknowledged by Ada"],
        &[
            ("SELECT count(*) FROM alerts WHERE status = 'resolved' AND NOT auto_resolved", [1, 2]),
            ("SELECT count(*) FROM alert_history", [3, 6]),
        ],
    ),
    (
        "record_a_call",
        &["no-answer, so it was missed", "the same call (true), another text: false", "greeting, queued"],
        &[
            ("SELECT count(*) FROM calls WHERE outcome = 'missed'", [1, 2]),
            ("SELECT count(*) FROM messages WHERE message_kind = 'greeting'", [1, 2]),
        ],
    ),
    (
        "run_a_job",
        &["attempt 1 of 3", r#"completed: {"calls":0}"#],
        &[
            ("SELECT count(*) FROM analytics_processing_jobs WHERE status = 'completed'", [1, 2]),
            ("SELECT count(*) FROM analytics_processing_jobs WHERE lease_owner IS NOT NULL", [0, 0]),
        ],
    ),
];

/// Longer than any takes on a slow machine; a child that hangs is killed then.
const PATIENCE: Duration = Duration::from_secs(120);

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The example's program, which `cargo test` has built beside this one; `cargo test --test it` has not.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    let changed = |path: &Path| path.metadata().and_then(|file| file.modified());
    let newest = ["support/mod.rs".to_owned(), format!("{name}.rs")].map(|source| changed(&sources().join(source)).unwrap());
    let built = changed(&path).ok();
    assert!(
        built >= newest.into_iter().max(),
        "{name} is not built, or not as it is now: run `cargo build -p nmc-core --examples`"
    );
    path
}

/// What the example prints. It must end well, and in time.
fn run(name: &str, arguments: &[&str], url: Option<&str>) -> (u32, String) {
    let mut command = Command::new(program(name));
    command.args(arguments).env_remove("DATABASE_URL").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.envs(url.map(|url| ("DATABASE_URL", url))).spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reads = std::thread::spawn(move || {
        let mut said = String::new();
        out.read_to_string(&mut said).map(|_| said)
    });
    let complains = std::thread::spawn(move || {
        let mut said = String::new();
        err.read_to_string(&mut said).map(|_| said)
    });
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{name} was still running after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (said, complaint) = (reads.join().unwrap().unwrap(), complains.join().unwrap().unwrap());
    assert!(status.success(), "{name}: {status}\n{said}\n{complaint}");
    (child.id(), said)
}

#[test]
fn each_example_does_what_it_says_and_does_it_again() {
    let twice = |(name, says, leaves): &Example| {
        let db = if *name == "connect_and_migrate" { TestDb::empty() } else { TestDb::new() };
        for time in [0, 1] {
            let (_, said) = run(name, &[], Some(&db.url()));
            for line in *says {
                assert!(said.contains(line), "{name} was to say: {line}\n{said}");
            }
            for (sql, numbers) in *leaves {
                assert_eq!(db.query::<i64>(sql), [numbers[time]], "{name}, run {time}: {sql}");
            }
        }
    };
    std::thread::scope(|threads| EXAMPLES.iter().for_each(|example| drop(threads.spawn(|| twice(example)))));
}

#[test]
fn every_example_is_run_and_begins_with_its_command() {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(sources()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            assert_eq!(name, "support", "what they share, and nothing else");
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let first = source.lines().next().unwrap();
        assert!(first.contains(&format!("`cargo run -p nmc-core --example {name}")), "{name} begins: {first}");
        files.insert(name);
    }
    assert_eq!(files, EXAMPLES.iter().map(|(name, ..)| (*name).to_owned()).collect());
}

#[test]
fn example_without_a_database_brings_its_own_and_cleans_up() {
    let (pid, said) = run("onboard", &[], None);
    assert!(said.contains("it holds 1 number"), "{said}");
    let left = std::env::temp_dir().join(format!("nmc-example-{pid}"));
    assert!(!left.exists(), "{} is still there", left.display());
}

#[test]
fn export_has_every_row_of_one_tenant_and_no_secret() {
    let db = TestDb::new();
    let [its, other] = ["Joe's Plumbing", "Other"].map(|name| Business::onboard(&db.store, name).tenant.id());
    db.fill_every_table(its);
    db.fill_every_table(other);
    let many = "INSERT INTO analytics_metrics (tenant_id, metric_type, metric_name, metric_value) SELECT ";
    db.execute(&format!("{many} '{its}', 'call', 'many ' || n, 0.1 FROM generate_series(1, 1200) n"));

    let (_, said) = run("export_tenant", &["Joe's Plumbing"], Some(&db.url()));
    let lines: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut rows = db.rows_of(its);
    // The stream, the words and what is remembered of rules tell of rows, which are exported themselves. Who types is soon out of date.
    let retold = [
        "stream_events",
        "tenant_streams",
        "message_terms",
        "conversation_terms",
        "alert_rule_states",
        "alert_rounds",
        "alert_escalations",
        "analytics_marks",
        "analytics_roll_ups",
        "typing_notices",
    ];
    rows.retain(|table, _| !retold.contains(&table.as_str()));
    for table in db.tables().into_iter().filter(|table| rows.contains_key(&table.name)) {
        let of_table = || lines.iter().filter(|line| line["table"] == *table.name);
        assert_eq!(of_table().count(), rows[&table.name].len(), "{}", table.name);
        assert!(of_table().all(|line| line["row"][&table.tenant_key] == its.to_string()), "{}", table.name);
    }
    assert_eq!(lines.len(), rows.values().map(Vec::len).sum::<usize>(), "and nothing twice");
    let columns: BTreeSet<&String> = lines.iter().flat_map(|line| line["row"].as_object().unwrap().keys()).collect();
    // The hash of a picture names its file, and which secret it is gives nothing of it away.
    let harmless = ["content_hash", "secret_version", "secret_rotated_at"];
    let secret = |name: &&&String| {
        !harmless.contains(&name.as_str()) && ["hash", "token", "secret"].iter().any(|part| name.contains(part))
    };
    assert_eq!(columns.iter().filter(secret).count(), 0, "{columns:?}");
}
