//! Every text that a caller gives has a bound, and a refusal that names its field.

use super::World;
use super::sample::{
    call_figures, consent, contact, conversation_with, key, later, login, new_call, notification, number, point, profile, reply,
    report, rule, snapshot, somebody, user, words,
};
use nmc_core::access::{ApiKeyPatch, NewApiKey, NewSession};
use nmc_core::alerts::{
    Address, AlertRulePatch, EscalationContactPatch, NewAlertRule, NewEscalationContact, NewMeasurement, NewNotification,
};
use nmc_core::analytics::{CallAnalyticsPatch, NewCallAnalytics, NewJob, NewKpiSnapshot, NewMetric, NewReport};
use nmc_core::calls::{CallPatch, MetadataValue, NewCall};
use nmc_core::conversations::{ConversationPatch, NewConsent, NewConversation, NewMessage};
use nmc_core::numbers::{NewPhoneNumber, NumberPatch};
use nmc_core::people::{NewPerson, NewProfile, NewUser, ProfilePatch, UserPatch, invite};
use nmc_core::store::Reason;
use nmc_core::tenants::BusinessSettingsPatch;
use nmc_core::tenants::{NewTenant, TenantPatch};
use nmc_core::testing::{noon, on_behalf_of};
use nmc_core::workflows::NewReply;
use nmc_core::{ContactType, Error, JobType, NotificationChannel, Patch, PresenceStatus, Result, TenantTx, UserRole};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

/// A call with this text in one field.
type Say = fn(&mut TenantTx<'_>, &World, String) -> Result<()>;

fn set(text: String) -> Patch<String> {
    Patch::Set(text)
}

fn ok<T>(_: T) {}

/// The address of a webhook with this at its end: 26 characters more.
fn hook(end: &str) -> Address {
    Address::new(format!("https://hooks.example.com/{end}"))
}

/// What holds the text, its field as the refusal names it, the longest text in characters (or, of metadata, bytes), and the call.
#[rustfmt::skip] // a table
const TEXTS: &[(&str, &str, usize, Say)] = &[
    ("NewAlertRule", "name", 255, |tx, _, t| tx.alert_rules().create(&NewAlertRule { name: t, ..rule() }).map(ok)),
    ("NewAlertRule", "description", 2_000, |tx, _, t| tx.alert_rules().create(&NewAlertRule { description: Some(t), ..rule() }).map(ok)),
    ("NewAlertRule", "metric", 100, |tx, _, t| tx.alert_rules().create(&NewAlertRule { metric: t, ..rule() }).map(ok)),
    ("AlertRulePatch", "name", 255, |tx, w, t| tx.alert_rules().update(w.own.rule, &AlertRulePatch { name: Some(t), ..Default::default() }).map(ok)),
    ("AlertRulePatch", "description", 2_000, |tx, w, t| tx.alert_rules().update(w.own.rule, &AlertRulePatch { description: set(t), ..Default::default() }).map(ok)),
    ("AlertRulePatch", "metric", 100, |tx, _, t| {
        let rule = tx.alert_rules().create(&rule())?;
        tx.alert_rules().update(rule.id, &AlertRulePatch { metric: Some(t), ..Default::default() }).map(ok)
    }),
    ("alerts::raise", "message", 2_000, |tx, _, t| {
        let rule = tx.alert_rules().create(&rule())?;
        tx.alerts().raise(rule.id, 1.into(), Some(&t)).map(ok)
    }),
    ("alerts::acknowledge", "acknowledgment_note", 2_000, |tx, w, t| on_behalf_of(tx, w.own.user, |tx| tx.alerts().acknowledge(w.own.alert, Some(&t))).map(ok)),
    ("alerts::snooze", "snooze_note", 2_000, |tx, w, t| on_behalf_of(tx, w.own.user, |tx| tx.alerts().snooze(w.own.alert, later(), Some(&t))).map(ok)),
    ("alerts::resolve", "resolution_note", 2_000, |tx, w, t| on_behalf_of(tx, w.own.user, |tx| tx.alerts().resolve(w.own.alert, Some(&t))).map(ok)),
    ("NewEscalationContact", "contact_value", 229, |tx, w, t| {
        let new = NewEscalationContact { contact_type: ContactType::Webhook, contact_value: hook(&t), ..contact(w) };
        tx.escalation_contacts().create(&new).map(ok)
    }),
    ("EscalationContactPatch", "contact_value", 229, |tx, w, t| {
        let id = tx.escalation_contacts().create(&contact(w))?.id;
        let (contact_type, contact_value) = (Some(ContactType::Webhook), Some(hook(&t)));
        tx.escalation_contacts().update(id, &EscalationContactPatch { contact_type, contact_value, ..Default::default() }).map(ok)
    }),
    ("NewNotification", "recipient", 229, |tx, w, t| {
        tx.notifications().create(&NewNotification { channel: NotificationChannel::Webhook, recipient: hook(&t), ..notification(w) }).map(ok)
    }),
    ("NewNotification", "template_used", 100, |tx, w, t| tx.notifications().create(&NewNotification { template_used: Some(t), ..notification(w) }).map(ok)),
    ("NewNotification", "message_content", 10_000, |tx, w, t| tx.notifications().create(&NewNotification { message_content: Some(t), ..notification(w) }).map(ok)),
    ("notifications::cancel", "why", 2_000, |tx, w, t| {
        let queued = tx.notifications().create(&notification(w))?;
        tx.notifications().cancel(queued.id, &t).map(ok)
    }),
    ("measurements::record", "metric_name", 100, |tx, _, t| tx.measurements().record(&t, 1.into(), noon()).map(ok)),
    ("NewMeasurement", "rows[1].metric_name", 100, |tx, _, t| {
        let value = |metric_name: String| NewMeasurement { metric_name, metric_value: 1.into(), measurement_time: None };
        tx.measurements().record_all(&[value("jobs".to_owned()), value(t)]).map(ok)
    }),

    ("NewMetric", "metric_name", 100, |tx, _, t| tx.metrics().create(&NewMetric { metric_name: t, ..point() }).map(ok)),
    ("NewMetric, upsert", "metric_name", 100, |tx, _, t| tx.metrics().upsert_by_key(&NewMetric { metric_name: t, ..point() }).map(ok)),
    ("NewMetric, upsert_many", "rows[1].metric_name", 100, |tx, _, t| tx.metrics().upsert_many(&[point(), NewMetric { metric_name: t, ..point() }]).map(ok)),
    ("NewKpiSnapshot", "kpi_name", 100, |tx, _, t| tx.kpi_snapshots().create(&NewKpiSnapshot { kpi_name: t, ..snapshot() }).map(ok)),
    ("NewKpiSnapshot, upsert", "kpi_name", 100, |tx, _, t| tx.kpi_snapshots().upsert_by_key(&NewKpiSnapshot { kpi_name: t, ..snapshot() }).map(ok)),
    ("NewJob", "bucket", 100, |tx, _, t| tx.jobs().create(&NewJob { bucket: Some(t), ..NewJob::now(JobType::Aggregation, json!({})) }).map(ok)),
    ("NewReport", "report_type", 100, |tx, _, t| tx.reports().create(&NewReport { report_type: t, ..report() }).map(ok)),
    ("NewCallAnalytics", "tags", 1_000, |tx, _, t| tx.call_analytics().create(&NewCallAnalytics { tags: Some(t), ..call_figures() }).map(ok)),
    ("NewCallAnalytics, upsert_by_call", "tags", 1_000, |tx, w, t| {
        tx.call_analytics().upsert_by_call(&NewCallAnalytics { call_id: Some(w.own.call), tags: Some(t), ..call_figures() }).map(ok)
    }),
    ("NewCallAnalytics, upsert_many", "rows[0].tags", 1_000, |tx, w, t| {
        tx.call_analytics().upsert_many(&[NewCallAnalytics { call_id: Some(w.own.call), tags: Some(t), ..call_figures() }]).map(ok)
    }),
    ("CallAnalyticsPatch", "tags", 1_000, |tx, w, t| {
        tx.call_analytics().update(w.own.call_analytics, &CallAnalyticsPatch { tags: set(t), ..Default::default() }).map(ok)
    }),
    ("jobs::cancel", "why", 1_000, |tx, _, t| {
        let job = tx.jobs().create(&NewJob::now(JobType::Aggregation, json!({})))?;
        tx.jobs().cancel(job.id, &t).map(ok)
    }),

    ("NewCall", "twilio_call_sid", 100, |tx, _, t| tx.calls().create(&NewCall { twilio_call_sid: Some(t), ..new_call() }).map(ok)),
    ("NewCall", "caller_name", 255, |tx, _, t| tx.calls().create(&NewCall { caller_name: Some(t), ..new_call() }).map(ok)),
    ("NewCall, import", "rows[1].caller_name", 255, |tx, _, t| tx.calls().import(&[new_call(), NewCall { caller_name: Some(t), ..new_call() }]).map(ok)),
    ("NewCall", "caller_city", 100, |tx, _, t| tx.calls().create(&NewCall { caller_city: Some(t), ..new_call() }).map(ok)),
    ("NewCall", "caller_state", 50, |tx, _, t| tx.calls().create(&NewCall { caller_state: Some(t), ..new_call() }).map(ok)),
    ("NewCall", "caller_country", 3, |tx, _, t| tx.calls().create(&NewCall { caller_country: Some(t), ..new_call() }).map(ok)),
    ("NewCall", "recording_url", 2_000, |tx, _, t| tx.calls().create(&NewCall { recording_url: Some(t), ..new_call() }).map(ok)),
    ("NewCall", "disconnect_reason", 100, |tx, _, t| tx.calls().create(&NewCall { disconnect_reason: Some(t), ..new_call() }).map(ok)),
    ("NewCall", "answered_by", 100, |tx, _, t| tx.calls().create(&NewCall { answered_by: Some(t), ..new_call() }).map(ok)),
    ("NewCall", "forwarded_from", 20, |tx, _, t| tx.calls().create(&NewCall { forwarded_from: Some(t), ..new_call() }).map(ok)),
    ("CallPatch", "caller_name", 255, |tx, w, t| tx.calls().update(w.own.call, &CallPatch { caller_name: set(t), ..Default::default() }).map(ok)),
    ("CallPatch", "caller_city", 100, |tx, w, t| tx.calls().update(w.own.call, &CallPatch { caller_city: set(t), ..Default::default() }).map(ok)),
    ("CallPatch", "caller_state", 50, |tx, w, t| tx.calls().update(w.own.call, &CallPatch { caller_state: set(t), ..Default::default() }).map(ok)),
    ("CallPatch", "caller_country", 3, |tx, w, t| tx.calls().update(w.own.call, &CallPatch { caller_country: set(t), ..Default::default() }).map(ok)),
    ("CallPatch", "recording_url", 2_000, |tx, w, t| tx.calls().update(w.own.call, &CallPatch { recording_url: set(t), ..Default::default() }).map(ok)),
    ("CallPatch", "disconnect_reason", 100, |tx, w, t| tx.calls().update(w.own.call, &CallPatch { disconnect_reason: set(t), ..Default::default() }).map(ok)),
    ("CallPatch", "price_unit", 10, |tx, w, t| tx.calls().update(w.own.call, &CallPatch { price_unit: Some(t), ..Default::default() }).map(ok)),
    ("call_metadata::create", "metadata_key", 100, |tx, w, t| tx.call_metadata().create(w.own.call, &t, &MetadataValue::Boolean(true)).map(ok)),
    ("call_metadata::put", "metadata_key", 100, |tx, w, t| tx.call_metadata().put(w.own.call, &t, &MetadataValue::Boolean(true)).map(ok)),
    ("call_metadata::put", "metadata_value", 65_536, |tx, w, t| tx.call_metadata().put(w.own.call, "k", &MetadataValue::String(t)).map(ok)),
    ("call_metadata::put", "metadata_value", 65_534, |tx, w, t| tx.call_metadata().put(w.own.call, "k", &MetadataValue::Json(json!(t))).map(ok)),

    ("NewConversation", "subject", 1_000, |tx, _, t| tx.conversations().create(&NewConversation { subject: Some(t), ..conversation_with(somebody()) }).map(ok)),
    ("NewConversation", "customer_name", 255, |tx, _, t| tx.conversations().create(&NewConversation { customer_name: Some(t), ..conversation_with(somebody()) }).map(ok)),
    ("ConversationPatch", "subject", 1_000, |tx, w, t| tx.conversations().update(w.own.conversation, &ConversationPatch { subject: set(t), ..Default::default() }).map(ok)),
    ("ConversationPatch", "customer_name", 255, |tx, w, t| {
        tx.conversations().update(w.own.conversation, &ConversationPatch { customer_name: set(t), ..Default::default() }).map(ok)
    }),
    ("ConversationPatch", "customer_address", 1_000, |tx, w, t| {
        tx.conversations().update(w.own.conversation, &ConversationPatch { customer_address: set(t), ..Default::default() }).map(ok)
    }),
    ("ConversationPatch", "notes", 10_000, |tx, w, t| tx.conversations().update(w.own.conversation, &ConversationPatch { notes: set(t), ..Default::default() }).map(ok)),
    ("conversations::add_tag", "tag", 50, |tx, w, t| tx.conversations().add_tag(w.own.conversation, &t).map(ok)),
    ("conversations::add_note", "note", 10_000, |tx, w, t| tx.conversations().add_note(w.own.conversation, &t)),
    ("conversations::add_note_once", "note", 10_000, |tx, w, t| tx.conversations().add_note_once(w.own.conversation, "fresh", &t).map(ok)),
    ("conversations::add_note_once", "client_key", 100, |tx, w, t| tx.conversations().add_note_once(w.own.conversation, &t, "a note").map(ok)),
    ("NewConsent", "keyword", 20, |tx, _, t| tx.consents().record(&NewConsent { keyword: Some(t), ..consent() }).map(ok)),
    ("NewConsent", "note", 1_000, |tx, _, t| tx.consents().record(&NewConsent { note: Some(t), ..consent() }).map(ok)),
    ("NewMessage", "body", 1_600, |tx, w, t| tx.messages().queue(&NewMessage { body: t, ..words(w) }).map(ok)),
    ("NewReply", "body", 1_600, |tx, w, t| tx.reply(&NewReply { body: t, ..reply(w) }).map(ok)),
    ("NewReply", "client_key", 100, |tx, w, t| tx.reply(&NewReply { client_key: t, ..reply(w) }).map(ok)),

    ("NewApiKey", "name", 100, |tx, _, t| tx.api_keys().create(&NewApiKey { name: t, ..key("fresh", None) }).map(ok)),
    ("NewApiKey", "prefix", 16, |tx, _, t| tx.api_keys().create(&key(&t, None)).map(ok)),
    ("NewApiKey", "scopes", 100, |tx, _, t| tx.api_keys().create(&NewApiKey { scopes: vec![t], ..key("fresh", None) }).map(ok)),
    ("ApiKeyPatch", "name", 100, |tx, _, t| {
        let key = tx.api_keys().create(&key("fresh", None))?;
        tx.api_keys().update(key.id, &ApiKeyPatch { name: Some(t), ..Default::default() }).map(ok)
    }),
    ("ApiKeyPatch", "scopes", 100, |tx, _, t| {
        let key = tx.api_keys().create(&key("fresh", None))?;
        tx.api_keys().update(key.id, &ApiKeyPatch { scopes: Some(vec![t]), ..Default::default() }).map(ok)
    }),
    ("NewUser", "password_hash", 255, |tx, _, t| tx.users().create(&NewUser { password_hash: t, ..user("fresh@example.com") }).map(ok)),
    ("NewUser", "first_name", 100, |tx, _, t| tx.users().create(&NewUser { first_name: Some(t), ..user("fresh@example.com") }).map(ok)),
    ("NewUser", "last_name", 100, |tx, _, t| tx.users().create(&NewUser { last_name: Some(t), ..user("fresh@example.com") }).map(ok)),
    ("UserPatch", "first_name", 100, |tx, w, t| tx.users().update(w.own.user, &UserPatch { first_name: set(t), ..Default::default() }).map(ok)),
    ("UserPatch", "last_name", 100, |tx, w, t| tx.users().update(w.own.user, &UserPatch { last_name: set(t), ..Default::default() }).map(ok)),
    ("NewPerson", "first_name", 100, |tx, _, t| invited(tx, |new| new.first_name = t)),
    ("NewPerson", "last_name", 100, |tx, _, t| invited(tx, |new| new.last_name = t)),
    ("NewProfile", "first_name", 100, |tx, _, t| of_a_new_user(tx, |new| new.first_name = t)),
    ("NewProfile", "last_name", 100, |tx, _, t| of_a_new_user(tx, |new| new.last_name = t)),
    ("NewProfile", "display_name", 200, |tx, _, t| of_a_new_user(tx, |new| new.display_name = Some(t))),
    ("ProfilePatch", "first_name", 100, |tx, w, t| its_profile(tx, w, &ProfilePatch { first_name: Some(t), ..Default::default() })),
    ("ProfilePatch", "last_name", 100, |tx, w, t| its_profile(tx, w, &ProfilePatch { last_name: Some(t), ..Default::default() })),
    ("ProfilePatch", "display_name", 200, |tx, w, t| its_profile(tx, w, &ProfilePatch { display_name: set(t), ..Default::default() })),
    ("ProfilePatch", "profile_photo_url", 2_000, |tx, w, t| its_profile(tx, w, &ProfilePatch { profile_photo_url: set(t), ..Default::default() })),
    ("presences::set", "status_message", 200, |tx, w, t| tx.presences().set(w.own.user, PresenceStatus::Busy, &set(t)).map(ok)),
    ("NewSession", "device_fingerprint", 255, |tx, w, t| tx.sessions().create(&NewSession { device_fingerprint: Some(t), ..login(w.own.user, "t") }).map(ok)),
    ("NumberPatch", "status_reason", 1_000, |tx, w, t| tx.phone_numbers().update(w.own.number, &NumberPatch { status_reason: set(t), ..Default::default() }).map(ok)),
    ("NumberPatch", "locality", 100, |tx, w, t| tx.phone_numbers().update(w.own.number, &NumberPatch { locality: set(t), ..Default::default() }).map(ok)),
    ("NumberPatch", "region", 50, |tx, w, t| tx.phone_numbers().update(w.own.number, &NumberPatch { region: set(t), ..Default::default() }).map(ok)),
    ("TenantPatch", "business_name", 255, |tx, _, t| tx.tenants().update(&TenantPatch { business_name: Some(t), ..Default::default() }).map(ok)),
    ("TenantPatch", "business_address", 1_000, |tx, _, t| tx.tenants().update(&TenantPatch { business_address: set(t), ..Default::default() }).map(ok)),
    ("TenantPatch", "business_type", 100, |tx, _, t| tx.tenants().update(&TenantPatch { business_type: set(t), ..Default::default() }).map(ok)),
    ("TenantPatch", "industry", 100, |tx, _, t| tx.tenants().update(&TenantPatch { industry: set(t), ..Default::default() }).map(ok)),
    ("holidays::upsert_by_day", "name", 100, |tx, _, t| tx.holidays().upsert_by_day("2026-12-24".parse().unwrap(), &t).map(ok)),
    ("BusinessSettingsPatch", "greeting_template", 483, |tx, _, t| {
        let greeting_template = Some(format!("{{{{business_name}}}}{t}"));
        tx.business_settings().update(&BusinessSettingsPatch { greeting_template, ..Default::default() }).map(ok)
    }),
    ("NewPhoneNumber", "locality", 100, |tx, _, t| tx.phone_numbers().create(&NewPhoneNumber { locality: Some(t), ..number(None) }).map(ok)),
    ("NewPhoneNumber", "region", 50, |tx, _, t| tx.phone_numbers().create(&NewPhoneNumber { region: Some(t), ..number(None) }).map(ok)),
];

fn of_a_new_user(tx: &mut TenantTx<'_>, change: impl FnOnce(&mut NewProfile)) -> Result<()> {
    let mut new = profile(tx.users().create(&user("fresh@example.com"))?.id);
    change(&mut new);
    tx.profiles().create(&new).map(ok)
}

fn invited(tx: &mut TenantTx<'_>, change: impl FnOnce(&mut NewPerson)) -> Result<()> {
    let (first_name, last_name) = ("Ada".to_owned(), "Smith".to_owned());
    let email = "fresh@example.com".parse()?;
    let mut new = NewPerson { email, first_name, last_name, phone_number: None, timezone: None, role: UserRole::User };
    change(&mut new);
    invite(tx, &new).map(ok)
}

fn its_profile(tx: &mut TenantTx<'_>, w: &World, patch: &ProfilePatch) -> Result<()> {
    let id = tx.profiles().get_by_user(w.own.user)?.id;
    tx.profiles().update(id, patch).map(ok)
}

/// What came of a call with this text. Nothing of it stays.
fn said(world: &World, say: Say, text: &str) -> Result<()> {
    let undone = "as if it had never been";
    match world.tx(|tx| say(tx, world, text.to_owned()).and(Err::<(), _>(Error::Forbidden(undone)))) {
        Err(Error::Forbidden(why)) if why == undone => Ok(()),
        other => other,
    }
}

/// Whether it is this field that was refused.
fn names(field: &str, result: &Result<()>) -> bool {
    match result {
        Err(Error::Invalid { field: named, row: Some(row), .. }) => format!("rows[{row}].{named}") == field,
        Err(Error::Invalid { field: named, .. }) => named == field,
        _ => false,
    }
}

#[test]
fn every_text_has_its_longest_and_takes_no_nul() {
    let world = World::new();
    let mut surprises = Vec::new();
    for (holder, field, max, say) in TEXTS {
        if let Err(error) = said(&world, *say, &"x".repeat(*max)) {
            surprises.push(format!("{holder}, {field} of {max}: {}", error.causes()));
        }
        for (what, text) in [("one more", "x".repeat(max + 1)), ("NUL", "x\0".to_owned())] {
            let came = said(&world, *say, &text);
            if !names(field, &came) {
                surprises.push(format!("{holder}, {field}, {what}: {came:?}"));
            }
        }
    }
    assert_eq!(surprises, Vec::<String>::new());
}

/// Gives a new business this text.
type Fill = fn(&mut NewTenant, String);

/// Texts of a new business, which an operator takes in.
const OF_A_NEW_BUSINESS: [(&str, usize, Fill); 3] = [
    ("business_name", 255, |new, text| new.business_name = text),
    ("business_address", 1_000, |new, text| new.business_address = Some(text)),
    ("business_type", 100, |new, text| new.business_type = Some(text)),
];

#[test]
fn what_an_operator_says_of_a_new_business_is_bounded_as_well() {
    let world = World::new();
    for (field, max, say) in OF_A_NEW_BUSINESS {
        for text in ["x".repeat(max + 1), "x\0".to_owned()] {
            let mut new = NewTenant { business_name: "Another".to_owned(), ..NewTenant::default() };
            say(&mut new, text);
            let came = world.db.store.system(Reason::Operations, |tx| tx.create_tenant(&new).map(drop));
            assert!(names(field, &came), "{field}: {came:?}");
        }
    }
}

/// Texts that are cut instead: what a browser says of itself must not cost anybody their login, nor what Twilio says of a
/// picture cost a text.
const CUT: [&str; 4] = ["NewMedia.content_type", "NewMedia.url", "NewSession.user_agent", "NewWebsocketEvent.user_agent"];

/// Texts of one form, which has one length (`numbers::mismatch::what_is_no_sid_is_refused`).
const FORMED: [&str; 1] = ["NewPhoneNumber.twilio_phone_sid"];

#[test]
fn every_text_of_what_the_repositories_take_is_in_these_tables() {
    let mut texts = BTreeSet::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
    assert!(texts.len() > 50, "the search finds them: {texts:?}");
    let given = |holder: &str| holder.starts_with("New") || holder.ends_with("Patch");
    let field = |field: &str| field.rsplit('.').next().unwrap().to_owned();
    let mut known: BTreeSet<String> = TEXTS
        .iter()
        .filter_map(|(holder, named, ..)| Some((holder.split(',').next()?, named)))
        .filter(|(holder, named)| given(holder) && !ADDRESSES.contains(named))
        .map(|(holder, named)| format!("{holder}.{}", field(named)))
        .collect();
    known.extend(OF_A_NEW_BUSINESS.iter().map(|(field, ..)| format!("NewTenant.{field}")));
    known.extend(CUT.into_iter().chain(FORMED).map(str::to_owned));
    assert_eq!(known, texts, "in the tables (left), in the sources (right)");
}

/// These have a type of their own.
const ADDRESSES: [&str; 2] = ["contact_value", "recipient"];

/// The texts in public structs called `New…` and `…Patch`.
fn read(folder: &Path, texts: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(path).unwrap();
            for block in source.split("\npub struct ").skip(1) {
                let Some((name, fields)) = block.split_once(" {\n") else { continue };
                if name.starts_with("New") || name.ends_with("Patch") {
                    let fields = fields.split("\n}").next().unwrap().lines();
                    let fields = fields.filter_map(|line| line.strip_prefix("    pub ")?.split_once(": "));
                    texts.extend(fields.filter(|(_, kind)| kind.contains("String")).map(|(field, _)| format!("{name}.{field}")));
                }
            }
        }
    }
}
