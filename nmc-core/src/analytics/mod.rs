//! Figures drawn from calls and conversations, and the jobs and reports that draw them.

mod call_analytics;
mod call_analytics_bulk;
mod conversation_analytics;
mod figures;
mod job;
mod job_queue;
mod kpi;
mod kpi_bulk;
mod kpi_target;
mod mark;
mod metric;
mod metric_bulk;
mod report;
mod report_mail;
mod report_mail_queue;
mod report_reader;
mod report_schedule;
mod roll_up;

pub use call_analytics::{CallAnalytics, CallAnalyticsFilter, CallAnalyticsPatch, CallAnalyticsRepo, NewCallAnalytics};
pub use conversation_analytics::{
    ConversationAnalytics, ConversationAnalyticsFilter, ConversationAnalyticsPatch, ConversationAnalyticsRepo,
    NewConversationAnalytics,
};
pub use figures::{FIGURES, FORMULA, Figures, KPI_PERIODS, KPIS, Kpi, KpiUnit, RESERVED_FIGURES};
pub use job::{Job, JobFilter, Jobs, NewJob};
pub use job_queue::ClaimedJob;
pub(crate) use kpi::variance;
pub use kpi::{KpiFilter, KpiSnapshot, KpiSnapshots, NewKpiSnapshot};
pub(crate) use kpi_bulk::Computed;
pub use kpi_target::{KpiTarget, KpiTargets};
pub(crate) use mark::{Mark, QUARTER};
pub use metric::{Metric, MetricFilter, MetricTotals, Metrics, NewMetric};
pub use report::{NewReport, Report, ReportFilter, ReportHead, Reports};
pub use report_mail::{ReportMail, ReportMailFilter, ReportMails};
pub(crate) use report_mail_queue::ClaimedReportMail;
pub(crate) use report_reader::ReportReader;
pub use report_reader::{Unreached, UnreachedReader};
pub use report_schedule::{MOST_READERS, NewReportSchedule, ReportSchedule, ReportSchedulePatch, ReportSchedules};
pub(crate) use roll_up::ComputedBy;
pub use roll_up::{RollUp, RollUps};

#[diesel::declare_sql_function]
extern "SQL" {
    /// The first that is not NULL: what a computation found, or what was there.
    #[sql_name = "coalesce"]
    fn newer<T: diesel::sql_types::SqlType + diesel::sql_types::SingleValue>(new: T, old: T) -> T;
}
