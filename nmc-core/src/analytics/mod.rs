//! Figures drawn from calls and conversations, and the jobs and reports that draw them.

mod call_analytics;
mod call_analytics_bulk;
mod conversation_analytics;
mod job;
mod job_queue;
mod kpi;
mod metric;
mod metric_bulk;
mod report;

pub use call_analytics::{CallAnalytics, CallAnalyticsFilter, CallAnalyticsPatch, CallAnalyticsRepo, NewCallAnalytics};
pub use conversation_analytics::{
    ConversationAnalytics, ConversationAnalyticsFilter, ConversationAnalyticsPatch, ConversationAnalyticsRepo,
    NewConversationAnalytics,
};
pub use job::{Job, JobFilter, Jobs, NewJob};
pub use job_queue::ClaimedJob;
pub use kpi::{KpiFilter, KpiSnapshot, KpiSnapshots, NewKpiSnapshot};
pub use metric::{Metric, MetricFilter, MetricTotals, Metrics, NewMetric};
pub use report::{NewReport, Report, ReportFilter, Reports};

#[diesel::declare_sql_function]
extern "SQL" {
    /// The first that is not NULL: what a computation found, or what was there.
    #[sql_name = "coalesce"]
    fn newer<T: diesel::sql_types::SqlType + diesel::sql_types::SingleValue>(new: T, old: T) -> T;
}
