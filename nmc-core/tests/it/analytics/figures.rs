//! Calls and conversations as the reports see them.

use crate::support::{Scene, all_pages, dec, refused};
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::analytics::{
    CallAnalytics, CallAnalyticsFilter, CallAnalyticsPatch, ConversationAnalytics, ConversationAnalyticsFilter,
    ConversationAnalyticsPatch, NewCallAnalytics, NewConversationAnalytics,
};
use nmc_core::calls::{Call, NewCall};
use nmc_core::testing::{noon, unique_phone, unique_sid};
use nmc_core::{
    CallAnalyticsStatus, CallDirection, CallId, CallOutcome, CallStatus, CallType, CallerIdentity, ConversationId,
    ConversionStatus, Error, Patch, ResolutionStatus,
};
use serde_json::json;

impl Scene {
    fn ended_call(&self, minutes: i64, outcome: Option<CallOutcome>) -> Call {
        let caller = unique_phone();
        let new = NewCall {
            call_status: CallStatus::Completed,
            outcome,
            conversation_id: Some(self.business.conversation_with(&self.db.store, &caller)),
            started_at: Some(noon() + TimeDelta::minutes(minutes)),
            duration_seconds: Some(61),
            ..NewCall::begun(
                CallDirection::Inbound,
                CallerIdentity::Phone(caller),
                CallerIdentity::Phone(self.business.number.clone()),
                unique_sid("CA"),
            )
        };
        self.tx(|tx| tx.calls().create(&new)).unwrap()
    }
}

fn full(call: &Call) -> NewCallAnalytics {
    NewCallAnalytics {
        ai_takeover_count: 2,
        customer_satisfaction: Some(dec!(4.5)),
        conversion_status: Some(ConversionStatus::Qualified),
        revenue_impact: Some(dec!(-20)),
        cost_per_call: Some(dec!(0.05)),
        tags: Some("vip".to_owned()),
        metadata: json!({"model": 1}),
        ..NewCallAnalytics::of(call)
    }
}

#[test]
fn a_call_tells_its_own_figures() {
    let scene = Scene::new();
    for (outcome, status) in [
        (Some(CallOutcome::Answered), CallAnalyticsStatus::Answered),
        (Some(CallOutcome::Missed), CallAnalyticsStatus::Missed),
        (Some(CallOutcome::Voicemail), CallAnalyticsStatus::Voicemail),
        (Some(CallOutcome::Abandoned), CallAnalyticsStatus::Abandoned),
        (Some(CallOutcome::Blocked), CallAnalyticsStatus::Blocked),
        (Some(CallOutcome::Failed), CallAnalyticsStatus::Failed),
        (None, CallAnalyticsStatus::Completed),
    ] {
        let call = scene.ended_call(3, outcome);
        let row = scene.tx(|tx| tx.call_analytics().upsert_by_call(&NewCallAnalytics::of(&call))).unwrap();
        assert_eq!((row.call_id, row.conversation_id), (Some(call.id), call.conversation_id));
        assert_eq!((row.phone_number.as_ref(), row.call_type), (call.caller_phone.phone(), Some(CallType::Voice)));
        assert_eq!((row.call_status, row.call_duration), (Some(status), Some(61)));
        assert_eq!((row.call_date, row.processed_at), (noon() + TimeDelta::minutes(3), noon()));
    }
}

#[test]
fn recomputing_a_call_keeps_what_people_added() {
    let scene = Scene::new();
    let call = scene.ended_call(0, Some(CallOutcome::Missed));
    let first = scene.tx(|tx| tx.call_analytics().upsert_by_call(&full(&call))).unwrap();
    let bare = NewCallAnalytics { call_duration: Some(99), ..NewCallAnalytics::of(&call) };
    for again in [false, true] {
        let now = scene.tick();
        let expected =
            // A cost is computed, not told.
            CallAnalytics {
                call_duration: Some(99),
                ai_takeover_count: 0,
                cost_per_call: None,
                processed_at: now,
                updated_at: now,
                ..first.clone()
            };
        let row = if again {
            assert_eq!(
                scene.tx(|tx| tx.call_analytics().upsert_many(&[full(&call), bare.clone()])).unwrap(),
                1,
                "the last counts"
            );
            scene.tx(|tx| tx.call_analytics().find_by_call(call.id)).unwrap().unwrap()
        } else {
            scene.tx(|tx| tx.call_analytics().upsert_by_call(&bare)).unwrap()
        };
        assert_eq!(row, expected);
    }
    let taken = scene.tx(|tx| tx.call_analytics().create(&full(&call)));
    assert_eq!(refused(taken), ("call_id".to_owned(), "already has its analytics".to_owned()));
}

#[test]
fn thousands_of_calls_are_computed_in_a_few_statements() {
    let scene = Scene::new();
    let calls: Vec<NewCall> = (0..6_001)
        .map(|_| {
            let [caller, called] = [unique_phone(), scene.business.number.clone()].map(CallerIdentity::Phone);
            NewCall {
                call_status: CallStatus::NoAnswer,
                ..NewCall::begun(CallDirection::Inbound, caller, called, unique_sid("CA"))
            }
        })
        .collect();
    let (store, tenant) = (&scene.db.store, &scene.business.tenant);
    let mut reports = Vec::new();
    let loaded = store.load(tenant, calls.clone(), |tx, batch| tx.calls().import(batch), |so_far| reports.push(so_far)).unwrap();
    assert_eq!((loaded.taken, loaded.written, reports.len()), (6_001, 6_001, 2));
    let again = store.load(tenant, calls, |tx, batch| tx.calls().import(batch), |_| {}).unwrap();
    assert_eq!((again.taken, again.written), (6_001, 0), "an import that is run again adds nothing");
    let recorded = all_pages(200, |page| scene.tx(|tx| tx.calls().list(&nmc_core::calls::CallFilter::default(), page)));
    let figures = || recorded.iter().map(NewCallAnalytics::of);
    let loaded = store.load(tenant, figures(), |tx, batch| tx.call_analytics().upsert_many(batch), |_| {}).unwrap();
    assert_eq!((loaded.taken, loaded.written), (6_001, 6_001));
    assert_eq!(scene.tx(|tx| tx.call_analytics().count(&CallAnalyticsFilter::default())).unwrap(), 6_001);
}

#[test]
fn call_figures_are_filtered_and_patched_field_by_field() {
    let scene = Scene::new();
    let calls = [
        scene.ended_call(0, Some(CallOutcome::Missed)),
        scene.ended_call(1, None),
        scene.ended_call(2, Some(CallOutcome::Missed)),
    ];
    let rows = [full(&calls[0]), NewCallAnalytics::of(&calls[1]), NewCallAnalytics::of(&calls[2])]
        .map(|new| scene.tx(|tx| tx.call_analytics().create(&new)).unwrap());
    let all = CallAnalyticsFilter::default;
    let at = |minutes| Some(noon() + TimeDelta::minutes(minutes));
    for (filter, expected) in [
        (all(), vec![2, 1, 0]),
        (CallAnalyticsFilter { call_status: Some(CallAnalyticsStatus::Missed), ..all() }, vec![2, 0]),
        (CallAnalyticsFilter { conversion_status: Some(ConversionStatus::Qualified), ..all() }, vec![0]),
        (CallAnalyticsFilter { conversation: calls[1].conversation_id, ..all() }, vec![1]),
        (CallAnalyticsFilter { call: Some(calls[1].id), ..all() }, vec![1]),
        (CallAnalyticsFilter { phone_number: calls[2].caller_phone.phone().cloned(), ..all() }, vec![2]),
        (CallAnalyticsFilter { from: at(1), until: at(2), ..all() }, vec![1]),
    ] {
        let listed: Vec<_> =
            all_pages(2, |page| scene.tx(|tx| tx.call_analytics().list(&filter, page))).iter().map(|row| row.id).collect();
        assert_eq!(listed, expected.iter().map(|n| rows[*n].id).collect::<Vec<_>>(), "{filter:?}");
        assert_eq!(scene.tx(|tx| tx.call_analytics().count(&filter)).unwrap(), i64::try_from(expected.len()).unwrap());
    }

    let mut row = rows[0].clone();
    let none = CallAnalyticsPatch::default;
    type Change = fn(&mut CallAnalytics);
    let cases: Vec<(CallAnalyticsPatch, Change)> = vec![
        (none(), |_| {}),
        (CallAnalyticsPatch { customer_satisfaction: Patch::Set(dec!(2)), ..none() }, |row| {
            row.customer_satisfaction = Some(dec!(2))
        }),
        (CallAnalyticsPatch { customer_satisfaction: Patch::Clear, ..none() }, |row| row.customer_satisfaction = None),
        (CallAnalyticsPatch { conversion_status: Patch::Set(ConversionStatus::Converted), ..none() }, |row| {
            row.conversion_status = Some(ConversionStatus::Converted);
        }),
        (CallAnalyticsPatch { revenue_impact: Patch::Set(dec!(150.5)), ..none() }, |row| row.revenue_impact = Some(dec!(150.50))),
        (CallAnalyticsPatch { tags: Patch::Set(" new ".to_owned()), ..none() }, |row| row.tags = Some("new".to_owned())),
        (CallAnalyticsPatch { metadata: Some(json!({"b": 2})), ..none() }, |row| row.metadata = json!({"b": 2})),
    ];
    for (patch, change) in cases {
        change(&mut row);
        row.updated_at = scene.tick();
        assert_eq!(
            scene.tx(|tx| tx.call_analytics().update(row.id, &patch)).unwrap(),
            row,
            "{patch:?} changes that and nothing else"
        );
    }
    scene.tx(|tx| tx.call_analytics().delete(row.id)).unwrap();
    assert!(matches!(scene.tx(|tx| tx.call_analytics().update(row.id, &none())), Err(Error::NotFound { .. })));
}

#[test]
fn call_figures_that_break_a_rule_name_the_field() {
    let scene = Scene::new();
    let call = scene.ended_call(0, None);
    let good = full(&call);
    let nowhere = uuid::Uuid::now_v7();
    for (bad, field, rule) in [
        (NewCallAnalytics { call_duration: Some(-1), ..good.clone() }, "call_duration", "must be at least 0"),
        (NewCallAnalytics { ai_takeover_count: -1, ..good.clone() }, "ai_takeover_count", "must be at least 0"),
        (
            NewCallAnalytics { customer_satisfaction: Some(dec!(0.99)), ..good.clone() },
            "customer_satisfaction",
            "must be between 1 and 5",
        ),
        (
            NewCallAnalytics { customer_satisfaction: Some(dec!(10)), ..good.clone() },
            "customer_satisfaction",
            "must be between -10 and 10",
        ),
        (
            NewCallAnalytics { revenue_impact: Some(dec!(100_000_000)), ..good.clone() },
            "revenue_impact",
            "must be between -100000000 and 100000000",
        ),
        (NewCallAnalytics { cost_per_call: Some(dec!(-1)), ..good.clone() }, "cost_per_call", "must be at least 0"),
        (NewCallAnalytics { tags: Some("x".repeat(1_001)), ..good.clone() }, "tags", "must be at most 1000 characters"),
        (NewCallAnalytics { metadata: json!(7), ..good.clone() }, "metadata", "must be an object"),
        (NewCallAnalytics { call_id: Some(CallId::new(nowhere)), ..good.clone() }, "call_id", "must be an existing call"),
        (
            NewCallAnalytics { conversation_id: Some(ConversationId::new(nowhere)), ..good.clone() },
            "conversation_id",
            "must be an existing conversation",
        ),
    ] {
        assert_eq!(refused(scene.tx(|tx| tx.call_analytics().create(&bad))), (field.to_owned(), rule.to_owned()));
    }
    let keyless = [good.clone(), NewCallAnalytics { call_id: None, ..good }];
    assert_eq!(refused(scene.tx(|tx| tx.call_analytics().upsert_many(&keyless))).0, "rows[1].call_id");
    assert_eq!(refused(scene.tx(|tx| tx.call_analytics().upsert_by_call(&keyless[1]))).0, "call_id");
    assert_eq!(scene.tx(|tx| tx.call_analytics().count(&CallAnalyticsFilter::default())).unwrap(), 0, "nothing half-written");
}

fn counted(conversation: ConversationId, call: CallId, at: DateTime<Utc>) -> NewConversationAnalytics {
    NewConversationAnalytics {
        call_id: Some(call),
        message_count: 5,
        ai_message_count: 2,
        human_message_count: 3,
        conversation_duration: Some(600),
        sentiment_score: Some(dec!(-0.25)),
        intent_detection: json!({"quote": 0.9}),
        resolution_status: Some(ResolutionStatus::Resolved),
        escalation_count: 1,
        satisfaction_rating: Some(dec!(5)),
        ..NewConversationAnalytics::begun(conversation, at)
    }
}

#[test]
fn a_conversation_is_recomputed_in_place_filtered_and_patched() {
    let scene = Scene::new();
    let calls = [scene.ended_call(0, None), scene.ended_call(1, None)];
    let [first, second] = [0, 1].map(|n| {
        let new = counted(calls[n].conversation_id.unwrap(), calls[n].id, noon() + TimeDelta::minutes(i64::try_from(n).unwrap()));
        scene.tx(|tx| tx.conversation_analytics().create(&new)).unwrap()
    });
    let taken = scene.tx(|tx| tx.conversation_analytics().create(&counted(first.conversation_id, calls[0].id, noon())));
    assert_eq!(refused(taken), ("conversation_id".to_owned(), "already has its analytics".to_owned()));

    scene.clock.advance(TimeDelta::hours(1));
    let now = noon() + TimeDelta::hours(1);
    let bare = NewConversationAnalytics::begun(second.conversation_id, second.conversation_date);
    let recomputed = scene.tx(|tx| tx.conversation_analytics().upsert_by_conversation(&bare)).unwrap();
    let expected = ConversationAnalytics {
        call_id: None,
        message_count: 0,
        ai_message_count: 0,
        human_message_count: 0,
        conversation_duration: None,
        escalation_count: 0,
        processed_at: now,
        updated_at: now,
        ..second
    };
    assert_eq!(recomputed, expected, "what the last computation counted, and what it was silent on as it was");
    assert_eq!(scene.tx(|tx| tx.conversation_analytics().find_by_conversation(second.conversation_id)).unwrap(), Some(expected));

    let all = ConversationAnalyticsFilter::default;
    for (filter, expected) in [
        (all(), vec![second.id, first.id]),
        (ConversationAnalyticsFilter { resolution_status: Some(ResolutionStatus::Resolved), ..all() }, vec![second.id, first.id]),
        (ConversationAnalyticsFilter { resolution_status: Some(ResolutionStatus::Abandoned), ..all() }, vec![]),
        (ConversationAnalyticsFilter { call: Some(calls[0].id), ..all() }, vec![first.id]),
        (ConversationAnalyticsFilter { conversation: Some(second.conversation_id), ..all() }, vec![second.id]),
        (ConversationAnalyticsFilter { from: Some(noon() + TimeDelta::minutes(1)), ..all() }, vec![second.id]),
        (ConversationAnalyticsFilter { until: Some(noon() + TimeDelta::minutes(1)), ..all() }, vec![first.id]),
    ] {
        let list = |page| scene.tx(|tx| tx.conversation_analytics().list(&filter, page));
        assert_eq!(all_pages(1, list).iter().map(|row| row.id).collect::<Vec<_>>(), expected, "{filter:?}");
        assert_eq!(scene.tx(|tx| tx.conversation_analytics().count(&filter)).unwrap(), i64::try_from(expected.len()).unwrap());
    }

    let mut row = ConversationAnalytics { updated_at: now, ..first };
    let none = ConversationAnalyticsPatch::default;
    type Change = fn(&mut ConversationAnalytics);
    let cases: Vec<(ConversationAnalyticsPatch, Change)> = vec![
        (none(), |_| {}),
        (ConversationAnalyticsPatch { sentiment_score: Patch::Set(dec!(1)), ..none() }, |row| {
            row.sentiment_score = Some(dec!(1))
        }),
        (ConversationAnalyticsPatch { intent_detection: Some(json!({})), ..none() }, |row| row.intent_detection = json!({})),
        (ConversationAnalyticsPatch { resolution_status: Patch::Clear, ..none() }, |row| row.resolution_status = None),
        (ConversationAnalyticsPatch { satisfaction_rating: Patch::Set(dec!(1)), ..none() }, |row| {
            row.satisfaction_rating = Some(dec!(1))
        }),
    ];
    for (patch, change) in cases {
        change(&mut row);
        row.updated_at = scene.tick();
        assert_eq!(scene.tx(|tx| tx.conversation_analytics().update(row.id, &patch)).unwrap(), row, "{patch:?}");
    }
    scene.tx(|tx| tx.conversation_analytics().delete(row.id)).unwrap();
    assert!(matches!(scene.tx(|tx| tx.conversation_analytics().get(row.id)), Err(Error::NotFound { .. })));
}

#[test]
fn conversation_figures_that_break_a_rule_name_the_field() {
    let scene = Scene::new();
    let call = scene.ended_call(0, None);
    let good = counted(call.conversation_id.unwrap(), call.id, noon());
    let nowhere = uuid::Uuid::now_v7();
    for (bad, field, rule) in [
        (NewConversationAnalytics { message_count: -1, ..good.clone() }, "message_count", "must be at least 0"),
        (NewConversationAnalytics { ai_message_count: -1, ..good.clone() }, "ai_message_count", "must be at least 0"),
        (NewConversationAnalytics { human_message_count: -1, ..good.clone() }, "human_message_count", "must be at least 0"),
        (
            NewConversationAnalytics { conversation_duration: Some(-1), ..good.clone() },
            "conversation_duration",
            "must be at least 0",
        ),
        (NewConversationAnalytics { escalation_count: -1, ..good.clone() }, "escalation_count", "must be at least 0"),
        (
            NewConversationAnalytics { sentiment_score: Some(dec!(1.01)), ..good.clone() },
            "sentiment_score",
            "must be between -1 and 1",
        ),
        (
            NewConversationAnalytics { satisfaction_rating: Some(dec!(5.01)), ..good.clone() },
            "satisfaction_rating",
            "must be between 1 and 5",
        ),
        (NewConversationAnalytics { intent_detection: json!([]), ..good.clone() }, "intent_detection", "must be an object"),
        (NewConversationAnalytics { call_id: Some(CallId::new(nowhere)), ..good.clone() }, "call_id", "must be an existing call"),
        (
            NewConversationAnalytics { conversation_id: ConversationId::new(nowhere), ..good },
            "conversation_id",
            "must be an existing conversation",
        ),
    ] {
        assert_eq!(refused(scene.tx(|tx| tx.conversation_analytics().create(&bad))), (field.to_owned(), rule.to_owned()));
        assert_eq!(
            refused(scene.tx(|tx| tx.conversation_analytics().upsert_by_conversation(&bad))),
            (field.to_owned(), rule.to_owned())
        );
    }
}
