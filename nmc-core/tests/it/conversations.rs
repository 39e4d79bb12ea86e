//! What staff does with a conversation, and what its log says of it.

use crate::support::{Scene, all_pages, refused};
use chrono::TimeDelta;
use nmc_core::conversations::{
    Assignee, Conversation, ConversationEvent, ConversationEventFilter, ConversationFilter, ConversationPatch,
};
use nmc_core::people::UserPatch;
use nmc_core::testing::{SmsForm, VoiceForm, noon, unique_phone, unique_sid};
use nmc_core::workflows::{receive_text, record_voice_status};
use nmc_core::{
    ConversationEventType, ConversationId, ConversationPriority, ConversationStatus, Error, MessageDirection, PageRequest, Patch,
    Result, TenantTx, UserId, UserRole,
};
use serde_json::{Value, json};
use std::sync::Barrier;

impl Scene {
    fn conversation(&self) -> Conversation {
        let id = self.business.conversation_with(&self.db.store, &unique_phone());
        self.tx(|tx| tx.conversations().get(id)).unwrap()
    }

    fn log(&self, id: ConversationId) -> Vec<ConversationEvent> {
        let mut log =
            self.tx(|tx| tx.conversation_events().list(&ConversationEventFilter::of(id), PageRequest::first())).unwrap().items;
        log.reverse();
        log
    }
}

type Step = (&'static str, fn(&mut TenantTx<'_>, ConversationId, UserId) -> Result<Conversation>, ConversationEventType, Value);

#[test]
fn each_verb_writes_its_event_with_both_values_and_actor() {
    use ConversationEventType as Event;
    let scene = Scene::new();
    let mut row = scene.conversation();
    let staff = scene.staff;
    let steps: Vec<Step> = vec![
        ("assign", |tx, id, by| tx.conversations().assign(id, Some(by)), Event::Assigned, json!({"old": null, "new": staff})),
        ("unassign", |tx, id, _| tx.conversations().assign(id, None), Event::Unassigned, json!({"old": staff, "new": null})),
        (
            "set_priority",
            |tx, id, _| tx.conversations().set_priority(id, ConversationPriority::Urgent),
            Event::PriorityChanged,
            json!({"old": "normal", "new": "urgent"}),
        ),
        ("add_tag", |tx, id, _| tx.conversations().add_tag(id, " leak "), Event::TagAdded, json!({"old": [], "new": ["leak"]})),
        (
            "add_tag",
            |tx, id, _| tx.conversations().add_tag(id, "vip"),
            Event::TagAdded,
            json!({"old": ["leak"], "new": ["leak", "vip"]}),
        ),
        (
            "remove_tag",
            |tx, id, _| tx.conversations().remove_tag(id, "leak"),
            Event::TagRemoved,
            json!({"old": ["leak", "vip"], "new": ["vip"]}),
        ),
        (
            "set_status",
            |tx, id, _| tx.conversations().set_status(id, ConversationStatus::Waiting),
            Event::StatusChanged,
            json!({"old": "active", "new": "waiting"}),
        ),
        (
            "resolve",
            |tx, id, _| tx.conversations().resolve(id),
            Event::StatusChanged,
            json!({"old": "waiting", "new": "resolved"}),
        ),
        ("close", |tx, id, _| tx.conversations().close(id), Event::StatusChanged, json!({"old": "resolved", "new": "closed"})),
    ];
    for (verb, act, event, data) in steps {
        let at = scene.tick();
        let changed = scene.tx_as(staff, |tx| act(tx, row.id, staff)).unwrap();
        assert_eq!(changed.updated_at, at, "{verb}");
        let log = scene.log(row.id);
        let last = log.last().unwrap();
        assert_eq!(
            (last.event_type, &last.event_data, last.created_by, last.created_at),
            (event, &data, Some(staff), at),
            "{verb}"
        );
        // The same once more changes nothing, and is no event; a move to where it is already is refused.
        let again = scene.tx_as(staff, |tx| act(tx, row.id, staff));
        assert!(matches!(again, Err(Error::InvalidTransition { .. })) || again.unwrap() == changed, "{verb} again");
        assert_eq!(scene.log(row.id), log, "{verb} again");
        row = changed;
    }
    assert_eq!(
        (row.status, row.tags, row.priority),
        (ConversationStatus::Closed, vec!["vip".to_owned()], ConversationPriority::Urgent)
    );
    scene.tx_as(staff, |tx| tx.conversations().add_note(row.id, " Called back. ")).unwrap();
    let last = scene.log(row.id).pop().unwrap();
    assert_eq!(
        (last.event_type, last.event_data, last.created_by),
        (Event::NoteAdded, json!({"note": "Called back."}), Some(staff))
    );
}

#[test]
fn a_note_with_a_clients_id_is_added_once() {
    let scene = Scene::new();
    let (row, other) = (scene.conversation(), scene.conversation());
    let add = |id, key: &str, note: &str| scene.tx(|tx| tx.conversations().add_note_once(id, key, note));
    assert!(!add(row.id, "n1", " Called back. ").unwrap());
    let log = scene.log(row.id);
    assert!(add(row.id, " n1", "Called back.").unwrap());
    assert_eq!(scene.log(row.id), log);
    for again in [add(row.id, "n1", "Called twice."), add(other.id, "n1", "Called back.")] {
        assert_eq!(refused(again), ("client_key".to_owned(), "was already used for another note".to_owned()));
    }
    assert!(!add(other.id, "n2", "Called back.").unwrap(), "the same words with another id are another note");
    assert_eq!(refused(add(row.id, "", "Called back.")).0, "client_key");
}

#[test]
fn a_patch_changes_what_it_names_and_tells_the_log_what_changed() {
    let scene = Scene::new();
    let mut row = scene.conversation();
    let none = ConversationPatch::default;
    let text = |text: &str| Patch::Set(text.to_owned());
    type Change = fn(&mut Conversation);
    let cases: Vec<(ConversationPatch, Change, Option<Value>)> = vec![
        (none(), |_| {}, None),
        (
            ConversationPatch { subject: text(" Leak "), ..none() },
            |row| row.subject = Some("Leak".to_owned()),
            Some(json!({"old": {"subject": null}, "new": {"subject": "Leak"}})),
        ),
        (ConversationPatch { subject: text("Leak"), ..none() }, |_| {}, None),
        (
            ConversationPatch {
                customer_name: text("Ann"),
                customer_email: Patch::Set("Ann@example.com".parse().unwrap()),
                ..none()
            },
            |row| {
                row.customer_name = Some("Ann".to_owned());
                row.customer_email = Some("ann@example.com".parse().unwrap());
            },
            Some(json!({
                "old": {"customer_name": null, "customer_email": null},
                "new": {"customer_name": "Ann", "customer_email": "ann@example.com"},
            })),
        ),
        (
            ConversationPatch { customer_name: Patch::Clear, customer_address: text("1 Main St"), ..none() },
            |row| {
                row.customer_name = None;
                row.customer_address = Some("1 Main St".to_owned());
            },
            Some(json!({
                "old": {"customer_name": "Ann", "customer_address": null},
                "new": {"customer_name": null, "customer_address": "1 Main St"},
            })),
        ),
        (
            ConversationPatch { notes: text("Gate code 12"), ..none() },
            |row| row.notes = Some("Gate code 12".to_owned()),
            Some(json!({
                "old": {"notes": null}, "new": {"notes": "Gate code 12"},
            })),
        ),
        (ConversationPatch { customer_name: Patch::Clear, ..none() }, |_| {}, None),
    ];
    for (patch, change, event) in cases {
        change(&mut row);
        let (at, before) = (scene.tick(), scene.log(row.id));
        if event.is_some() {
            row.updated_at = at;
        }
        let changed = scene.tx_as(scene.staff, |tx| tx.conversations().update(row.id, &patch)).unwrap();
        assert_eq!(changed, row, "{patch:?}");
        let new: Vec<_> =
            scene.log(row.id).split_off(before.len()).into_iter().map(|entry| (entry.event_data, entry.created_by)).collect();
        assert_eq!(new, event.map(|data| (data, Some(scene.staff))).into_iter().collect::<Vec<_>>(), "{patch:?}");
    }
}

#[test]
fn what_breaks_a_rule_names_the_field_and_changes_nothing() {
    let scene = Scene::new();
    let row = scene.conversation();
    let long = "x".repeat(10_001);
    for (field, result) in [
        ("tag", scene.tx(|tx| tx.conversations().add_tag(row.id, " "))),
        ("tag", scene.tx(|tx| tx.conversations().add_tag(row.id, &long))),
        ("tag", scene.tx(|tx| tx.conversations().add_tag(row.id, "urgent\u{200b}"))),
        (
            "notes",
            scene.tx(|tx| {
                let patch = ConversationPatch { notes: Patch::Set(long.clone()), ..ConversationPatch::default() };
                tx.conversations().update(row.id, &patch)
            }),
        ),
        ("assigned_to", scene.tx(|tx| tx.conversations().assign(row.id, Some(UserId::new(uuid::Uuid::now_v7()))))),
    ] {
        assert_eq!(refused(result).0, field);
    }
    let nobody_who_answers = [
        ("must be an active user", UserPatch { is_active: Some(false), ..UserPatch::default() }),
        ("must be a user who can answer: viewers only read", UserPatch { role: Some(UserRole::Viewer), ..UserPatch::default() }),
    ];
    for (rule, patch) in nobody_who_answers {
        let user = scene.business.user(&scene.db.store);
        scene.tx(|tx| tx.users().update(user, &patch)).unwrap();
        let assigned = scene.tx(|tx| tx.conversations().assign(row.id, Some(user)));
        assert_eq!(refused(assigned), ("assigned_to".to_owned(), rule.to_owned()));
    }
    assert_eq!(refused(scene.tx(|tx| tx.conversations().add_note(row.id, &long))).0, "note");
    for n in 0..50 {
        scene.tx(|tx| tx.conversations().add_tag(row.id, &format!("tag {n}"))).unwrap();
    }
    let full = scene.tx(|tx| tx.conversations().add_tag(row.id, "one more"));
    assert_eq!(refused(full), ("tags".to_owned(), "must be at most 50".to_owned()));
}

#[test]
fn every_move_of_the_table_is_made_and_no_other() {
    let scene = Scene::new();
    for from in ConversationStatus::ALL {
        for to in ConversationStatus::ALL {
            let id = scene.conversation().id;
            let way: &[ConversationStatus] = match from {
                ConversationStatus::Active => &[],
                ConversationStatus::Waiting => &[ConversationStatus::Waiting],
                ConversationStatus::Resolved => &[ConversationStatus::Resolved],
                ConversationStatus::Closed => &[ConversationStatus::Closed],
            };
            for step in way {
                scene.tick();
                scene.tx(|tx| tx.conversations().set_status(id, *step)).unwrap();
            }
            let (before, log, at) = (scene.tx(|tx| tx.conversations().get(id)).unwrap(), scene.log(id), scene.tick());
            match scene.tx(|tx| tx.conversations().set_status(id, *to)) {
                Ok(after) => {
                    assert!(from.may_become(*to), "{from} to {to}");
                    let closed_at = (!to.is_open()).then(|| before.closed_at.unwrap_or(at));
                    assert_eq!((after.status, after.closed_at), (*to, closed_at), "when it stopped being open");
                }
                Err(Error::InvalidTransition { entity: "conversation", from: said, to: wanted }) => {
                    assert!(!from.may_become(*to), "{from} to {to}");
                    assert_eq!((said, wanted), (from.label(), to.label()));
                    assert_eq!(
                        (scene.tx(|tx| tx.conversations().get(id)).unwrap(), scene.log(id)),
                        (before, log),
                        "nothing changed"
                    );
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn of_two_ends_at_once_the_log_tells_one_story() {
    let scene = Scene::new();
    for _ in 0..20 {
        let id = scene.conversation().id;
        let barrier = Barrier::new(2);
        let end = |to| {
            barrier.wait();
            scene.tx(|tx| tx.conversations().set_status(id, to)).is_ok()
        };
        let (resolved, closed) = std::thread::scope(|threads| {
            let resolved = threads.spawn(|| end(ConversationStatus::Resolved));
            (end(ConversationStatus::Closed), resolved.join().unwrap())
        });
        // Closing may follow resolving; the other way round is refused.
        let told: Vec<Value> = scene.log(id).into_iter().skip(1).map(|event| event.event_data).collect();
        let closed_first = vec![json!({"old": "active", "new": "closed"})];
        let resolved_first = vec![json!({"old": "active", "new": "resolved"}), json!({"old": "resolved", "new": "closed"})];
        assert!(told == closed_first || told == resolved_first, "{told:?}");
        assert_eq!(usize::from(resolved) + usize::from(closed), told.len());
        assert_eq!(scene.tx(|tx| tx.conversations().get(id)).unwrap().status, ConversationStatus::Closed);
    }
}

#[test]
fn tags_added_at_once_are_all_there() {
    let scene = Scene::new();
    let id = scene.conversation().id;
    std::thread::scope(|threads| {
        for n in 0..8 {
            let scene = &scene;
            threads.spawn(move || scene.tx(|tx| tx.conversations().add_tag(id, &format!("tag {n}"))).unwrap());
        }
    });
    let mut tags = scene.tx(|tx| tx.conversations().get(id)).unwrap().tags;
    tags.sort();
    assert_eq!(tags, (0..8).map(|n| format!("tag {n}")).collect::<Vec<_>>());
    assert_eq!(scene.log(id).len(), 9, "opened, and eight tags");
}

#[test]
fn conversations_are_filtered() {
    let scene = Scene::new();
    let (first, second) = (scene.conversation(), {
        scene.clock.advance(TimeDelta::hours(1));
        scene.conversation()
    });
    scene.tick();
    scene.tx(|tx| tx.conversations().add_tag(first.id, "leak")).unwrap();
    scene.tx(|tx| tx.conversations().set_priority(second.id, ConversationPriority::High)).unwrap();
    scene.tx(|tx| tx.conversations().assign(second.id, Some(scene.staff))).unwrap();
    scene.tx(|tx| tx.conversations().resolve(first.id)).unwrap();
    scene.db.execute(&format!("UPDATE conversations SET review_requested_at = created_at WHERE id = '{}'", second.id));
    let all = ConversationFilter::default;
    let hour = Some(noon() + TimeDelta::hours(1));
    for (filter, expected) in [
        (all(), vec![second.id, first.id]),
        (ConversationFilter { status: Some(ConversationStatus::Resolved), ..all() }, vec![first.id]),
        (ConversationFilter { open: Some(true), ..all() }, vec![second.id]),
        (ConversationFilter { open: Some(false), ..all() }, vec![first.id]),
        (ConversationFilter { priority: Some(ConversationPriority::High), ..all() }, vec![second.id]),
        (ConversationFilter { channel: Some(first.channel), ..all() }, vec![second.id, first.id]),
        (ConversationFilter { assigned_to: Some(Assignee::User(scene.staff)), ..all() }, vec![second.id]),
        (ConversationFilter { assigned_to: Some(Assignee::Nobody), ..all() }, vec![first.id]),
        (ConversationFilter { customer: Some(first.customer_phone.clone()), ..all() }, vec![first.id]),
        (ConversationFilter { tag: Some("leak".to_owned()), ..all() }, vec![first.id]),
        (ConversationFilter { in_review: Some(true), ..all() }, vec![second.id]),
        (ConversationFilter { in_review: Some(false), ..all() }, vec![first.id]),
        (ConversationFilter { from: hour, ..all() }, vec![second.id]),
        (ConversationFilter { until: hour, ..all() }, vec![first.id]),
    ] {
        let listed: Vec<_> =
            all_pages(1, |page| scene.tx(|tx| tx.conversations().list(&filter, page))).iter().map(|row| row.id).collect();
        assert_eq!(listed, expected, "{filter:?}");
        assert_eq!(scene.tx(|tx| tx.conversations().count(&filter)).unwrap(), i64::try_from(expected.len()).unwrap());
    }
}

#[test]
fn the_inbox_has_the_open_ones_the_last_touched_first() {
    let scene = Scene::new();
    let made = [scene.conversation(), scene.conversation(), scene.conversation()].map(|row| row.id);
    for (n, tag) in [(2, "a"), (0, "b"), (1, "c")] {
        scene.tick();
        scene.tx(|tx| tx.conversations().add_tag(made[n], tag)).unwrap();
    }
    let all = ConversationFilter::default();
    let inbox = || {
        let rows = all_pages(1, |page| scene.tx(|tx| tx.conversations().list_open(&all, page)));
        rows.iter().map(|row| row.conversation.id).collect::<Vec<_>>()
    };
    assert_eq!(inbox(), [made[1], made[0], made[2]]);
    scene.tick();
    scene.tx(|tx| tx.conversations().resolve(made[0])).unwrap();
    assert_eq!(inbox(), [made[1], made[2]]);
}

#[test]
fn tag_in_either_composition_is_one_tag() {
    let scene = Scene::new();
    let row = scene.conversation();
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    for tag in [decomposed, composed] {
        assert_eq!(scene.tx(|tx| tx.conversations().add_tag(row.id, tag)).unwrap().tags, [composed]);
    }
    let with_tag = ConversationFilter { tag: Some(decomposed.to_owned()), ..ConversationFilter::default() };
    assert_eq!(scene.tx(|tx| tx.conversations().count(&with_tag)).unwrap(), 1);
    assert_eq!(scene.tx(|tx| tx.conversations().list(&with_tag, PageRequest::first())).unwrap().items.len(), 1);
    assert_eq!(scene.tx(|tx| tx.conversations().list_open(&with_tag, PageRequest::first())).unwrap().items.len(), 1);
    assert!(scene.tx(|tx| tx.conversations().remove_tag(row.id, decomposed)).unwrap().tags.is_empty());
}

#[test]
fn inbox_page_is_one_statement_with_each_last_text() {
    let scene = Scene::new();
    let (texted, quiet) = (scene.conversation(), scene.conversation());
    for body in ["We come at nine", "At ten, sorry"] {
        scene.tick();
        let new = scene.business.words(texted.id, body);
        scene.tx(|tx| tx.messages().queue(&new)).unwrap();
    }
    let all = ConversationFilter::default();
    for (limit, rows) in [(1, 1), (50, 2)] {
        let page = PageRequest::new(limit, None).unwrap();
        let trips = scene.db.round_trips(|store| {
            for open in [true, false] {
                let list = |tx: &mut TenantTx<'_>| match open {
                    true => tx.conversations().list_open(&all, page),
                    false => tx.conversations().list_with_last_text(&all, page),
                };
                assert_eq!(store.tenant(&scene.business.tenant, list).unwrap().items.len(), rows);
            }
        });
        let read: Vec<&str> = trips.iter().map(|sent| sent.sql.as_str()).filter(|sql| sql.contains("FROM")).collect();
        assert!(read.len() == 2 && read.iter().all(|sql| sql.contains("LATERAL")), "{read:#?}");
    }
    let pages = [true, false].map(|open| {
        all_pages(1, |page| {
            scene.tx(|tx| match open {
                true => tx.conversations().list_open(&all, page),
                false => tx.conversations().list_with_last_text(&all, page),
            })
        })
    });
    for rows in pages {
        let of = |id| rows.iter().find(|row| row.conversation.id == id).unwrap();
        let last = of(texted.id).last_text.as_ref().unwrap();
        assert_eq!((last.message_body.as_str(), last.message_direction), ("At ten, sorry", MessageDirection::Outbound));
        assert_eq!((of(texted.id).total_messages, of(quiet.id).total_messages), (2, 0));
        assert_eq!(of(quiet.id).last_text, None);
        assert_eq!(scene.tx(|tx| tx.conversations().get_with_last_text(texted.id)).unwrap(), *of(texted.id));
    }
    let closed = ConversationFilter { open: Some(false), ..all };
    let error = scene.tx(|tx| tx.conversations().list_open(&closed, PageRequest::first())).map(drop);
    assert_eq!(refused(error).0, "sort");
}

#[test]
fn a_reopened_matter_goes_on_in_a_new_conversation() {
    let scene = Scene::new();
    let id = scene.conversation().id;
    let reopen = || scene.tx_as(scene.staff, |tx| tx.conversations().reopen(id));
    assert_eq!(refused(reopen()), ("conversation".to_owned(), "is open".to_owned()));
    let set = |text: &str| Patch::Set(text.to_owned());
    let patch = ConversationPatch {
        subject: set("A leak"),
        customer_name: set("Ann"),
        customer_email: Patch::Set("ann@example.com".parse().unwrap()),
        customer_address: set("1 Main Street"),
        notes: set("The key is at the neighbour's"),
    };
    let before = scene
        .tx(|tx| {
            tx.conversations().update(id, &patch)?;
            tx.conversations().set_priority(id, ConversationPriority::Urgent)?;
            tx.conversations().add_tag(id, "leak")?;
            tx.conversations().assign(id, Some(scene.staff))?;
            tx.conversations().resolve(id)
        })
        .unwrap();
    scene.tick();
    let next = reopen().unwrap();
    assert_eq!(
        (&next.customer_phone, &next.customer_name, &next.tags, next.assigned_to, next.status, next.total_calls),
        (&before.customer_phone, &before.customer_name, &before.tags, before.assigned_to, ConversationStatus::Active, 0)
    );
    assert_eq!(
        (&next.subject, &next.customer_email, &next.customer_address, &next.notes, next.priority),
        (&before.subject, &before.customer_email, &before.customer_address, &before.notes, before.priority)
    );
    let log = scene.log(next.id);
    assert_eq!((log.len(), log[0].event_type, log[0].created_by), (1, ConversationEventType::Opened, Some(scene.staff)));
    assert_eq!(log[0].event_data["after"], json!(id));
    assert_eq!(scene.tx(|tx| tx.conversations().get(id)).unwrap(), before);
    assert_eq!(refused(reopen()).0, "customer_phone");
}

#[test]
fn what_the_customer_does_is_unread_until_each_user_reads_it() {
    let scene = Scene::new();
    let (ann, bob) = (scene.staff, scene.business.user(&scene.db.store));
    let caller = unique_phone();
    let write = |body: &str| {
        scene.tick();
        let form = SmsForm::text(caller.as_str(), &scene.business.number, body);
        receive_text(&scene.db.store, &form.parse()).unwrap().conversation
    };
    let call = VoiceForm::missed(caller.as_str(), &scene.business.number, &unique_sid("CA")).parse();
    let id = record_voice_status(&scene.db.store, &call).unwrap().conversation.unwrap();
    scene.conversation();
    let unread = |user| scene.tx_as(user, |tx| tx.conversations().get_with_last_text(id)).unwrap().unread;
    let listed = |filter: &ConversationFilter| {
        let page = scene.tx_as(ann, |tx| tx.conversations().list_with_last_text(filter, PageRequest::first())).unwrap();
        let count = scene.tx(|tx| tx.conversations().count(filter)).unwrap();
        assert_eq!(i64::try_from(page.items.len()).unwrap(), count);
        page.items.iter().any(|row| row.conversation.id == id)
    };
    let by = |user: UserId| {
        let unread = ConversationFilter { unread_by: Some(user), ..ConversationFilter::default() };
        let read = ConversationFilter { read_by: Some(user), ..ConversationFilter::default() };
        (listed(&unread), listed(&read))
    };
    let mark = |user| {
        scene.tick();
        let before = scene.tx(|tx| tx.conversations().get(id)).unwrap();
        scene.tx_as(user, |tx| tx.conversation_reads().mark(id)).unwrap();
        assert_eq!(scene.tx(|tx| tx.conversations().get(id)).unwrap(), before, "to have read is no change");
    };
    assert_eq!((unread(ann), unread(bob), by(ann)), (Some(1), Some(1), (true, false)));
    write("The sink leaks");
    mark(ann);
    mark(ann);
    assert_eq!((unread(ann), unread(bob), by(ann), by(bob)), (Some(0), Some(2), (false, true), (true, false)));
    // What staff do is nothing to read.
    scene.tick();
    scene.tx_as(bob, |tx| tx.conversations().add_note(id, "will call")).unwrap();
    assert_eq!(unread(ann), Some(0));
    // A text that was handed over late stands before the mark, and is new all the same.
    scene.tick();
    let mut late = SmsForm::text(caller.as_str(), &scene.business.number, "Are you there?").parse();
    late.text.at = Some(noon());
    receive_text(&scene.db.store, &late).unwrap();
    assert_eq!((unread(ann), unread(bob), by(ann)), (Some(1), Some(3), (true, false)));
    mark(ann);
    assert_eq!((unread(ann), unread(bob)), (Some(0), Some(3)), "a mark moves on");
    assert_eq!(scene.tx(|tx| tx.conversations().get_with_last_text(id)).unwrap().unread, None, "nobody reads");
    scene.tx(|tx| tx.conversations().resolve(id)).unwrap();
    assert_eq!((unread(bob), by(bob)), (Some(0), (false, true)), "what is finished is read");
    let nobody = scene.tx(|tx| tx.conversation_reads().mark(id));
    assert!(matches!(nobody, Err(Error::Forbidden(_))), "{nobody:?}");
}

#[test]
fn tags_are_found_whichever_way_they_were_written() {
    let scene = Scene::new();
    let (first, second) = (scene.conversation().id, scene.conversation().id);
    let rows = || -> Vec<String> {
        scene.db.query("SELECT conversation_id || ' ' || tag AS row FROM conversation_tags ORDER BY conversation_id, tag")
    };
    scene.tx(|tx| tx.conversations().add_tag(first, "leak")).unwrap();
    scene.tx(|tx| tx.conversations().add_tag(first, "vip")).unwrap();
    scene.tx(|tx| tx.conversations().add_tag(second, "leak")).unwrap();
    scene.tx(|tx| tx.conversations().remove_tag(first, "leak")).unwrap();
    assert_eq!(rows(), [format!("{first} vip"), format!("{second} leak")]);
    // By hand, and twice in one array.
    scene.db.execute(&format!("UPDATE conversations SET tags = '{{leak,tub,tub}}' WHERE id = '{first}'"));
    assert_eq!(rows(), [format!("{first} leak"), format!("{first} tub"), format!("{second} leak")]);
    let leak = ConversationFilter { tag: Some("leak".to_owned()), ..ConversationFilter::default() };
    assert_eq!(scene.tx(|tx| tx.conversations().count(&leak)).unwrap(), 2);
    // Each has the instant of its conversation.
    scene.db.execute(&format!("UPDATE conversations SET created_at = created_at - interval '1 day' WHERE id = '{first}'"));
    let at = "SELECT count(DISTINCT t.created_at) || ' ' || count(*) FROM conversation_tags AS t JOIN conversations AS c
        ON c.id = t.conversation_id AND c.created_at = t.created_at";
    assert_eq!(scene.db.query::<String>(at), ["2 3"]);
    scene.tick();
    scene.tx(|tx| tx.conversations().resolve(second)).unwrap();
    let next = scene.tx(|tx| tx.conversations().reopen(second)).unwrap().id;
    assert!(rows().contains(&format!("{next} leak")));
    scene.db.execute(&format!(
        "DELETE FROM conversation_events WHERE conversation_id = '{next}'; DELETE FROM conversations WHERE id = '{next}'"
    ));
    assert!(!rows().contains(&format!("{next} leak")));
}
