//! `nmc inbox`: the open conversations, and what happens in them.

use crate::nmc::Nmc;
use crate::terminal::Terminal;
use nmc_core::testing::{Business, SmsForm, TestDb, unique_phone, wait_until};
use nmc_core::workflows::receive_text;
use nmc_core::{PhoneNumber, UserId};
use rustix::process::Signal;
use serde_json::{Value, json};

const JOE: &str = "Joe's Plumbing";

struct Shop {
    db: TestDb,
    joe: Business,
    ann: UserId,
    nmc: Nmc,
}

impl Shop {
    fn new() -> Self {
        let db = TestDb::new();
        let joe = Business::onboard(&db.store, JOE);
        let (ann, nmc) = (joe.user(&db.store), Nmc::on(db.url()).with("NMC_TENANT", JOE));
        Self { db, joe, ann, nmc }
    }

    fn texts(&self, customer: &PhoneNumber, words: &str) {
        receive_text(&self.db.store, &SmsForm::text(customer.as_str(), &self.joe.number, words).parse()).expect("a text");
    }

    fn reads(&self, customer: &PhoneNumber) {
        let conversation = self.joe.conversation_with(&self.db.store, customer);
        let mark = self.db.store.tenant_on_behalf_of(&self.joe.tenant, self.ann, |tx| tx.conversation_reads().mark(conversation));
        mark.expect("a mark");
    }

    fn resolves(&self, customer: &PhoneNumber) {
        self.nmc.run(&["conversation", "resolve", customer.as_str()]).ok();
    }
}

#[test]
fn an_inbox_has_what_is_open_the_last_touched_first() {
    let shop = Shop::new();
    assert_eq!(shop.nmc.run(&["inbox", "--format", "json"]).json(), json!({"items": [], "next": null}));
    let [first, second, done] = [(); 3].map(|()| unique_phone());
    shop.texts(&first, "The sink leaks");
    shop.texts(&second, "Are you there?");
    shop.texts(&done, "Thanks");
    shop.resolves(&done);
    shop.reads(&second);
    shop.texts(&first, "Very\nmuch \u{1b}[2J");
    for columns in [40, 80, 100] {
        let said = Terminal::show(&shop.nmc, &["inbox"], columns).ok();
        for part in ["Very much", first.as_str()] {
            assert!(said.err.contains(part), "{columns}: no {part:?} in {said:#?}");
        }
    }
    let ann = shop.ann.to_string();
    let rows = |more: &[&str]| -> Vec<Value> {
        let page = shop.nmc.run(&[&["inbox", "--format", "json"], more].concat()).json();
        let row = |row: &Value| json!([row["customer_phone"], row["unread"], row["last_text"]]);
        page["items"].as_array().expect("rows").iter().map(row).collect()
    };
    let seen =
        |unread: [Value; 2]| [json!([first, unread[0], "Very\nmuch \u{1b}[2J"]), json!([second, unread[1], "Are you there?"])];
    assert_eq!(rows(&[]), seen([Value::Null, Value::Null]), "an operator reads nothing");
    assert_eq!(rows(&["--user", &ann]), seen([json!(2), json!(0)]));
    assert!(shop.nmc.run(&["inbox"]).ok().out.starts_with("updated_at\tcustomer_phone\t"), "no column without a reader");
    let table = shop.nmc.run(&["inbox", "--user", &ann]).ok();
    assert!(
        table.out.starts_with("unread\tupdated_at\t") && table.out.contains("\tVery much <U+001B>[2J\tinbound\t"),
        "{table:?}"
    );
    let page = shop.nmc.run(&["inbox", "--limit", "1", "--format", "json"]).json();
    assert_eq!(rows(&["--after", page["next"].as_str().expect("more")]).len(), 1);

    // What came without words is told by its kind.
    let media = SmsForm::text(second.as_str(), &shop.joe.number, "")
        .with("MediaUrl0", "https://api.twilio.com/x")
        .with("MediaContentType0", "image/jpeg")
        .with("MediaUrl1", "https://api.twilio.com/y")
        .with("MediaContentType1", "audio/amr");
    receive_text(&shop.db.store, &media.parse()).expect("a text");
    assert_eq!(rows(&["--limit", "1"]), [json!([second, null, "[picture] [sound]"])]);

    let rival = Business::onboard(&shop.db.store, "Rival Rooter");
    let theirs = rival.user(&shop.db.store).to_string();
    shop.nmc.run(&["inbox", "--user", &theirs]).refused(2, &format!("user {theirs} not found"));
    shop.nmc.run(&["inbox", "--watch", "--user", "eve@example.com"]).refused(2, "user eve@example.com not found");
    shop.nmc.run(&["inbox", "--tenant", "Nobody"]).refused(2, "tenant not found");
    assert_eq!(shop.nmc.run(&["inbox", "--tenant", "Rival Rooter", "--format", "json"]).json()["items"], json!([]));
}

#[test]
fn a_watched_inbox_goes_on_after_an_outage_and_a_reset() {
    let shop = Shop::new();
    let customer = unique_phone();
    shop.texts(&customer, "The sink leaks");
    let ann = shop.ann.to_string();
    let running = shop.nmc.start(&["inbox", "--watch", "--user", &ann]);
    let told = running.prints("The sink leaks");
    assert!(told.starts_with("\t\t1\t"), "what is there already is no change: {told}");
    shop.texts(&customer, "Very much");
    let told = running.prints("message.created\t20");
    assert!(told.contains("\t2\t") && told.contains(customer.as_str()) && told.contains("Very much"), "{told}");
    shop.resolves(&customer);
    assert!(running.prints("\tresolved\t").starts_with("conversation.updated\t"));

    let outage = shop.db.take_down();
    running.says("events can't be told now");
    drop(outage);
    let other = unique_phone();
    wait_until("the database to be back", || shop.db.store.system(nmc_core::store::Reason::Operations, |_| Ok(())).is_ok());
    shop.texts(&other, "While you were away");
    running.prints("While you were away");

    shop.texts(&other, "From another time");
    running.prints("From another time");
    shop.db.execute("UPDATE tenant_streams SET epoch = gen_random_uuid()");
    running.says("can't be told one by one");
    let listed = running.prints("\t\t2\t");
    assert!(listed.contains("From another time"), "{listed}");
    running.signal(Signal::INT);
    let said = running.end().ok();
    assert!(said.err.contains("stopping …") && said.out.starts_with("event\tat\tunread\t"), "{said:?}");
}

#[test]
fn a_watched_inbox_is_json_lines_for_programs() {
    let shop = Shop::new();
    let customer = unique_phone();
    shop.texts(&customer, "The sink leaks");
    let running = shop.nmc.start(&["inbox", "--watch", "--format", "json"]);
    running.prints("The sink leaks");
    shop.texts(&customer, "Very much");
    running.prints("message.created");
    running.interrupt();
    let said = running.end().ok();
    let lines: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        (&lines[0]["event"], &lines[0]["last_text"], &lines[0]["unread"]),
        (&Value::Null, &json!("The sink leaks"), &Value::Null)
    );
    let change = lines.iter().find(|line| line["event"] == "message.created").expect("a change");
    assert_eq!((&change["customer_phone"], &change["last_text"]), (&json!(customer), &json!("Very much")));
}

/// Whoever keeps what a watch tells has to hear what they must forget.
#[test]
fn a_watched_inbox_tells_of_what_is_deleted() {
    let shop = Shop::new();
    let customer = unique_phone();
    shop.texts(&customer, "The sink leaks");
    let id = &shop.db.query::<String>("SELECT id::text FROM conversations")[0];
    let [json, table] = [&["inbox", "--watch", "--format", "json"][..], &["inbox", "--watch"]].map(|args| shop.nmc.start(args));
    json.prints("The sink leaks");
    table.prints("The sink leaks");
    shop.nmc.run(&["customer", "delete", customer.as_str(), "--yes"]).ok();
    let told: Value = serde_json::from_str(&json.prints("is_deleted")).expect("JSON");
    assert_eq!((&told["id"], &told["event"], &told["is_deleted"]), (&json!(id), &json!("conversation.updated"), &json!(true)));
    let line = table.prints("conversation.updated");
    assert_eq!(line.split('\t').filter(|cell| !cell.is_empty()).nth(2), Some(id.as_str()), "{line}");
    for running in [json, table] {
        running.signal(Signal::INT);
        running.end().ok();
    }
}

#[test]
fn a_watched_inbox_redraws_its_line_on_a_terminal() {
    let shop = Shop::new();
    let [customer, other] = [(); 2].map(|()| unique_phone());
    let ann = shop.ann.to_string();
    let nmc = shop.nmc.clone().with("TERM", "xterm");
    let mut terminal = Terminal::watch(&nmc, &["inbox", "--watch", "--user", &ann], 60);
    terminal.wait_for("unread");
    shop.texts(&customer, "The sink leaks, and it has been leaking for a week");
    terminal.wait_for(&format!("{}  [1 unread, active]  ← The", customer.as_str()));
    terminal.wait_for("…\u{1b}[0m\r\n");
    shop.texts(&customer, "Hello?");
    terminal.wait_for("\u{1b}[1A\u{1b}[2K\u{1b}[1m");
    terminal.wait_for("[2 unread, active]  ← Hello?\u{1b}[0m\r\n");
    shop.texts(&other, "Me, too");
    terminal.wait_for("← Me, too");
    terminal.interrupt();
    let said = terminal.end().ok();
    let new = said.err.rsplit_once("← Hello?").expect("the line before").1;
    assert!(
        !new.split("Me, too").next().expect("a line").contains("\u{1b}[1A"),
        "another customer's line is a new one: {said:?}"
    );

    let plain = nmc.with("NO_COLOR", "1");
    let mut terminal = Terminal::watch(&plain, &["inbox", "--watch", "--user", &ann], 60);
    terminal.wait_for("not shown, for want of width");
    shop.texts(&other, "Still me");
    terminal.wait_for("← Still me\r\n");
    terminal.interrupt();
    assert!(!terminal.end().ok().err.contains("\u{1b}[1m"));
}
