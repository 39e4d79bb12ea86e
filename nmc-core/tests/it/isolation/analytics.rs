//! What a hostile tenant hears of figures, jobs and reports.

use super::{Ask, told};
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::analytics::{
    CallAnalyticsFilter, CallAnalyticsPatch, ClaimedJob, ConversationAnalyticsFilter, ConversationAnalyticsPatch, Job, JobFilter,
    KpiFilter, MetricFilter, NewCallAnalytics, NewConversationAnalytics, NewJob, NewKpiSnapshot, NewMetric, NewReport,
    NewReportSchedule, ReportFilter, ReportMailFilter, ReportSchedulePatch,
};
use nmc_core::{
    AggregationLevel, CallId, ConversationId, ConversionStatus, JobId, JobStatus, JobType, KpiPeriod, LeaseId, MetricType,
    PageRequest, Patch, ReportFormat, ReportInterval, ResolutionStatus, TenantTx,
};
use serde_json::json;

fn at() -> DateTime<Utc> {
    "2020-01-01T00:00:00Z".parse().unwrap()
}

fn point() -> NewMetric {
    NewMetric::raw(MetricType::Call, "missed calls", 7.into(), at())
}

fn snapshot() -> NewKpiSnapshot {
    NewKpiSnapshot {
        kpi_name: "kpi".to_owned(),
        kpi_value: 7.into(),
        kpi_target: None,
        trend_direction: None,
        period_type: KpiPeriod::Daily,
        snapshot_date: at(),
    }
}

fn report() -> NewReport {
    let (report_type, sections) = ("weekly".to_owned(), json!([]));
    NewReport { report_type, period_start: at(), period_end: at(), sections, format: ReportFormat::Json, expires_at: None }
}

fn of_call(call: Option<CallId>, conversation: Option<ConversationId>) -> NewCallAnalytics {
    NewCallAnalytics {
        call_id: call,
        conversation_id: conversation,
        phone_number: None,
        call_type: None,
        call_status: None,
        call_duration: None,
        ai_takeover_count: 0,
        customer_satisfaction: None,
        conversion_status: None,
        revenue_impact: None,
        cost_per_call: None,
        tags: None,
        metadata: json!({}),
        call_date: at(),
    }
}

fn begun(conversation: ConversationId) -> NewConversationAnalytics {
    NewConversationAnalytics::begun(conversation, at())
}

/// A claim on a job as somebody else would hold it.
fn claim_on(tx: &TenantTx<'_>, id: JobId) -> ClaimedJob {
    let lease = LeaseId::new(uuid::Uuid::now_v7());
    let job = Job {
        id,
        tenant_id: tx.tenant().id(),
        job_type: JobType::Aggregation,
        status: JobStatus::Processing,
        parameters: json!({}),
        result: None,
        error_message: None,
        attempts: 1,
        max_attempts: 3,
        next_attempt_at: at(),
        lease_owner: Some(lease),
        lease_expires_at: Some(at()),
        created_at: at(),
        updated_at: at(),
        completed_at: None,
        bucket: None,
        progress: 0,
    };
    ClaimedJob { job, lease }
}

fn end() -> DateTime<Utc> {
    "2999-01-01T00:00:00Z".parse().unwrap()
}

const AN_HOUR: TimeDelta = TimeDelta::hours(1);

#[rustfmt::skip] // a table
pub(super) const MATRIX: &[(&str, Ask)] = &[
    ("Metrics::find", |tx, _, theirs| told(tx.metrics().find(theirs.metric)?)),
    ("Metrics::get", |tx, _, theirs| told(tx.metrics().get(theirs.metric)?)),
    ("Metrics::latest", |tx, own, _| {
        told(tx.metrics().latest(MetricType::Call, "missed calls", AggregationLevel::Raw)?.is_some_and(|row| row.id == own.metric))
    }),
    ("Metrics::list", |tx, _, _| told(tx.metrics().list(&MetricFilter::default(), PageRequest::first())?.items.len())),
    ("Metrics::count", |tx, _, _| told(tx.metrics().count(&MetricFilter::default())?)),
    ("Metrics::totals", |tx, _, _| told(tx.metrics().totals(&MetricFilter::default())?)),
    ("Metrics::create", |tx, _, _| tx.metrics().create(&NewMetric { metric_name: "another".to_owned(), ..point() }).map(|_| "made".to_owned())),
    ("Metrics::upsert_by_key", |tx, _, _| tx.metrics().upsert_by_key(&point()).map(|_| "made".to_owned())),
    ("Metrics::upsert_many", |tx, _, _| told(tx.metrics().upsert_many(&[NewMetric { metric_value: 8.into(), ..point() }])?)),
    ("Metrics::delete", |tx, _, theirs| told(tx.metrics().delete(theirs.metric)?)),
    ("Metrics::delete_before", |tx, _, _| told(tx.metrics().delete_before(AggregationLevel::Raw, end(), 100)?)),

    ("KpiSnapshots::find", |tx, _, theirs| told(tx.kpi_snapshots().find(theirs.kpi)?)),
    ("KpiSnapshots::get", |tx, _, theirs| told(tx.kpi_snapshots().get(theirs.kpi)?)),
    ("KpiSnapshots::latest", |tx, own, _| {
        told(tx.kpi_snapshots().latest("kpi", KpiPeriod::Daily)?.is_some_and(|row| row.id == own.kpi))
    }),
    ("KpiSnapshots::latest_of", |tx, _, _| told(tx.kpi_snapshots().latest_of(&["kpi", "other"], KpiPeriod::Daily)?.len())),
    ("KpiSnapshots::list", |tx, _, _| told(tx.kpi_snapshots().list(&KpiFilter::default(), PageRequest::first())?.items.len())),
    ("KpiSnapshots::count", |tx, _, _| told(tx.kpi_snapshots().count(&KpiFilter::default())?)),
    ("KpiSnapshots::create", |tx, _, _| tx.kpi_snapshots().create(&NewKpiSnapshot { kpi_name: "other".to_owned(), ..snapshot() }).map(|_| "made".to_owned())),
    ("KpiSnapshots::upsert_by_key", |tx, _, _| tx.kpi_snapshots().upsert_by_key(&snapshot()).map(|_| "made".to_owned())),
    ("KpiTargets::list", |tx, _, _| told(tx.kpi_targets().list()?.len())),
    ("KpiTargets::upsert_by_key", |tx, _, _| tx.kpi_targets().upsert_by_key("missed_rate", KpiPeriod::Daily, 7.into()).map(|_| "made".to_owned())),
    ("KpiTargets::delete", |tx, _, _| tx.kpi_targets().delete("calls", KpiPeriod::Daily).map(|()| "gone".to_owned())),
    ("RollUps::find", |tx, _, _| { let found = tx.analytics_roll_ups().find()?; told(found.is_some_and(|row| row.tenant_id == tx.tenant().id())) }),
    ("KpiSnapshots::delete", |tx, _, theirs| told(tx.kpi_snapshots().delete(theirs.kpi)?)),

    ("CallAnalyticsRepo::find", |tx, _, theirs| told(tx.call_analytics().find(theirs.call_analytics)?)),
    ("CallAnalyticsRepo::get", |tx, _, theirs| told(tx.call_analytics().get(theirs.call_analytics)?)),
    ("CallAnalyticsRepo::find_by_call", |tx, _, theirs| told(tx.call_analytics().find_by_call(theirs.call)?)),
    ("CallAnalyticsRepo::list", |tx, _, _| told(tx.call_analytics().list(&CallAnalyticsFilter::default(), PageRequest::first())?.items.len())),
    ("CallAnalyticsRepo::list of their conversation", |tx, _, theirs| {
        let filter = CallAnalyticsFilter { conversation: Some(theirs.conversation), ..CallAnalyticsFilter::default() };
        told(tx.call_analytics().list(&filter, PageRequest::first())?.items)
    }),
    ("CallAnalyticsRepo::count", |tx, _, _| told(tx.call_analytics().count(&CallAnalyticsFilter::default())?)),
    ("CallAnalyticsRepo::create of their call", |tx, _, theirs| tx.call_analytics().create(&of_call(Some(theirs.call), None)).map(|_| "made".to_owned())),
    ("CallAnalyticsRepo::create in their conversation", |tx, _, theirs| {
        tx.call_analytics().create(&of_call(None, Some(theirs.conversation))).map(|_| "made".to_owned())
    }),
    ("CallAnalyticsRepo::upsert_by_call of their call", |tx, _, theirs| {
        tx.call_analytics().upsert_by_call(&of_call(Some(theirs.call), None)).map(|_| "made".to_owned())
    }),
    ("CallAnalyticsRepo::upsert_many of their call", |tx, own, theirs| {
        told(tx.call_analytics().upsert_many(&[of_call(Some(own.call), None), of_call(Some(theirs.call), None)])?)
    }),
    ("CallAnalyticsRepo::lock", |tx, _, theirs| told(tx.call_analytics().lock(theirs.call_analytics)?)),
    ("CallAnalyticsRepo::update", |tx, _, theirs| {
        let patch = CallAnalyticsPatch { conversion_status: Patch::Set(ConversionStatus::Lost), ..CallAnalyticsPatch::default() };
        told(tx.call_analytics().update(theirs.call_analytics, &patch)?)
    }),
    ("CallAnalyticsRepo::delete", |tx, _, theirs| told(tx.call_analytics().delete(theirs.call_analytics)?)),

    ("ConversationAnalyticsRepo::find", |tx, _, theirs| told(tx.conversation_analytics().find(theirs.conversation_analytics)?)),
    ("ConversationAnalyticsRepo::get", |tx, _, theirs| told(tx.conversation_analytics().get(theirs.conversation_analytics)?)),
    ("ConversationAnalyticsRepo::find_by_conversation", |tx, _, theirs| {
        told(tx.conversation_analytics().find_by_conversation(theirs.conversation)?)
    }),
    ("ConversationAnalyticsRepo::list", |tx, _, _| {
        told(tx.conversation_analytics().list(&ConversationAnalyticsFilter::default(), PageRequest::first())?.items.len())
    }),
    ("ConversationAnalyticsRepo::list of their call", |tx, _, theirs| {
        let filter = ConversationAnalyticsFilter { call: Some(theirs.call), ..ConversationAnalyticsFilter::default() };
        told(tx.conversation_analytics().list(&filter, PageRequest::first())?.items)
    }),
    ("ConversationAnalyticsRepo::count", |tx, _, _| told(tx.conversation_analytics().count(&ConversationAnalyticsFilter::default())?)),
    ("ConversationAnalyticsRepo::create of their conversation", |tx, _, theirs| {
        tx.conversation_analytics().create(&begun(theirs.conversation)).map(|_| "made".to_owned())
    }),
    ("ConversationAnalyticsRepo::upsert_by_conversation of their conversation", |tx, _, theirs| {
        tx.conversation_analytics().upsert_by_conversation(&begun(theirs.conversation)).map(|_| "made".to_owned())
    }),
    ("ConversationAnalyticsRepo::upsert_by_conversation with their call", |tx, own, theirs| {
        let new = NewConversationAnalytics { call_id: Some(theirs.call), ..begun(own.conversation) };
        tx.conversation_analytics().upsert_by_conversation(&new).map(|_| "made".to_owned())
    }),
    ("ConversationAnalyticsRepo::lock", |tx, _, theirs| told(tx.conversation_analytics().lock(theirs.conversation_analytics)?)),
    ("ConversationAnalyticsRepo::update", |tx, _, theirs| {
        let patch = ConversationAnalyticsPatch { resolution_status: Patch::Set(ResolutionStatus::Abandoned), ..ConversationAnalyticsPatch::default() };
        told(tx.conversation_analytics().update(theirs.conversation_analytics, &patch)?)
    }),
    ("ConversationAnalyticsRepo::delete", |tx, _, theirs| told(tx.conversation_analytics().delete(theirs.conversation_analytics)?)),

    ("Jobs::find", |tx, _, theirs| told(tx.jobs().find(theirs.job)?)),
    ("Jobs::get", |tx, _, theirs| told(tx.jobs().get(theirs.job)?)),
    ("Jobs::list", |tx, _, _| told(tx.jobs().list(&JobFilter::default(), PageRequest::first())?.items.len())),
    ("Jobs::count", |tx, _, _| told(tx.jobs().count(&JobFilter::default())?)),
    ("Jobs::create", |tx, _, _| tx.jobs().create(&NewJob::now(JobType::Aggregation, json!({}))).map(|_| "made".to_owned())),
    ("Jobs::insert_if_missing", |tx, _, _| {
        let new = NewJob { bucket: Some("a day".to_owned()), ..NewJob::now(JobType::Aggregation, json!({})) };
        tx.jobs().insert_if_missing(&new).map(|made| format!("made: {}", made.is_some()))
    }),
    ("Jobs::cancel", |tx, _, theirs| told(tx.jobs().cancel(theirs.job, "no more")?)),
    ("Jobs::retry", |tx, _, theirs| told(tx.jobs().retry(theirs.job)?)),
    // Theirs is due as well, where there are theirs.
    ("Jobs::claim", |tx, _, _| told(tx.jobs().claim(100, AN_HOUR)?.len())),
    ("Jobs::extend", |tx, _, theirs| { let claim = claim_on(tx, theirs.job); told(tx.jobs().extend(&claim, AN_HOUR)?) }),
    ("Jobs::complete", |tx, _, theirs| { let claim = claim_on(tx, theirs.job); told(tx.jobs().complete(&claim, None)?) }),
    ("Jobs::go_on", |tx, _, theirs| { let claim = claim_on(tx, theirs.job); told(tx.jobs().go_on(&claim, 50, at())?) }),
    ("Jobs::give_up", |tx, _, theirs| { let claim = claim_on(tx, theirs.job); told(tx.jobs().give_up(&claim, "no")?) }),
    ("Jobs::fail", |tx, _, theirs| { let claim = claim_on(tx, theirs.job); told(tx.jobs().fail(&claim, "no", at())?) }),
    ("Jobs::delete", |tx, _, theirs| told(tx.jobs().delete(theirs.job)?)),
    ("Jobs::delete_ended_before", |tx, _, _| told(tx.jobs().delete_ended_before(end(), 100)?)),

    ("Reports::find", |tx, _, theirs| told(tx.reports().find(theirs.report)?)),
    ("Reports::get", |tx, _, theirs| told(tx.reports().get(theirs.report)?)),
    ("Reports::latest", |tx, _, _| told(tx.reports().latest("weekly", at(), at(), ReportFormat::Json)?)),
    ("Reports::list", |tx, _, _| told(tx.reports().list(&ReportFilter::default(), PageRequest::first())?.items.len())),
    ("Reports::count", |tx, _, _| told(tx.reports().count(&ReportFilter::default())?)),
    ("Reports::create", |tx, _, _| tx.reports().create(&report()).map(|_| "made".to_owned())),
    ("Reports::delete", |tx, _, theirs| told(tx.reports().delete(theirs.report)?)),
    ("Reports::delete_expired", |tx, _, _| told(tx.reports().delete_expired(100)?)),

    ("ReportSchedules::list", |tx, _, _| told(tx.report_schedules().list()?.len())),
    ("ReportSchedules::find_by_kind", |tx, _, _| {
        let found = tx.report_schedules().find_by_kind(ReportInterval::Daily)?;
        told(found.is_some_and(|row| row.tenant_id == tx.tenant().id()))
    }),
    ("ReportSchedules::upsert_by_kind", |tx, _, _| {
        tx.report_schedules().upsert_by_kind(ReportInterval::Daily, &NewReportSchedule::default()).map(|_| "made".to_owned())
    }),
    ("ReportSchedules::upsert_by_kind to their user", |tx, _, theirs| {
        let new = NewReportSchedule { user_ids: vec![theirs.user], ..NewReportSchedule::default() };
        tx.report_schedules().upsert_by_kind(ReportInterval::Daily, &new).map(|_| "made".to_owned())
    }),
    ("ReportSchedules::patch_by_kind", |tx, _, _| {
        tx.report_schedules().patch_by_kind(ReportInterval::Weekly, &ReportSchedulePatch::default()).map(|_| "made".to_owned())
    }),
    ("ReportSchedules::patch_by_kind to their user", |tx, _, theirs| {
        let patch = ReportSchedulePatch { user_ids: Some(vec![theirs.user]), ..ReportSchedulePatch::default() };
        tx.report_schedules().patch_by_kind(ReportInterval::Weekly, &patch).map(|_| "made".to_owned())
    }),
    ("ReportSchedules::delete", |tx, _, _| tx.report_schedules().delete(ReportInterval::Weekly).map(|()| "gone".to_owned())),

    ("ReportMails::list", |tx, _, _| told(tx.report_mails().list(&ReportMailFilter::default(), PageRequest::first())?.items.len())),
    ("ReportMails::list of their report", |tx, _, theirs| {
        let filter = ReportMailFilter { report: Some(theirs.report), ..ReportMailFilter::default() };
        told(tx.report_mails().list(&filter, PageRequest::first())?.items)
    }),
    ("ReportMails::unreached of their user", |tx, _, theirs| {
        let mut schedule = tx.report_schedules().upsert_by_kind(ReportInterval::Daily, &NewReportSchedule::default())?;
        schedule.user_ids = vec![theirs.user];
        told(tx.report_mails().unreached(&schedule)?.len())
    }),
];
