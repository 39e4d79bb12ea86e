//! Text search: what a plain reading of all texts finds, for one business, and in bounded steps.

use crate::support::{Scene, all_pages, refused};
use diesel::connection::SimpleConnection as _;
use nmc_core::conversations::{ConversationFilter, ConversationPatch, Message, MessageFilter, NewConversation, Search};
use nmc_core::testing::{Business, SmsForm, TestDb, VoiceForm, unique_phone, unique_sid, wait_until};
use nmc_core::workflows::{receive_text, record_voice_status};
use nmc_core::{
    CallerIdentity, ConversationChannel, ConversationId, MessageId, MessageKind, PageRequest, Patch, PhoneNumber, TenantTx,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization as _;

/// The words of a text, read with Rust's own tables.
fn words(text: &str) -> Vec<String> {
    let is_mark = |c: &char| {
        matches!(c, '\'' | '\u{2bc}' | '\u{2018}' | '\u{2019}' | '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}')
            || matches!(c, '\u{5c1}' | '\u{5c2}' | '\u{5c4}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}')
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{fe0f}' | '\u{feff}')
    };
    let plain: String = text.nfkd().filter(|c| !is_mark(c)).flat_map(char::to_lowercase).collect();
    let plain = plain.replace('ς', "σ").replace('ı', "i").replace('ß', "ss");
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().take(40).collect()).collect()
}

/// Whether a text has all the words of a search, of which the last may be only begun.
fn is_found(query: &str, text: &str) -> bool {
    let (mut wanted, there) = (words(query), words(text));
    let last = wanted.pop().unwrap();
    wanted.iter().all(|word| there.contains(word))
        && there.iter().any(|word| if last.len() < 3 { *word == last } else { word.starts_with(&last) })
}

const POOL: &[&str] = &[
    "leak",
    "Leak",
    "LEAKING",
    "leaks",
    "José",
    "jose\u{301}",
    "JOSE",
    "Josefine",
    "straße",
    "STRASSE",
    "STRAẞE",
    "Kü\u{ad}che",
    "küche",
    "Was\u{200b}ser",
    "wasser",
    "\u{202a}heart\u{fe0f}felt\u{202c}",
    "HEARTFELT",
    "oﬃce",
    "office",
    "Ὀδυσσεύς",
    "ΟΔΥΣΣΕΥΣ",
    "οδός",
    "вода",
    "Вода",
    "ВОДЫ",
    "Ёлка",
    "елка",
    "ЙОД",
    "Їжак",
    "שָׁלוֹם",
    "שלום",
    "مَرْحَبًا",
    "مرحبا",
    "水漏れ",
    "東京駅",
    "東京",
    "👍",
    "🚰leak",
    "don't",
    "dont",
    "don",
    "O’Brien",
    "obrien",
    "x",
    "5",
    "555-0100",
    "ＦＵＬＬ",
    "full",
    "ﬁx",
    "FIX",
    "½",
    "naïve",
    "İstanbul",
    "istanbul",
    "ISTANBUL",
    "ısı",
    "Łódź",
    "łodz",
    "Ørsted",
    "a_b",
    "e-mail",
    "joe@example.com",
    "call/text",
    "3.14",
    "the",
    "a",
    "—",
    "…",
    "\u{200f}ok",
    "Donaudampfschifffahrtsgesellschaftskapitän",
    "donaudampfschifffahrtsgesellschaftskapitänin",
    "한국어",
    "한국",
    "tiếng",
    "Tieng",
];

fn phrase(most: usize) -> impl Strategy<Value = String> {
    let separator = prop::sample::select(vec![" ", ", ", " - ", "\n", ". ", "\u{a0}", "!"]);
    prop::collection::vec((prop::sample::select(POOL), separator), 1..=most)
        .prop_map(|parts| parts.into_iter().map(|(word, after)| format!("{word}{after}")).collect())
}

/// What is searched for: a phrase, of whose end some may be missing.
fn query() -> impl Strategy<Value = String> {
    (phrase(3), 0_usize..4).prop_map(|(text, missing)| {
        let text = text.trim_end();
        let left = text.chars().count().saturating_sub(missing).max(1);
        text.chars().take(left).collect()
    })
}

impl Scene {
    fn receive(&self, body: &str) -> MessageId {
        self.tick();
        let form = SmsForm::text(unique_phone().as_str(), &self.business.number, body);
        receive_text(&self.db.store, &form.parse()).unwrap().message
    }

    fn named(&self, customer: &PhoneNumber, name: Option<&str>) -> ConversationId {
        self.tick();
        let new = NewConversation {
            customer_phone: CallerIdentity::Phone(customer.clone()),
            channel: ConversationChannel::Web,
            subject: None,
            customer_name: name.map(str::to_owned),
        };
        self.tx(|tx| tx.conversations().create(&new)).unwrap().id
    }

    pub(crate) fn found(&self, query: &str, limit: u16) -> Vec<MessageId> {
        let search = Search::new(query).unwrap();
        all_pages(limit, |page| self.tx(|tx| tx.messages().search(&search, page))).into_iter().map(|row| row.id).collect()
    }

    pub(crate) fn customers(&self, query: &str, filter: &ConversationFilter) -> Vec<ConversationId> {
        let search = Search::new(query).unwrap();
        let rows = all_pages(200, |page| self.tx(|tx| tx.conversations().search(&search, filter, page)));
        rows.into_iter().map(|row| row.conversation.id).collect()
    }
}

#[test]
fn search_finds_what_a_plain_reading_finds() {
    let scene = Scene::new();
    let runner = |cases| TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
    runner(150)
        .run(&phrase(8), |text| {
            scene.receive(&text);
            Ok(())
        })
        .unwrap();
    let all = scene.business.messages(&scene.db.store, &MessageFilter::default());
    assert_eq!(all.len(), 150);
    let hits = Cell::new(0);
    runner(200)
        .run(&(query(), 1_u16..40), |(query, limit)| {
            if words(&query).is_empty() {
                let search = Search::new(&query).map(|search| scene.tx(|tx| tx.messages().search(&search, PageRequest::first())));
                prop_assert_eq!(refused(search.and_then(|found| found)).0, "q");
                return Ok(());
            }
            let expected: BTreeSet<MessageId> =
                all.iter().filter(|text| is_found(&query, &text.message_body)).map(|text| text.id).collect();
            let found = scene.found(&query, limit);
            hits.set(hits.get() + found.len());
            // The scene's clock gives a later text a greater id.
            prop_assert_eq!(found, expected.into_iter().rev().collect::<Vec<_>>(), "{}", query);
            Ok(())
        })
        .unwrap();
    assert!(hits.get() > 500, "searches find something: {}", hits.get());
}

#[test]
fn search_without_words_or_beyond_its_bounds_is_refused() {
    let scene = Scene::new();
    for (text, rule) in [
        (String::new(), "must not be empty"),
        ("  ".to_owned(), "must not be empty"),
        ("x\0y".to_owned(), "must not contain NUL"),
        ("x".repeat(201), "must be at most 200 characters"),
        ("long ".repeat(2_000), "must be at most 200 characters"),
        ("?!… 👍".to_owned(), "must have a letter or a digit"),
        ((0..21).map(|n| format!("w{n} ")).collect(), "must be at most 20 words"),
    ] {
        let asked = |ask: &dyn Fn(&mut TenantTx<'_>, &Search) -> nmc_core::Result<usize>| {
            refused(Search::new(&text).and_then(|search| scene.tx(|tx| ask(tx, &search))))
        };
        let texts = asked(&|tx, search| Ok(tx.messages().search(search, PageRequest::first())?.items.len()));
        let all = ConversationFilter::default();
        let customers = asked(&|tx, search| Ok(tx.conversations().search(search, &all, PageRequest::first())?.items.len()));
        for (field, told) in [texts, customers] {
            assert_eq!((field.as_str(), told.as_str()), ("q", rule), "{text:?}");
        }
    }
}

#[test]
fn words_follow_what_becomes_of_a_text() {
    let scene = Scene::new();
    let missed = VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &unique_sid("CA")).parse();
    record_voice_status(&scene.db.store, &missed).unwrap();
    let kind = MessageFilter { kind: Some(MessageKind::Greeting), ..MessageFilter::default() };
    let [greeting]: [Message; 1] = scene.business.messages(&scene.db.store, &kind).try_into().unwrap();
    let first = greeting.message_body.split(' ').find(|word| word.len() > 4).unwrap();
    assert_eq!(scene.found(first, 10), [], "greetings are not searched");
    let of =
        |id: MessageId| scene.db.query::<String>(&format!("SELECT term FROM message_terms WHERE message_id = '{id}' ORDER BY 1"));
    assert_eq!(of(greeting.id), Vec::<String>::new());

    let id = scene.receive("STOP the drip, the DRIP!");
    assert_eq!(of(id), ["drip", "stop", "the"]);
    assert_eq!(scene.found("stop", 10), [id], "a word that means something to carriers is a word");
    assert_eq!(scene.found("the", 10), [id], "and so is one that other searches leave out");
    scene.db.execute(&format!("UPDATE messages SET message_body = 'erased' WHERE id = '{id}'"));
    assert_eq!(of(id), ["erased"]);
    assert_eq!((scene.found("drip", 10), scene.found("eras", 10)), (vec![], vec![id]));
    scene.db.execute(&format!("DELETE FROM messages WHERE id = '{id}'"));
    assert_eq!(of(id), Vec::<String>::new());
    let tenant = scene.business.tenant.id();
    scene.receive("still there");
    scene.named(&unique_phone(), Some("Ann Lee"));
    let shown = VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &unique_sid("CA")).with("CallerName", "Maria");
    record_voice_status(&scene.db.store, &shown.parse()).unwrap();
    scene.db.execute(&format!("SET CONSTRAINTS ALL DEFERRED; DELETE FROM tenants WHERE id = '{tenant}'"));
    for table in ["message_terms", "conversation_terms"] {
        assert_eq!(scene.db.query::<i64>(&format!("SELECT count(*) FROM {table}")), [0], "{table}");
    }
}

#[test]
fn customers_are_found_by_name_and_by_number() {
    let scene = Scene::new();
    let phone = |text: &str| text.parse::<PhoneNumber>().unwrap();
    let all = ConversationFilter::default();
    let ann = scene.named(&phone("+14155550101"), Some("Ann O'Brien"));
    let anna = scene.named(&phone("+14155550102"), Some("Anna Łukasz"));
    let nameless = scene.named(&phone("+14165550103"), None);
    let mexican = scene.named(&phone("+525551234567"), Some("José"));
    for (query, expected) in [
        ("ann", vec![anna, ann]),
        ("obrien", vec![ann]),
        ("lukasz", vec![]),
        ("łuk", vec![anna]),
        ("lee ann", vec![]),
        ("jose", vec![mexican]),
        ("+1415", vec![anna, ann]),
        ("415 555", vec![anna, ann]),
        ("(416) 555-0103", vec![nameless]),
        ("14155550101", vec![ann]),
        ("+52 1 555 123 4567", vec![mexican]),
        ("0101", vec![]),
        ("\u{202a}（415）５５５-0101\u{202c}", vec![ann]),
    ] {
        assert_eq!(scene.customers(query, &all), expected, "{query}");
    }
    let rename = ConversationPatch { customer_name: Patch::Set("Beth".to_owned()), ..ConversationPatch::default() };
    scene.tx(|tx| tx.conversations().update(ann, &rename)).unwrap();
    assert_eq!((scene.customers("ann", &all), scene.customers("beth", &all)), (vec![anna], vec![ann]));
    let forget = ConversationPatch { customer_name: Patch::Clear, ..ConversationPatch::default() };
    scene.tx(|tx| tx.conversations().update(ann, &forget)).unwrap();
    assert_eq!(scene.customers("beth", &all), []);
    scene.tx_as(scene.staff, |tx| tx.conversations().close(anna)).unwrap();
    let open = ConversationFilter { open: Some(true), ..ConversationFilter::default() };
    assert_eq!((scene.customers("+1415", &open), scene.customers("anna", &open)), (vec![ann], vec![]));
}

/// Calls of a customer whom nobody has named, under the name that the network showed.
#[test]
fn names_that_the_network_showed_are_searched() {
    let scene = Scene::new();
    let all = ConversationFilter::default();
    let call = |customer: &PhoneNumber, name: &str| {
        scene.tick();
        let form = VoiceForm::missed(customer.as_str(), &scene.business.number, &unique_sid("CA"));
        let form = if name.is_empty() { form } else { form.with("CallerName", name) };
        record_voice_status(&scene.db.store, &form.parse()).unwrap()
    };
    let (maria, other, early) = (unique_phone(), unique_phone(), unique_phone());
    // Written before its conversation, as by catch-up.
    let (db, tenant) = (&scene.db, scene.business.tenant.id());
    db.execute(&format!(
        "BEGIN;
         INSERT INTO calls (tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status, caller_name)
             VALUES ('{tenant}', '00000000-0000-7000-8000-000000000001', '{early}', '{}', 'inbound', 'no-answer', 'Early Bird');
         INSERT INTO conversations (id, tenant_id, customer_phone, channel, status)
             VALUES ('00000000-0000-7000-8000-000000000001', '{tenant}', '{early}', 'phone', 'active');
         COMMIT",
        scene.business.number
    ));
    assert_eq!(scene.customers("early bird", &all).len(), 1);
    let first = call(&maria, "LOPEZ MARIA");
    let conversation = first.conversation.unwrap();
    call(&other, "");
    assert_eq!(scene.customers("maria", &all), [conversation]);
    assert_eq!(scene.customers("lopez mar", &all), [conversation]);
    let second = call(&maria, "WIRELESS CALLER");
    assert_eq!(scene.customers("wireless", &all), [conversation], "each of her calls");
    let name = |name: Patch<String>| {
        let patch = ConversationPatch { customer_name: name, ..ConversationPatch::default() };
        scene.tx(|tx| tx.conversations().update(conversation, &patch)).unwrap();
    };
    name(Patch::Set("Mrs. Ruiz".to_owned()));
    assert_eq!((scene.customers("ruiz", &all), scene.customers("maria", &all)), (vec![conversation], vec![conversation]));
    name(Patch::Clear);
    assert_eq!((scene.customers("ruiz", &all), scene.customers("maria", &all)), (vec![], vec![conversation]));
    // As the network's word is put right, taken back, told of no conversation, or erased with the call.
    let of_call = |set: &str| scene.db.execute(&format!("UPDATE calls SET {set} WHERE id = '{}'", first.call));
    of_call("caller_name = 'Garcia'");
    assert_eq!((scene.customers("maria", &all), scene.customers("garcia", &all)), (vec![], vec![conversation]));
    of_call("caller_name = NULL");
    assert_eq!(scene.customers("garcia", &all), []);
    of_call("caller_name = 'Garcia'");
    of_call("conversation_id = NULL");
    assert_eq!(scene.customers("garcia", &all), []);
    of_call(&format!("conversation_id = '{conversation}'"));
    assert_eq!((scene.customers("garcia", &all), scene.customers("wireless", &all)), (vec![conversation], vec![conversation]));
    let erase = "UPDATE conversations SET last_call_id = first_call_id;
                 UPDATE conversation_events SET call_id = NULL; DELETE FROM calls WHERE id =";
    scene.db.execute(&format!("{erase} '{}'", second.call));
    assert_eq!((scene.customers("wireless", &all), scene.customers("garcia", &all)), (vec![], vec![conversation]));
    // As before there were any.
    let kept = all_terms(&scene.db);
    scene.db.execute("DELETE FROM conversation_terms");
    let fill = include_str!("../../../migrations/2026-11-30-000199_fill_names_of_callers/up.sql");
    TestDb::execute_at(&scene.db.superuser_url(), fill);
    assert_eq!(all_terms(&scene.db), kept);
}

#[test]
fn words_of_many_deleted_calls_are_written_once() {
    let scene = Scene::new();
    let all = ConversationFilter::default();
    let (ann, tenant) = (unique_phone(), scene.business.tenant.id());
    let id = scene.named(&ann, Some("Ann Lee"));
    scene.db.execute(&format!(
        "INSERT INTO calls (tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status, caller_name)
         SELECT '{tenant}', '{id}', '{ann}', '+15550199999', 'inbound', 'no-answer', CASE n WHEN 1 THEN 'Stays' ELSE 'Goes' END FROM generate_series(1, 300) AS n"
    ));
    assert_eq!((scene.customers("stays", &all), scene.customers("goes", &all)), (vec![id], vec![id]));
    let mut conn = scene.db.superuser();
    conn.batch_execute("SET track_functions = 'pl'; BEGIN; DELETE FROM calls WHERE caller_name = 'Goes'").unwrap();
    let written = "SELECT calls::text FROM pg_stat_xact_user_functions WHERE funcname = 'nmc_write_conversation_terms'";
    assert_eq!(nmc_core::testing::query::<String>(&mut conn, written), ["1"]);
    conn.batch_execute("COMMIT").unwrap();
    assert_eq!((scene.customers("stays", &all), scene.customers("goes", &all)), (vec![id], vec![]));
}

/// One call's name is put right while another call of the same name comes in: neither sees the other's before it ends.
#[test]
fn names_of_calls_that_change_at_once_are_all_found() {
    for comes_first in [false, true] {
        let scene = Scene::new();
        let form =
            VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &unique_sid("CA")).with("CallerName", "ANN JONES");
        let first = record_voice_status(&scene.db.store, &form.parse()).unwrap();
        let (call, conversation) = (first.call, first.conversation.unwrap());
        let put_right = format!("UPDATE calls SET caller_name = 'Ann Lee' WHERE id = '{call}'");
        let comes_in = format!(
            "INSERT INTO calls (tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status, caller_name)
                 SELECT tenant_id, conversation_id, caller_phone, called_phone, 'inbound', 'no-answer', 'ANN JONES' FROM calls
                 WHERE id = '{call}'"
        );
        let (one, other) = if comes_first { (&comes_in, &put_right) } else { (&put_right, &comes_in) };
        let mut conn = scene.db.superuser();
        conn.batch_execute(&format!("BEGIN; {one}; SET CONSTRAINTS ALL IMMEDIATE")).unwrap();
        std::thread::scope(|threads| {
            let second = threads.spawn(|| scene.db.execute(other));
            let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            wait_until("the second waits, or has not waited", || second.is_finished() || scene.db.query::<i64>(waiting) != [0]);
            conn.batch_execute("COMMIT").unwrap();
        });
        let found = ["jones", "lee"].map(|name| scene.customers(name, &ConversationFilter::default()));
        assert_eq!(found, [[conversation], [conversation]], "the new one first: {comes_first}");
    }
}

#[test]
fn search_sees_no_other_business() {
    let scene = Scene::new();
    let other = Business::onboard(&scene.db.store, "Other");
    let customer = unique_phone();
    let theirs = SmsForm::text(customer.as_str(), &other.number, "secret leak").parse();
    let conversation = receive_text(&scene.db.store, &theirs).unwrap().conversation;
    let name = ConversationPatch { customer_name: Patch::Set("Secretive".to_owned()), ..ConversationPatch::default() };
    scene.db.store.tenant(&other.tenant, |tx| tx.conversations().update(conversation, &name)).unwrap();
    let own = scene.receive("a leak of ours");
    assert_eq!((scene.found("leak", 10), scene.found("secret", 10)), (vec![own], vec![]));
    let all = ConversationFilter::default();
    assert_eq!((scene.customers("secretive", &all), scene.customers(customer.as_str(), &all)), (vec![], vec![]));
}

/// The words that there are, all of them, and how many.
fn all_terms(db: &TestDb) -> Vec<String> {
    let both = "SELECT term || message_id || created_at FROM message_terms UNION ALL
                SELECT term || conversation_id || created_at FROM conversation_terms";
    db.query(&format!("SELECT md5(string_agg(t, ',' ORDER BY t COLLATE \"C\")) || count(*) FROM ({both}) AS q (t)"))
}

#[test]
fn words_of_before_are_what_triggers_write_now() {
    let scene = Scene::new();
    let texts = ["Straße", "Kü\u{ad}che", "Was\u{200b}ser and ice", "plain"].map(|body| scene.receive(body));
    let names = ["Groß Ann", "Lee", "Joe"].map(|name| scene.named(&unique_phone(), Some(name)));
    // A name of before those characters were refused.
    scene.db.execute(&format!("UPDATE conversations SET customer_name = E'Lee\\u2060' WHERE id = '{}'", names[1]));
    let now = all_terms(&scene.db);
    let [folds, fill] = [
        include_str!("../../../migrations/2026-11-29-000177_fold_stored_words/up.sql"),
        include_str!("../../../migrations/2026-11-29-000114_fill_search_terms/up.sql"),
    ];
    // As they were written when what nobody sees parted words.
    for (table, id, of, old) in [
        ("message_terms", "message_id", texts[0].uuid(), "straße"),
        ("message_terms", "message_id", texts[1].uuid(), "ku,che"),
        ("message_terms", "message_id", texts[2].uuid(), "was,ser,and,ice"),
        ("conversation_terms", "conversation_id", names[0].uuid(), "groß,ann"),
    ] {
        scene.db.execute(&format!(
            "WITH gone AS (DELETE FROM {table} WHERE {id} = '{of}' RETURNING tenant_id, created_at)
             INSERT INTO {table} (tenant_id, term, created_at, {id})
                 SELECT DISTINCT tenant_id, term, created_at, '{of}'::uuid FROM gone, unnest(string_to_array('{old}', ',')) AS term
             ON CONFLICT DO NOTHING"
        ));
    }
    assert_ne!(all_terms(&scene.db), now);
    TestDb::execute_at(&scene.db.superuser_url(), folds);
    assert_eq!(all_terms(&scene.db), now);
    // As it was before there were any.
    scene.db.execute("DELETE FROM message_terms; DELETE FROM conversation_terms WHERE term = 'ann'");
    assert_ne!(all_terms(&scene.db), now);
    TestDb::execute_at(&scene.db.superuser_url(), fill);
    assert_eq!(all_terms(&scene.db), now);
}
