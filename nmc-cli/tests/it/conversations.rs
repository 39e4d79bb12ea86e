//! `nmc conversation`: what staff do with conversations all day.

use crate::nmc::{Nmc, Said};
use crate::terminal::Terminal;
use nmc_core::PhoneNumber;
use nmc_core::testing::{Business, SmsForm, TestDb, unique_phone};
use nmc_core::workflows::receive_text;
use serde_json::{Value, json};

const JOE: &str = "Joe's Plumbing";

struct Shop {
    db: TestDb,
    joe: Business,
    nmc: Nmc,
}

impl Shop {
    fn new() -> Self {
        let db = TestDb::new();
        let joe = Business::onboard(&db.store, JOE);
        let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
        db.execute("UPDATE tenants SET timezone = 'America/Chicago'");
        let person = ["--first-name", "Ann", "--last-name", "Smith", "--role", "operator"];
        nmc.run(&[&["user", "invite", "--email", "ann@example.com"], &person[..]].concat()).ok();
        Self { db, joe, nmc }
    }

    /// A customer who has texted this.
    fn customer(&self, words: &str) -> PhoneNumber {
        let customer = unique_phone();
        self.texts(&customer, words);
        customer
    }

    fn texts(&self, customer: &PhoneNumber, words: &str) {
        receive_text(&self.db.store, &SmsForm::text(customer.as_str(), &self.joe.number, words).parse()).expect("a text");
    }

    fn run(&self, what: &str, more: &[&str]) -> Said {
        self.nmc.run(&[&["conversation", what], more].concat())
    }

    fn json(&self, what: &str, more: &[&str]) -> Value {
        self.run(what, &[more, &["--format", "json"]].concat()).json()
    }

    /// Whose conversations a list has.
    fn listed(&self, filters: &[&str]) -> Vec<Value> {
        let page = self.json("list", filters);
        page["items"].as_array().expect("rows").iter().map(|row| row["customer_phone"].clone()).collect()
    }
}

#[test]
fn conversations_are_listed_by_every_filter() {
    let shop = Shop::new();
    let (first, second) = (shop.customer("The sink leaks"), shop.customer("stop it already"));
    shop.db.execute(&format!(
        "UPDATE conversations SET created_at = '2026-07-04 04:30:00Z' WHERE customer_phone = '{}'",
        first.as_str()
    ));
    for step in [
        &["assign", first.as_str(), "ann@example.com"][..],
        &["tag", first.as_str(), "leak", "urgent"],
        &["priority", first.as_str(), "high"],
    ] {
        shop.run(step[0], &step[1..]).ok();
    }
    shop.run("resolve", &[second.as_str()]).ok();
    let (first_row, second_row) = (json!(first), json!(second));
    for filters in [
        &["--status", "active"][..],
        &["--open"],
        &["--assignee", "ANN@example.com"],
        &["--tag", "leak"],
        &["--priority", "high"],
        &["--customer", first.as_str()],
        &["--unread", "ann@example.com"],
        &["--from", "2026-07-03", "--to", "2026-07-03"],
        &["--to", "2026-07-03 23:31"],
    ] {
        assert_eq!(shop.listed(filters), std::slice::from_ref(&first_row), "{filters:?}");
    }
    for filters in [&["--status", "resolved"][..], &["--assignee", "none"], &["--in-review"], &["--from", "2026-07-04T04:30:01Z"]]
    {
        assert_eq!(shop.listed(filters), std::slice::from_ref(&second_row), "{filters:?}");
    }
    assert_eq!(shop.listed(&["--channel", "sms"]), [second_row, first_row]);
    for filters in [&["--channel", "web"][..], &["--tag", "nothing"], &["--from", "2026-07-04", "--to", "2026-07-04"]] {
        assert_eq!(shop.listed(filters), Vec::<Value>::new(), "{filters:?}");
    }
    let row = &shop.json("list", &["--open"])["items"][0];
    assert_eq!(
        (&row["last_text"], &row["assignee"], &row["tags"]),
        (&json!("The sink leaks"), &json!("ann@example.com"), &json!(["leak", "urgent"]))
    );
    assert_eq!((&row["unread"], &row["total_messages"]), (&Value::Null, &json!(1)));
    assert_eq!(shop.json("list", &["--unread", "ann@example.com"])["items"][0]["unread"], 1);

    let page = shop.json("list", &["--limit", "1"]);
    assert_eq!(shop.listed(&["--limit", "1", "--after", page["next"].as_str().expect("more")]), [json!(first)]);
    assert_eq!(shop.run("list", &["--tag", "nothing"]).ok().out.lines().count(), 1, "the names alone");
    let shown = Terminal::show(&shop.nmc, &["conversation", "list", "--open"], 200).ok();
    assert!(shown.err.contains("2026-07-03 23:30:00") && shown.err.contains("The sink leaks"), "{shown:?}");
}

#[test]
fn a_list_refuses_what_can_not_be() {
    let shop = Shop::new();
    let rival = Business::onboard(&shop.db.store, "Rival Rooter");
    let theirs = rival.user(&shop.db.store).to_string();
    for (filters, why) in [
        (&["--customer", "4155550123"][..], "must be a number with its country"),
        (&["--from", "yesterday"], "must be a day or a time"),
        (&["--from", "2026-07-05", "--to", "2026-07-04"], "--to must lie after --from"),
        (&["--status", "done"], "active"),
        (&["--status", "active", "--open"], "--open"),
        (&["--assignee", "nobody"], "or none"),
        (&["--assignee", "eve@example.com"], "user eve@example.com not found"),
        (&["--assignee", &theirs], " not found"),
        (&["--unread", &theirs], " not found"),
        (&["--limit", "0"], "--limit"),
        (&["--after", "x"], "--after"),
    ] {
        shop.run("list", filters).refused(2, why);
    }
}

#[test]
fn staff_take_a_conversation_to_its_end_and_reopen_it() {
    let shop = Shop::new();
    let customer = shop.customer("The sink leaks");
    let customer = customer.as_str();
    let typed = format!("{} {}", &customer[..2], &customer[2..]);
    let row = shop.json("assign", &[&typed, "ann@example.com"]);
    assert_eq!(row["assignee"], "ann@example.com");
    assert_eq!(shop.json("unassign", &[customer])["assignee"], Value::Null);
    assert_eq!(shop.json("tag", &[customer, "leak", "leak", "old"])["tags"], json!(["leak", "old"]));
    assert_eq!(shop.json("untag", &[customer, "old", "never"])["tags"], json!(["leak"]));
    assert_eq!(shop.json("priority", &[customer, "urgent"])["priority"], "urgent");
    shop.run("note", &[customer, "The key is\u{1b}[2J under the mat"]).ok();
    let noted = shop.nmc.run_with_input(&["conversation", "note", customer, "-"], "Rings twice\n");
    noted.ok();
    let once = |note: &str| shop.run("note", &[customer, note, "--client-key", "n1"]);
    once("Has a dog").ok();
    let again = once("Has a dog");
    assert!(again.err.contains("it was added before, and is not added again"), "{}", again.err);
    once("Has a cat").refused(2, "client_key was already used for another note");
    assert_eq!(shop.json("resolve", &[customer])["status"], "resolved");
    shop.run("resolve", &[customer]).refused(2, "conversation is resolved already");
    let old = shop.json("close", &[customer]);
    let new = shop.json("reopen", &[customer]);
    assert_eq!((&old["status"], &new["status"], &new["tags"]), (&json!("closed"), &json!("active"), &json!(["leak"])));
    assert_ne!(old["id"], new["id"]);
    shop.run("reopen", &[customer]).refused(2, "conversation is open");

    let old = old["id"].as_str().expect("an id");
    let told = shop.run("show", &[old]).ok().out;
    for part in [
        "priority urgent\n",
        "tags leak\n",
        "←  The sink leaks\n",
        "·  note: The key is<U+001B>[2J under the mat\n",
        "·  note: Rings twice\n",
        "·  note: Has a dog\n",
    ] {
        assert!(told.contains(part), "no {part:?}: {told}");
    }
    assert!(!told.contains("assigned to ann") && !told.contains("status:"), "changes are told on demand: {told}");
    let all = shop.run("show", &[old, "--events"]).ok().out;
    for part in [
        "·  assigned to ann@example.com\n",
        "·  taken from ann@example.com\n",
        "·  tags: none → leak\n",
        "·  priority: normal → urgent\n",
        "·  status: resolved → closed\n",
    ] {
        assert!(all.contains(part), "no {part:?}: {all}");
    }
    assert_eq!(shop.json("show", &[old])["tags"], json!(["leak"]));
}

#[test]
fn a_step_with_what_is_not_there_is_refused() {
    let shop = Shop::new();
    let customer = shop.customer("The sink leaks");
    let rival = Business::onboard(&shop.db.store, "Rival Rooter");
    let stranger = rival.conversation_with(&shop.db.store, &unique_phone()).to_string();
    let long = "x".repeat(51);
    for (step, more, why) in [
        ("close", &[stranger.as_str()][..], "conversation not found"),
        ("show", &[&stranger], "conversation not found"),
        ("reply", &[&stranger, "Hello"], "conversation not found"),
        ("note", &[&stranger, "Hello"], "conversation not found"),
        ("assign", &[customer.as_str(), &rival.user(&shop.db.store).to_string()], " not found"),
        ("tag", &[customer.as_str(), "fine", &long], "tag must be at most 50 characters"),
        ("tag", &[customer.as_str(), " "], "tag must not be empty"),
        ("note", &[customer.as_str(), ""], "note must not be empty"),
        ("note", &[customer.as_str()], "TEXT"),
        ("note", &[customer.as_str(), "--file", "/nonexistent"], "--file: /nonexistent can't be read"),
        ("priority", &[customer.as_str(), "soon"], "urgent"),
    ] {
        shop.run(step, more).refused(2, why);
    }
    assert_eq!(shop.json("list", &[])["items"][0]["tags"], json!([]), "of several tags, none or all");
}

#[test]
fn a_conversation_is_opened_edited_and_read() {
    let shop = Shop::new();
    let opened = shop.json("open", &["+1 (415) 555-0199", "--subject", "A quote", "--customer-name", "Bob"]);
    assert_eq!(
        (&opened["customer_phone"], &opened["channel"], &opened["subject"], &opened["customer_name"]),
        (&json!("+14155550199"), &json!("web"), &json!("A quote"), &json!("Bob"))
    );
    shop.run("open", &["+14155550199"]).refused(2, "customer_phone");
    shop.run("open", &[shop.joe.number.as_str()]).refused(2, "must not be a number of this business");

    let edit = |more: &[&str]| {
        shop.run("edit", &[&["+14155550199"], more].concat()).ok();
        let shown = shop.json("show", &["+14155550199"]);
        json!([shown["customer_name"], shown["subject"], shown["customer_email"], shown["customer_address"], shown["notes"]])
    };
    let all = ["--customer-name", "Rob", "--subject", "A leak", "--customer-email", "Rob@example.com"];
    let told = edit(&[&all[..], &["--customer-address", "1 Elm St", "--notes", "Has a dog"]].concat());
    assert_eq!(told, json!(["Rob", "A leak", "rob@example.com", "1 Elm St", "Has a dog"]));
    let told = edit(&["--customer-email", "", "--notes", ""]);
    assert_eq!(told, json!(["Rob", "A leak", null, "1 Elm St", null]), "the rest stays");
    for (more, why) in [
        (&[][..], "--subject"),
        (&["--customer-email", "rob"], "customer_email must be an address like joe@example.com"),
        (&["--customer-name", &"x".repeat(256)], "customer_name must be at most 255 characters"),
    ] {
        shop.run("edit", &[&["+14155550199"], more].concat()).refused(2, why);
    }

    let customer = shop.customer("The sink leaks");
    let unread = || shop.json("list", &["--unread", "ann@example.com"])["items"].as_array().expect("rows").len();
    assert_eq!(unread(), 1);
    assert_eq!(shop.json("read", &[customer.as_str(), "--user", "ann@example.com"])["unread"], 0);
    assert_eq!(unread(), 0);
    shop.run("read", &[customer.as_str()]).refused(2, "--user");
    shop.run("read", &[customer.as_str(), "--user", "bob@example.com"]).refused(2, "user bob@example.com not found");
}

#[test]
fn a_reply_is_queued_once_for_its_key() {
    let shop = Shop::new();
    let customer = shop.customer("The sink leaks");
    let reply = |more: &[&str]| shop.run("reply", &[&[customer.as_str()], more].concat());
    let json = |more: &[&str]| reply(&[more, &["--format", "json"]].concat()).json();
    let first = json(&["We come at nine", "--client-key", "a1"]);
    assert_eq!((&first["status"], &first["segments"], &first["encoding"]), (&json!("queued"), &json!(1), &json!("GSM-7")));
    assert_eq!((&first["from_number"], &first["to_number"]), (&json!(shop.joe.number), &json!(customer)));
    let again = reply(&["We come at nine", "--client-key", "a1", "--format", "json"]);
    assert!(again.err.contains("it was queued before"), "{again:?}");
    let again = again.json();
    assert_eq!((&again["id"], &again["repeated"]), (&first["id"], &json!(true)));
    reply(&["We come at ten", "--client-key", "a1"]).refused(2, "client_key was already used for another text");

    let long = "Grüße ☎ ".repeat(20);
    let said = shop.nmc.run_with_input(&["conversation", "reply", customer.as_str(), "-"], &format!("\u{feff}{long}\n"));
    assert!(said.err.contains("queued: 3 segments"), "{said:?}");
    said.ok();
    assert_eq!(shop.db.query::<String>("SELECT message_body FROM messages WHERE message_kind = 'message' AND message_direction = 'outbound' ORDER BY created_at"), ["We come at nine", long.trim()]);

    assert_eq!(first["warnings"], json!([]));
    shop.run("assign", &[customer.as_str(), "ann@example.com"]).ok();
    let warned = reply(&["We bring a pump", "--format", "json"]);
    assert!(warned.err.contains("warning: the conversation is assigned to ann@example.com"), "{warned:?}");
    assert_eq!(warned.json()["warnings"], json!(["assigned_to_other"]));
    shop.run("unassign", &[customer.as_str()]).ok();

    shop.run("resolve", &[customer.as_str()]).ok();
    let next = reply(&["It was the trap", "--format", "json"]);
    assert!(next.err.contains("was not open any more"), "{next:?}");
    let next = next.json();
    assert_eq!(next["in_next_conversation"], true);
    assert_ne!(next["conversation"], first["conversation"]);
}

#[test]
fn a_reply_that_may_not_go_is_refused_in_words() {
    let shop = Shop::new();
    let customer = shop.customer("The sink leaks");
    let reply = |more: &[&str]| shop.run("reply", &[&[customer.as_str()], more].concat());
    let file = std::env::temp_dir().join(format!("nmc-cli-reply-{}", uuid::Uuid::now_v7()));
    std::fs::write(&file, b"\xff\xfe").expect("a file");
    reply(&["--file", file.to_str().expect("a path")]).refused(2, "is not UTF-8");
    std::fs::write(&file, "x".repeat(20_000)).expect("a file");
    reply(&["--file", file.to_str().expect("a path")]).refused(2, "is longer than 16384 bytes");
    std::fs::remove_file(&file).expect("a file");
    let long = "x".repeat(1_601);
    for (more, why) in [
        (&[][..], "TEXT"),
        (&[long.as_str()], "body must be at most 1600 characters"),
        (&[" \n"], "body must not be empty"),
        (&["Hi", "--from", "+13125550999"], "from_number must be an active number of this business"),
        (&["Hi", "--from", "3125550999"], "--from"),
        (&["Hi", "--client-key", ""], "client_key must not be empty"),
    ] {
        reply(more).refused(2, why);
    }
    let preview = reply(&["Grüße ☎", "--preview", "--format", "json"]).json();
    assert_eq!(
        preview,
        json!({"characters": 7, "encoding": "UCS-2", "segments": 1, "from_number": shop.joe.number, "refusal": null})
    );
    shop.texts(&customer, "STOP");
    let why = "the customer has opted out of texts";
    reply(&["Hi"]).refused(2, why);
    assert!(reply(&["Hi", "--preview"]).code(1).out.contains(&format!("refusal\t{why}\n")));
    let other = shop.customer("Hello");
    shop.joe.suspend(&shop.db, true);
    shop.run("reply", &[other.as_str(), "Hi"]).refused(2, "the business is suspended or has left");
    assert_eq!(
        shop.db.query::<i64>("SELECT count(*) FROM messages WHERE message_kind = 'message' AND message_direction = 'outbound'"),
        [0]
    );
}
