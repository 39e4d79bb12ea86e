//! Feature `serde`: rows, filters and patches as JSON.

use nmc_core::access::{ApiKey, ApiKeyFilter, ApiKeyPatch, Session, SessionFilter};
use nmc_core::alerts::*;
use nmc_core::analytics::*;
use nmc_core::calls::*;
use nmc_core::conversations::*;
use nmc_core::events::*;
use nmc_core::numbers::{HeldNumber, NumberFilter, NumberPatch};
use nmc_core::people::*;
use nmc_core::tenants::*;
use nmc_core::testing::{Business, TestDb, unique_phone};
use nmc_core::workflows::CatchUpMark;
use nmc_core::{CallOutcome, CallerIdentity, Country, Email, PageRequest, Patch, PhoneNumber, Timezone};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// Compiles if all of them serialize; their names.
macro_rules! serializing {
    ($($name:ident)*) => {{
        const fn serializes<T: Serialize>() {}
        $(serializes::<$name>();)*
        [$(stringify!($name)),*]
    }};
}

/// The public rows, filters and patches of the sources, each with its text.
fn declared() -> Vec<(String, String)> {
    fn visit(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                visit(&path, found);
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for (at, _) in text.match_indices("\npub struct ") {
                    let head = text[..at].rsplit("\n\n").next().unwrap();
                    let body = &text[at + "\npub struct ".len()..];
                    let end = body.find("\n}").unwrap_or(0);
                    let name = body.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned();
                    if head.contains("HasQuery") || name.ends_with("Filter") || name.ends_with("Patch") {
                        found.push((name, body[..end].to_owned()));
                    }
                }
            }
        }
    }
    let mut found = Vec::new();
    visit(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
    found
}

#[test]
fn every_row_filter_and_patch_serializes() {
    let serializing = serializing! {
        AccountMail AccountMailFilter Alert AlertEvent AlertEventFilter AlertFilter AlertRule AlertRuleFilter AlertRulePatch ApiKey ApiKeyFilter ApiKeyPatch
        BusinessSettings BusinessSettingsPatch Call CallAnalytics CallAnalyticsFilter CallAnalyticsPatch CallFilter
        CallMetadataFilter CallParticipant CallParticipantFilter CallPatch CatchUpMark ConnectionMetric ConnectionMetricFilter Consent ConsentFilter Conversation
        ConversationAnalytics ConversationAnalyticsFilter ConversationAnalyticsPatch ConversationEvent ConversationEventFilter
        ConversationFilter ConversationPatch EscalationContact EscalationContactFilter EscalationContactPatch HeldNumber Holiday Job
        Judgement JobFilter KpiFilter KpiSnapshot KpiTarget Measurement MeasurementFilter Media Message MessageFilter Metric MetricFilter
        Notification NotificationFilter NumberFilter NumberPace NumberPatch Preferences PreferencesFilter PreferencesPatch
        Presence PresenceFilter Profile ProfileFilter ProfilePatch Report ReportFilter ReportHead ReportMail ReportMailFilter ReportSchedule ReportSchedulePatch RollUp Session SessionFilter TenantFilter
        TenantPatch TenantRow User UserFilter UserPatch WebsocketEvent WebsocketEventFilter
    };
    let serializing: BTreeSet<String> = serializing.iter().map(|&name| name.to_owned()).collect();
    let declared: BTreeSet<String> = declared().into_iter().map(|(name, _)| name).collect();
    assert!(declared.len() > 60, "the sources were read: {declared:?}");
    assert_eq!(serializing, declared, "derive Serialize behind feature serde, and add the new one here");
}

#[test]
fn no_secret_serializes() {
    // Which secret it is, and since when, gives nothing of it away.
    let of_which = ["secret_version", "secret_rotated_at"];
    let secret = |field: &str| {
        !of_which.contains(&field) && ["password", "token", "secret", "_hash"].iter().any(|part| field.contains(part))
    };
    let mut told = BTreeSet::new();
    for (name, body) in declared() {
        let mut is_skipped = false;
        for line in body.lines().map(str::trim) {
            is_skipped |= line.contains("serde(skip)");
            if let Some(field) = line.strip_prefix("pub ").and_then(|rest| rest.split(':').next()) {
                // An address may be a webhook's URL, which is its password.
                if !is_skipped && (secret(field) || line.contains("Address>") || line.contains(": Address")) {
                    told.insert(format!("{name}.{field}"));
                }
                is_skipped = false;
            }
        }
    }
    // What a file's content comes to, by which it is kept and found.
    assert_eq!(told, BTreeSet::from(["Media.content_hash".to_owned()]));
}

#[test]
fn rows_filters_and_patches_are_told_by_their_fields() {
    let db = TestDb::new();
    let business = Business::onboard(&db.store, "Plumber");
    business.conversation_with(&db.store, &unique_phone());
    let id = business.conversation_with(&db.store, &unique_phone());
    let page = db
        .store
        .tenant(&business.tenant, |tx| {
            tx.conversations().list(&ConversationFilter::default(), PageRequest::new(1, None).unwrap())
        })
        .unwrap();
    let row = &page.items[0];
    let told = serde_json::to_value(row).unwrap();
    assert_eq!(
        (&told["id"], &told["status"], &told["customer_phone"], &told["subject"]),
        (&json!(id), &json!("active"), &json!(row.customer_phone.as_str()), &Value::Null)
    );
    assert_eq!(told["created_at"].as_str().unwrap().parse(), Ok(row.created_at));
    assert_eq!(serde_json::to_value(&page).unwrap()["next"], json!(page.next.unwrap().to_string()));

    let filter = CallFilter { outcome: Some(CallOutcome::Missed), ..CallFilter::default() };
    assert_eq!(serde_json::to_value(filter).unwrap()["outcome"], json!("missed"));
    let patch = ConversationPatch { subject: Patch::Set("Leak".to_owned()), notes: Patch::Clear, ..ConversationPatch::default() };
    let told = serde_json::to_value(patch).unwrap();
    assert_eq!(
        (&told["subject"], &told["notes"], &told["customer_name"]),
        (&json!({"set": "Leak"}), &json!("clear"), &json!("keep"))
    );
}

#[test]
fn values_are_checked_on_the_way_in() {
    fn there_and_back<T>(text: &str) -> Result<T, String>
    where
        T: Serialize + serde::de::DeserializeOwned + std::fmt::Debug + PartialEq,
    {
        let value: T = serde_json::from_value(json!(text)).map_err(|error| error.to_string())?;
        let again = serde_json::from_value(serde_json::to_value(&value).unwrap()).unwrap();
        assert_eq!(value, again);
        Ok(value)
    }
    assert_eq!(there_and_back::<Email>("Joe@Example.com").unwrap().as_str(), "joe@example.com");
    for caller in ["+14155550123", "anonymous", "sip:joe@example.com", "72345"] {
        assert_eq!(there_and_back(caller), Ok(caller.parse::<CallerIdentity>().unwrap()));
    }
    assert_eq!(there_and_back("+14155550123"), Ok("+14155550123".parse::<PhoneNumber>().unwrap()));
    assert_eq!(there_and_back("us"), Ok(Country::US));
    assert_eq!(there_and_back("Asia/Tokyo"), Ok("Asia/Tokyo".parse::<Timezone>().unwrap()));
    for refused in [
        there_and_back::<Email>("secret").map(drop),
        there_and_back::<PhoneNumber>("secret").map(drop),
        there_and_back::<Country>("secret").map(drop),
    ] {
        let words = refused.unwrap_err();
        assert!(words.contains("must be") && !words.contains("secret"), "{words}");
    }
    assert!(serde_json::from_value::<Email>(json!(7)).is_err());
}
