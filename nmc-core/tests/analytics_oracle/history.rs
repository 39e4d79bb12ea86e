//! Random histories of a business: what happens, comes late, is put right, and is deleted.

use crate::engine;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use nmc_core::analytics::{CallAnalyticsPatch, KPI_PERIODS, KPIS, NewCallAnalytics};
use nmc_core::calls::{CallPatch, NewCall};
use nmc_core::conversations::{NewConsent, Worker, WorkerConfig};
use nmc_core::telephony::{Pace, SmsSender};
use nmc_core::tenants::TenantPatch;
use nmc_core::testing::{
    Business, FakeSms, Fault, ManualClock, SmsForm, TestDb, VoiceForm, killed_before, unique_phone, unique_sid,
};
use nmc_core::workflows::{receive_text, record_delivery, record_voice_status, resolve_idle};
use nmc_core::{
    CallDirection, CallId, CallOutcome, CallStatus, CallerIdentity, Clock as _, ConsentAction, ConsentSource, ConversationId,
    ConversionStatus, KpiPeriod, Patch, PhoneNumber, Result, TenantTx, UserId,
};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::sync::Arc;

/// Zones whose clocks are awkward, each with instants (UTC) at which that shows.
pub(crate) const ZONES: &[(&str, &[&str])] = &[
    ("America/New_York", &["2024-03-10T07:00:00Z", "2024-11-03T06:00:00Z"]),
    ("Asia/Kathmandu", &["2023-12-31T18:15:00Z"]),
    // Its clock is set by half an hour.
    ("Australia/Lord_Howe", &["2024-04-06T15:00:00Z", "2024-10-05T15:30:00Z"]),
    // Midnight is skipped, or comes twice.
    ("Africa/Cairo", &["2023-04-27T22:00:00Z", "2023-10-26T21:00:00Z"]),
    ("America/Sao_Paulo", &["2018-02-18T02:00:00Z", "2018-11-04T03:00:00Z"]),
    ("America/Havana", &["2023-03-12T05:00:00Z", "2023-11-05T05:00:00Z"]),
    // A day is left out.
    ("Pacific/Apia", &["2011-12-30T10:00:00Z", "2012-03-31T14:00:00Z"]),
    // The clock is set a minute after midnight.
    ("America/St_Johns", &["2010-11-07T02:31:00Z", "2024-03-10T05:30:00Z"]),
    ("UTC", &["2024-12-30T00:00:00Z", "2024-03-01T00:00:00Z"]),
];

const HOURS: &[(&str, &str)] =
    &[("07:00", "18:00"), ("22:00", "06:00"), ("09:00", "09:00"), ("00:00", "02:30"), ("23:59", "00:01")];
const PRICES: &[&str] = &["0", "0.0001", "0.0085", "0.0333", "1.25", "99.9999"];
const REVENUES: &[&str] = &["0", "0.01", "-0.01", "150", "-49.99", "12345.67"];
const OUTCOMES: &[CallOutcome] = &[
    CallOutcome::Answered,
    CallOutcome::Missed,
    CallOutcome::Voicemail,
    CallOutcome::Abandoned,
    CallOutcome::Blocked,
    CallOutcome::Failed,
];
const CONVERSIONS: &[ConversionStatus] = &[ConversionStatus::Converted, ConversionStatus::Lost];
const TARGETS: &[&str] = &["0", "0.0001", "12.5", "33.3333", "100", "99999999999.9999"];
const DELIVERIES: &[&str] = &["sent", "delivered", "undelivered", "failed", "read"];

/// With every statement of our own: the trigger would write the machine's time, and the library's next change would come after that.
const LATER: &str = "updated_at = updated_at + interval '1 microsecond'";

/// A choice among as many as there are.
type Pick = usize;

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A call that is told of while it goes on.
    Call(Pick, &'static str),
    /// A call's end, told once more or after its beginning: customer, seconds.
    CallEnds(&'static str, u16),
    /// A call that is missed and texted after at once, and answered by a text so many hours later.
    Missed(Pick, Option<u8>),
    /// Calls from another system's log: how many, and the choices of each.
    Import(u8, Pick),
    Outcome(Pick, Pick),
    CallPrice(Pick, Pick),
    /// The columns of a call that no verb corrects: by so many minutes.
    CallMoves(Pick, i16),
    CallLasts(Pick, Option<u16>),
    CallOfAnother(Pick, Pick),
    Text(Pick, &'static str),
    Staff(Pick),
    /// A text that staff answer so many minutes later.
    Answered(Pick, u16),
    Send(Option<u8>),
    Delivered(Pick, Pick),
    TextPrice(Pick, Pick),
    Assign(Pick, Option<u8>),
    Resolve(Pick),
    Close(Pick),
    Reopen(Pick),
    Consent(Pick, bool),
    Converted(Pick, Pick),
    Revenue(Pick, Pick),
    /// What was told by hand is taken back: all of it, or the row.
    NotConverted(Pick, bool),
    DeleteText(Pick),
    DeleteConversation(Pick),
    DeleteConsent(Pick),
    /// A holiday so many days from now, which is one or no longer is.
    Holiday(i8, bool),
    DeleteCall(Pick),
    Zone(Pick),
    Hours(Pick),
    /// A target that is set or removed, key figure and period, with all computed anew: only what is computed from then on has it.
    Target(Pick, Pick, Option<Pick>),
    Minutes(u16),
    Days(u8),
    RollUp,
    RollUpTwice,
    /// A roll-up that ends at a row it would write: an error, or the end of its connection.
    RollUpKilled(Pick, bool),
    /// A roll-up that dies before one of its statements, some of them of all figures computed anew.
    RollUpDies(u8, bool),
    /// A roll-up beside a customer who writes and calls.
    RollUpBeside(Pick),
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let pick = || 0_usize..64;
    let calls = prop_oneof![
        2 => (pick(), prop::sample::select(vec!["ringing", "no-answer", "completed", "canceled", "failed"])).prop_map(|(who, how)| Step::Call(who, how)),
        2 => (prop::sample::select(vec!["completed", "no-answer", "busy"]), 0_u16..4_000).prop_map(|(how, long)| Step::CallEnds(how, long)),
        6 => (pick(), prop::option::of(0_u8..200)).prop_map(|(who, hours)| Step::Missed(who, hours)),
        3 => (1_u8..8, pick()).prop_map(|(many, what)| Step::Import(many, what)),
        2 => (pick(), pick()).prop_map(|(which, what)| Step::Outcome(which, what)),
        2 => (pick(), pick()).prop_map(|(which, what)| Step::CallPrice(which, what)),
        2 => (pick(), -9_000_i16..9_000).prop_map(|(which, by)| Step::CallMoves(which, by)),
        1 => (pick(), prop::option::of(0_u16..4_000)).prop_map(|(which, long)| Step::CallLasts(which, long)),
        1 => (pick(), pick()).prop_map(|(which, whose)| Step::CallOfAnother(which, whose)),
    ];
    let bodies = || prop_oneof![10 => Just("It drips"), 1 => Just("STOP"), 1 => Just("HELP"), 4 => Just("START")];
    let texts = prop_oneof![
        4 => (pick(), bodies()).prop_map(|(who, body)| Step::Text(who, body)),
        6 => (pick(), 1_u16..2_000).prop_map(|(who, minutes)| Step::Answered(who, minutes)),
        3 => pick().prop_map(Step::Staff),
        3 => prop::option::weighted(0.2, 0_u8..2).prop_map(Step::Send),
        3 => (pick(), pick()).prop_map(|(which, how)| Step::Delivered(which, how)),
        2 => (pick(), pick()).prop_map(|(which, what)| Step::TextPrice(which, what)),
        2 => (pick(), prop::bool::weighted(0.2)).prop_map(|(who, out)| Step::Consent(who, out)),
    ];
    let people = prop_oneof![
        (pick(), prop::option::of(0_u8..2)).prop_map(|(which, whom)| Step::Assign(which, whom)),
        pick().prop_map(Step::Resolve),
        pick().prop_map(Step::Close),
        pick().prop_map(Step::Reopen),
        (pick(), pick()).prop_map(|(which, what)| Step::Converted(which, what)),
        (pick(), pick()).prop_map(|(which, what)| Step::Revenue(which, what)),
        (pick(), any::<bool>()).prop_map(|(which, row)| Step::NotConverted(which, row)),
    ];
    let others = prop_oneof![
        3 => pick().prop_map(Step::DeleteText),
        2 => pick().prop_map(Step::DeleteCall),
        1 => pick().prop_map(Step::DeleteConversation),
        1 => pick().prop_map(Step::DeleteConsent),
        2 => (-9_i8..3, prop::bool::weighted(0.7)).prop_map(|(days, is_one)| Step::Holiday(days, is_one)),
        1 => pick().prop_map(Step::Zone),
        1 => pick().prop_map(Step::Hours),
        3 => (pick(), pick(), prop::option::weighted(0.8, pick())).prop_map(|(kpi, period, what)| Step::Target(kpi, period, what)),
        8 => (1_u16..900).prop_map(Step::Minutes),
        4 => (1_u8..9).prop_map(Step::Days),
        5 => Just(Step::RollUp),
        1 => Just(Step::RollUpTwice),
        2 => (pick(), any::<bool>()).prop_map(|(at, hard)| Step::RollUpKilled(at, hard)),
        4 => (0_u8..40, prop::bool::weighted(0.3)).prop_map(|(at, anew)| Step::RollUpDies(at, anew)),
        2 => pick().prop_map(Step::RollUpBeside),
    ];
    prop_oneof![3 => calls, 2 => texts, 1 => people, 3 => others]
}

/// A business in the middle of its history.
pub(crate) struct History {
    pub(crate) db: TestDb,
    pub(crate) business: Business,
    clock: Arc<ManualClock>,
    sms: Arc<FakeSms>,
    customers: Vec<PhoneNumber>,
    numbers: Vec<PhoneNumber>,
    staff: Vec<UserId>,
    last_call: Option<VoiceForm>,
    /// The instant at which the clock is awkward.
    awkward: DateTime<Utc>,
    /// The roll-ups that died before one of their statements.
    pub(crate) deaths: usize,
}

impl History {
    /// A business in this zone, some days before its clock is awkward.
    pub(crate) fn begun(zone: Pick, days_before: i64) -> Self {
        let (zone, instants) = *chosen(ZONES, zone);
        let awkward: DateTime<Utc> = word(instants, days_before.unsigned_abs().try_into().unwrap()).parse().unwrap();
        let clock = Arc::new(ManualClock::new(awkward - TimeDelta::hours(days_before * 24 + 5)));
        let db = TestDb::with_clock(clock.clone());
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        let staff = vec![business.user(&db.store), business.user(&db.store)];
        let numbers = vec![business.number.clone(), business.add_number(&db.store)];
        let customers = (0..5).map(|_| unique_phone()).collect();
        let (sms, last_call) = (Arc::new(FakeSms::new()), None);
        let history = Self { db, business, clock, sms, customers, numbers, staff, last_call, awkward, deaths: 0 };
        history.zone(zone);
        history
    }

    /// What happened up to now, computed in pieces.
    pub(crate) fn take(&mut self, step: Step) {
        self.clock.advance(TimeDelta::microseconds(1_000_137));
        match step {
            Step::Call(who, how) => self.call(who, how),
            Step::CallEnds(how, long) => {
                if let Some(form) = &self.last_call {
                    let form = form.clone().with("CallStatus", how).with("CallDuration", &long.to_string());
                    record_voice_status(&self.db.store, &form.parse()).unwrap();
                }
            }
            Step::Missed(who, hours) => {
                self.call(who, "no-answer");
                self.send(None);
                if let Some(hours) = hours {
                    self.clock.advance(TimeDelta::hours(hours.into()));
                    self.text(who, "It drips");
                }
            }
            Step::Import(many, what) => self.import(many, what),
            Step::Outcome(which, what) => {
                self.with_call(which, |tx, id| tx.calls().set_outcome(id, *chosen(OUTCOMES, what)).map(drop));
            }
            Step::CallPrice(which, what) => {
                let price = if what % 7 == 0 { Patch::Clear } else { Patch::Set(decimal(word(PRICES, what))) };
                let price_unit = Some(if what % 5 == 0 { "EUR" } else { "USD" }.to_owned());
                self.with_call(which, |tx, id| {
                    let patch = CallPatch { price: price.clone(), price_unit: price_unit.clone(), ..CallPatch::default() };
                    tx.calls().update(id, &patch).map(drop)
                });
            }
            Step::CallMoves(which, minutes) => self.by_sql(
                "calls",
                which,
                &format!(
                    "SET started_at = started_at + interval '{minutes} min', ended_at = ended_at + interval '{minutes} min'"
                ),
            ),
            Step::CallLasts(which, long) => {
                let long = long.map_or_else(|| "NULL".to_owned(), |long| long.to_string());
                self.by_sql("calls", which, &format!("SET duration_seconds = {long}"));
            }
            Step::CallOfAnother(which, whose) => {
                if let Some(conversation) = self.picked("conversations", whose) {
                    self.by_sql("calls", which, &format!("SET conversation_id = '{conversation}'"));
                }
            }
            Step::Text(who, body) => self.text(who, body),
            Step::Staff(who) => self.staff(who),
            Step::Answered(who, minutes) => {
                self.text(who, "It drips");
                self.clock.advance(TimeDelta::minutes(minutes.into()));
                self.staff(who);
                self.send(None);
            }
            Step::Send(fault) => self.send(fault),
            Step::Delivered(which, how) => {
                let taken = self.sms.taken();
                if taken.is_empty() {
                    return;
                }
                let taken = chosen(&taken, which);
                let (ours, to): (PhoneNumber, PhoneNumber) = (taken.text.0.parse().unwrap(), taken.text.1.parse().unwrap());
                let report = SmsForm::delivery(&ours, &to, &taken.sid, word(DELIVERIES, how)).parse_delivery(None);
                // Of one that was deleted, nobody knows.
                drop(record_delivery(&self.db.store, &report));
            }
            Step::TextPrice(which, what) => {
                let (price, unit) = (word(PRICES, what), if what % 5 == 0 { "EUR" } else { "USD" });
                self.by_sql("messages", which, &format!("SET price = {price}, price_unit = '{unit}'"));
            }
            Step::Assign(which, whom) => {
                let whom = whom.map(|whom| *chosen(&self.staff, whom.into()));
                self.with_conversation(which, |tx, id| tx.conversations().assign(id, whom).map(drop));
            }
            Step::Resolve(which) => self.with_conversation(which, |tx, id| tx.conversations().resolve(id).map(drop)),
            Step::Close(which) => self.with_conversation(which, |tx, id| tx.conversations().close(id).map(drop)),
            Step::Reopen(which) => self.with_conversation(which, |tx, id| tx.conversations().reopen(id).map(drop)),
            Step::Consent(who, out) => self.consent(who, out),
            Step::Converted(which, what) => {
                self.told(which, Some(*chosen(CONVERSIONS, what)), None);
            }
            Step::Revenue(which, what) => self.told(which, None, Some(decimal(word(REVENUES, what)))),
            Step::NotConverted(which, row) => self.with_call(which, |tx, id| {
                let Some(told) = tx.call_analytics().find_by_call(id)? else { return Ok(()) };
                // Of a call of which nothing was told, the row is as it was computed.
                if row && (told.conversion_status.is_some() || told.revenue_impact.is_some()) {
                    return tx.call_analytics().delete(told.id);
                }
                let (conversion_status, revenue_impact) = (Patch::Clear, Patch::Clear);
                let patch = CallAnalyticsPatch { conversion_status, revenue_impact, ..CallAnalyticsPatch::default() };
                tx.call_analytics().update(told.id, &patch).map(drop)
            }),
            Step::DeleteText(which) => {
                if let Some(id) = self.picked("messages", which) {
                    self.db.execute(&format!("DELETE FROM messages WHERE id = '{id}'"));
                }
            }
            Step::DeleteCall(which) => self.delete_call(which),
            Step::DeleteConversation(which) => self.delete_conversation(which),
            Step::DeleteConsent(which) => {
                if let Some(id) = self.picked("consents", which) {
                    self.db.execute(&format!("DELETE FROM consents WHERE id = '{id}'"));
                }
            }
            Step::Holiday(days, is_one) => {
                let day = (self.clock.now() + TimeDelta::days(days.into())).date_naive();
                // One that isn't there can't be removed.
                drop(self.tx(|tx| {
                    if is_one { tx.holidays().upsert_by_day(day, "Closed").map(drop) } else { tx.holidays().delete(day) }
                }));
            }
            Step::Zone(which) => self.zone(chosen(ZONES, which).0),
            Step::Hours(which) => self.hours(which),
            Step::Target(kpi, period, what) => self.target(chosen(KPIS, kpi).name, *chosen(&KPI_PERIODS, period), what),
            Step::Minutes(minutes) => self.clock.advance(TimeDelta::minutes(minutes.into())),
            Step::Days(days) => {
                self.clock.advance(TimeDelta::days(days.into()));
                resolve_idle(&self.db.store, 100).unwrap();
            }
            Step::RollUp => engine::roll_up(&self.db.store).unwrap(),
            Step::RollUpTwice => {
                let store = &self.db.store;
                let both = || {
                    std::thread::scope(|scope| {
                        [(); 2].map(|()| scope.spawn(|| engine::roll_up(store))).map(|one| one.join().unwrap())
                    })
                };
                both().into_iter().for_each(|done| done.unwrap());
            }
            Step::RollUpKilled(at, hard) => self.roll_up_killed(at, hard),
            Step::RollUpDies(at, anew) => {
                if anew {
                    engine::mark_all(&self.db, &self.business).unwrap();
                }
                if killed_before(at.into(), || engine::roll_up(&self.db.store)).is_none() {
                    self.deaths += 1;
                }
            }
            Step::RollUpBeside(who) => {
                let store = &self.db.store;
                std::thread::scope(|scope| {
                    let rolled_up = scope.spawn(|| engine::roll_up(store));
                    self.text(who, "It drips");
                    self.clock.advance(TimeDelta::seconds(1));
                    self.staff(who);
                    let missed = VoiceForm::missed(self.customer(who).as_str(), chosen(&self.numbers, who), &unique_sid("CA"));
                    record_voice_status(store, &missed.parse()).unwrap();
                    self.consent(who, false);
                    rolled_up.join().unwrap().unwrap();
                });
            }
        }
    }

    fn customer(&self, who: Pick) -> &PhoneNumber {
        chosen(&self.customers, who)
    }

    fn call(&mut self, who: Pick, how: &str) {
        let form =
            VoiceForm::missed(self.customer(who).as_str(), chosen(&self.numbers, who), &unique_sid("CA")).with("CallStatus", how);
        record_voice_status(&self.db.store, &form.parse()).unwrap();
        self.last_call = Some(form);
    }

    fn text(&self, who: Pick, body: &str) {
        let form = SmsForm::text(self.customer(who).as_str(), chosen(&self.numbers, who), body);
        receive_text(&self.db.store, &form.parse()).unwrap();
    }

    /// Who has opted out is not texted.
    fn staff(&self, who: Pick) {
        drop(self.business.queue(&self.db.store, self.customer(who), "We come at 9"));
    }

    /// Calls of the last weeks: some at the very instants at which hours and days begin, some that were here before.
    fn import(&self, many: u8, what: Pick) {
        let now = self.clock.now();
        let calls: Vec<NewCall> = (0..usize::from(many))
            .map(|at| {
                let what = what * 7 + at * 13;
                let hours = TimeDelta::hours(i64::try_from(what * 31 % 480).unwrap());
                let started_at = match what % 6 {
                    0 => None,
                    1 => Some(self.awkward),
                    2 => Some(self.awkward - TimeDelta::microseconds(1)),
                    3 => Some(self.awkward + hours - TimeDelta::hours(240)),
                    _ => Some(now - hours + TimeDelta::milliseconds(17)),
                };
                // Some come twice, between the same two. Calls that nobody imports have small numbers (`unique_sid`).
                let call = what % 97;
                let outbound = call % 5 == 0;
                let status =
                    *chosen(&[CallStatus::Completed, CallStatus::NoAnswer, CallStatus::Canceled, CallStatus::Ringing], what / 5);
                let outcome = Some(*chosen(OUTCOMES, what / 3)).filter(|_| status.is_terminal() && !outbound);
                let (customer, number) = (
                    CallerIdentity::Phone(self.customer(call).clone()),
                    CallerIdentity::Phone(chosen(&self.numbers, call / 2).clone()),
                );
                let (direction, caller, called) = if outbound {
                    (CallDirection::Outbound, number, customer)
                } else {
                    (CallDirection::Inbound, customer, number)
                };
                let began = started_at.filter(|at| *at <= now);
                NewCall {
                    call_status: status,
                    outcome,
                    started_at: began,
                    ended_at: began.map(|at| at + TimeDelta::seconds(61)),
                    duration_seconds: (what % 3 > 0).then(|| i32::try_from(what % 600).unwrap()),
                    price: (what % 4 > 0).then(|| decimal(word(PRICES, what))),
                    ..NewCall::begun(direction, caller, called, format!("CAf{call:031x}"))
                }
            })
            .collect();
        self.tx(|tx| tx.calls().import(&calls)).unwrap();
    }

    fn send(&self, fault: Option<u8>) {
        self.clock.advance(TimeDelta::seconds(61));
        self.sms.fail_with(fault.map(|fault| if fault == 0 { Fault::Refused(30_003) } else { Fault::NotNow(None) }));
        let sender: Arc<dyn SmsSender> = self.sms.clone();
        let config = WorkerConfig { pace: Pace::NONE, ..WorkerConfig::default() };
        Worker::new(self.db.store.clone(), sender, config).pass().unwrap();
    }

    fn consent(&self, who: Pick, out: bool) {
        let new = NewConsent {
            customer_phone: self.customer(who).clone(),
            action: if out { ConsentAction::OptOut } else { ConsentAction::OptIn },
            source: ConsentSource::Staff,
            keyword: None,
            message_id: None,
            note: Some("said so".to_owned()),
        };
        self.tx(|tx| tx.consents().record(&new)).unwrap();
    }

    /// What came of a call, told by hand.
    fn told(&self, which: Pick, conversion_status: Option<ConversionStatus>, revenue_impact: Option<Decimal>) {
        self.with_call(which, |tx, id| {
            let new = NewCallAnalytics { conversion_status, revenue_impact, ..NewCallAnalytics::of(&tx.calls().get(id)?) };
            tx.call_analytics().upsert_by_call(&new).map(drop)
        });
    }

    /// Deletes a conversation with its texts; its calls stay.
    fn delete_conversation(&self, which: Pick) {
        let Some(id) = self.picked("conversations", which) else { return };
        self.db.execute(&format!(
            "BEGIN;
             DELETE FROM messages WHERE conversation_id = '{id}';
             UPDATE calls SET conversation_id = NULL, {LATER} WHERE conversation_id = '{id}';
             UPDATE call_analytics SET conversation_id = NULL, {LATER} WHERE conversation_id = '{id}';
             DELETE FROM conversation_analytics WHERE conversation_id = '{id}';
             DELETE FROM conversations WHERE id = '{id}';
             COMMIT"
        ));
    }

    /// Deletes a call with what hangs on it.
    fn delete_call(&self, which: Pick) {
        let Some(id) = self.picked("calls", which) else { return };
        self.db.execute(&format!(
            "BEGIN;
             UPDATE conversations SET first_call_id = NULL, {LATER} WHERE first_call_id = '{id}';
             UPDATE conversations SET last_call_id = NULL, {LATER} WHERE last_call_id = '{id}';
             UPDATE conversation_analytics SET call_id = NULL, {LATER} WHERE call_id = '{id}';
             DELETE FROM call_analytics WHERE call_id = '{id}';
             DELETE FROM calls WHERE id = '{id}';
             COMMIT"
        ));
    }

    fn zone(&self, name: &str) {
        let patch = TenantPatch { timezone: Some(name.parse().unwrap()), ..TenantPatch::default() };
        self.tx(|tx| tx.tenants().update(&patch)).unwrap();
    }

    fn hours(&self, which: Pick) {
        let (opens, closes) = *chosen(HOURS, which);
        let time = |text: &str| Some(NaiveTime::parse_from_str(text, "%H:%M").unwrap());
        let (business_hours_start, business_hours_end) = (time(opens), time(closes));
        let patch = TenantPatch { business_hours_start, business_hours_end, ..TenantPatch::default() };
        self.tx(|tx| tx.tenants().update(&patch)).unwrap();
    }

    /// One that can't be, such as more than 100 percent, is refused; one that isn't there can't be removed.
    fn target(&self, kpi: &str, period: KpiPeriod, what: Option<Pick>) {
        drop(self.tx(|tx| match what {
            Some(what) => tx.kpi_targets().upsert_by_key(kpi, period, decimal(word(TARGETS, what))).map(drop),
            None => tx.kpi_targets().delete(kpi, period),
        }));
        engine::mark_all(&self.db, &self.business).unwrap();
    }

    fn roll_up_killed(&self, at: Pick, hard: bool) {
        let rows = [
            ("analytics_metrics", "NEW.aggregation_level = 'hourly'"),
            ("analytics_metrics", "NEW.aggregation_level = 'daily'"),
            ("analytics_metrics", "NEW.aggregation_level = 'monthly'"),
            ("analytics_metrics", "NEW.metric_name = 'nmc.calls_missed' AND NEW.aggregation_level <> 'hourly'"),
            ("kpi_snapshots", "NEW.period_type = 'daily'"),
            ("kpi_snapshots", "NEW.kpi_name = 'answer_rate' AND NEW.period_type = 'monthly'"),
        ];
        let (table, row) = chosen(&rows, at);
        let end = if hard { "PERFORM pg_terminate_backend(pg_backend_pid())" } else { "RAISE EXCEPTION 'killed'" };
        self.db.execute(&format!(
            "CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN {end}; RETURN NEW; END $$;
             CREATE TRIGGER kill BEFORE INSERT ON {table} FOR EACH ROW WHEN ({row}) EXECUTE FUNCTION kill()"
        ));
        // It fails, unless there was nothing of the kind to write.
        drop(engine::roll_up(&self.db.store));
        self.db.execute("DROP FUNCTION kill CASCADE");
    }

    fn tx<T>(&self, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.tenant(&self.business.tenant, work)
    }

    /// The id of one of the business's rows.
    fn picked(&self, table: &str, which: Pick) -> Option<String> {
        let ids: Vec<String> = self.db.query(&format!("SELECT id::text FROM {table} ORDER BY id"));
        (!ids.is_empty()).then(|| chosen(&ids, which).clone())
    }

    /// Does this with a call, if there is one; a refusal is a step, too.
    fn with_call(&self, which: Pick, work: impl Fn(&mut TenantTx<'_>, CallId) -> Result<()>) {
        if let Some(id) = self.picked("calls", which) {
            drop(self.tx(|tx| work(tx, id.parse().unwrap())));
        }
    }

    fn with_conversation(&self, which: Pick, work: impl Fn(&mut TenantTx<'_>, ConversationId) -> Result<()>) {
        if let Some(id) = self.picked("conversations", which) {
            drop(self.tx(|tx| work(tx, id.parse().unwrap())));
        }
    }

    fn by_sql(&self, table: &str, which: Pick, set: &str) {
        if let Some(id) = self.picked(table, which) {
            self.db.execute(&format!("UPDATE {table} {set}, {LATER} WHERE id = '{id}'"));
        }
    }
}

fn chosen<T>(many: &[T], which: Pick) -> &T {
    &many[which % many.len()]
}

fn word(many: &[&'static str], which: Pick) -> &'static str {
    many[which % many.len()]
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}
