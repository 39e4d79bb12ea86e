//! Whether and when the caller of a missed call is texted, and what the log says where they are not.

use crate::support::Scene;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::conversations::{ConversationEventFilter, MessageFilter, NewConsent, NotTexted};
use nmc_core::tenants::BusinessSettingsPatch;
use nmc_core::testing::{SmsForm, VoiceForm, noon, unique_phone, unique_sid};
use nmc_core::workflows::receive_text;
use nmc_core::workflows::{Recorded, record_voice_status};
use nmc_core::{
    Clock as _, ConsentAction, ConsentSource, ConversationEventType, ConversationStatus, MessageKind, MessageStatus,
    NumberStatus, PageRequest, PhoneNumber,
};

const CALLER: &str = "+14155550123";

impl Scene {
    fn form(&self, caller: &str) -> VoiceForm {
        VoiceForm::missed(caller, &self.business.number, &unique_sid("CA"))
    }

    fn record(&self, form: &VoiceForm) -> Recorded {
        record_voice_status(&self.db.store, &form.parse()).unwrap()
    }

    /// A new call of this caller, which rings out.
    fn missed(&self, caller: &str) -> Recorded {
        self.record(&self.form(caller))
    }

    /// Why a new call of this caller is not answered with a text; `None` when it is.
    #[track_caller]
    fn refusal(&self, caller: &str) -> Option<NotTexted> {
        let recorded = self.missed(caller);
        assert_ne!(recorded.greeting.is_some(), recorded.not_texted.is_some(), "{recorded:?}");
        assert_eq!(self.reasons(&recorded), recorded.not_texted.into_iter().collect::<Vec<_>>());
        recorded.not_texted
    }

    /// What the log says of a call about texts that were not sent.
    fn reasons(&self, recorded: &Recorded) -> Vec<NotTexted> {
        let filter = ConversationEventFilter {
            call: Some(recorded.call),
            event_type: Some(ConversationEventType::NotTexted),
            ..ConversationEventFilter::default()
        };
        let log = self.tx(|tx| tx.conversation_events().list(&filter, PageRequest::first())).unwrap();
        log.items.iter().map(|event| event.event_data["reason"].as_str().unwrap().parse().unwrap()).collect()
    }

    fn set(&self, patch: &BusinessSettingsPatch) {
        self.tx(|tx| tx.business_settings().update(patch)).unwrap();
    }

    fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// What came of all texts of ours so far.
    fn all_texts(&self, status: &str, code: Option<i32>) {
        let code = code.map_or("NULL".to_owned(), |code| code.to_string());
        self.db.execute(&format!(
            "UPDATE messages SET message_status = '{status}', error_code = {code}, next_attempt_at = NULL
             WHERE message_direction = 'outbound'"
        ));
    }

    fn due(&self, recorded: &Recorded) -> DateTime<Utc> {
        self.business.message(&self.db.store, recorded.greeting.expect("a greeting")).next_attempt_at.unwrap()
    }
}

fn none() -> BusinessSettingsPatch {
    BusinessSettingsPatch::default()
}

// ------------------------------------------------------------------------------------------------- how often

#[test]
fn one_greeting_in_a_day() {
    let scene = Scene::new();
    let first = scene.missed(CALLER);
    assert!(first.greeting.is_some());
    scene.all_texts("delivered", None);
    scene.advance(TimeDelta::hours(24) - TimeDelta::microseconds(1));
    assert_eq!(scene.refusal(CALLER), Some(NotTexted::Cooldown), "a moment too early");
    scene.advance(TimeDelta::microseconds(1));
    let second = scene.missed(CALLER);
    assert!(second.greeting.is_some(), "a day after the first");
    assert_eq!(second.conversation, first.conversation, "which is open all the time");
    // The window is a person's: somebody else is greeted meanwhile.
    assert_eq!(scene.refusal("+14155550124"), None);
}

#[test]
fn a_caller_who_returns_is_texted_though_it_is_open() {
    let scene = Scene::new();
    let first = scene.missed(CALLER);
    for wait in [TimeDelta::hours(30), TimeDelta::days(200)] {
        scene.all_texts("delivered", None);
        scene.advance(wait);
        let again = scene.missed(CALLER);
        assert!(again.greeting.is_some(), "after {wait}");
        assert_eq!(again.conversation, first.conversation);
    }
    let open = scene.tx(|tx| tx.conversations().get(first.conversation.unwrap())).unwrap();
    assert_eq!((open.status, open.total_calls), (ConversationStatus::Active, 3));
}

#[test]
fn the_window_is_what_the_business_wants() {
    let scene = Scene::new();
    let set = |hours| scene.set(&BusinessSettingsPatch { greeting_cooldown_hours: Some(hours), ..none() });
    let greets_after = |wait: TimeDelta| {
        scene.all_texts("delivered", None);
        scene.advance(wait);
        scene.refusal(CALLER).is_none()
    };
    set(2);
    assert!(greets_after(TimeDelta::zero()));
    assert!(!greets_after(TimeDelta::minutes(119)));
    assert!(greets_after(TimeDelta::minutes(1)));
    set(48);
    assert!(!greets_after(TimeDelta::hours(47)));
    assert!(greets_after(TimeDelta::hours(1)));
}

/// An attempt that came to nothing counts as an attempt, and not as the text that said how to stop.
#[test]
fn a_greeting_that_failed_holds_up_the_next() {
    for status in ["undelivered", "failed"] {
        let scene = Scene::new();
        scene.missed(CALLER);
        scene.all_texts(status, Some(30_008));
        assert_eq!(scene.refusal(CALLER), Some(NotTexted::Cooldown), "{status}");
        scene.advance(TimeDelta::hours(24));
        let next = scene.missed(CALLER).greeting.unwrap();
        assert!(scene.business.message(&scene.db.store, next).message_body.ends_with("Reply STOP to opt out."));
    }
}

#[test]
fn a_greeting_called_off_in_time_does_not_count() {
    let scene = Scene::new();
    scene.missed(CALLER);
    scene.all_texts("canceled", None);
    assert_eq!(scene.refusal(CALLER), None);
}

#[test]
fn a_call_whose_greeting_failed_gets_no_other() {
    let scene = Scene::new();
    let form = scene.form(CALLER).with("CallStatus", "completed").with("DialCallStatus", "no-answer");
    let missed = scene.record(&form);
    assert!(missed.greeting.is_some());
    scene.all_texts("undelivered", Some(30_008));
    scene.advance(TimeDelta::days(2));
    let refined = scene.record(&form.with("DialCallStatus", "completed").with("AnsweredBy", "machine_start"));
    assert_eq!((refined.call, refined.greeting, refined.not_texted), (missed.call, None, None));
}

#[test]
fn two_hundred_calls_after_the_window_make_one_text() {
    let scene = Scene::new();
    scene.missed(CALLER);
    scene.all_texts("delivered", None);
    scene.advance(TimeDelta::hours(30));
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                while next.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 200 {
                    scene.missed(CALLER);
                }
            });
        }
    });
    let greetings = MessageFilter { kind: Some(MessageKind::Greeting), ..MessageFilter::default() };
    assert_eq!(scene.tx(|tx| tx.messages().count(&greetings)).unwrap(), 2);
}

#[test]
fn who_is_texting_already_is_not_greeted() {
    let scene = Scene::new();
    let (writes, is_written_to) = (unique_phone(), unique_phone());
    let text = SmsForm::text(writes.as_str(), &scene.business.number, "Are you there?").parse();
    receive_text(&scene.db.store, &text).unwrap();
    scene.business.queue(&scene.db.store, &is_written_to, "We come at nine.").unwrap();
    scene.all_texts("sent", None);
    scene.advance(TimeDelta::hours(1) - TimeDelta::microseconds(1));
    for person in [&writes, &is_written_to] {
        assert_eq!(scene.refusal(person.as_str()), Some(NotTexted::UnderWay));
    }
    scene.advance(TimeDelta::microseconds(1));
    for person in [&writes, &is_written_to] {
        assert_eq!(scene.refusal(person.as_str()), None);
    }
}

/// A text that waited for the morning went when it was sent; while it waits, it is on its way.
#[test]
fn a_text_that_waited_counts_from_when_it_was_sent() {
    let scene = Scene::new();
    scene.set(&BusinessSettingsPatch { greeting_cooldown_hours: Some(1), ..none() });
    scene.missed(CALLER);
    scene.advance(TimeDelta::hours(9));
    assert_eq!(scene.refusal(CALLER), Some(NotTexted::UnderWay), "it is queued");
    let sent_at = scene.clock.now();
    scene.all_texts("sent", None);
    scene.db.execute(&format!("UPDATE messages SET sent_at = '{sent_at}'"));
    scene.advance(TimeDelta::minutes(59));
    assert_eq!(scene.refusal(CALLER), Some(NotTexted::UnderWay), "it was sent an hour ago");
    scene.advance(TimeDelta::minutes(1));
    assert_eq!(scene.refusal(CALLER), None);
}

#[test]
fn a_person_gets_so_many_automatic_texts_a_day() {
    let scene = Scene::new();
    scene.set(&BusinessSettingsPatch { greeting_cooldown_hours: Some(1), daily_person_limit: Some(2), ..none() });
    for refusal in [None, None, Some(NotTexted::DailyPersonLimit)] {
        assert_eq!(scene.refusal(CALLER), refusal);
        scene.all_texts("delivered", None);
        scene.advance(TimeDelta::hours(2));
    }
    assert_eq!(scene.refusal("+14155550124"), None, "somebody else");
    scene.advance(TimeDelta::hours(18));
    assert_eq!(scene.refusal(CALLER), None, "a day after the first");
    scene.set(&BusinessSettingsPatch { daily_person_limit: Some(0), ..none() });
    assert_eq!(scene.refusal("+14155550125"), Some(NotTexted::DailyPersonLimit));
}

// ------------------------------------------------------------------------------------------------- who and why

#[test]
fn one_person_in_two_spellings_is_greeted_once() {
    for (one, other) in [("+5215512345678", "+525512345678"), ("+5491123456789", "+541123456789")] {
        let scene = Scene::new();
        let allowed = ["MX", "AR"].map(|code| code.parse().unwrap()).to_vec();
        scene.set(&BusinessSettingsPatch { allowed_countries: Some(allowed), ..none() });
        assert_eq!(scene.refusal(one), None);
        scene.all_texts("delivered", None);
        scene.advance(TimeDelta::hours(2));
        assert_eq!(scene.refusal(other), Some(NotTexted::Cooldown));
    }
}

#[test]
fn who_opted_out_in_one_spelling_has_in_the_other() {
    let scene = Scene::new();
    scene.set(&BusinessSettingsPatch { allowed_countries: Some(vec!["MX".parse().unwrap()]), ..none() });
    let entry = NewConsent {
        customer_phone: "+525512345678".parse().unwrap(),
        action: ConsentAction::OptOut,
        source: ConsentSource::Staff,
        keyword: None,
        message_id: None,
        note: None,
    };
    scene.tx(|tx| tx.consents().record(&entry)).unwrap();
    assert_eq!(scene.refusal("+5215512345678"), Some(NotTexted::OptedOut));
}

#[test]
fn a_person_under_review_waits_for_staff() {
    let scene = Scene::new();
    let first = scene.missed(CALLER);
    scene.all_texts("delivered", None);
    scene.advance(TimeDelta::hours(30));
    let mark = |value: &str| {
        let id = first.conversation.unwrap();
        scene.db.execute(&format!("UPDATE conversations SET review_requested_at = {value} WHERE id = '{id}'"));
    };
    mark("'2026-11-16'");
    assert_eq!(scene.refusal(CALLER), Some(NotTexted::ReviewPending));
    // Whatever becomes of the conversation meanwhile.
    scene.tx(|tx| tx.conversations().close(first.conversation.unwrap())).unwrap();
    assert_eq!(scene.refusal(CALLER), Some(NotTexted::ReviewPending));
    mark("NULL");
    assert_eq!(scene.refusal(CALLER), None);
}

/// Each code is remembered for as long as the table of codes says; a text that arrived later is surer.
#[test]
fn an_untextable_number_is_remembered_for_a_time() {
    for (status, code, days) in [("undelivered", 30_006, 365), ("failed", 21_614, 365), ("undelivered", 30_005, 90)] {
        let scene = Scene::new();
        scene.missed(CALLER);
        scene.all_texts(status, Some(code));
        scene.advance(TimeDelta::days(days) - TimeDelta::microseconds(1));
        assert_eq!(scene.refusal(CALLER), Some(NotTexted::Untextable), "{code}");
        // A number of the same business makes no difference.
        let second = scene.business.add_number(&scene.db.store);
        let other = scene.record(&VoiceForm::missed(CALLER, &second, &unique_sid("CA")));
        assert_eq!(other.not_texted, Some(NotTexted::Untextable));
        scene.advance(TimeDelta::microseconds(1));
        assert_eq!(scene.refusal(CALLER), None, "{code}");
    }
}

#[test]
fn a_text_that_arrives_later_makes_a_number_textable() {
    let scene = Scene::new();
    scene.missed(CALLER);
    scene.all_texts("undelivered", Some(30_006));
    scene.advance(TimeDelta::hours(30));
    let caller: PhoneNumber = CALLER.parse().unwrap();
    let sent = scene.business.queue(&scene.db.store, &caller, "Does this reach you?").unwrap();
    scene
        .db
        .execute(&format!("UPDATE messages SET message_status = 'delivered', next_attempt_at = NULL WHERE id = '{}'", sent.id));
    scene.advance(TimeDelta::hours(2));
    assert_eq!(scene.refusal(CALLER), None);
}

/// A failure that says nothing of the number, whatever its code, is followed by the next greeting.
#[test]
fn a_failure_of_one_text_bars_no_number() {
    let scene = Scene::new();
    for code in [30_008, 30_034, 30_036] {
        assert_eq!(scene.refusal(CALLER), None, "before {code}");
        scene.all_texts("undelivered", Some(code));
        scene.advance(TimeDelta::hours(24));
    }
    assert_eq!(scene.refusal(CALLER), None);
}

#[test]
fn only_allowed_countries_are_texted() {
    let scene = Scene::new();
    for (caller, refusal) in [
        ("+13125550199", None),
        ("+14165550123", Some(NotTexted::CountryNotAllowed)),
        ("+12425550123", Some(NotTexted::CountryNotAllowed)),
        ("+17875550123", Some(NotTexted::CountryNotAllowed)),
        ("+5351234567", Some(NotTexted::CountryNotAllowed)),
        ("+25261234567", Some(NotTexted::CountryNotAllowed)),
    ] {
        assert_eq!(scene.refusal(caller), refusal, "{caller}");
    }
    let allowed = ["CA", "PR"].map(|code| code.parse().unwrap()).to_vec();
    scene.set(&BusinessSettingsPatch { allowed_countries: Some(allowed), ..none() });
    for (caller, refusal) in [
        ("+14165550124", None),
        ("+17875550124", None),
        ("+13125550198", Some(NotTexted::CountryNotAllowed)),
        ("+12425550124", Some(NotTexted::CountryNotAllowed)),
    ] {
        assert_eq!(scene.refusal(caller), refusal, "{caller}");
    }
}

#[test]
fn dear_and_deaf_numbers_are_never_texted() {
    let scene = Scene::new();
    for (caller, reason) in [
        ("+18005550123", NotTexted::TollFreeNumber),
        ("+80012345678", NotTexted::TollFreeNumber),
        ("+19005550123", NotTexted::PremiumNumber),
        ("+97912345678", NotTexted::PremiumNumber),
        ("+447012345678", NotTexted::PremiumNumber),
        ("+80812345678", NotTexted::SharedCostNumber),
        ("+88163123456", NotTexted::SatelliteNumber),
        ("+87077312345", NotTexted::SatelliteNumber),
        ("+21012345678", NotTexted::ImpossibleNumber),
    ] {
        assert_eq!(scene.refusal(caller), Some(reason), "{caller}");
    }
}

#[test]
fn a_caller_id_that_failed_its_check_is_not_texted() {
    let scene = Scene::new();
    for (verdict, refusal) in [
        ("TN-Validation-Failed-C", Some(NotTexted::PossibleSpam)),
        ("TN-Validation-Failed", Some(NotTexted::PossibleSpam)),
        ("TN-Validation-Passed-A", None),
        ("No-TN-Validation", None),
    ] {
        let form = scene.form(unique_phone().as_str());
        let ringing = scene.record(&form.clone().with("CallStatus", "ringing"));
        scene.db.execute(&format!("UPDATE calls SET stir_verstat = '{verdict}' WHERE id = '{}'", ringing.call));
        assert_eq!(scene.record(&form).not_texted, refusal, "{verdict}");
    }
}

#[test]
fn an_end_more_than_an_hour_ago_is_no_news() {
    let scene = Scene::new();
    let ended = |age: TimeDelta| {
        let at = (noon() - age).format("%a, %d %b %Y %H:%M:%S +0000").to_string();
        scene.record(&scene.form(unique_phone().as_str()).with("Timestamp", &at))
    };
    assert!(ended(TimeDelta::zero()).greeting.is_some());
    assert!(ended(TimeDelta::hours(1)).greeting.is_some());
    for age in [TimeDelta::hours(1) + TimeDelta::seconds(1), TimeDelta::days(3)] {
        let late = ended(age);
        assert_eq!((late.greeting, late.not_texted), (None, Some(NotTexted::OldNews)));
        assert!(late.conversation.is_some(), "it is recorded all the same");
    }
}

#[test]
fn a_number_that_cannot_send_answers_nobody() {
    let scene = Scene::new();
    scene.db.execute(r#"UPDATE phone_numbers SET capabilities = '{"voice": true, "sms": false}'"#);
    assert_eq!(scene.refusal(unique_phone().as_str()), Some(NotTexted::NumberWithoutSms));
    scene.db.execute(r#"UPDATE phone_numbers SET capabilities = '{"voice": true}'"#);
    assert_eq!(scene.refusal(unique_phone().as_str()), None, "nobody says that it can't");
    scene
        .tx(|tx| {
            let number = tx.phone_numbers().find_by_number(&scene.business.number)?.unwrap();
            tx.phone_numbers().set_status(number.id, NumberStatus::Inactive)
        })
        .unwrap();
    assert_eq!(scene.refusal(unique_phone().as_str()), Some(NotTexted::NumberInactive));
    scene.business.suspend(&scene.db, true);
    assert_eq!(scene.refusal(unique_phone().as_str()), Some(NotTexted::BusinessInactive));
}

#[test]
fn a_reason_is_told_once_for_a_call() {
    let scene = Scene::new();
    let form = scene.form("+18005550123").with("CallStatus", "completed").with("DialCallStatus", "no-answer");
    let missed = scene.record(&form);
    assert_eq!(missed.not_texted, Some(NotTexted::TollFreeNumber));
    let refined = scene.record(&form.with("DialCallStatus", "completed").with("AnsweredBy", "machine_start"));
    assert_eq!((refined.call, refined.not_texted), (missed.call, None));
    assert_eq!(scene.reasons(&missed), [NotTexted::TollFreeNumber]);
    use ConversationEventType as Event;
    let story = [Event::CallStarted, Event::CallEnded, Event::NotTexted, Event::OutcomeChanged];
    assert_eq!(scene.business.events(&scene.db.store, missed.conversation.unwrap()), story);
}

// ------------------------------------------------------------------------------------------------- when

/// It is noon in London: 7 o'clock in New York, and 6 in the business's own Chicago.
#[test]
fn what_is_not_just_missed_waits_for_the_persons_hours() {
    let scene = Scene::new();
    scene.db.execute("UPDATE tenants SET timezone = 'America/Chicago'");
    let new_york = "+12125550123";
    assert_eq!(scene.due(&scene.missed(new_york)), noon(), "missed just now");
    let a_while_ago = (noon() - TimeDelta::minutes(6)).format("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let late = |caller: &str| scene.due(&scene.record(&scene.form(caller).with("Timestamp", &a_while_ago)));
    assert_eq!(late("+12125550124"), noon() + TimeDelta::hours(1));
    assert_eq!(late("+15550000123"), noon() + TimeDelta::hours(2), "in the business's zone");
    scene.set(&BusinessSettingsPatch { greeting_at_any_hour: Some(false), ..none() });
    assert_eq!(scene.due(&scene.missed("+12125550125")), noon() + TimeDelta::hours(1));
    let at = |hour| Some(chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap());
    scene.set(&BusinessSettingsPatch { texting_starts_at: at(7), texting_ends_at: at(20), ..none() });
    assert_eq!(scene.due(&scene.missed("+12125550126")), noon());
    let queued = MessageFilter { status: Some(MessageStatus::Queued), ..MessageFilter::default() };
    assert_eq!(scene.tx(|tx| tx.messages().count(&queued)).unwrap(), 5);
}
