//! What a body can change, and what an answer can tell: what the document says, and no column besides.

use super::scene::{Operation, Scene, good_body, in_scenes, operations};
use crate::site::Site;
use nmc_core::UserRole;
use nmc_core::testing::query;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Every column of every table.
fn columns(site: &Site) -> Vec<String> {
    let columns = "SELECT DISTINCT column_name::text AS name FROM information_schema.columns
                   WHERE table_schema = 'public' AND table_name NOT IN ('__diesel_schema_migrations', 'nmc_migrations') ORDER BY 1";
    site.db.query(columns)
}

/// The schema that a reference leads to.
fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let target = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    target.map_or(schema, |target| document.pointer(target.trim_start_matches('#')).expect("a schema"))
}

/// The objects of a body: where each is, and the fields it has.
fn objects<'d>(document: &'d Value, schema: &'d Value, at: &str, found: &mut Vec<(String, &'d Map<String, Value>)>) {
    let schema = resolved(document, schema);
    let Some(fields) = schema["properties"].as_object() else { return };
    found.push((at.to_owned(), fields));
    for (name, field) in fields {
        objects(document, field, &format!("{at}/{name}"), found);
    }
}

/// The bodies of the document: the operation's name, and the schema.
fn bodies(document: &Value) -> BTreeMap<&str, &Value> {
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    operations
        .filter_map(|operation| {
            let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
            Some((operation["operationId"].as_str()?, schema))
        })
        .collect()
}

#[test]
fn no_body_takes_a_column_that_the_document_does_not_name() {
    let scene = Scene::new();
    let (site, target) = (&scene.site, scene.target());
    let owner = site.person(&site.joe, UserRole::Owner);
    let (document, columns) = (serde_json::to_value(nmc_http::openapi()).unwrap(), columns(site));
    let bodies = bodies(&document);
    assert!(columns.len() > 200 && bodies.len() > 15, "{} columns, {} bodies", columns.len(), bodies.len());
    // The use of a session is noted every few minutes: on a slow machine this takes as long.
    site.db.execute("UPDATE user_sessions SET last_used_at = now() + interval '1 hour'");
    let before = site.rows();
    let mut nested = 0;
    for operation in operations() {
        let Some(schema) = bodies.get(operation.id.as_str()) else { continue };
        let good = good_body(&operation.id, &target).unwrap();
        let path = target.ids().path(&operation);
        let (mut places, mut wire) = (Vec::new(), site.wire());
        objects(&document, schema, "", &mut places);
        nested += places.len() - 1;
        for (place, fields) in places {
            for column in columns.iter().filter(|column| !fields.contains_key(*column)) {
                let mut body = good.clone();
                body.pointer_mut(&place).unwrap()[column] = json!("owner");
                let answer = wire.json(operation.method, &path, &owner.access, &body);
                assert_eq!(answer.status, 400, "{} {column}: {}", operation.id, answer.body);
                assert_eq!(
                    answer.refusal(),
                    (format!("#{place}/{column}"), "is not a field here".to_owned()),
                    "{}",
                    operation.id
                );
            }
        }
    }
    assert_eq!(nested, 2, "the business and the owner of a registration");
    assert_eq!(site.rows(), before);
}

/// Rows, by table and id.
type Rows = BTreeMap<(String, String), Map<String, Value>>;

fn by_id(rows: &[Value]) -> Rows {
    let key = |row: &Value| (row["name"].as_str().unwrap().to_owned(), row["columns"]["id"].to_string());
    rows.iter().map(|row| (key(row), row["columns"].as_object().unwrap().clone())).collect()
}

/// What has changed, as `table.column`.
fn changed(before: &Rows, after: &Rows) -> BTreeSet<String> {
    // A log has one entry more after a change, the words of a name go with it, and its time is marked.
    const MOVE: [&str; 3] = ["analytics_marks", "conversation_events", "conversation_terms"];
    let stays = |(table, _): &&(String, String)| !MOVE.contains(&table.as_str());
    assert!(before.keys().filter(stays).eq(after.keys().filter(stays)), "rows came or went");
    let columns = after.iter().filter(|(key, _)| stays(key)).flat_map(|((table, id), row)| {
        let old = &before[&(table.clone(), id.clone())];
        row.iter().filter(|(column, value)| old[*column] != **value).map(move |(column, _)| format!("{table}.{column}"))
    });
    // That something has changed is told in the stream of events, too.
    let is_told = |column: &String| column.starts_with("stream_events.") || column.starts_with("tenant_streams.");
    columns.filter(|column| !column.ends_with(".updated_at") && !is_told(column)).collect()
}

/// Operation, field, a value that is not there yet, and the columns that it is.
const FIELDS: &str = r#"
changeTenant business_name "Joe and Daughters" tenants.business_name
changeTenant business_phone "+13125550189" tenants.business_phone
changeTenant business_address "1 Main St" tenants.business_address
changeTenant business_type "plumbing" tenants.business_type
changeTenant industry "home services" tenants.industry
changeTenant service_radius_miles 77 tenants.service_radius_miles
changeTenant estimated_job_min "51.50" tenants.estimated_job_min
changeTenant estimated_job_max "5150.50" tenants.estimated_job_max
changeTenant business_hours_start "05:30:00" tenants.business_hours_start
changeTenant business_hours_end "22:30:00" tenants.business_hours_end
changeTenant timezone "America/Chicago" tenants.timezone
changeSettings greeting_template "{{business_name}} calls back" business_settings.greeting_template business_settings.greeting_reviewed_at
changeSettings greeting_cooldown_hours 7 business_settings.greeting_cooldown_hours
changeSettings ai_takeover_delay_seconds 77 business_settings.ai_takeover_delay_seconds
changeSettings basic_job_estimate_min 27 business_settings.basic_job_estimate_min
changeSettings basic_job_estimate_max 7777 business_settings.basic_job_estimate_max
changeSettings call_screening "machine_detection" business_settings.call_screening
changeSettings auto_resolve_days 77 business_settings.auto_resolve_days
changeSettings allowed_countries ["CA","US"] business_settings.allowed_countries
changeSettings daily_text_limit 77 business_settings.daily_text_limit
changeSettings daily_person_limit 7 business_settings.daily_person_limit
changeSettings texting_starts_at "09:30:00" business_settings.texting_starts_at
changeSettings texting_ends_at "20:30:00" business_settings.texting_ends_at
changeSettings greeting_at_any_hour ! business_settings.greeting_at_any_hour
changeUser email "another@example.com" users.email users.email_changed_at user_profiles.email user_sessions.last_used_at user_sessions.is_active user_sessions.ended_at user_sessions.ended_reason
changeUser role "user" users.role user_profiles.role
changeUser is_active false users.is_active user_sessions.last_used_at user_sessions.is_active user_sessions.ended_at user_sessions.ended_reason
changeConversation subject "a leak" conversations.subject
changeConversation priority "high" conversations.priority
changeConversation customer_name "Ann" conversations.customer_name
changeConversation customer_email "ann@example.com" conversations.customer_email
changeConversation customer_address "2 Main St" conversations.customer_address
changeConversation notes "calls at noon" conversations.notes
changeProfile first_name "Sam" user_profiles.first_name users.first_name
changeProfile last_name "Roe" user_profiles.last_name users.last_name
changeProfile display_name "Sammy" user_profiles.display_name
changeProfile phone_number "+15005550177" user_profiles.phone_number
changeProfile timezone "America/Denver" user_profiles.timezone
changeProfile is_active false user_profiles.is_active
changePreferences sms_notifications_enabled ! user_preferences.sms_notifications_enabled
changePreferences email_notifications_enabled ! user_preferences.email_notifications_enabled
changePreferences push_notifications_enabled ! user_preferences.push_notifications_enabled
changePreferences dashboard_sounds_enabled ! user_preferences.dashboard_sounds_enabled
changePreferences dashboard_default_view "analytics" user_preferences.dashboard_default_view
changePreferences dashboard_refresh_interval 77 user_preferences.dashboard_refresh_interval
changePreferences show_tutorial ! user_preferences.show_tutorial
changePreferences auto_response_enabled ! user_preferences.auto_response_enabled
changePreferences ai_takeover_notifications ! user_preferences.ai_takeover_notifications
changePreferences customer_response_timeout 77 user_preferences.customer_response_timeout
changeStatus status "busy" user_status.current_status
changeStatus message "at lunch" user_status.status_message
changeCall caller_name "Pat" calls.caller_name
changeCall caller_city "Springfield" calls.caller_city
changeCall caller_state "IL" calls.caller_state
changeCall caller_country "US" calls.caller_country
changeCall disconnect_reason "hung up" calls.disconnect_reason
changeAlertRule name "another name" alert_rules.name
changeAlertRule description "for the crew" alert_rules.description
changeAlertRule metric "calls" alert_rules.metric alert_rules.judgement_changed_at
changeAlertRule operator "less_than" alert_rules.operator alert_rules.judgement_changed_at
changeAlertRule threshold "7.5" alert_rules.threshold alert_rules.judgement_changed_at
changeAlertRule severity "critical" alert_rules.severity
changeAlertRule is_enabled false alert_rules.is_enabled
changeAlertRule notification_channels ["email","dashboard"] alert_rules.notification_channels
changeAlertRule escalation_enabled ! alert_rules.escalation_enabled
changeAlertRule escalation_delay_minutes 77 alert_rules.escalation_delay_minutes
changeAlertRule escalation_repeats 7 alert_rules.escalation_repeats
changeAlertRule only_when_open true alert_rules.only_when_open alert_rules.judgement_changed_at
changeAlertRule pending_seconds 77 alert_rules.pending_seconds alert_rules.judgement_changed_at
changeAlertRule recovery_threshold "9.5" alert_rules.recovery_threshold alert_rules.judgement_changed_at
changeAlertRule keep_firing_seconds 77 alert_rules.keep_firing_seconds alert_rules.judgement_changed_at
changeAlertRule no_data_policy "alert" alert_rules.no_data_policy alert_rules.judgement_changed_at
changeAlertRule no_data_seconds 77 alert_rules.no_data_seconds alert_rules.judgement_changed_at
changeAlertRule flap_changes 7 alert_rules.flap_changes alert_rules.judgement_changed_at
changeAlertRule flap_seconds 77 alert_rules.flap_seconds alert_rules.judgement_changed_at
changeEscalationContact rule_id null escalation_contacts.rule_id
changeEscalationContact escalation_level 7 escalation_contacts.escalation_level
changeEscalationContact contact_value "another@example.com" escalation_contacts.contact_value
changeEscalationContact is_active false escalation_contacts.is_active
changeCallAnalytics customer_satisfaction "4.5" call_analytics.customer_satisfaction
changeCallAnalytics conversion_status "qualified" call_analytics.conversion_status
changeCallAnalytics revenue_impact "-77.5" call_analytics.revenue_impact
changeCallAnalytics tags "vip" call_analytics.tags
changeConversationAnalytics sentiment_score "-0.5" conversation_analytics.sentiment_score
changeConversationAnalytics resolution_status "abandoned" conversation_analytics.resolution_status
changeConversationAnalytics satisfaction_rating "4.5" conversation_analytics.satisfaction_rating
changeApiKey name "another name" api_keys.name
changeApiKey scopes ["users:read"] api_keys.scopes
changeApiKey expires_at "2099-01-01T00:00:00Z" api_keys.expires_at
"#;

#[test]
fn each_field_of_a_patch_changes_its_own_columns_and_no_others() {
    let scene = Scene::new();
    let site = &scene.site;
    let owner = site.person(&site.joe, UserRole::Owner);
    // The use of her session is noted every minute: on a slow machine this takes longer.
    let of_hers = format!("UPDATE user_sessions SET last_used_at = now() + interval '1 hour' WHERE user_id = '{}'", owner.id);
    site.db.execute(&of_hers);
    let (mut target, mut conn) = (scene.target(), site.db.superuser());
    let each = site.db.tables().into_iter();
    let each = each.map(|table| format!("SELECT '{0}' AS name, to_jsonb(t) AS columns FROM {0} t", table.name));
    let each = each.collect::<Vec<_>>().join(" UNION ALL ");
    let mut all_rows = || by_id(&query(&mut conn, &each));
    let (all, document) = (operations(), serde_json::to_value(nmc_http::openapi()).unwrap());
    let mut untold: BTreeSet<(String, String)> = BTreeSet::new();
    for (operation, schema) in bodies(&document).into_iter().filter(|(id, _)| id.starts_with("change") && *id != "changePassword")
    {
        let fields = resolved(&document, schema)["properties"].as_object().unwrap();
        // A password that is shown again is no column.
        let columns = fields.keys().filter(|field| *field != "current_password");
        untold.extend(columns.map(|field| (operation.to_owned(), field.clone())));
    }
    for line in FIELDS.trim().lines() {
        let (operation, rest) = line.split_once(' ').unwrap();
        let (field, rest) = rest.split_once(' ').unwrap();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let given = rest.strip_prefix("! ").map_or_else(|| stream.next().unwrap().unwrap(), |_| json!("!"));
        let after = rest.strip_prefix("! ").unwrap_or_else(|| rest.get(stream.byte_offset()..).unwrap());
        let expected: BTreeSet<String> = after.split_whitespace().map(str::to_owned).collect();
        assert!(untold.remove(&(operation.to_owned(), field.to_owned())), "{line} is not documented");

        let path = target.ids().path(all.iter().find(|known| known.id == operation).unwrap());
        site.call("PUT", "/v1/settings/greeting/review").by(&owner.access).expect(200);
        let value = if given == "!" {
            json!(!site.call("GET", path.clone()).by(&owner.access).expect(200).document()[field].as_bool().unwrap())
        } else {
            given
        };
        let before = all_rows();
        let answer = site.call("PATCH", path).by(&owner.access).json(&json!({ field: value })).expect(200);
        assert_eq!(answer.document()[field], value, "{line}");
        assert_eq!(changed(&before, &all_rows()), expected, "{line}");
        if operation == "changeUser" {
            target = scene.target();
        }
    }
    assert!(untold.is_empty(), "{untold:?} has no row");
}

/// Every key and every text of a document.
fn words(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            found.insert(name.clone());
            words(value, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        Value::String(text) => drop(found.insert(text.clone())),
        _ => {}
    }
}

#[test]
fn no_answer_holds_a_column_that_is_secret() {
    in_scenes(operations(), tells_no_secret);
}

fn tells_no_secret(scene: &Scene, operations: &mut dyn Iterator<Item = Operation>) {
    let site = &scene.site;
    let is_secret = |column: &String| {
        column.ends_with("_hash") || column.ends_with("_hashes") || column.contains("token") || column == "registration_key"
    };
    let secrets: Vec<String> = columns(site).into_iter().filter(is_secret).collect();
    assert!(secrets.len() >= 7, "{secrets:?}");
    let names = secrets.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let each = site.db.tables().into_iter().map(|table| {
        format!(
            "SELECT value AS v FROM {} t, jsonb_each_text(to_jsonb(t)) WHERE key IN ({names}) AND value IS NOT NULL",
            table.name
        )
    });
    let values = each.collect::<Vec<_>>().join(" UNION ");
    let mut owner = site.owner();
    for operation in operations {
        let target = scene.target();
        let answer = scene.ask(&operation, Some(&owner.access), &target, &target.ids());
        if ["logOut", "logOutBrowser", "logOutEverywhere", "changePassword"].contains(&operation.id.as_str()) {
            owner = site.owner();
        }
        let Ok(document) = serde_json::from_str(&answer.body) else { continue };
        let mut told = BTreeSet::new();
        words(&document, &mut told);
        let kept: BTreeSet<String> = secrets.iter().cloned().chain(site.db.query(&values)).collect();
        assert!(kept.len() > secrets.len() + 5, "{kept:?}");
        // Access tokens and refresh tokens are handed out under names that columns don't have.
        assert_eq!(told.intersection(&kept).collect::<Vec<_>>(), Vec::<&String>::new(), "{}", operation.id);
    }
}
