//! Pages of a search of many texts: all that have the words, and few rows read for each.

use crate::plans::{explained_as_tenant, plan_as_tenant};
use crate::support::Scene;
use nmc_core::conversations::{ConversationFilter, Search};
use nmc_core::testing::{Business, Sent, TestDb};
use nmc_core::{PageRequest, TenantTx};
use std::collections::BTreeSet;

/// 12,000 texts of one business, four at an instant: `every` in all of them, `even` in one half and `odd` in the other, both in the oldest, `tenth`
/// in a tenth, `rare` in one of 100, and a number of its own in each.
fn many(db: &TestDb, business: &Business) {
    db.execute(&format!(
        "INSERT INTO conversations (tenant_id, customer_phone, channel, status, customer_name, created_at)
             SELECT '{id}', '+1556' || lpad(n::text, 7, '0'), 'phone', CASE WHEN n % 2000 = 7 THEN 'active' ELSE 'closed' END,
                 'Ann ' || n, now() - n / 4 * interval '1 minute'
             FROM generate_series(1, 12000) n;
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at)
             SELECT tenant_id, id, CASE WHEN right(customer_phone, 5) = '12000' THEN 'even odd' WHEN right(customer_phone, 1) < '5' THEN 'even'
                     ELSE 'odd' END || ' job' || right(customer_phone, 5) || ' every' || CASE WHEN right(customer_phone, 1) = '0' THEN ' tenth' ELSE '' END
                     || CASE WHEN right(customer_phone, 2) = '00' THEN ' rare' ELSE '' END,
                 'inbound', customer_phone, '+15550000000', 'received', created_at
             FROM conversations WHERE customer_phone LIKE '+1556%';
         ANALYZE;",
        id = business.tenant.id()
    ));
    db.execute("VACUUM message_terms");
}

#[test]
fn search_of_common_words_goes_on_page_by_page() {
    let scene = Scene::new();
    many(&scene.db, &scene.business);
    let first = |query: &str| {
        let search = Search::new(query).unwrap();
        scene.tx(|tx| tx.messages().search(&search, PageRequest::first())).unwrap()
    };
    let none_yet = first("even odd");
    assert!(none_yet.items.is_empty() && none_yet.next.is_some(), "the newest 3,000 have one word or the other");
    assert_eq!(scene.found("even odd", 50).len(), 1);
    assert_eq!(first("even odd job12000").items.len(), 1, "the rarest word leads");
    assert_eq!(first("even odd nowhere").next, None);
    let (rows, seen) = (scene.found("job", 200), scene.found("even", 200));
    assert_eq!((rows.len(), seen.len()), (12_000, 6_000), "a beginning that more rows have than are sorted");
    assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), 12_000, "each once");
    assert_eq!(scene.found("job0012", 3).len(), 10, "few enough to be sorted");
    assert_eq!(scene.found("even job0012", 3).len(), 5);
    let (all, open) = (ConversationFilter::default(), ConversationFilter { open: Some(true), ..ConversationFilter::default() });
    assert_eq!(scene.customers("ann 12000", &all).len(), 1);
    assert_eq!(scene.customers("ann", &open).len(), 6, "the filter leaves few of those that were looked at");
    assert_eq!(scene.customers("+1556", &open).len(), 6);
    assert_eq!(scene.customers("5560001", &all).len(), 1_000);

    for query in ["even odd", "even odd job12000", "job", "job0012", "even job0012"] {
        let search = Search::new(query).unwrap();
        let list = |tx: &mut TenantTx<'_>| tx.messages().search(&search, PageRequest::first());
        let trips = scene.db.round_trips(|store| drop(store.tenant(&scene.business.tenant, list).unwrap()));
        let plans = trips
            .iter()
            .filter(|sent| sent.sql.contains("message_terms"))
            .map(|sent| (sent, plan_as_tenant(&scene.db, scene.business.tenant, sent)));
        let mut found = 0;
        for (sent, plan) in plans {
            found += 1;
            let by_index = [
                "Index Only Scan using message_terms_pkey",
                "Index Only Scan Backward using message_terms_pkey",
                "messages_created_at_idx",
            ];
            assert!(by_index.iter().any(|index| plan.contains(index)), "{query}: {}\n{plan}", sent.sql);
            assert!(!plan.contains("Seq Scan") && !plan.contains("Bitmap"), "{query}: {}\n{plan}", sent.sql);
            // What a text has besides its leading word is told by the index alone.
            let by_word = "(created_at = r.created_at) AND (message_id = r.id)";
            let of_text = sent.sql.matches("OFFSET 0").count();
            let told =
                plan.matches(by_word).count() + plan.matches("Index Only Scan using message_terms_message_id_term_idx").count();
            assert_eq!(told, of_text, "{query}: {plan}");
            assert_eq!(plan.matches(by_word).count(), sent.sql.matches("t.created_at = r.created_at").count(), "{query}: {plan}");
        }
        assert!(found >= 2, "{query}: the words are counted, and lead to their texts");
    }

    let search = Search::new("5560001").unwrap();
    let list = |tx: &mut TenantTx<'_>| tx.conversations().search(&search, &all, PageRequest::first());
    let trips = scene.db.round_trips(|store| drop(store.tenant(&scene.business.tenant, list).unwrap()));
    let by_number: Vec<String> = trips
        .iter()
        .filter(|sent| sent.sql.contains("customer_phone ~>=~"))
        .map(|sent| plan_as_tenant(&scene.db, scene.business.tenant, sent))
        .collect();
    assert_eq!(by_number.len(), 2, "counted, and read");
    assert!(by_number.iter().all(|plan| plan.contains("conversations_customer_phone_idx")), "{by_number:#?}");
}

#[test]
fn search_of_several_words_misses_no_text_over_pages() {
    let scene = Scene::new();
    many(&scene.db, &scene.business);
    for query in [
        "every rare",
        "even rare",
        "every tenth",
        "tenth every rare even",
        "odd tenth",
        "odd every",
        "even every job01",
        "tenth job1",
        "every tenth job",
        "rare job00",
        "odd rare nowhere",
    ] {
        let is_found = query.split(' ').map(|word| {
            let end = if word.starts_with("job") { "" } else { "( |$)" };
            format!("message_body ~ '(^| ){word}{end}'")
        });
        let expected: Vec<String> = scene.db.query(&format!(
            "SELECT id::text FROM messages WHERE {} ORDER BY created_at DESC, id DESC",
            is_found.collect::<Vec<_>>().join(" AND ")
        ));
        for limit in [7, 200] {
            let found: Vec<String> = scene.found(query, limit).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{query}, {limit}");
        }
        assert_eq!(expected.is_empty(), query.ends_with("nowhere"), "{query}");
    }
}

/// How many blocks a plan that was executed touched.
fn blocks(plan: &str) -> u64 {
    let buffers = plan.lines().find(|line| line.contains("Buffers: shared")).unwrap();
    let of = |what: &str| {
        let number = buffers.split_once(what).map_or("0", |(_, rest)| rest.split(' ').next().unwrap());
        number.parse::<u64>().unwrap()
    };
    of("hit=") + of("read=")
}

#[test]
fn a_page_of_a_search_touches_few_blocks_whatever_the_words() {
    let scene = Scene::new();
    many(&scene.db, &scene.business);
    let tenant = scene.business.tenant;
    // (words, the most blocks): compared, looked up, or read until a page is full.
    for (query, most) in [
        ("even", 20),
        ("even odd", 500),
        ("even every", 500),
        ("every tenth", 500),
        ("odd tenth", 2_500),
        ("every rare", 2_500),
        ("tenth job1", 500),
        ("every job", 2_500),
    ] {
        let search = Search::new(query).unwrap();
        let list = |tx: &mut TenantTx<'_>| tx.messages().search(&search, PageRequest::first());
        let trips = scene.db.round_trips(|store| drop(store.tenant(&tenant, list).unwrap()));
        let of_terms: Vec<&Sent> = trips.iter().filter(|sent| sent.sql.contains("message_terms")).collect();
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let plans: Vec<String> = of_terms
                .iter()
                .map(|sent| {
                    explained_as_tenant(
                        &mut scene.db.superuser(),
                        tenant,
                        sent,
                        mode,
                        "ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF",
                    )
                })
                .collect();
            let touched: u64 = plans.iter().map(|plan| blocks(plan)).sum();
            assert!(touched <= most, "{query}, {mode}: {touched} blocks\n{}", plans.join("\n"));
        }
    }
}
