//! Routes of figures, key figures, jobs, and what is told of calls and conversations.

use crate::api::{Access, Api};
use crate::routes::v1::{analytics, analytics_summary, call_analytics, conversation_analytics, jobs, kpis, op};
use nmc_core::access::Permission;

/// The routes of this area.
#[rustfmt::skip] // a table
pub(super) fn routes(api: &mut Api<'_>) {
    use Access::Needs;
    use Permission::*;

    api.path("analytics", "/v1/analytics/summary", |r| {
        r.get(op("getSummary", "The figures of the last days beside those of the days before, and what is to be done now", Needs(AnalyticsRead)), analytics_summary::get);
    });
    api.path("analytics", "/v1/analytics/metrics", |r| {
        r.get(op("listMetrics", "Figures of hours, days, weeks and months as they are stored, the latest first", Needs(AnalyticsRead)), analytics::metrics);
    });
    api.path("analytics", "/v1/analytics/figures", |r| {
        r.get(op("getFigures", "The figures of any stretch of time, from the rows as they are now", Needs(AnalyticsRead)), analytics::of_span);
    });
    api.path("analytics", "/v1/analytics/figures/rows", |r| {
        r.get(op("listFigureRows", "The rows behind a figure, which add up to it, in the order of their instants", Needs(AnalyticsRead)), analytics::rows);
    });
    api.path("analytics", "/v1/analytics/roll-up", |r| {
        r.get(op("getRollUp", "Where the figures of the business have come to", Needs(AnalyticsRead)), analytics::roll_up);
    });
    api.path("analytics", "/v1/analytics/rebuild", |r| {
        r.post(op("rebuildFigures", "Have all figures computed anew, month by month; they stay as they are until then", Needs(AnalyticsWrite)), analytics::rebuild);
    });
    api.path("analytics", "/v1/kpis", |r| {
        r.get(op("listKpis", "Key figures of days, weeks and months, those of the latest first", Needs(AnalyticsRead)), kpis::list);
    });
    api.path("analytics", "/v1/kpis/definitions", |r| {
        r.get(op("listKpiDefinitions", "The key figures there are", Needs(AnalyticsRead)), kpis::definitions);
    });
    api.path("analytics", "/v1/kpi-targets", |r| {
        r.get(op("listKpiTargets", "What key figures should come to", Needs(AnalyticsRead)), kpis::targets);
    });
    api.path("analytics", "/v1/kpi-targets/{kpi}/{period}", |r| {
        r.put(op("setKpiTarget", "Set what a key figure should come to; what is computed from then on is compared with it", Needs(AnalyticsWrite)), kpis::set_target)
            .delete(op("removeKpiTarget", "Remove a target", Needs(AnalyticsWrite)), kpis::remove_target);
    });
    api.path("analytics", "/v1/jobs", |r| {
        r.get(op("listJobs", "Jobs of analytics, newest first", Needs(JobsRead)), jobs::list);
    });
    api.path("analytics", "/v1/jobs/{job}", |r| {
        r.get(op("getJob", "A job of analytics", Needs(JobsRead)), jobs::get);
    });
    api.path("analytics", "/v1/jobs/{job}/cancel", |r| {
        r.post(op("cancelJob", "Call off a job that no worker has begun", Needs(JobsWrite)), jobs::cancel);
    });
    api.path("analytics", "/v1/jobs/{job}/retry", |r| {
        r.post(op("retryJob", "Have a job that failed done once more", Needs(JobsWrite)), jobs::retry);
    });
    api.path("analytics", "/v1/call-analytics", |r| {
        r.get(op("listCallAnalytics", "What is counted of calls, and what people tell of them, the latest call first", Needs(AnalyticsRead)), call_analytics::list);
    });
    api.path("analytics", "/v1/call-analytics/{call_analytics}", |r| {
        r.get(op("getCallAnalytics", "What is counted of a call, and what people tell of it", Needs(AnalyticsRead)), call_analytics::get)
            .patch(op("changeCallAnalytics", "Tell what became of a call", Needs(AnalyticsWrite)), call_analytics::change);
    });
    api.path("analytics", "/v1/conversation-analytics", |r| {
        r.get(op("listConversationAnalytics", "What is counted of conversations, and what people tell of them, the latest conversation first", Needs(AnalyticsRead)), conversation_analytics::list);
    });
    api.path("analytics", "/v1/conversation-analytics/{conversation_analytics}", |r| {
        r.get(op("getConversationAnalytics", "What is counted of a conversation, and what people tell of it", Needs(AnalyticsRead)), conversation_analytics::get)
            .patch(op("changeConversationAnalytics", "Tell what became of a conversation", Needs(AnalyticsWrite)), conversation_analytics::change);
    });
}
