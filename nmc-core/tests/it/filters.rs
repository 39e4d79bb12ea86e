//! What a page of each filter reads, in a business of many calls: rows for the page, and not the business.

#[path = "../../benches/scale/filters.rs"]
mod every;

use crate::plans::explained_as_tenant;
use crate::support::all_pages;
use every::Asked;
use nmc_core::calls::CallFilter;
use nmc_core::conversations::{Assignee, ConsentFilter, ConversationEventFilter, ConversationFilter, MessageFilter, Search};
use nmc_core::testing::{Business, TestDb, query};
use nmc_core::{ConversationChannel, MessageDirection, MessageKind, MessageStatus, PageRequest, Result, Store, TenantTx, UserId};
use std::sync::OnceLock;

/// Calls and conversations of the business, and of the other one.
const MANY: u32 = 20_000;

/// The most rows that a page may look at: enough to find 50 among which one in fifty is wanted.
const MOST: u64 = 3_000;

/// As many calls as conversations, one in 20 or in 500 of each rarer kind; one in three is of a log of older calls. The customers of the last 400 conversations, which are open, have
/// written, and staff have read one in two. Each customer is called Ann, and has been greeted and has written; one greeting in 400 did not arrive, and
/// another was called off. One customer in 20 has opted out, one in 1,000 in again. One of the conversations has a long log.
fn fill(db: &TestDb, business: &Business, user: UserId) {
    db.execute(&format!(
        "INSERT INTO conversations (tenant_id, customer_phone, channel, status, priority, assigned_to, review_requested_at, tags, customer_name,
                 created_at, updated_at)
             SELECT '{id}', '+1556' || lpad(n::text, 7, '0'), CASE WHEN n % 500 = 0 THEN 'email' WHEN n % 3 = 0 THEN 'sms' ELSE 'phone' END,
                 CASE WHEN n <= 400 THEN CASE n % 2 WHEN 0 THEN 'active' ELSE 'waiting' END WHEN n % 2 = 0 THEN 'resolved' ELSE 'closed' END,
                 CASE WHEN n % 20 = 0 THEN 'urgent' ELSE 'normal' END, CASE WHEN n % 500 < 2 THEN '{user}'::uuid END,
                 CASE WHEN n % 5000 = 100 THEN now() END,
                 CASE WHEN n % 1000 = 200 THEN '{{rare}}'::text[] WHEN n % 4 = 0 THEN '{{often}}' ELSE '{{}}' END, 'Ann',
                 now() - n * interval '1 minute', now() - n * interval '1 minute'
             FROM generate_series(1, {MANY}) n;
         INSERT INTO calls (tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status, outcome, created_at, started_at)
             SELECT tenant_id, id, customer_phone, '{number}', CASE WHEN n % 500 = 0 THEN 'outbound' ELSE 'inbound' END,
                 CASE WHEN n % 4000 = 0 THEN 'ringing' WHEN n % 20 = 1 THEN 'busy' WHEN n % 2 = 0 THEN 'completed' ELSE 'no-answer' END,
                 CASE WHEN n % 2 = 1 THEN 'missed' WHEN n % 40 = 2 THEN 'voicemail' END, created_at,
                 created_at - CASE WHEN n % 3 = 0 THEN (n % 400) * interval '1 day' ELSE interval '1 minute' END
             FROM (SELECT *, right(customer_phone, 7)::int AS n FROM conversations WHERE tenant_id = '{id}' AND customer_phone LIKE '+1556%') AS c;
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at)
             SELECT tenant_id, id, 'hello', 'inbound', customer_phone, '{number}', 'received', created_at
             FROM conversations WHERE tenant_id = '{id}' AND customer_phone LIKE '+1556%';
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, message_kind, from_number, to_number, message_status,
                 next_attempt_at, created_at)
             SELECT tenant_id, id, 'hello', 'outbound', CASE WHEN n % 1000 = 7 THEN 'message' WHEN n % 1000 = 8 THEN 'keyword_reply' ELSE 'greeting' END,
                 '{number}', customer_phone, CASE WHEN n % 400 = 3 THEN 'undelivered' WHEN n % 400 = 4 THEN 'canceled' WHEN n < 3 THEN 'queued'
                     WHEN n < 7 THEN 'sending' ELSE 'delivered' END, created_at, created_at
             FROM (SELECT *, right(customer_phone, 7)::int AS n FROM conversations WHERE tenant_id = '{id}' AND customer_phone LIKE '+1556%') AS c;
         INSERT INTO consents (tenant_id, customer_phone, action, source, created_at)
             SELECT tenant_id, customer_phone, action, 'keyword', created_at FROM conversations,
                 unnest(CASE WHEN right(customer_phone, 3) = '077' THEN ARRAY['opt_out', 'opt_in'] ELSE ARRAY['opt_out'] END) AS action
             WHERE tenant_id = '{id}' AND (right(customer_phone, 3) = '077' OR right(customer_phone, 7)::int % 20 = 0);
         INSERT INTO conversation_events (tenant_id, conversation_id, event_type, created_at)
             SELECT tenant_id, id, 'message_received', created_at FROM conversations
             WHERE tenant_id = '{id}' AND status IN ('active', 'waiting');
         INSERT INTO conversation_events (tenant_id, conversation_id, call_id, event_type, created_by, created_at)
             SELECT c.tenant_id, c.conversation_id, CASE WHEN n % 5 = 0 THEN c.id END, CASE WHEN n % 4 = 0 THEN 'assigned' ELSE 'call_started' END,
                 CASE WHEN n % 3 = 0 THEN '{user}'::uuid END, c.created_at + n * interval '1 second' - interval '7 days'
             FROM calls AS c, generate_series(1, CASE WHEN c.caller_phone = '+15560000077' THEN 1000 ELSE 2 END) AS n WHERE tenant_id = '{id}';
         INSERT INTO conversation_reads (tenant_id, user_id, conversation_id, read_at)
             SELECT tenant_id, '{user}', id, updated_at FROM conversations WHERE tenant_id = '{id}' AND status = 'waiting'",
        id = business.tenant.id(),
        number = business.number
    ));
}

/// How many rows the nodes of a plan looked at, those that one loop passed over among them.
pub(crate) fn looked_at(plan: &str) -> u64 {
    most_looked_at(plan, false)
}

/// As [`looked_at`], with the rows that all loops passed over: of an entry compared with all others, these are the rows of the business.
fn looked_at_by_all_loops(plan: &str) -> u64 {
    most_looked_at(plan, true)
}

fn most_looked_at(plan: &str, by_all_loops: bool) -> u64 {
    let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse::<u64>().ok());
    let after = |line: &str, what: &str| line.split_once(what).and_then(|(_, rest)| number(rest));
    // What a node removed is told in a line that follows, as an average of its loops.
    let mut loops = 1;
    let of_line = |line: &str| {
        loops = after(line, "loops=").unwrap_or(loops);
        let removed = after(line, "Rows Removed by Filter: ").unwrap_or(0);
        after(line, "rows=").unwrap_or(0) * loops + if by_all_loops { removed * loops } else { removed }
    };
    plan.lines().map(of_line).max().unwrap_or(0)
}

#[test]
fn rows_looked_at_are_read_from_a_plan() {
    let plan = "Limit (actual rows=51 loops=1)\n  ->  Sort (actual rows=70.00 loops=3)\n        Rows Removed by Filter: 209\n";
    assert_eq!((looked_at(plan), looked_at_by_all_loops(plan)), (210, 627));
}

/// Which fields a filter for calls uses; one more field is an error here.
fn used_of_calls(filter: &CallFilter) -> Vec<(&'static str, bool)> {
    let CallFilter { status, outcome, direction, caller, called, conversation, active, from, until, started_from, started_until } =
        filter;
    vec![
        ("status", status.is_some()),
        ("outcome", outcome.is_some()),
        ("direction", direction.is_some()),
        ("caller", caller.is_some()),
        ("called", called.is_some()),
        ("conversation", conversation.is_some()),
        ("active", active.is_some()),
        ("from", from.is_some()),
        ("until", until.is_some()),
        ("started_from", started_from.is_some()),
        ("started_until", started_until.is_some()),
    ]
}

/// As [`used_of_calls`], for conversations.
fn used_of_conversations(filter: &ConversationFilter) -> Vec<(&'static str, bool)> {
    let ConversationFilter {
        status,
        open,
        priority,
        channel,
        assigned_to,
        customer,
        tag,
        in_review,
        unread_by,
        read_by,
        from,
        until,
    } = filter;
    vec![
        ("status", status.is_some()),
        ("open", open.is_some()),
        ("priority", priority.is_some()),
        ("channel", channel.is_some()),
        ("assigned_to", assigned_to.is_some()),
        ("customer", customer.is_some()),
        ("tag", tag.is_some()),
        ("in_review", in_review.is_some()),
        ("unread_by", unread_by.is_some()),
        ("read_by", read_by.is_some()),
        ("from", from.is_some()),
        ("until", until.is_some()),
    ]
}

/// As [`used_of_calls`], for texts.
fn used_of_messages(filter: &MessageFilter) -> Vec<(&'static str, bool)> {
    let MessageFilter { conversation, status, direction, kind, failed, from, until } = filter;
    vec![
        ("conversation", conversation.is_some()),
        ("status", status.is_some()),
        ("direction", direction.is_some()),
        ("kind", kind.is_some()),
        ("failed", failed.is_some()),
        ("from", from.is_some()),
        ("until", until.is_some()),
    ]
}

/// As [`used_of_calls`], for decisions about texts.
fn used_of_consents(filter: &ConsentFilter) -> Vec<(&'static str, bool)> {
    let ConsentFilter { customer, action, latest } = filter;
    vec![("customer", customer.is_some()), ("action", action.is_some()), ("latest", *latest)]
}

/// As [`used_of_calls`], for entries of a log.
fn used_of_events(filter: &ConversationEventFilter) -> Vec<(&'static str, bool)> {
    let ConversationEventFilter { conversation, event_type, call, created_by, from, until } = filter;
    vec![
        ("conversation", conversation.is_some()),
        ("event_type", event_type.is_some()),
        ("call", call.is_some()),
        ("created_by", created_by.is_some()),
        ("from", from.is_some()),
        ("until", until.is_some()),
    ]
}

/// Fails on a field that none of the filters uses.
#[track_caller]
fn all_are_used<F>(filters: &[(&str, F)], used: fn(&F) -> Vec<(&'static str, bool)>) {
    let all: Vec<_> = filters.iter().flat_map(|(_, filter)| used(filter)).collect();
    for (field, _) in &all {
        assert!(all.contains(&(field, true)), "no filter is by {field}");
    }
}

/// Two businesses of many rows, which tests read and leave as they are.
struct Filled {
    db: TestDb,
    big: Business,
    user: UserId,
}

fn filled() -> &'static Filled {
    static FILLED: OnceLock<Filled> = OnceLock::new();
    FILLED.get_or_init(|| {
        let db = TestDb::new();
        let [big, small] = ["Joe's Plumbing", "Other"].map(|name| Business::onboard(&db.store, name));
        let (user, theirs) = (big.user(&db.store), small.user(&db.store));
        fill(&db, &big, user);
        fill(&db, &small, theirs);
        // Each business seems to be a small part of the table, and each of its numbers one of many.
        db.execute(
            "INSERT INTO tenants (id, business_name) SELECT gen_random_uuid(), 'Other ' || n FROM generate_series(1, 300) n;
             INSERT INTO conversations (tenant_id, customer_phone, channel, status)
                 SELECT id, '+1557' || lpad(n::text, 7, '0'), 'phone', 'closed' FROM tenants, generate_series(1, 5) n
                 WHERE business_name LIKE 'Other %';
             INSERT INTO calls (tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status)
                 SELECT tenant_id, id, customer_phone, '+1558' || right(tenant_id::text, 7), 'inbound', 'completed'
                 FROM conversations WHERE customer_phone LIKE '+1557%';
             ANALYZE conversations, calls, messages, conversation_tags, conversation_events, conversation_reads, conversation_terms,
                 consents",
        );
        Filled { db, big, user }
    })
}

/// Planning a page of the inbox takes longer than reading it.
#[test]
fn pages_of_the_inbox_are_planned_once_per_connection() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    let (tenant, user) = (business.tenant, business.user(&db.store));
    db.execute(&format!(
        "INSERT INTO conversations (tenant_id, customer_phone, status, channel)
             SELECT '{}', '+1556' || lpad(n::text, 7, '0'), 'active', 'sms' FROM generate_series(1, 5000) AS n;
         ANALYZE conversations",
        tenant.id()
    ));
    let (page, all) = (PageRequest::first(), ConversationFilter::default());
    let list = |tx: &mut TenantTx<'_>| {
        for _ in 0..10 {
            tx.conversations().list_with_last_text(&all, page)?;
            tx.conversations().list_open(&all, page)?;
        }
        let plans = "SELECT CASE WHEN custom_plans > 5 THEN statement ELSE 'once' END FROM pg_prepared_statements
                     WHERE statement LIKE '%AS known_as FROM (%' AND custom_plans + generic_plans >= 10";
        tx.diesel(|conn, _| Ok(query(conn, plans)))
    };
    let mut planned: Vec<String> = Vec::new();
    // On a connection of its own.
    drop(db.round_trips(|store| planned = store.tenant_on_behalf_of(&tenant, user, list).unwrap()));
    assert_eq!(planned, ["once"; 2]);
}

#[test]
fn a_page_of_each_filter_reads_few_of_many_rows() {
    let Filled { db, big, user } = filled();
    let tenant = big.tenant;
    let id = format!("SELECT id FROM conversations WHERE tenant_id = '{}' AND customer_phone = '+15560000077'", tenant.id());
    let asked = Asked {
        user: *user,
        number: big.number.clone(),
        conversation: db.query(&id).pop().unwrap(),
        customer: "+15560000077".parse().unwrap(),
        call: db.query(&id.replace("FROM conversations", "FROM calls").replace("customer", "caller")).pop().unwrap(),
        name: "Ann".to_owned(),
        at: db.query("SELECT now() - interval '7 days'").pop().unwrap(),
    };
    let (calls, conversations, texts) = (asked.calls(), asked.conversations(), asked.messages());
    all_are_used(&calls, used_of_calls);
    all_are_used(&conversations, used_of_conversations);
    all_are_used(&texts, used_of_messages);
    let (consents, events) = (asked.consents(), asked.events());
    all_are_used(&consents, used_of_consents);
    all_are_used(&events, used_of_events);

    let page = PageRequest::first();
    let (mut slow, mut anew, mut conn) = (Vec::new(), Vec::new(), db.superuser());
    let mut check = |what: String, list: &dyn Fn(&mut TenantTx<'_>) -> Result<usize>| {
        let trips = db.round_trips(|store| {
            let found = store.tenant(&tenant, list).unwrap();
            let may_be_empty = ["inbox: ", "texts: ", "customers: "].iter().any(|list| what.starts_with(list));
            assert!(found > 0 || may_be_empty, "{what}: none is there");
        });
        // Searches are planned for their words each time, and texts of a business for what is asked of them.
        if !what.starts_with("texts: ") && !what.starts_with("customers: ") {
            let sent = trips.iter().filter(|sent| sent.values.is_some() && !sent.prepared);
            anew.extend(sent.map(|sent| format!("{what}: {}", sent.sql)));
        }
        // A connection plans a statement for its values at first, and once for all values when that seems no dearer.
        for (sent, mode) in trips.iter().flat_map(|sent| ["force_custom_plan", "force_generic_plan"].map(|mode| (sent, mode))) {
            if sent.values.is_none() {
                continue;
            }
            let plan = explained_as_tenant(&mut conn, tenant, sent, mode, "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF");
            // Those in review lead, however many have the tag.
            let most = if what == "conversations: a tag of many, in review" { 100 } else { MOST };
            let read = if what.starts_with("consents: ") { looked_at_by_all_loops(&plan) } else { looked_at(&plan) };
            if read > most {
                slow.push(format!("{what}, {mode}: {}\n{plan}", sent.sql));
            }
        }
    };
    for (what, filter) in &calls {
        check(format!("calls: {what}"), &|tx| Ok(tx.calls().list(filter, page)?.items.len()));
    }
    for (what, filter) in &conversations {
        let list = |tx: &mut TenantTx<'_>| Ok(tx.conversations().list_with_last_text(filter, page)?.items.len());
        check(format!("conversations: {what}"), &list);
        check(format!("conversations, bare: {what}"), &|tx| Ok(tx.conversations().list(filter, page)?.items.len()));
        if filter.open != Some(false) && filter.status.is_none_or(|status| status.is_open()) {
            let list = |tx: &mut TenantTx<'_>| Ok(tx.conversations().list_open(filter, page)?.items.len());
            check(format!("inbox: {what}"), &list);
        }
    }
    // Few of many with a tag, which are looked at some thousands at a time.
    let often = || Some("often".to_owned());
    let few = ConversationFilter { tag: often(), channel: Some(ConversationChannel::Email), ..ConversationFilter::default() };
    let read = |page| db.store.tenant(&tenant, |tx| tx.conversations().list(&few, page));
    assert_eq!((read(page).unwrap().items.len(), all_pages(1, read).len()), (40, 40));
    let reviewed = ConversationFilter { in_review: Some(true), tag: often(), ..ConversationFilter::default() };
    let read = |page| db.store.tenant(&tenant, |tx| tx.conversations().list(&reviewed, page));
    assert_eq!((read(page).unwrap().items.len(), all_pages(1, read).len()), (4, 4));
    for (what, filter) in &texts {
        check(format!("texts: {what}"), &|tx| Ok(tx.messages().list(filter, page)?.items.len()));
    }
    for (what, filter) in &consents {
        check(format!("consents: {what}"), &|tx| Ok(tx.consents().list(filter, page)?.items.len()));
    }
    for (what, filter) in &events {
        check(format!("events: {what}"), &|tx| Ok(tx.conversation_events().list(filter, page)?.items.len()));
    }
    let search = Search::new(&asked.name).unwrap();
    for (what, filter) in &asked.customers() {
        check(format!("customers: {what}"), &|tx| Ok(tx.conversations().search(&search, filter, page)?.items.len()));
    }
    // A count that is bounded reads no more than it counts.
    for (what, filter) in &calls {
        let count = |tx: &mut TenantTx<'_>| Ok(usize::try_from(tx.calls().count_up_to(50, filter)?).unwrap());
        check(format!("calls, counted: {what}"), &count);
    }
    for (what, filter) in conversations.iter().filter(|(_, filter)| filter.tag.is_none()) {
        let count = |tx: &mut TenantTx<'_>| Ok(usize::try_from(tx.conversations().count_up_to(50, filter)?).unwrap());
        check(format!("conversations, counted: {what}"), &count);
    }
    assert!(anew.is_empty(), "prepared anew each time:\n{}", anew.join("\n"));
    assert!(slow.is_empty(), "{}", slow.join("\n\n"));
}

/// Whatever is looked at for a page, all pages together have what a filter finds, each text once and in its order.
#[test]
fn pages_of_texts_of_a_business_leave_none_out() {
    let Filled { db, big, .. } = filled();
    let tenant = big.tenant;
    let all = MessageFilter::default;
    let filters = [
        (MessageFilter { failed: Some(true), ..all() }, "message_status IN ('failed', 'undelivered')"),
        (MessageFilter { status: Some(MessageStatus::Canceled), ..all() }, "message_status = 'canceled'"),
        (MessageFilter { status: Some(MessageStatus::Sending), ..all() }, "message_status = 'sending'"),
        (MessageFilter { kind: Some(MessageKind::KeywordReply), ..all() }, "message_kind = 'keyword_reply'"),
        (
            MessageFilter { direction: Some(MessageDirection::Outbound), kind: Some(MessageKind::Message), ..all() },
            "message_kind = 'message' AND message_direction = 'outbound'",
        ),
        (
            MessageFilter { failed: Some(false), direction: Some(MessageDirection::Outbound), ..all() },
            "message_direction = 'outbound' AND message_status NOT IN ('failed', 'undelivered')",
        ),
        (all(), "true"),
    ];
    for (filter, sql) in filters {
        let expected: Vec<String> = db.query(&format!(
            "SELECT id::text FROM messages WHERE tenant_id = '{}' AND {sql} ORDER BY created_at DESC, id DESC",
            tenant.id()
        ));
        assert!(!expected.is_empty(), "{sql}");
        let found = all_pages(200, |page| db.store.tenant(&tenant, |tx| tx.messages().list(&filter, page)));
        let found: Vec<String> = found.iter().map(|row| row.id.to_string()).collect();
        assert_eq!(found, expected, "{sql}");
    }
}

/// As behind a number that may not send: their index is in the order in which they are due.
#[test]
fn page_of_many_queued_texts_reads_few_of_them() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    let (tenant, number) = (business.tenant, &business.number);
    db.execute(&format!(
        "WITH made AS (INSERT INTO conversations (tenant_id, customer_phone, channel, status) VALUES ('{id}', '+15560000001', 'sms', 'active')
             RETURNING id)
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status,
                 next_attempt_at, created_at)
             SELECT '{id}', made.id, 'hello', 'outbound', '{number}', '+15560000001', CASE WHEN n > {MANY} THEN 'queued' ELSE 'delivered' END,
                 CASE WHEN n > {MANY} THEN now() END, now() - n * interval '1 second'
             FROM made, generate_series(1, 2 * {MANY}) n;
         ANALYZE messages",
        id = tenant.id(),
    ));
    let queued = MessageFilter { status: Some(MessageStatus::Queued), ..MessageFilter::default() };
    let list = |store: &Store, page| store.tenant(&tenant, |tx| tx.messages().list(&queued, page));
    let trips = db.round_trips(|store| drop(list(store, PageRequest::first()).unwrap()));
    assert!(trips.iter().any(|sent| sent.sql.contains("messages")), "{trips:?}");
    let mut conn = db.superuser();
    for (sent, mode) in trips.iter().flat_map(|sent| ["force_custom_plan", "force_generic_plan"].map(|mode| (sent, mode))) {
        if sent.values.is_some() {
            let plan = explained_as_tenant(&mut conn, tenant, sent, mode, "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF");
            assert!(looked_at(&plan) <= MOST, "{mode}: {}\n{plan}", sent.sql);
        }
    }
    let found: Vec<String> = all_pages(200, |page| list(&db.store, page)).iter().map(|row| row.id.to_string()).collect();
    assert_eq!(
        found,
        db.query::<String>("SELECT id::text FROM messages WHERE message_status = 'queued' ORDER BY created_at DESC, id DESC")
    );
}

#[test]
fn open_conversations_of_nobody_are_found_among_many_of_others() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Joe's Plumbing");
    let (user, tenant) = (business.user(&db.store), business.tenant);
    // One in 500 is nobody's, and is the oldest of all.
    db.execute(&format!(
        "INSERT INTO conversations (tenant_id, customer_phone, channel, status, assigned_to, created_at, updated_at)
             SELECT '{}', '+1556' || lpad(n::text, 7, '0'), 'phone', 'active', CASE WHEN n > 10 THEN '{user}'::uuid END,
                 now() - (5000 - n) * interval '1 minute', now() - (5000 - n) * interval '1 minute'
             FROM generate_series(1, 5000) n;
         ANALYZE conversations",
        tenant.id()
    ));
    let nobodys = ConversationFilter { open: Some(true), assigned_to: Some(Assignee::Nobody), ..ConversationFilter::default() };
    let page = PageRequest::first();
    type List<'a> = &'a dyn Fn(&mut TenantTx<'_>) -> Result<usize>;
    let lists: [(&str, List<'_>); 3] = [
        ("inbox", &|tx| Ok(tx.conversations().list_open(&nobodys, page)?.items.len())),
        ("list", &|tx| Ok(tx.conversations().list_with_last_text(&nobodys, page)?.items.len())),
        ("count", &|tx| Ok(usize::try_from(tx.conversations().count_up_to(50, &nobodys)?).unwrap())),
    ];
    let mut conn = db.superuser();
    for (what, list) in lists {
        let trips = db.round_trips(|store| assert_eq!(store.tenant(&tenant, list).unwrap(), 10, "{what}"));
        for sent in trips.iter().filter(|sent| sent.values.is_some() && sent.sql.contains("assigned_to")) {
            for mode in ["force_custom_plan", "force_generic_plan"] {
                let plan = explained_as_tenant(&mut conn, tenant, sent, mode, "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF");
                assert!(looked_at(&plan) <= 50, "{what}, {mode}: {plan}");
            }
        }
    }
}
