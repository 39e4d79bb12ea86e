//! Routes of reports, and when they are made by themselves.

use crate::api::{Access, Api};
use crate::routes::v1::{op, report_schedules, reports};
use nmc_core::access::Permission;

/// The routes of this area.
#[rustfmt::skip] // a table
pub(super) fn routes(api: &mut Api<'_>) {
    use Access::Needs;
    use Permission::*;

    api.path("reports", "/v1/reports", |r| {
        r.get(op("listReports", "Reports, newest first", Needs(ReportsRead)), reports::list)
            .post(op("makeReport", "Make a report of a period", Needs(ReportsWrite)), reports::make);
    });
    // Before what takes any name.
    api.path("reports", "/v1/reports/{report}.json", |r| {
        r.get(op("getReportJson", "All that a report says, as JSON", Needs(ReportsRead)), reports::as_json);
    });
    api.path("reports", "/v1/reports/{report}.csv", |r| {
        r.get(op("getReportCsv", "A report as CSV", Needs(ReportsRead)), reports::as_csv);
    });
    api.path("reports", "/v1/reports/{report}.pdf", |r| {
        r.get(op("getReportPdf", "A report as PDF", Needs(ReportsRead)), reports::as_pdf);
    });
    api.path("reports", "/v1/reports/{report}", |r| {
        r.get(op("getReport", "A report, and where its files are", Needs(ReportsRead)), reports::get)
            .delete(op("removeReport", "Remove a report", Needs(ReportsWrite)), reports::remove);
    });
    api.path("reports", "/v1/report-schedules", |r| {
        r.get(op("listReportSchedules", "Reports that are made and mailed by themselves", Needs(ReportsRead)), report_schedules::list);
    });
    api.path("reports", "/v1/report-schedules/{kind}", |r| {
        r.put(op("setReportSchedule", "Have a report made and mailed by itself", Needs(ReportsWrite)), report_schedules::set)
            .delete(op("removeReportSchedule", "Have a report made by itself no more", Needs(ReportsWrite)), report_schedules::remove);
    });
    api.path("reports", "/v1/report-mails", |r| {
        r.get(op("listReportMails", "Mails that bring reports, newest first", Needs(ReportsRead)), report_schedules::mails);
    });
}
