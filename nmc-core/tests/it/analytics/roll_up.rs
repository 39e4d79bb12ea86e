//! Figures as they are computed from rows, again and again.

use crate::support::Scene;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::access::Acting;
use nmc_core::analytics::{CallAnalyticsFilter, CallAnalyticsPatch, FIGURES, Figures, KpiFilter};
use nmc_core::testing::{finally, killed_before, wait_until};
use nmc_core::workflows::{
    Counted, CountedKind, Retention, Upkeep, UpkeepConfig, WantedReport, behind, delete_old_rows, erase_customer, figures,
    report_content, roll_up, roll_up_all,
};
use nmc_core::{Confirmed, ConversionStatus, KpiPeriod, PageRequest, Patch, Span, Uploads};
use std::collections::BTreeMap;

impl Scene {
    /// Rows with their instants, as no call or text of the library could be told to have them.
    pub(super) fn rows(&self, sql: &str) {
        let tenant = self.business.tenant.id();
        self.db.execute(&sql.replace("$tenant", &format!("'{tenant}'")).replace("$staff", &format!("'{}'", self.staff)));
    }

    pub(super) fn roll_up(&self) {
        let came = roll_up_all(&self.db.store).unwrap();
        assert_eq!(came.failed, 0);
        assert_eq!(self.db.query::<i64>("SELECT count(*) FROM analytics_marks"), [0]);
    }

    /// What is stored at a level: `MM-DD HH:MM name` ⇒ value.
    pub(super) fn stored(&self, level: &str) -> BTreeMap<String, String> {
        self.db
            .query::<(String, String)>(&format!(
                "SELECT jsonb_build_array(to_char(timestamp AT TIME ZONE 'UTC', 'MM-DD HH24:MI ') || metric_name, trim_scale(metric_value)::text)
                 FROM analytics_metrics WHERE aggregation_level = '{level}' AND metric_name LIKE 'nmc.%' AND metric_name NOT LIKE '%/%'"
            ))
            .into_iter()
            .collect()
    }

    pub(super) fn all_stored(&self) -> Vec<BTreeMap<String, String>> {
        ["hourly", "daily", "weekly", "monthly"].map(|level| self.stored(level)).into()
    }
}

/// A day in New York: three calls before midnight (04:00 UTC in summer) and one after, with texts; November 1 has 01:00 twice.
pub(super) const HISTORY: &str = "
    UPDATE tenants SET timezone = 'America/New_York', business_hours_start = '08:00', business_hours_end = '18:00' WHERE id = $tenant;
    INSERT INTO conversations (id, tenant_id, customer_phone, status, created_at, closed_at, assigned_to) VALUES
        ('00000000-0000-7000-8000-000000000001', $tenant, '+15550100001', 'resolved', '2026-10-30 21:00+00', '2026-11-02 14:00+00', $staff),
        ('00000000-0000-7000-8000-000000000002', $tenant, '+15550100002', 'active', '2026-11-01 05:30+00', NULL, NULL);
    INSERT INTO calls (id, tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status, outcome, duration_seconds, started_at,
                       created_at, price) VALUES
        ('00000000-0000-7000-8000-000000000011', $tenant, '00000000-0000-7000-8000-000000000001', '+15550100001', '+15550199999', 'inbound',
         'no-answer', 'missed', 0, '2026-10-30 21:00+00', '2026-10-30 21:00+00', 0.0085),
        ('00000000-0000-7000-8000-000000000012', $tenant, NULL, '+15550100003', '+15550199999', 'inbound',
         'completed', 'answered', 125, '2026-11-01 05:59:59.999999+00', '2026-11-01 06:00+00', 0.0170),
        ('00000000-0000-7000-8000-000000000013', $tenant, '00000000-0000-7000-8000-000000000002', '+15550100002', '+15550199999', 'inbound',
         'completed', 'voicemail', 20, '2026-11-01 06:00+00', '2026-11-01 06:00+00', NULL),
        ('00000000-0000-7000-8000-000000000014', $tenant, NULL, '+15550199999', '+15550100009', 'outbound',
         'completed', NULL, 60, NULL, '2026-11-01 06:10+00', 0.0100),
        ('00000000-0000-7000-8000-000000000015', $tenant, NULL, '+15550100004', '+15550199999', 'inbound',
         'ringing', NULL, NULL, '2026-11-01 06:20+00', '2026-11-01 06:20+00', NULL),
        ('00000000-0000-7000-8000-000000000016', $tenant, NULL, '+15550100005', '+15550199999', 'inbound',
         'completed', 'abandoned', 5, '2026-03-08 06:30+00', '2026-11-01 06:30+00', NULL);
    INSERT INTO messages (tenant_id, conversation_id, call_id, message_body, message_direction, message_kind, from_number, to_number, message_status,
                          created_at, price) VALUES
        ($tenant, '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'Sorry', 'outbound', 'greeting', '+15550199999',
         '+15550100001', 'delivered', '2026-10-30 21:00:05+00', 0.0079),
        ($tenant, '00000000-0000-7000-8000-000000000001', NULL, 'Leak', 'inbound', 'message', '+15550100001', '+15550199999', 'received',
         '2026-10-30 21:30+00', NULL),
        ($tenant, '00000000-0000-7000-8000-000000000001', NULL, 'Coming', 'outbound', 'message', '+15550199999', '+15550100001', 'sent',
         '2026-10-31 12:10:00.5+00', 0.0079),
        ($tenant, '00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000013', 'Sorry', 'outbound', 'greeting', '+15550199999',
         '+15550100002', 'undelivered', '2026-11-01 06:00:05+00', NULL);
    INSERT INTO consents (tenant_id, customer_phone, action, source, created_at) VALUES
        ($tenant, '+15550100002', 'opt_out', 'keyword', '2026-11-01 06:30+00');";

#[test]
fn figures_of_a_small_history_are_as_reckoned_by_hand() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let days = scene.stored("daily");
    let of = |day: &str| -> BTreeMap<&str, &str> {
        days.iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(day)?.trim_start().strip_prefix("nmc.")?, value.as_str())))
            .collect()
    };
    // October 30, from 04:00 UTC. Open until 18:00, 22:00 UTC: half an hour of the wait, and from 08:00 the next day ten minutes.
    assert_eq!(
        of("10-30 04:00"),
        BTreeMap::from([
            ("calls_inbound", "1"),
            ("calls_missed", "1"),
            ("calls_unanswered", "1"),
            ("calls_texted_back", "1"),
            ("calls_replied", "1"),
            ("calls_cost", "0.0085"),
            ("conversations_opened", "1"),
            ("conversations_responded", "1"),
            ("first_response_seconds", "52800"),
            ("first_response_open_seconds", "2400"),
            ("texts_received", "1"),
            ("texts_sent", "1"),
            ("texts_cost", "0.0079"),
        ])
    );
    assert_eq!(of("10-31 04:00"), BTreeMap::from([("texts_sent", "1"), ("texts_cost", "0.0079")]));
    // November 1, of 25 hours.
    assert_eq!(
        of("11-01 04:00"),
        BTreeMap::from([
            ("calls_inbound", "2"),
            ("calls_answered", "1"),
            ("calls_voicemail", "1"),
            ("calls_unanswered", "1"),
            ("calls_talk_seconds", "125"),
            ("calls_outbound", "1"),
            ("calls_cost", "0.027"),
            ("conversations_opened", "1"),
            ("texts_sent", "1"),
            ("texts_failed", "1"),
            ("opt_outs", "1"),
        ])
    );
    // Opened at 17:00 on Friday, resolved at 09:00 on Monday: an hour, three days of ten, and an hour. It is open on each day alike.
    assert_eq!(
        of("11-02 05:00"),
        BTreeMap::from([("conversations_resolved", "1"), ("resolution_seconds", "234000"), ("resolution_open_seconds", "79200")])
    );
    assert_eq!(of("03-08 05:00"), BTreeMap::from([("calls_inbound", "1"), ("calls_abandoned", "1"), ("calls_unanswered", "1")]));

    // The hour that comes twice is two.
    let hours = scene.stored("hourly");
    assert_eq!(hours.get("11-01 05:00 nmc.calls_answered").map(String::as_str), Some("1"));
    assert_eq!(hours.get("11-01 06:00 nmc.calls_voicemail").map(String::as_str), Some("1"));
    // A week from Monday: October 26 to November 1.
    let weeks = scene.stored("weekly");
    assert_eq!(weeks.get("10-26 04:00 nmc.calls_inbound").map(String::as_str), Some("3"));
    let months = scene.stored("monthly");
    assert_eq!(months.get("10-01 04:00 nmc.calls_inbound").map(String::as_str), Some("1"));
    assert_eq!(months.get("11-01 04:00 nmc.calls_inbound").map(String::as_str), Some("2"));

    let by = scene.db.query::<(String, String)>(
        "SELECT jsonb_build_array(to_char(timestamp AT TIME ZONE 'UTC', 'MM-DD ') || metric_name, dimensions::text)
         FROM analytics_metrics WHERE aggregation_level = 'daily' AND metric_name LIKE '%/%' AND timestamp > '2026-11-01' ORDER BY 1",
    );
    let number = |of: &str| (format!("11-01 nmc.calls_{of}/+15550199999"), "{\"number\": \"+15550199999\"}".to_owned());
    let staff = scene.staff;
    let person = (format!("11-02 nmc.conversations_resolved/{staff}"), format!("{{\"assignee\": \"{staff}\"}}"));
    assert_eq!(by, [number("answered"), number("inbound"), number("unanswered"), person]);
}

#[test]
fn figures_of_any_span_are_those_of_its_rows() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let of = |from, until| scene.tx(|tx| figures(tx, Span { from: at(from), until: at(until) })).unwrap();
    let all: Figures = of("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    assert_eq!(all.get("nmc.calls_inbound"), 4.into());
    assert_eq!(all.get("nmc.texts_cost").to_string(), "0.0158");
    assert_eq!(of("2026-11-01T06:00:00Z", "2026-11-01T06:00:00.000001Z").get("nmc.calls_inbound"), 1.into());
    assert!(of("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z").is_empty());
    assert!(scene.stored("hourly").is_empty(), "asking stores nothing");
}

#[test]
fn rows_behind_a_figure_add_up_to_it() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let span = Span { from: at("2026-01-01T00:00:00Z"), until: at("2027-01-01T00:00:00Z") };
    let all = scene.tx(|tx| figures(tx, span)).unwrap();
    let names: Vec<&str> = all.iter().map(|(name, _)| name).collect();
    let mut rows = Vec::new();
    loop {
        let after = rows.last().map(|row: &Counted| (row.at, row.id));
        let page = scene.tx(|tx| behind(tx, &names, span, after, 2)).unwrap();
        if page.is_empty() {
            break;
        }
        rows.extend(page);
    }
    let sum: Figures = rows.iter().flat_map(|row| row.counts.iter()).map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(sum, all);
    assert!(rows.windows(2).all(|pair| (pair[0].at, pair[0].id) < (pair[1].at, pair[1].id)));
    assert!(names.iter().all(|name| FIGURES.contains(name)));
    let unknown = scene.tx(|tx| behind(tx, &["nmc.calls_missd"], span, None, 10)).unwrap_err();
    assert_eq!(unknown.to_string(), "figure must be the name of a figure, such as nmc.calls_missed");
    let only = scene.tx(|tx| behind(tx, &["nmc.calls_replied"], span, None, 10)).unwrap();
    assert_eq!(only.iter().map(|row| row.kind).collect::<Vec<_>>(), [CountedKind::Call]);
}

#[test]
fn rows_behind_a_figure_of_a_person_are_theirs() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let span = Span { from: at("2026-01-01T00:00:00Z"), until: at("2027-01-01T00:00:00Z") };
    let of = |name: &str| {
        let rows = scene.tx(|tx| behind(tx, &[name], span, None, 10)).unwrap();
        rows.into_iter().map(|row| (row.kind, row.counts.get(name))).collect::<Vec<_>>()
    };
    assert_eq!(of("nmc.conversations_opened").len(), 2, "one of them is nobody's");
    let theirs = vec![(CountedKind::Conversation, 1.into())];
    for figure in ["opened", "resolved"] {
        assert_eq!(of(&format!("nmc.conversations_{figure}/{}", scene.staff)), theirs, "{figure}");
        assert_eq!(of(&format!("nmc.conversations_{figure}/{}", uuid::Uuid::nil())), [], "{figure}");
    }
}

#[test]
fn figures_of_calls_and_conversations_are_kept_of_each() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let kept = || {
        scene.db.query::<String>(
            "SELECT concat_ws(' ', (SELECT count(*) FROM call_analytics), (SELECT count(*) FROM conversation_analytics))",
        )
    };
    let all = kept();
    assert_eq!(all, ["5 2"]);
    let calls = scene.tx(|tx| tx.call_analytics().list(&CallAnalyticsFilter::default(), PageRequest::first())).unwrap().items;
    scene.tx(|tx| calls.iter().try_for_each(|row| tx.call_analytics().delete(row.id))).unwrap();
    assert_eq!(kept(), ["0 2"]);
    scene.roll_up();
    assert_eq!(kept(), all);
    scene.rows("DELETE FROM conversation_analytics");
    assert_eq!(kept(), ["5 0"]);
    scene.roll_up();
    assert_eq!(kept(), all);
    // A business that goes takes its figures along.
    scene.rows("UPDATE tenants SET owner_id = NULL; DELETE FROM tenants");
    assert_eq!(scene.db.query::<i64>("SELECT count(*) FROM analytics_marks"), [0]);
}

#[test]
fn late_facts_end_up_where_they_belong() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let before = scene.all_stored();
    for change in [
        "UPDATE calls SET price = 0.5, outcome = 'answered' WHERE id = '00000000-0000-7000-8000-000000000011'",
        "UPDATE calls SET started_at = '2026-05-05 12:00+00' WHERE id = '00000000-0000-7000-8000-000000000012'",
        "UPDATE calls SET call_status = 'completed', outcome = 'missed' WHERE id = '00000000-0000-7000-8000-000000000015'",
        "UPDATE messages SET message_status = 'failed' WHERE message_body = 'Coming'",
        "UPDATE messages SET message_status = 'delivered' WHERE message_status = 'undelivered'",
        "UPDATE conversations SET created_at = '2026-10-29 21:00+00', closed_at = '2026-11-03 12:00+00', assigned_to = NULL WHERE status = 'resolved'",
        "DELETE FROM messages WHERE message_body = 'Leak'",
        "DELETE FROM call_analytics WHERE call_id = '00000000-0000-7000-8000-000000000016'; DELETE FROM calls WHERE id = '00000000-0000-7000-8000-000000000016'",
        "DELETE FROM consents",
    ] {
        scene.rows(change);
        scene.roll_up();
        let after = scene.all_stored();
        assert_ne!(after, before, "{change}");
        // What is computed of nothing but the rows is the same.
        scene.rows("DELETE FROM analytics_metrics");
        scene.tx(|tx| tx.begin_rebuild()).unwrap();
        scene.roll_up();
        assert_eq!(scene.all_stored(), after, "{change}");
    }
}

#[test]
fn what_people_told_of_a_call_counts_and_stays() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let rows = scene.tx(|tx| tx.call_analytics().list(&CallAnalyticsFilter::default(), PageRequest::first())).unwrap().items;
    assert_eq!(rows.len(), 5, "the one that rings has none");
    let missed = rows.iter().find(|row| row.call_id.unwrap().to_string().ends_with("11")).unwrap();
    let patch = CallAnalyticsPatch {
        conversion_status: Patch::Set(ConversionStatus::Converted),
        revenue_impact: Patch::Set("450.50".parse().unwrap()),
        ..CallAnalyticsPatch::default()
    };
    scene.tx(|tx| tx.call_analytics().update(missed.id, &patch)).unwrap();
    scene.rows("UPDATE calls SET duration_seconds = 3 WHERE outcome = 'missed'");
    scene.roll_up();
    let days = scene.stored("daily");
    for (name, value) in [("calls_converted", "1"), ("revenue", "450.5"), ("revenue_unanswered", "450.5")] {
        assert_eq!(days.get(&format!("10-30 04:00 nmc.{name}")).map(String::as_str), Some(value));
    }
    let row = scene.tx(|tx| tx.call_analytics().get(missed.id)).unwrap();
    assert_eq!((row.call_duration, row.conversion_status), (Some(3), Some(ConversionStatus::Converted)));
}

#[test]
fn cost_of_a_call_goes_with_its_price() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.rows("UPDATE calls SET price = 1, price_unit = 'USD'");
    scene.roll_up();
    let priced = || {
        let sql = "SELECT DISTINCT call_status FROM call_analytics WHERE cost_per_call IS NOT NULL AND call_status IN ('missed', 'voicemail') ORDER BY 1";
        scene.db.query::<String>(sql)
    };
    assert_eq!(priced(), ["missed", "voicemail"]);
    scene.rows(
        "UPDATE calls SET price = NULL WHERE outcome = 'missed'; UPDATE calls SET price_unit = 'EUR' WHERE outcome = 'voicemail'",
    );
    scene.roll_up();
    assert_eq!(priced(), Vec::<String>::new());
}

#[test]
fn texts_of_people_are_those_that_the_business_wrote() {
    let scene = Scene::new();
    let id = "00000000-0000-7000-8000-000000000001";
    let text = |direction: &str, kind: &str, status: &str, ai: bool| {
        format!("($tenant, '{id}', 'x', '{direction}', '{kind}', '{status}', {ai}, '+15550100001', '+15550199999')")
    };
    scene.rows(&format!(
        "INSERT INTO conversations (id, tenant_id, customer_phone, status) VALUES ('{id}', $tenant, '+15550100001', 'active');
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, message_kind, message_status, ai_generated,
                               from_number, to_number) VALUES {}",
        [
            text("inbound", "message", "received", false),
            text("inbound", "message", "received", false),
            text("outbound", "message", "delivered", false),
            text("outbound", "message", "delivered", true),
            text("outbound", "message", "canceled", false),
        ]
        .join(", ")
    ));
    scene.roll_up();
    let counted =
        "SELECT jsonb_build_array(message_count, ai_message_count, human_message_count)::text FROM conversation_analytics";
    assert_eq!(scene.db.query::<String>(counted), ["[4, 1, 1]"]);
}

#[test]
fn change_of_zone_has_all_figures_computed_anew() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    scene.rows("UPDATE tenants SET timezone = 'Asia/Kathmandu' WHERE id = $tenant");
    scene.roll_up();
    let days = scene.stored("daily");
    assert!(days.keys().all(|day| day[6..11] == *"18:15"), "{days:?}");
    assert_eq!(days.get("10-30 18:15 nmc.calls_missed").map(String::as_str), Some("1"));
    let zones: Vec<String> = scene.db.query("SELECT DISTINCT timezone FROM kpi_snapshots");
    assert_eq!(zones, ["Asia/Kathmandu"]);
}

#[test]
fn snapshots_are_compared_with_targets_and_periods_before() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.tx(|tx| tx.kpi_targets().upsert_by_key("missed_rate", KpiPeriod::Weekly, "40".parse().unwrap())).unwrap();
    scene.roll_up();
    let filter = KpiFilter { kpi_name: Some("missed_rate".into()), ..KpiFilter::default() };
    let mut all = scene.tx(|tx| tx.kpi_snapshots().list(&filter, PageRequest::first())).unwrap().items;
    all.retain(|row| row.period_start.unwrap() > "2026-10-01T04:00:00Z".parse::<DateTime<Utc>>().unwrap());
    let told: Vec<String> = all
        .iter()
        .map(|row| {
            let number = |value: Option<rust_decimal::Decimal>| {
                value.map_or_else(|| "-".to_owned(), |value| value.normalize().to_string())
            };
            let trend = row.trend_direction.map_or("-", nmc_core::TrendDirection::label);
            let until = row.snapshot_date.format("%m-%d %H");
            format!(
                "{} {until} {} {} {} {trend}",
                row.period_type,
                number(Some(row.kpi_value)),
                number(row.kpi_target),
                number(row.variance_percentage)
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "monthly 12-01 05 50 - - improving",
            "weekly 11-02 05 66.6667 40 66.67 -",
            "daily 11-02 05 50 - - -",
            "daily 10-31 04 100 - - -",
        ]
    );
}

/// Samoa had no 30 December 2011: the day before its 31st is the 29th.
#[test]
fn day_after_one_that_was_left_out_is_compared_anew() {
    let scene = Scene::new();
    let call = |at: &str, price: &str| {
        format!(
            "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at, created_at, price, price_unit)
             VALUES ($tenant, '+15550100001', '+15550199999', 'inbound', 'no-answer', 'missed', '{at}', '{at}', {price}, 'USD');"
        )
    };
    scene.rows("UPDATE tenants SET timezone = 'Pacific/Apia' WHERE id = $tenant");
    scene.rows(&(call("2011-12-29 20:00+00", "1") + &call("2011-12-30 20:00+00", "2")));
    scene.roll_up();
    let trends = || {
        let sql = "SELECT to_char(snapshot_date AT TIME ZONE 'UTC', 'DD HH24 ') || coalesce(trend_direction, '-')
                   FROM kpi_snapshots WHERE kpi_name = 'cost_per_call' AND period_type = 'daily' ORDER BY snapshot_date";
        scene.db.query::<String>(sql)
    };
    assert_eq!(trends(), ["30 10 -", "31 10 declining"]);
    scene.rows("UPDATE calls SET price = 3 WHERE price = 1");
    scene.roll_up();
    assert_eq!(trends(), ["30 10 -", "31 10 improving"]);
}

#[test]
fn mark_that_is_not_committed_yet_is_not_lost() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let mut late = scene.db.superuser();
    let sql =
        |conn: &mut diesel::PgConnection, sql: &str| diesel::connection::SimpleConnection::batch_execute(conn, sql).unwrap();
    sql(&mut late, "BEGIN; UPDATE calls SET price = 1 WHERE outcome = 'missed'");
    scene.rows("UPDATE calls SET price = 2 WHERE outcome = 'voicemail'");
    scene.roll_up();
    assert_eq!(scene.stored("daily").get("10-30 04:00 nmc.calls_cost").map(String::as_str), Some("0.0085"));
    sql(&mut late, "COMMIT");
    scene.clock.advance(TimeDelta::seconds(1));
    scene.roll_up();
    assert_eq!(scene.stored("daily").get("10-30 04:00 nmc.calls_cost").map(String::as_str), Some("1"));
    assert_eq!(scene.stored("daily").get("11-01 04:00 nmc.calls_cost").map(String::as_str), Some("2.027"));
}

#[test]
fn hours_that_were_kept_long_enough_go_and_days_stay_true() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let days = scene.stored("daily");
    scene.clock.advance(TimeDelta::days(500));
    assert!(delete_old_rows(&scene.db.store, Retention::default(), 10_000).unwrap() > 0);
    assert_eq!(scene.stored("hourly"), BTreeMap::new());
    assert_eq!(scene.stored("daily"), days);
    // One fact of a day is corrected: the others of the day are computed again, too.
    scene.rows("UPDATE calls SET price = 0.5 WHERE outcome = 'answered'");
    scene.roll_up();
    let corrected = scene.stored("daily");
    let moved: Vec<&String> =
        corrected.iter().filter(|(name, value)| days.get(*name) != Some(value)).map(|(name, _)| name).collect();
    assert_eq!((corrected.len(), moved), (days.len(), vec![&"11-01 04:00 nmc.calls_cost".to_owned()]));
}

/// Of a roll-up of marks each statement, of all figures computed anew every seventh.
#[test]
fn roll_up_that_dies_before_any_statement_loses_nothing() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    let of_rows = "SELECT (to_jsonb(a) - ARRAY['id', 'processed_at', 'created_at', 'updated_at'])::text FROM call_analytics AS a
                   UNION ALL
                   SELECT (to_jsonb(a) - ARRAY['id', 'processed_at', 'created_at', 'updated_at'])::text FROM conversation_analytics AS a
                   ORDER BY 1";
    let stored = || (scene.all_stored(), scene.db.query::<String>(of_rows));
    let change = |price: usize| {
        scene.rows(&format!("UPDATE calls SET price = {price}; UPDATE messages SET price = {price}, price_unit = 'USD'"));
    };
    let expected = [1, 2].map(|price| {
        change(price);
        scene.roll_up();
        stored()
    });
    assert_ne!(expected[0], expected[1]);
    for (anew, step) in [(false, 1), (true, 7)] {
        let mut deaths = 0;
        loop {
            change(deaths % 2 + 1);
            if anew {
                scene.tx(|tx| tx.begin_rebuild()).unwrap();
            }
            let at = u64::try_from(deaths * step).unwrap();
            let is_done = killed_before(at, || roll_up_all(&scene.db.store)).is_some();
            // Until the server sees that it is dead, the dead one has the business in hand.
            wait_until("the next one has all in hand", || {
                assert_eq!(roll_up_all(&scene.db.store).unwrap().failed, 0);
                scene.db.query::<i64>("SELECT count(*) FROM analytics_marks") == [0]
            });
            assert_eq!(stored(), expected[deaths % 2], "before statement {at}, {anew}");
            if is_done {
                break;
            }
            deaths += 1;
        }
        assert!(deaths > 10, "{deaths} deaths");
    }
}

/// Of each kind one row that was kept long enough, and one that was not.
#[test]
fn upkeep_deletes_what_was_kept_long_enough() {
    let scene = Scene::new();
    scene.rows(
        "DELETE FROM user_sessions;
         INSERT INTO user_sessions (tenant_id, user_id, token_family_hash, refresh_token_hash, expires_at, created_at, last_used_at)
             SELECT $tenant, $staff, 'family of ' || at, 'hash of ' || at, at, at - interval '1 day', at - interval '1 day'
             FROM unnest('{2026-10-17 11:00+00, 2026-10-17 13:00+00}'::timestamptz[]) AS at;
         INSERT INTO analytics_processing_jobs (tenant_id, job_type, parameters, status, error_message, created_at, updated_at)
             SELECT $tenant, 'aggregation', '{}', 'failed', 'it was canceled', at, at
             FROM unnest('{2026-08-18 11:00+00, 2026-08-18 13:00+00}'::timestamptz[]) AS at;
         INSERT INTO analytics_reports (tenant_id, report_type, period_start, period_end, sections, expires_at)
             SELECT $tenant, 'daily', at, at, '{}', at FROM unnest('{2026-11-16 11:00+00, 2026-11-16 13:00+00}'::timestamptz[]) AS at;
         INSERT INTO analytics_metrics (tenant_id, metric_type, metric_name, metric_value, aggregation_level, timestamp)
             SELECT $tenant, 'call', 'nmc.calls_missed', 1, 'hourly', at
             FROM unnest('{2025-10-12 11:00+00, 2025-10-12 13:00+00}'::timestamptz[]) AS at",
    );
    let left = || {
        scene.db.query::<String>(
            "SELECT concat_ws(' ', (SELECT count(*) FROM user_sessions), (SELECT count(*) FROM analytics_processing_jobs),
                 (SELECT count(*) FROM analytics_reports), (SELECT count(*) FROM analytics_metrics))",
        )
    };
    assert_eq!(left(), ["2 2 2 2"]);
    let upkeep = Upkeep::new(scene.db.store.clone(), None, UpkeepConfig::default());
    std::thread::scope(|scope| {
        let _stop = finally(|| upkeep.stop());
        scope.spawn(|| upkeep.run());
        wait_until("one of each kind is left", || left() == ["1 1 1 1"]);
    });
    // The settings say how long; hours are kept as long as reports need them.
    let keep =
        |days| Retention { hourly_figures: TimeDelta::days(days), jobs: TimeDelta::days(days), sessions: TimeDelta::days(days) };
    assert_eq!(delete_old_rows(&scene.db.store, keep(365), 1_000).unwrap(), 0);
    assert_eq!(delete_old_rows(&scene.db.store, keep(1), 1_000).unwrap(), 2);
    assert_eq!(left(), ["0 0 1 1"]);
}

#[test]
fn figures_of_which_much_is_marked_are_as_old_as_before() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let computed = |scene: &Scene| scene.tx(|tx| tx.analytics_roll_ups().find()).unwrap().unwrap().rolled_up_at;
    let before = computed(&scene);
    scene.rows(
        "INSERT INTO analytics_marks (tenant_id, marked_at) SELECT $tenant, '2026-11-01 06:00+00' FROM generate_series(1, 10001);
         INSERT INTO analytics_marks (tenant_id, marked_at) VALUES ($tenant, '2026-10-30 21:00+00')",
    );
    scene.tick();
    roll_up(&scene.db.store, &scene.business.tenant).unwrap();
    assert_eq!((computed(&scene), scene.db.query::<i64>("SELECT count(*) FROM analytics_marks")), (before, vec![1]));
    roll_up(&scene.db.store, &scene.business.tenant).unwrap();
    assert!(computed(&scene) > before);
}

/// A call on every other day of 300, and texts in a conversation that was opened long before.
#[test]
fn figures_marked_all_over_a_year_are_computed_by_month() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.rows(
        "INSERT INTO conversations (id, tenant_id, customer_phone, status, created_at)
         VALUES ('00000000-0000-7000-8000-000000000003', $tenant, '+15550100008', 'active', '2026-05-10 12:00+00')",
    );
    scene.roll_up();
    scene.rows(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at)
         SELECT $tenant, '+15550100007', '+15550199999', 'inbound', 'no-answer', 'missed', '2026-11-15 12:00+00'::timestamptz - n * interval '2 days'
         FROM generate_series(0, 150) AS n;
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at) VALUES
             ($tenant, '00000000-0000-7000-8000-000000000003', 'x', 'inbound', '+15550100008', '+15550199999', 'received', '2026-11-02 12:00+00'),
             ($tenant, '00000000-0000-7000-8000-000000000003', 'y', 'outbound', '+15550199999', '+15550100008', 'sent', '2026-11-02 12:01+00')",
    );
    // An hour that was emptied has nothing that could be found in it.
    scene.rows("DELETE FROM call_analytics; DELETE FROM calls WHERE id = '00000000-0000-7000-8000-000000000016'");
    let before = scene.tx(|tx| tx.analytics_roll_ups().find()).unwrap().unwrap().rolled_up_at;
    scene.tick();
    let hours = roll_up(&scene.db.store, &scene.business.tenant).unwrap().unwrap();
    assert!((360..=362).contains(&hours), "November up to the latest mark: {hours}");
    let state = scene.tx(|tx| tx.analytics_roll_ups().find()).unwrap().unwrap();
    assert_eq!(state.rolled_up_at, before, "the rest is still marked");
    scene.roll_up();
    let stored = scene.all_stored();
    assert_eq!(stored[3]["05-01 04:00 nmc.conversations_responded"], "1", "by a text of another month");
    scene.tx(|tx| tx.begin_rebuild()).unwrap();
    scene.roll_up();
    assert_eq!(scene.all_stored(), stored);
}

/// 12,500 calls of October: in one transaction they might take longer than a statement may.
#[test]
fn month_of_many_calls_is_computed_some_days_at_a_time() {
    let scene = Scene::new();
    scene.rows(
        "SET session_replication_role = replica;
         INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at, created_at)
         SELECT $tenant, '+15550100007', '+15550199999', 'inbound', 'no-answer', 'missed', at, at
         FROM (SELECT '2026-10-31 20:00+00'::timestamptz - n * interval '200 seconds' AS at FROM generate_series(0, 12499) AS n) AS calls;
         RESET session_replication_role; ANALYZE calls",
    );
    scene.tx(|tx| tx.begin_rebuild()).unwrap();
    let mut rounds = Vec::new();
    while scene.tx(|tx| tx.analytics_roll_ups().find()).unwrap().is_none_or(|state| state.is_rebuilding()) {
        rounds.push(roll_up(&scene.db.store, &scene.business.tenant).unwrap().unwrap());
    }
    // 10,000 are those of a little more than 23 days; then come the last days of October's rest, and nothing before.
    let [first, second, ..] = rounds[..] else { panic!("rounds of less than a month: {rounds:?}") };
    assert!(first == 23 * 24 && second == 8 * 24, "{rounds:?}");
    let counted = |level: &str| {
        let sum = "SELECT coalesce(sum(metric_value), 0)::bigint FROM analytics_metrics WHERE metric_name = 'nmc.calls_missed' AND aggregation_level";
        scene.db.query::<i64>(&format!("{sum} = '{level}'"))
    };
    assert_eq!(["hourly", "daily", "weekly", "monthly"].map(counted), [[12_500]; 4].map(Vec::from));

    // And where all of it is marked, as after an import.
    scene.rows("DELETE FROM analytics_metrics; UPDATE calls SET outcome = 'voicemail', updated_at = now()");
    let first = roll_up(&scene.db.store, &scene.business.tenant).unwrap().unwrap();
    assert!(first < 25 * 24, "{first}");
    scene.roll_up();
    assert_eq!(counted("monthly"), [0]);
    let kept = "SELECT metric_value::bigint FROM analytics_metrics WHERE metric_name = 'nmc.calls_voicemail' AND aggregation_level = 'monthly'";
    assert_eq!(scene.db.query::<i64>(kept), [12_500]);
}

/// Clocks in Dublin were 25 minutes and 21 seconds behind until October 1916: a quarter of an hour belonged to two months.
#[test]
fn quarter_of_an_hour_in_two_months_is_computed_in_both() {
    let scene = Scene::new();
    scene.rows("UPDATE tenants SET timezone = 'Europe/Dublin' WHERE id = $tenant");
    scene.roll_up();
    scene.rows(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, outcome, started_at)
         SELECT $tenant, '+15550100007', '+15550199999', 'inbound', 'no-answer', 'missed', at FROM (
             VALUES ('1916-02-01 00:25:20+00'::timestamptz), ('1916-02-01 00:25:22+00')
             UNION ALL SELECT '1916-02-01 12:00+00'::timestamptz - n * interval '1 day' FROM generate_series(40, 190) AS n
         ) AS c (at)",
    );
    scene.roll_up();
    let monthly = scene.stored("monthly");
    let missed: Vec<_> = monthly.iter().filter(|(name, _)| name.ends_with("nmc.calls_missed")).collect();
    let of = |name: &str| monthly[name].as_str();
    assert_eq!((of("02-01 00:25 nmc.calls_missed"), of("01-01 00:25 nmc.calls_missed")), ("1", "1"), "{missed:?}");
}

#[test]
fn report_has_what_has_changed_a_moment_ago() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let day = "2026-11-01".parse().unwrap();
    scene.rows("UPDATE calls SET outcome = 'missed' WHERE outcome = 'answered'");
    let report = report_content(&scene.db.store, &Acting::Application(scene.business.tenant), WantedReport::Daily(day)).unwrap();
    assert_eq!(report.total("nmc.calls_missed"), 1.into());
    // More than a request waits for is not reported on.
    scene.rows(
        "INSERT INTO analytics_marks (tenant_id, marked_at)
         SELECT $tenant, '2026-11-01 06:00+00'::timestamptz - n % 8 * interval '31 days' FROM generate_series(1, 90000) AS n",
    );
    let refused =
        report_content(&scene.db.store, &Acting::Application(scene.business.tenant), WantedReport::Daily(day)).unwrap_err();
    assert!(refused.to_string().contains("are being computed"), "{refused}");
}

#[test]
fn target_that_no_figure_can_come_to_is_refused() {
    let scene = Scene::new();
    let set = |name: &str, target: &str| {
        let target = target.parse().unwrap();
        scene.tx(|tx| tx.kpi_targets().upsert_by_key(name, KpiPeriod::Daily, target)).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(set("missed_rate", "100.0001"), Err("kpi_target must be 0 to 100: it is in percent".into()));
    assert_eq!(set("calls", "-1"), Err("kpi_target must not be negative".into()));
    for calls in ["calls", "missed_calls"] {
        assert_eq!(set(calls, "1.5"), Err("kpi_target must be a whole number: it is in calls".into()));
    }
    assert_eq!((set("missed_rate", "100"), set("calls", "101"), set("calls", "7.00")), (Ok(()), Ok(()), Ok(())));
    assert_eq!(set("cost_per_call", "1.5"), Ok(()));
}

#[test]
fn figures_of_hours_are_computed_anew_for_a_holiday() {
    let scene = Scene::new();
    scene.rows(HISTORY);
    scene.roll_up();
    let open_seconds = || {
        let stored: Vec<String> = scene.db.query(
            "SELECT trim_scale(metric_value)::text FROM analytics_metrics
             WHERE metric_name = 'nmc.first_response_open_seconds' AND aggregation_level = 'monthly'",
        );
        let (from, until) = ("2026-10-01T04:00:00Z".parse().unwrap(), "2026-11-01T04:00:00Z".parse().unwrap());
        let live = scene.tx(|tx| figures(tx, Span { from, until })).unwrap();
        assert_eq!(live.get("nmc.first_response_open_seconds").normalize().to_string(), stored[0]);
        stored[0].clone()
    };
    // Half an hour on October 30, and ten minutes on the day after.
    assert_eq!(open_seconds(), "2400");
    let set = |text: &str| scene.tx(|tx| tx.holidays().upsert_by_day(text.parse().unwrap(), "Closed")).unwrap();
    let is_rebuilding = || scene.tx(|tx| tx.analytics_roll_ups().find()).unwrap().unwrap().is_rebuilding();
    set("2199-10-31");
    assert!(!is_rebuilding(), "a day to come is in no figure");
    set("2026-10-31");
    assert!(is_rebuilding());
    scene.roll_up();
    assert_eq!(open_seconds(), "1800");
    scene.tx(|tx| tx.holidays().delete("2026-10-31".parse().unwrap())).unwrap();
    scene.roll_up();
    assert_eq!(open_seconds(), "2400");
}

#[test]
fn figures_after_an_erasure_are_those_without_the_customer() {
    let (scene, other) = (Scene::new(), Scene::new());
    scene.rows(HISTORY);
    scene.roll_up();
    let before = scene.all_stored();
    other.rows(HISTORY);
    for scene in [&scene, &other] {
        let (who, customer) = (Acting::Application(scene.business.tenant), "+15550100001".parse().unwrap());
        let gone =
            erase_customer(&scene.db.store, &who, &customer, &Uploads::new("/nonexistent"), Confirmed::irrevocably()).unwrap();
        assert_eq!((gone.conversations, gone.texts, gone.calls), (1, 3, 1));
    }
    scene.roll_up();
    other.roll_up();
    assert_ne!(scene.all_stored(), before);
    assert_eq!(scene.all_stored(), other.all_stored());
}
