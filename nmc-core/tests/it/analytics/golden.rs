//! A small history whose figures were reckoned by hand, from docs/ANALYTICS.md.

use crate::support::{Scene, dec};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use nmc_core::analytics::NewCallAnalytics;
use nmc_core::calls::NewCall;
use nmc_core::conversations::{Worker, WorkerConfig};
use nmc_core::telephony::Pace;
use nmc_core::tenants::TenantPatch;
use nmc_core::testing::{FakeSms, SmsForm, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{receive_text, record_voice_status, roll_up_all};
use nmc_core::{CallDirection, CallId, CallOutcome, CallStatus, CallerIdentity, Clock as _, ConversionStatus, PhoneNumber};
use rust_decimal::Decimal;
use std::sync::Arc;

impl Scene {
    /// Lets it be this time (UTC) of 16 November 2026: noon or later.
    fn at(&self, time: &str) {
        let at: DateTime<Utc> = format!("2026-11-16T{time}Z").parse().unwrap();
        self.clock.advance(at - self.clock.now());
    }

    fn logged(&self, direction: CallDirection, at: &str, outcome: Option<CallOutcome>, price: Option<Decimal>) {
        let (ours, theirs) = (CallerIdentity::Phone(self.business.number.clone()), CallerIdentity::Phone(unique_phone()));
        let (from, to) = if direction == CallDirection::Inbound { (theirs, ours) } else { (ours, theirs) };
        let new = NewCall {
            call_status: CallStatus::Completed,
            outcome,
            started_at: Some(at.parse().unwrap()),
            duration_seconds: Some(60),
            price,
            ..NewCall::begun(direction, from, to, unique_sid("CA"))
        };
        self.tx(|tx| tx.calls().import(std::slice::from_ref(&new))).unwrap();
    }

    fn missed_of(&self, customer: &PhoneNumber) -> CallId {
        let form = VoiceForm::missed(customer.as_str(), &self.business.number, &unique_sid("CA"));
        record_voice_status(&self.db.store, &form.parse()).unwrap().call
    }

    fn texted_by(&self, customer: &PhoneNumber, body: &str) {
        receive_text(&self.db.store, &SmsForm::text(customer.as_str(), &self.business.number, body).parse()).unwrap();
    }

    fn send_texts(&self) {
        let config = WorkerConfig { pace: Pace::NONE, ..WorkerConfig::default() };
        assert_eq!(Worker::new(self.db.store.clone(), Arc::new(FakeSms::new()), config).pass().unwrap().sent, 1);
    }

    /// Joe's is open from 8 to 17 o'clock in New York, which is 13:00 to 22:00 UTC in the middle of November. On the 1st, at 06:00 UTC,
    /// New York's clock was set back from 02:00 to 01:00.
    fn golden(&self) {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0);
        let (business_hours_start, business_hours_end, timezone) = (time(8), time(17), "America/New_York".parse().ok());
        let patch = TenantPatch { business_hours_start, business_hours_end, timezone, ..TenantPatch::default() };
        self.tx(|tx| tx.tenants().update(&patch)).unwrap();
        // A minute before midnight, both hours that are called 1 o'clock, and the first instant of Monday.
        self.logged(CallDirection::Inbound, "2026-11-01T03:59:59Z", Some(CallOutcome::Abandoned), None);
        self.logged(CallDirection::Inbound, "2026-11-01T05:30:00Z", Some(CallOutcome::Answered), Some(dec!(0.0085)));
        self.logged(CallDirection::Inbound, "2026-11-01T06:30:00Z", Some(CallOutcome::Missed), None);
        self.logged(CallDirection::Outbound, "2026-11-02T05:00:00Z", None, Some(dec!(0.02)));
        // The 16th: a call that is missed, texted after, replied to, answered, resolved and worth something.
        let (ann, bob) = (unique_phone(), unique_phone());
        self.at("12:00:01");
        let call = self.missed_of(&ann);
        let conversation = self.tx(|tx| tx.calls().get(call)).unwrap().conversation_id.unwrap();
        self.at("12:01:01");
        self.send_texts();
        self.at("12:30:00");
        self.texted_by(&ann, "It drips");
        self.at("13:10:30");
        self.business.queue(&self.db.store, &ann, "We come at 9").unwrap();
        self.send_texts();
        self.tx(|tx| tx.conversations().assign(conversation, Some(self.staff))).unwrap();
        self.at("15:00:01");
        self.tx(|tx| tx.conversations().resolve(conversation)).unwrap();
        self.tx(|tx| {
            let (conversion_status, revenue_impact) = (Some(ConversionStatus::Converted), Some(dec!(250.5)));
            let call = tx.calls().get(call)?;
            let told = NewCallAnalytics { conversion_status, revenue_impact, ..NewCallAnalytics::of(&call) };
            tx.call_analytics().upsert_by_call(&told)
        })
        .unwrap();
        // One who has opted out, and is not texted after.
        self.at("15:00:02");
        self.texted_by(&bob, "STOP");
        self.clock.advance(TimeDelta::seconds(1));
        self.missed_of(&bob);
    }

    /// The lines of a query, `from` as month, day and hour (UTC), with names for what is new in each run.
    fn lines(&self, sql: &str) -> Vec<String> {
        let (from, ours, staff) =
            ("to_char(period_start AT TIME ZONE 'UTC', 'MM-DD HH24:MI')", &self.business.number, self.staff);
        let of = self.business.tenant.id();
        let lines: Vec<String> = self.db.query(&format!("{} AND tenant_id = '{of}' ORDER BY 1", sql.replace(":from", from)));
        lines.iter().map(|line| line.replace(ours.as_str(), "ours").replace(&staff.to_string(), "joe")).collect()
    }
}

#[test]
fn a_golden_history_has_the_figures_reckoned_by_hand() {
    let scene = Scene::new();
    scene.golden();
    roll_up_all(&scene.db.store).unwrap();
    let figures = |level: &str, of: &str| {
        scene.lines(&format!(
            "SELECT concat_ws(' ', :from, metric_type, substr(metric_name, 5), trim_scale(metric_value)) AS line
             FROM analytics_metrics WHERE metric_name LIKE 'nmc.{of}%' AND aggregation_level = '{level}'"
        ))
    };
    let calls_by_the_hour = [
        "11-01 03:00 call calls_abandoned 1",
        "11-01 03:00 call calls_inbound 1",
        "11-01 03:00 call calls_unanswered 1",
        "11-01 05:00 call calls_answered 1",
        "11-01 05:00 call calls_cost 0.0085",
        "11-01 05:00 call calls_inbound 1",
        "11-01 05:00 call calls_talk_seconds 60",
        "11-01 06:00 call calls_inbound 1",
        "11-01 06:00 call calls_missed 1",
        "11-01 06:00 call calls_unanswered 1",
        "11-02 05:00 call calls_cost 0.02",
        "11-02 05:00 call calls_outbound 1",
        "11-16 12:00 call calls_converted 1",
        "11-16 12:00 call calls_inbound 1",
        "11-16 12:00 call calls_missed 1",
        "11-16 12:00 call calls_replied 1",
        "11-16 12:00 call calls_texted_back 1",
        "11-16 12:00 call calls_unanswered 1",
        "11-16 15:00 call calls_inbound 1",
        "11-16 15:00 call calls_missed 1",
        "11-16 15:00 call calls_unanswered 1",
    ];
    assert_eq!(figures("hourly", "calls"), calls_by_the_hour);
    let days = [
        "10-31 04:00 call calls_abandoned 1",
        "10-31 04:00 call calls_inbound 1",
        "10-31 04:00 call calls_inbound/ours 1",
        "10-31 04:00 call calls_unanswered 1",
        "10-31 04:00 call calls_unanswered/ours 1",
        "11-01 04:00 call calls_answered 1",
        "11-01 04:00 call calls_answered/ours 1",
        "11-01 04:00 call calls_cost 0.0085",
        "11-01 04:00 call calls_inbound 2",
        "11-01 04:00 call calls_inbound/ours 2",
        "11-01 04:00 call calls_missed 1",
        "11-01 04:00 call calls_talk_seconds 60",
        "11-01 04:00 call calls_unanswered 1",
        "11-01 04:00 call calls_unanswered/ours 1",
        "11-02 05:00 call calls_cost 0.02",
        "11-02 05:00 call calls_outbound 1",
        "11-16 05:00 call calls_converted 1",
        "11-16 05:00 call calls_inbound 2",
        "11-16 05:00 call calls_inbound/ours 2",
        "11-16 05:00 call calls_missed 2",
        "11-16 05:00 call calls_replied 1",
        "11-16 05:00 call calls_texted_back 1",
        "11-16 05:00 call calls_unanswered 2",
        "11-16 05:00 call calls_unanswered/ours 2",
        "11-16 05:00 conversation conversations_opened 2",
        "11-16 05:00 conversation conversations_opened/joe 1",
        "11-16 05:00 conversation conversations_resolved 1",
        "11-16 05:00 conversation conversations_resolved/joe 1",
        "11-16 05:00 conversation conversations_responded 1",
        // From 12:30:00 to 13:10:30, open since 13:00.
        "11-16 05:00 conversation first_response_open_seconds 630",
        "11-16 05:00 conversation first_response_seconds 2430",
        "11-16 05:00 conversation opt_outs 1",
        // From 12:00:01 to 15:00:01, open since 13:00.
        "11-16 05:00 conversation resolution_open_seconds 7201",
        "11-16 05:00 conversation resolution_seconds 10800",
        "11-16 05:00 conversation texts_received 2",
        "11-16 05:00 conversation texts_sent 2",
        "11-16 05:00 revenue revenue 250.5",
        "11-16 05:00 revenue revenue_unanswered 250.5",
    ];
    assert_eq!(figures("daily", ""), days);
    let inbound = |level| figures(level, "calls_inbound").into_iter().filter(|line| !line.contains('/')).collect::<Vec<_>>();
    assert_eq!(inbound("weekly"), ["10-26 04:00 call calls_inbound 3", "11-16 05:00 call calls_inbound 2"]);
    assert_eq!(inbound("monthly"), ["10-01 04:00 call calls_inbound 1", "11-01 04:00 call calls_inbound 4"]);
}

#[test]
fn a_golden_history_has_the_kpis_reckoned_by_hand() {
    let scene = Scene::new();
    scene.golden();
    roll_up_all(&scene.db.store).unwrap();
    let kpis = |period: &str, which: &str| {
        scene.lines(&format!(
            "SELECT concat_ws(' ', :from, kpi_name, kpi_value, coalesce(trend_direction, '-')) AS line
             FROM kpi_snapshots WHERE period_type = '{period}' AND {which}"
        ))
    };
    let days = [
        "10-31 04:00 abandoned_rate 100.0000 -",
        "10-31 04:00 answer_rate 0.0000 -",
        "10-31 04:00 calls 1.0000 -",
        "10-31 04:00 conversion_rate 0.0000 -",
        "10-31 04:00 cost_per_call 0.0000 -",
        "10-31 04:00 missed_calls 1.0000 -",
        "10-31 04:00 missed_rate 100.0000 -",
        "10-31 04:00 revenue_per_missed_call 0.0000 -",
        "10-31 04:00 text_back_rate 0.0000 -",
        "10-31 04:00 voicemail_rate 0.0000 -",
        "11-01 04:00 abandoned_rate 0.0000 improving",
        "11-01 04:00 answer_rate 50.0000 improving",
        "11-01 04:00 calls 2.0000 improving",
        "11-01 04:00 conversion_rate 0.0000 stable",
        // Half of 0.0085, rounded away from zero.
        "11-01 04:00 cost_per_call 0.0043 declining",
        "11-01 04:00 missed_calls 1.0000 stable",
        "11-01 04:00 missed_rate 50.0000 improving",
        "11-01 04:00 revenue_per_missed_call 0.0000 stable",
        "11-01 04:00 text_back_rate 0.0000 stable",
        "11-01 04:00 voicemail_rate 0.0000 stable",
        // No call came in, but one went out.
        "11-02 05:00 calls 0.0000 declining",
        "11-02 05:00 cost_per_call 0.0200 declining",
        "11-02 05:00 missed_calls 0.0000 improving",
        "11-16 05:00 abandoned_rate 0.0000 -",
        "11-16 05:00 answer_rate 0.0000 -",
        "11-16 05:00 calls 2.0000 -",
        "11-16 05:00 conversion_rate 50.0000 -",
        "11-16 05:00 cost_per_call 0.0000 -",
        "11-16 05:00 cost_per_text 0.0000 -",
        "11-16 05:00 first_response_minutes 40.5000 -",
        "11-16 05:00 first_response_open_minutes 10.5000 -",
        "11-16 05:00 missed_calls 2.0000 -",
        "11-16 05:00 missed_rate 100.0000 -",
        "11-16 05:00 opt_out_rate 50.0000 -",
        "11-16 05:00 reply_rate 100.0000 -",
        "11-16 05:00 resolution_hours 3.0000 -",
        // 7201 of 3600 seconds.
        "11-16 05:00 resolution_open_hours 2.0003 -",
        "11-16 05:00 revenue_per_missed_call 125.2500 -",
        "11-16 05:00 text_back_rate 50.0000 -",
        "11-16 05:00 text_failure_rate 0.0000 -",
        "11-16 05:00 voicemail_rate 0.0000 -",
    ];
    assert_eq!(kpis("daily", "true"), days);
    let rates = "kpi_name IN ('answer_rate', 'cost_per_call', 'missed_calls')";
    let months = [
        "10-01 04:00 answer_rate 0.0000 -",
        "10-01 04:00 cost_per_call 0.0000 -",
        "10-01 04:00 missed_calls 1.0000 -",
        "11-01 04:00 answer_rate 25.0000 improving",
        // 0.0285 for four calls in and one out.
        "11-01 04:00 cost_per_call 0.0057 declining",
        "11-01 04:00 missed_calls 3.0000 declining",
    ];
    assert_eq!(kpis("monthly", rates), months);
}
