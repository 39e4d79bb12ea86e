//! `nmc call`: which calls there were, what is known about one, and logs of older ones.

use crate::nmc::{Nmc, Said};
use crate::terminal::Terminal;
use nmc_core::calls::{MetadataValue, NewCallParticipant};
use nmc_core::testing::{Business, TestDb, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use nmc_core::{CallId, CallerIdentity, ParticipantType};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

const JOE: &str = "Joe's Plumbing";

struct Shop {
    db: TestDb,
    joe: Business,
    nmc: Nmc,
    folder: PathBuf,
}

impl Shop {
    fn new() -> Self {
        let db = TestDb::new();
        let joe = Business::onboard(&db.store, JOE);
        db.execute("UPDATE tenants SET timezone = 'America/Chicago'");
        let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
        let folder = std::env::temp_dir().join(format!("nmc-cli-calls-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).expect("a folder");
        Self { db, joe, nmc, folder }
    }

    fn calls(&self) -> i64 {
        self.db.query::<i64>("SELECT count(*) FROM calls")[0]
    }

    /// A file with this in it, and where it is.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    }

    fn import(&self, arguments: &[&str]) -> Said {
        self.nmc.run(&[&["call", "import"], arguments].concat())
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A log of so many calls, of which the SIDs begin with this.
fn log(sid: &str, calls: usize) -> String {
    let mut text = "caller_phone,called_phone,twilio_call_sid,outcome,started_at\n".to_owned();
    for call in 0..calls {
        writeln!(text, "+1415555{:04},+13125550100,{sid}{call},missed,2024-03-01T12:00:00Z", call % 10_000).expect("a line");
    }
    text
}

#[test]
fn calls_are_listed_by_every_filter_and_shown() {
    let shop = Shop::new();
    let call = |status: &str| -> CallId {
        let form = VoiceForm::missed(unique_phone().as_str(), &shop.joe.number, &unique_sid("CA")).with("CallStatus", status);
        record_voice_status(&shop.db.store, &form.parse()).expect("a call").call
    };
    let (missed, ringing) = (call("no-answer"), call("ringing"));
    shop.db.execute(&format!(
        "UPDATE calls SET created_at = '2026-07-04 04:30:00Z', started_at = '2026-07-01 12:00:00Z' WHERE id = '{missed}'"
    ));
    let listed = |filters: &[&str]| -> Vec<Value> {
        let page = shop.nmc.run(&[&["call", "list", "--format", "json"], filters].concat()).json();
        page["items"].as_array().expect("rows").iter().map(|row| row["id"].clone()).collect()
    };
    for filters in [
        &["--status", "no-answer"][..],
        &["--outcome", "missed"],
        &["--to", "2026-07-03"],
        &["--from", "2026-07-03", "--to", "2026-07-03 23:31"],
        &["--began", "--from", "2026-07-01", "--to", "2026-07-01"],
    ] {
        assert_eq!(listed(filters), [json!(missed)], "{filters:?}");
    }
    let own = shop.nmc.run(&["call", "show", &missed.to_string(), "--format", "json"]).json();
    assert_eq!(listed(&["--conversation", own["conversation"].as_str().expect("a conversation")]), [json!(missed)]);
    assert_eq!(listed(&["--conversation", own["caller"].as_str().expect("a caller")]), [json!(missed)]);
    shop.nmc.run(&["call", "list", "--conversation", unique_phone().as_str()]).refused(2, "conversation not found");
    for filters in [&["--active"][..], &["--from", "2026-07-04"]] {
        assert_eq!(listed(filters), [json!(ringing)], "{filters:?}");
    }
    shop.db.execute(&format!("UPDATE calls SET started_at = '2026-06-30 12:00:00Z' WHERE id = '{ringing}'"));
    assert_eq!(listed(&["--began"]), [json!(missed), json!(ringing)], "those that began last come first");
    let said = Terminal::show(&shop.nmc, &["call", "list", "--began"], 100).ok();
    assert!(said.err.contains("2026-07-01 ") && said.err.contains("2026-06-30 "), "{said:#?}");
    let id = missed.to_string();
    let said = Terminal::show(&shop.nmc, &["call", "list"], 80).ok();
    assert!(said.err.contains(&format!("…{}", &id[28..])), "{said:#?}");
    assert_eq!(shop.nmc.run(&["call", "show", &id[28..], "--format", "json"]).json()["id"], json!(missed));
    let ours = format!("tel:{}", shop.joe.number.as_str());
    assert_eq!(listed(&["--direction", "inbound", "--called", &ours]), [json!(ringing), json!(missed)]);
    assert_eq!(listed(&["--direction", "outbound"]), Vec::<Value>::new());
    for (filters, why) in [
        (&["--caller", "3125550100"][..], "must be a number with its country"),
        (&["--called", "anonymous"], "--called"),
        (&["--direction", "up"], "inbound"),
        (&["--from", "2026-07-04", "--to", "2026-07-03"], "--to must lie after --from"),
    ] {
        shop.nmc.run(&[&["call", "list"], filters].concat()).refused(2, why);
    }

    shop.db
        .store
        .tenant(&shop.joe.tenant, |tx| {
            let (phone_number, participant_type) = (CallerIdentity::Anonymous, ParticipantType::Caller);
            tx.call_participants().create(&NewCallParticipant { call_id: missed, phone_number, participant_type })?;
            tx.call_metadata().create(missed, "quote", &MetadataValue::Number("99.50".parse().expect("a number")))
        })
        .expect("what is known");
    let show = |key: &str, format: &str| shop.nmc.run(&["call", "show", key, "--format", format]);
    let shown = show(&missed.to_string(), "json").json();
    assert_eq!((&shown["outcome"], &shown["participants"][0]["phone_number"]), (&json!("missed"), &json!("anonymous")));
    assert_eq!(shown["metadata"], json!([{"key": "quote", "type": "number", "value": "99.5"}]));
    assert_eq!((&shown["texts"][0]["kind"], &shown["texts"][0]["status"]), (&json!("greeting"), &json!("queued")));
    let by_sid = show(shown["twilio_call_sid"].as_str().expect("a SID"), "table").ok().out;
    for part in [
        "outcome\tmissed\n",
        "\nparticipants\nphone_number\t",
        "\nanonymous\tcaller\t",
        "\nmetadata\n",
        "\nquote\tnumber\t99.5\n",
        "\ntexts\n",
    ] {
        assert!(by_sid.contains(part), "no {part:?}: {by_sid}");
    }
    assert!(show(&ringing.to_string(), "table").ok().out.contains("\nmetadata: none\n"));
    let terminal = Terminal::show(&shop.nmc, &["call", "show", &missed.to_string()], 200).ok();
    assert!(terminal.err.contains("created at (Chicago)") && terminal.err.contains("2026-07-03 23:30:00"), "{terminal:?}");
    let rival = Business::onboard(&shop.db.store, "Rival Rooter");
    let theirs = rival.missed(&shop.db.store).to_string();
    for key in [theirs.as_str(), "CA0", ""] {
        show(key, "table").refused(2, "call not found");
    }
}

#[test]
fn what_is_known_about_a_call_is_put_right() {
    let shop = Shop::new();
    let call = shop.joe.missed(&shop.db.store).to_string();
    let run = |what: &[&str], more: &[&str]| shop.nmc.run(&[&["call"], what, &[call.as_str()], more].concat());
    let json = |what: &[&str], more: &[&str]| run(what, &[more, &["--format", "json"]].concat()).json();
    assert_eq!(json(&["outcome"], &["voicemail"])["outcome"], "voicemail");
    let edited = json(&["edit"], &["--caller-name", "Ann", "--caller-city", "Chicago", "--disconnect-reason", "busy"]);
    assert_eq!(
        (&edited["caller_name"], &edited["caller_city"], &edited["disconnect_reason"]),
        (&json!("Ann"), &json!("Chicago"), &json!("busy"))
    );
    let edited = json(&["edit"], &["--caller-name", "", "--caller-state", "IL", "--caller-country", "US"]);
    assert_eq!(
        (&edited["caller_name"], &edited["caller_city"], &edited["caller_state"], &edited["caller_country"]),
        (&Value::Null, &json!("Chicago"), &json!("IL"), &json!("US"))
    );
    for (value, more, kind, kept) in [
        ("99.50", &[][..], "string", json!("99.50")),
        ("99.50", &["--json"], "number", json!("99.5")),
        ("true", &["--json"], "boolean", json!(true)),
        (r#"{"a": [1]}"#, &["--json"], "json", json!({"a": [1]})),
    ] {
        let told = json(&["metadata", "set"], &[&["quote", value], more].concat());
        assert_eq!(told, json!({"key": "quote", "type": kind, "value": kept}));
    }
    run(&["metadata", "remove"], &["quote"]).ok();
    assert_eq!(json(&["show"], &[])["metadata"], json!([]));
    for (what, more, why) in [
        (&["outcome"][..], &["lovely"][..], "voicemail"),
        (&["edit"], &[], "--caller-name"),
        (&["edit"], &["--caller-country", "Germany"], "caller_country must be at most 3 characters"),
        (&["metadata", "set"], &["quote", "{", "--json"], "VALUE must be JSON"),
        (&["metadata", "set"], &["quote", "0.10000000000000000000000000000001", "--json"], "VALUE must have no number"),
        (&["metadata", "set"], &[" ", "x"], "KEY must not be empty"),
        (&["metadata", "remove"], &["quote"], "call metadata not found"),
    ] {
        run(what, more).refused(2, why);
    }
    let theirs = Business::onboard(&shop.db.store, "Rival Rooter").missed(&shop.db.store).to_string();
    for command in [
        &["outcome", &theirs, "missed"][..],
        &["edit", &theirs, "--caller-name", "x"],
        &["metadata", "set", &theirs, "a", "b"],
        &["metadata", "remove", &theirs, "a"],
    ] {
        shop.nmc.run(&[&["call"], command].concat()).refused(2, "call not found");
    }
}

#[test]
fn parties_join_a_call_and_leave_it() {
    let shop = Shop::new();
    let form = VoiceForm::missed("+14155550123", &shop.joe.number, &unique_sid("CA")).with("CallStatus", "ringing");
    let call = record_voice_status(&shop.db.store, &form.parse()).expect("a call").call.to_string();
    let other = shop.joe.missed(&shop.db.store).to_string();
    let ann = shop.joe.user(&shop.db.store).to_string();
    let participant = |more: &[&str]| shop.nmc.run(&[&["call", "participant"], more, &["--format", "json"]].concat());
    let caller = participant(&["add", &call, "+1 (415) 555-0123", "--type", "caller"]).json();
    assert_eq!(
        (&caller["phone_number"], &caller["type"], &caller["left_at"]),
        (&json!("+14155550123"), &json!("caller"), &Value::Null)
    );
    let id = caller["id"].as_str().expect("an id");
    participant(&["leave", &other, id]).refused(2, "participant not found");
    let left = participant(&["leave", &call, id]).json();
    assert!(left["left_at"].is_string(), "{left}");
    let shown = shop.nmc.run(&["call", "show", &call, "--format", "json"]).json();
    assert_eq!(shown["participants"], json!([left]));
    for (more, why) in [
        (&["add", &call, "--type", "agent"][..], "NUMBER"),
        (&["add", &call, "+14155550123"], "--type"),
        (&["add", &call, "+14155550123", "--type", "friend"], "caller"),
        (&["add", &call, "+14155550123", "--user", &ann, "--type", "agent"], "--user"),
        (&["add", &call, "--user", &ann, "--type", "agent"], "--user must be a user with a phone number"),
        (&["add", "CA0", "+14155550123", "--type", "agent"], "call not found"),
        (&["add", &other, "+14155550123", "--type", "agent"], "call_id names a call that is over"),
    ] {
        participant(more).refused(2, why);
    }
}

#[test]
fn a_log_is_taken_in_once_however_often_it_is_imported() {
    let shop = Shop::new();
    let csv = shop.file("calls.csv", &log("A", 12_000));
    let told = |read: u64, new: Option<u64>| json!({"read": read, "imported": new, "already_there": new.map(|new| read - new)});
    assert_eq!(shop.import(&[&csv, "--dry-run", "--format", "json"]).json(), told(12_000, None));
    assert_eq!(shop.calls(), 0);
    assert_eq!(shop.import(&[&csv, "--format", "json"]).json(), told(12_000, Some(12_000)));
    assert_eq!(shop.import(&[&csv, "--format", "json"]).json(), told(12_000, Some(0)));
    let input = shop.nmc.run_with_input(&["call", "import", "-", "--format", "json"], &format!("\u{feff}\n{}", log("A", 12_010)));
    assert_eq!(input.json(), told(12_010, Some(10)));
    let row = "{\"caller_phone\": \"+14155550123\", \"called_phone\": \"+13125550100\", \"twilio_call_sid\": \"J1\", \"price\": 0.0085}";
    // What it is written in shows: the name says nothing here.
    let lines = shop.file("calls.txt", &format!("\n{row}\n\n{row}\n"));
    for dry in [true, false] {
        let also: &[&str] = if dry { &["--dry-run"] } else { &[] };
        let said = shop.import(&[&[lines.as_str(), "--format", "json"], also].concat());
        assert!(said.err.contains("2 inbound calls of the log tell no outcome, and none follows"), "{said:?}");
        assert_eq!(said.json(), told(2, (!dry).then_some(1)));
    }
    let decided = shop.file("decided.jsonl", &row.replace('}', ", \"call_status\": \"busy\"}").replace("J1", "J2"));
    assert_eq!(shop.import(&[&decided]).ok().err, "");
    assert_eq!(shop.db.query::<String>("SELECT outcome FROM calls WHERE twilio_call_sid = 'J2'"), ["missed"]);
    assert_eq!(shop.import(&[&shop.file("empty.csv", ""), "--format", "json"]).json(), told(0, Some(0)));
    assert_eq!(shop.calls(), 12_012);
    assert_eq!(shop.db.query::<i64>("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM conversations)"), [0]);
}

#[test]
fn a_line_at_fault_is_named_and_nothing_is_half_written() {
    let shop = Shop::new();
    let mut text = log("A", 6_000);
    text.push_str("\n,+13125550100,B1,,\n+14155550123,+13125550100,,,\n");
    let file = shop.file("calls.csv", &text);
    for dry in [&[][..], &["--dry-run"]] {
        let said = shop.import(&[&[file.as_str()], dry].concat()).refused(2, "2 lines are at fault; nothing was written");
        assert!(said.err.contains("line 6003: ") && said.err.contains("line 6004: twilio_call_sid is required\n"), "{said:?}");
    }
    assert_eq!(shop.calls(), 0);
    // What comes through a pipe is read once: what was whole is kept.
    let said = shop.nmc.run_with_input(&["call", "import", "-"], &text).refused(2, "line 6003 is at fault");
    assert!(
        said.err.contains("5000 calls were read and kept, 5000 of them new") && said.err.contains("import it again"),
        "{said:?}"
    );
    assert_eq!(shop.calls(), 5_000);
    let many = shop.file("many.csv", &format!("{}{}", log("A", 0), "x\n".repeat(30)));
    let said = shop.import(&[&many]).refused(2, "30 lines are at fault, of which the first 20 are told");
    assert_eq!(said.err.lines().count(), 21, "{said:?}");
    for (name, text, why) in [
        ("colours.csv", "caller_phone,colour\n1,2\n", "line 1: colour is no field of a call log, which are: caller_phone"),
        (
            "quote.csv",
            "caller_phone,called_phone,twilio_call_sid\n+14155550123,+13125550100,\"C1\n",
            "line 2: the row must have its quotation marks",
        ),
        (
            "other.csv",
            "caller_phone,called_phone,twilio_call_sid\n+14155550123,+13125550100,C1\n+14155550124,+13125550100,C1\n",
            "line 3: caller_phone must be what an earlier row with the same twilio_call_sid has",
        ),
        (
            "far.csv",
            "caller_phone,called_phone,twilio_call_sid,started_at\n+14155550123,+13125550100,C1,2099-01-01T00:00:00Z\n",
            "line 2: started_at must be at most a day in the future",
        ),
        ("long.jsonl", &"x".repeat(70_000), "line 1: the row must be at most 65536 bytes long"),
        ("list.jsonl", "[]\n", "line 1: the row must be a JSON object"),
    ] {
        shop.import(&[&shop.file(name, text)]).refused(2, why);
    }
    // Of some lines another call is recorded: all are named before anything is written, or the first as what comes through a pipe is.
    let others =
        log("A", 5_002).replace("+13125550100,A4999,", "+13125550109,A4999,").replace("+13125550100,A7,", "+13125550109,A7,");
    for dry in [&[][..], &["--dry-run"]] {
        let file = shop.file("others.csv", &format!("{others}\nx\n"));
        let said = shop.import(&[&[file.as_str()], dry].concat()).refused(2, "3 lines are at fault; nothing was written");
        let named: Vec<_> = said.err.lines().filter_map(|line| line.split_once(": ").map(|(line, _)| line)).collect();
        assert_eq!(named[..3], ["line 9", "line 5001", "line 5005"], "{said:?}");
        assert!(said.err.contains("line 9: called_phone must be what the call has that is there already"), "{said:?}");
    }
    let both = format!("{}x\n", others.lines().take(9).map(|line| format!("{line}\n")).collect::<String>());
    let said = shop.nmc.run_with_input(&["call", "import", "-"], &both).refused(2, "line 9 is at fault, and 1 more of its batch");
    assert!(
        said.err.contains("line 9: called_phone must be what") && said.err.contains("line 10: the row must have"),
        "{said:?}"
    );
    let same = log("A", 1);
    let again = same.lines().nth(1).expect("a call");
    let of_the_second = format!("{same}{}{}", format!("{again}\n").repeat(4_999), others.lines().nth(8).expect("a line"));
    let said = shop.nmc.run_with_input(&["call", "import", "-"], &of_the_second).refused(2, "line 5002 is at fault");
    assert!(said.err.contains("line 5002: called_phone must be what the call has that is there already"), "{said:?}");
    shop.import(&["/nonexistent"]).refused(2, "FILE: /nonexistent can't be read");
    shop.import(&[shop.folder.to_str().expect("a path")]).refused(2, "is a directory");
    shop.import(&[&file, "--tenant", "Nobody"]).refused(2, "tenant not found");
    assert_eq!(shop.calls(), 5_000);
}

#[test]
fn an_import_that_is_stopped_says_what_it_has_kept() {
    let shop = Shop::new();
    let pipe = shop.folder.join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).expect("a pipe");
    let mut terminal = Terminal::start(&shop.nmc, &["call", "import", pipe.to_str().expect("a path"), "--input-format", "csv"]);
    let mut writer = std::fs::OpenOptions::new().write(true).open(&pipe).expect("a reader");
    std::io::Write::write_all(&mut writer, log("A", 7_000).as_bytes()).expect("a reader");
    nmc_core::testing::wait_until("a batch to be kept", || shop.calls() == 5_000);
    terminal.interrupt();
    terminal.wait_for("stopping …");
    // It may wait for the next line.
    let more = log("B", 2);
    drop(std::io::Write::write_all(&mut writer, more.split_once('\n').expect("a header").1.as_bytes()));
    drop(writer);
    let said = terminal.end().code(130);
    assert!(
        said.err.contains("5000 calls were read and kept, 5000 of them new") && said.err.contains("nmc: stopped before the end"),
        "{said:?}"
    );
    assert_eq!(shop.calls(), 5_000);

    let blocked = shop.db.block("calls");
    let running = shop.nmc.start(&["call", "import", &shop.file("calls.csv", &log("A", 6_000))]);
    nmc_core::testing::wait_until("a batch to wait", || {
        shop.db
            .query::<i64>("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
            == [1]
    });
    running.signal(Signal::KILL);
    drop(running);
    drop(blocked);
    let said = shop.import(&[&shop.folder.join("calls.csv").to_string_lossy(), "--format", "json"]).json();
    assert_eq!(said, json!({"read": 6_000, "imported": 1_000, "already_there": 5_000}));
}

#[test]
fn an_import_tells_a_terminal_how_far_it_is() {
    let shop = Shop::new();
    let file = shop.file("calls.csv", &log("A", 15_000));
    let said = Terminal::start(&shop.nmc, &["call", "import", &file]).end().ok();
    assert!(said.err.contains("read ") && said.err.contains(" calls, ") && said.err.contains(" a second"), "{said:?}");
    let said = Terminal::start(&shop.nmc.clone().with("TERM", "dumb"), &["call", "import", &file]).end().ok();
    assert!(!said.err.contains(" a second"), "{said:?}");
}
