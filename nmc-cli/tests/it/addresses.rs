//! A `DATABASE_URL` that leads nowhere, and settings that can't be meant: what is said, and what is not.

use crate::home::Home;
use crate::nmc::Nmc;
use nmc_core::testing::TestDb;

#[test]
fn a_database_that_is_not_there_is_one_sentence_and_exit_code_3() {
    for command in [&["tenant", "list"][..], &["migrate", "run"], &["migrate", "status"], &["up"], &["serve"], &["worker"]] {
        let said = Nmc::on("postgres://nmc:hunter2@127.0.0.1:1/nmc").run(command).refused(3, "can't be reached");
        let lines: Vec<&str> = said.err.lines().filter(|line| !line.starts_with("database: ")).collect();
        assert!(
            matches!(lines[..], [line] if line.starts_with("nmc: ") && line.ends_with("port 1 failed: Connection refused")),
            "{said:?}"
        );
        assert!(!said.err.contains("hunter2"), "{said:?}");
    }
}

#[test]
fn a_url_that_cannot_be_read_is_not_repeated() {
    for url in [
        "postgres://nmc:hunter2%zz@127.0.0.1:1/nmc",
        "postgres://nmc:hun@hunter2@127.0.0.1:1/nmc",
        "postgres://nmc:hunter2/@127.0.0.1:1/nmc",
        "postgres://nmc@127.0.0.1:hunter2/nmc",
        "nmc:hunter2@127.0.0.1",
        "mysql://nmc:hunter2@127.0.0.1/nmc",
    ] {
        let said = Nmc::on(url).run(&["tenant", "list", "--log", "trace"]);
        assert!(!said.err.contains("hunter2") && !said.out.contains("hunter2"), "{said:?}");
    }
    Nmc::on("mysql://127.0.0.1/nmc").run(&["tenant", "list"]).refused(2, "must be like postgres://");
}

#[test]
fn help_shows_no_secret_that_is_set() {
    let nmc = Nmc::on("postgres://nmc:hunter2@127.0.0.1:1/nmc").with("TWILIO_AUTH_TOKEN", "hunter2");
    for command in ["up", "serve", "worker", "migrate"] {
        let said = nmc.run(&[command, "--help"]).ok();
        assert!(!said.out.contains("hunter2"), "{said:?}");
    }
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let home = Home::migrated();
    let nmc = home.nmc.clone().with("DATABASE_URL", "").with("TWILIO_AUTH_TOKEN", "").with("NMC_PUBLIC_URL", " ");
    let running = nmc.start(&["up"]);
    running.says("TWILIO_AUTH_TOKEN is not set");
    let address = running.address();
    // Whoever signs with the empty token is nobody.
    let form = nmc_core::testing::SmsForm::text("+14155550123", &"+14155550100".parse().expect("a number"), "hello").0;
    let signature =
        nmc_core::twilio::Signer::new(nmc_core::Secret::new("")).sign(&format!("{address}/webhooks/twilio/sms"), &form);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let answer = agent.post(format!("{address}/webhooks/twilio/sms")).header("X-Twilio-Signature", signature).send_form(form);
    assert_eq!(answer.expect("an answer").status(), 403);
}

#[test]
fn settings_that_cannot_be_meant_are_refused_at_once() {
    let nmc = Nmc::on("postgres://127.0.0.1:1/nmc");
    for url in ["nmc.example.com", "https://", "ftp://nmc.example.com", "https://nmc.example.com/?a=b", "https:///path"] {
        nmc.run(&["serve", "--public-url", url]).refused(2, "must be like https://nmc.example.com");
    }
    let twilio = nmc.with("NMC_SMS", "twilio");
    twilio.run(&["worker"]).refused(2, "TWILIO_ACCOUNT_SID");
    twilio.clone().with("TWILIO_ACCOUNT_SID", "AC1").run(&["worker"]).refused(2, "TWILIO_AUTH_TOKEN");
    twilio.with("TWILIO_ACCOUNT_SID", "AC1").with("TWILIO_AUTH_TOKEN", "t").run(&["worker"]).refused(2, "NMC_PUBLIC_URL");
}

#[test]
fn a_server_for_the_world_asks_where_the_world_finds_it() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url()).with("NMC_BIND", "0.0.0.0:0").with("TWILIO_AUTH_TOKEN", "t");
    nmc.start(&["serve"]).says("NMC_PUBLIC_URL is not set");
    let told = nmc.with("NMC_PUBLIC_URL", "https://nmc.example.com").start(&["serve"]);
    told.address();
    told.interrupt();
    assert!(!told.end().ok().err.contains("NMC_PUBLIC_URL"));
}

#[test]
fn a_log_filter_that_cannot_be_read_is_refused() {
    Nmc::bare().run(&["tenant", "list", "--log", "nmc=loud"]).refused(2, "invalid value 'nmc=loud' for '--log <FILTER>'");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let line = format!("{} migrate redo --count 5 --dry-run | head -1; echo ${{PIPESTATUS[0]}}", crate::nmc::PROGRAM);
    let said = crate::nmc::Said::by(nmc.command("bash").args(["-c", &line])).ok();
    assert_eq!((said.out.lines().last(), said.err.as_str()), (Some("0"), ""), "{said:?}");
}
