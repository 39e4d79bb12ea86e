//! `nmc up` and nmc's own PostgreSQL: started, shared, stopped, killed.

use crate::home::Home;
use crate::nmc::{Nmc, migrations};
use crate::stopping::each;
use nmc_core::testing::{TestDb, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::time::{Duration, Instant};

fn get(url: &str) -> Result<u16, ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    agent.get(url).call().map(|answer| answer.status().as_u16())
}

/// Takes a business in, so that there is something to lose.
fn onboard(home: &Home) {
    home.nmc.run(&["tenant", "onboard", "--name", "Joe's Plumbing"]).ok();
}

fn businesses(home: &Home) -> usize {
    home.nmc.run(&["tenant", "list", "--format", "json"]).json()["items"].as_array().map_or(0, Vec::len)
}

#[test]
fn demo_plays_two_missed_calls_as_often_as_one_likes() {
    let home = Home::new();
    for is_first in [true, false] {
        let said = home.nmc.run(&["up", "--demo", "--once"]).ok();
        assert_eq!(said.err.contains("Joe's Plumbing buys +13125550100 …"), is_first, "bought once: {said:?}");
        assert_eq!((said.err.contains(" migrations applied\n"), said.err.contains("applied 2")), (is_first, false), "{said:?}");
        let mut rest = said.out.as_str();
        for part in [
            "Joe's Plumbing with +1415555",
            "☎  missed call",
            "→  Hello! Thanks for calling Joe's Plumbing. How can we help you today? Reply STOP to opt out.  [sent]",
            "←  Hi! Our kitchen sink is leaking badly. Could you come today?",
            "Joe's Plumbing with +1415555",
            "☎  voicemail call (14 s)",
            "→  Hello! Thanks for calling Joe's Plumbing. How can we help you today? Reply STOP to opt out.  [sent]",
            "←  [picture image/png",
        ] {
            let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} in its place: {}", said.out));
            rest = &rest[at..];
        }
        assert!(said.err.contains("[text not really sent] +13125550100 → +1415555"), "{said:?}");
        assert_eq!(home.processes(), Vec::<u32>::new());
    }
    assert_eq!(businesses(&home), 1);
    let said = home.nmc.run(&["up", "--demo", "--once", "--log-format", "json"]).ok();
    let log: Vec<Value> =
        said.err.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).expect(line)).collect();
    for (message, field, times) in
        [("call ended", "outcome", 2), ("text sent", "attempt", 2), ("text received", "conversation", 2)]
    {
        let lines: Vec<&Value> = log.iter().filter(|line| line["message"] == message).collect();
        assert_eq!(lines.len(), times, "{message}: {said:?}");
        assert!(
            lines.iter().all(|line| {
                line["level"] == "INFO" && line["tenant"].is_string() && line["actor"] == "worker" && !line[field].is_null()
            }),
            "{lines:?}"
        );
    }
    assert!(
        log.iter().all(|line| !line.to_string().contains("+1") && !line.to_string().contains("sink")),
        "nobody's data: {log:?}"
    );
    assert_eq!(
        home.nmc.run(&["call", "list", "--tenant", "Joe's Plumbing", "--format", "json"]).json()["items"]
            .as_array()
            .map(Vec::len),
        Some(6)
    );
}

#[test]
fn the_demo_touches_nobody_elses_numbers() {
    let db = TestDb::new();
    let joe = nmc_core::testing::Business::onboard(&db.store, "Rosa's Roofing");
    let said = Nmc::on(db.url()).run(&["up", "--demo", "--once"]).code(2);
    assert!(said.err.contains("--demo wants a database of its own"), "{said:?}");
    assert_eq!(db.query::<String>("SELECT phone_number::text FROM phone_numbers"), [joe.number.to_string()]);
    assert_eq!(db.query::<i64>("SELECT count(*) FROM tenants"), [1]);
}

#[test]
fn two_of_them_share_one_server_and_the_last_one_stops_it() {
    let home = Home::migrated();
    let first = home.nmc.start(&["up"]);
    let (first_url, server) = (first.address(), home.server());
    let second = home.nmc.start(&["up"]);
    assert!(second.says("database: ").contains("already running, attached"));
    let second_url = second.address();
    assert_eq!(home.server(), server);
    onboard(&home);
    let taken = first_url.trim_start_matches("http://");
    let third = home.nmc.run(&["up", "--bind", taken]).code(1);
    assert!(third.err.contains(&format!("can't listen on {taken}: Address already in use")), "{third:?}");
    for url in [&first_url, &second_url] {
        assert_eq!(get(&format!("{url}/readyz")).expect("an answer"), 200);
    }

    first.interrupt();
    first.end().ok();
    assert!(get(&format!("{first_url}/readyz")).is_err());
    assert_eq!(get(&format!("{second_url}/readyz")).expect("an answer"), 200, "it outlives the one that started the server");
    assert_eq!(home.server(), server);

    second.signal(Signal::TERM);
    let said = second.end().ok();
    assert!(said.err.contains("stopping …"), "{said:?}");
    assert_eq!(home.processes(), Vec::<u32>::new());
    assert_eq!(businesses(&home), 1);
}

#[test]
fn serve_and_worker_share_the_server_piece_by_piece() {
    let home = Home::migrated();
    let (serve, worker) = (home.nmc.start(&["serve"]), home.nmc.start(&["worker"]));
    let url = serve.address();
    worker.says("sending queued texts");
    serve.interrupt();
    worker.interrupt();
    serve.end().ok();
    worker.end().ok();
    assert!(get(&url).is_err());
    assert_eq!(home.processes(), Vec::<u32>::new());
}

#[test]
fn killed_outright_it_takes_its_server_along_and_loses_nothing() {
    let home = Home::migrated();
    let running = home.nmc.start(&["up"]);
    running.address();
    onboard(&home);
    running.kill();
    home.wait_until_quiet();
    assert_eq!(businesses(&home), 1);
}

#[test]
fn a_server_killed_with_its_nmc_recovers_at_the_next_start() {
    let home = Home::migrated();
    let running = home.nmc.start(&["up"]);
    running.address();
    onboard(&home);
    running.signal(Signal::STOP);
    kill_process(home.server(), Signal::KILL).expect("a server to kill");
    running.kill();
    assert_eq!(businesses(&home), 1);
    let running = home.nmc.start(&["up"]);
    assert_eq!(get(&format!("{}/readyz", running.address())).expect("an answer"), 200);
}

#[test]
fn data_of_another_postgresql_is_refused_and_left_alone() {
    let home = Home::migrated();
    let version = home.dir.join("pg/PG_VERSION");
    let real = fs::read_to_string(&version).expect("a version");
    fs::write(&version, "14\n").expect("another version");
    for command in [&["up"][..], &["migrate", "run"], &["tenant", "list"]] {
        home.nmc.run(command).refused(1, "belongs to PostgreSQL 14, but here there is only PostgreSQL");
    }
    fs::write(&version, real).expect("the real version");
    assert_eq!(businesses(&home), 0);
}

#[test]
fn a_directory_of_something_else_is_refused_and_left_alone() {
    let home = Home::new();
    fs::create_dir(&home.dir).expect("a directory");
    fs::write(home.dir.join("thesis.txt"), "mine").expect("a file");
    home.nmc.run(&["up"]).refused(1, "isn't empty and holds no data of nmc");
    assert_eq!(fs::read_dir(&home.dir).expect("it").count(), 1);
}

#[test]
fn a_database_of_ones_own_is_migrated_used_and_left_running() {
    let db = TestDb::empty();
    let running = Nmc::on(db.url()).start(&["up", "--verbose"]);
    assert_eq!(running.says("database: "), "database: the one given by DATABASE_URL");
    assert_eq!(get(&format!("{}/readyz", running.address())).expect("an answer"), 200);
    running.signal(Signal::TERM);
    let said = running.end().ok();
    assert_eq!(said.err.matches("applied ").count(), migrations().len(), "{said:?}");
    assert_eq!(db.query::<i64>("SELECT count(*) FROM tenants"), [0]);
    let both = Nmc::on(db.url()).with("NMC_DATA_DIR", "/nonexistent/data").run(&["tenant", "list"]);
    both.refused(2, "choose one");
}

#[test]
fn a_killed_server_is_started_again_under_those_that_run() {
    let home = Home::migrated();
    let first = home.nmc.start(&["up"]);
    let url = first.address();
    let second = home.nmc.start(&["serve"]);
    let other = second.address();
    onboard(&home);
    let before = home.server();
    kill_process(before, Signal::KILL).expect("a server to kill");
    // No other command heals it.
    let first_line = || fs::read_to_string(home.dir.join("pg/postmaster.pid")).unwrap_or_default();
    let is_another = |pid: &str| pid.parse().ok().and_then(Pid::from_raw).is_some_and(|pid| pid != before);
    wait_until("another server runs", || first_line().lines().next().is_some_and(is_another));
    for url in [&url, &other] {
        wait_until("it is ready again", || get(&format!("{url}/readyz")).is_ok_and(|status| status == 200));
    }
    assert_ne!(home.server(), before);
    assert_eq!(businesses(&home), 1);
    for running in [second, first] {
        running.interrupt();
        running.end().ok();
    }
    assert_eq!(home.processes(), Vec::<u32>::new());
}

#[test]
fn a_server_whose_data_is_gone_ends_the_process_with_a_reason() {
    let home = Home::migrated();
    let running = home.nmc.start(&["serve"]);
    running.address();
    let server = home.server();
    fs::rename(home.dir.join("pg"), home.dir.join("pg.away")).expect("the data to go");
    kill_process(server, Signal::KILL).expect("a server to kill");
    let said = running.end().code(1);
    assert!(said.err.contains("is gone while nmc was using it: put it back"), "{said:?}");
}

const UNKNOWN_KEY: &str = "Bearer nmc_0123456789abcdef_0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn serve_ends_in_time_though_its_database_is_suspended() {
    let home = Home::migrated();
    let running = home.nmc.start(&["serve"]);
    let url = running.address();
    onboard(&home);
    let processes: Vec<Pid> =
        home.processes().into_iter().filter_map(|pid| i32::try_from(pid).ok().and_then(Pid::from_raw)).collect();
    let all = |signal| each(&processes, signal);
    all(Signal::STOP);
    let asked = Instant::now();
    assert_eq!(get(&format!("{url}/healthz")).expect("an answer"), 200);
    wait_until("it is known not to be ready", || get(&format!("{url}/readyz")).is_ok_and(|status| status == 503));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            // A key that nobody has: only the database knows that.
            scope.spawn(|| drop(ureq::get(format!("{url}/v1/users")).header("Authorization", UNKNOWN_KEY).call()));
        }
        running.signal(Signal::TERM);
        let said = running.end();
        all(Signal::CONT);
        let said = said.code(1);
        assert!(said.err.contains("is suspended, so it can't stop now"), "{said:?}");
    });
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    home.wait_until_quiet();
}

#[test]
fn variables_meant_for_psql_leave_nmcs_own_server_alone() {
    let home = Home::migrated();
    let nmc = [
        ("PGSSLMODE", "verify-full"),
        ("PGHOST", "db.example.com"),
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGPORT", "9999"),
        ("PGUSER", "bob"),
        ("PGDATABASE", "zzz"),
        ("PGSERVICE", "foo"),
        ("PGOPTIONS", "-c search_path=other"),
        ("PGTARGETSESSIONATTRS", "read-only"),
        ("PGCHANNELBINDING", "require"),
        ("PGREQUIREAUTH", "scram-sha-256"),
        ("PGGSSENCMODE", "require"),
        ("PGTZ", "Mars/Phobos"),
    ];
    let nmc = nmc.into_iter().fold(home.nmc.clone(), |nmc, (name, value)| nmc.with(name, value));
    nmc.run(&["tenant", "list"]).ok();
}

#[test]
fn demo_prints_a_link_that_opens_the_inbox_as_its_owner() {
    let home = Home::new();
    let running = home.nmc.start(&["up", "--demo"]);
    let url = running.address();
    let line = running.says("/app#/demo?token=");
    assert!(line.contains(&url), "{line}");
    let token = line.split("token=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a token");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let body = serde_json::json!({ "refresh_token": token });
    let tokens: Value = agent
        .post(format!("{url}/v1/browser-sessions/refresh"))
        .send_json(&body)
        .and_then(|mut answer| answer.body_mut().read_json())
        .expect("tokens");
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("an access token"));
    let mut answer = agent.get(format!("{url}/v1/users/me")).header("Authorization", bearer).call().expect("an answer");
    let owner: Value = answer.body_mut().read_json().expect("a user");
    assert_eq!((&owner["role"], &owner["email"]), (&Value::from("owner"), &Value::from("joe@example.com")));
    running.signal(Signal::TERM);
    running.end().ok();
    assert_eq!(home.processes(), Vec::<u32>::new());
}
