//! `nmc report schedule`: reports that are made and mailed by themselves. `nmc report mails`: what became of the mails.

use super::user::{self, UserKey};
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::id::Key;
use crate::options::{FormatArg, PageArgs, TenantArg, one_of};
use crate::output::{Columns, Kept, time};
use clap::{Args, Subcommand};
use nmc_core::analytics::{
    ReportFilter, ReportHead, ReportMail, ReportMailFilter, ReportSchedule, ReportSchedulePatch, UnreachedReader,
};
use nmc_core::{Email, Page, ReportId, ReportInterval, ReportMailStatus, Result, Store, TenantTx, UserId};
use serde_json::json;

#[derive(Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Have a report made and mailed by itself
    Set(SetArgs),
    /// List which reports are made by themselves
    List {
        #[command(flatten)]
        tenant: TenantArg,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Have a report made by itself no more
    Remove {
        #[command(flatten)]
        tenant: TenantArg,
        /// Which report
        #[arg(value_name = "KIND", value_parser = one_of(ReportInterval::ALL, ReportInterval::label))]
        kind: ReportInterval,
    },
}

/// Which report, when, and for whom.
#[derive(Args)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Daily of the day before, weekly on Monday of the week before, monthly on the 1st of the month before
    #[arg(value_name = "KIND", value_parser = one_of(ReportInterval::ALL, ReportInterval::label))]
    kind: ReportInterval,
    /// The hour of the business's clock, 0 to 23 [default: as before, or 7]
    #[arg(long, value_name = "HOUR", value_parser = clap::value_parser!(i16).range(0..=23))]
    hour: Option<i16>,
    /// A user it is mailed to, by their id or e-mail; may be given several times [default: as before, or owners and admins]
    #[arg(long = "to", value_name = "ID|EMAIL")]
    to: Vec<UserKey>,
    /// Mail it to owners and admins, whomever it was mailed to before
    #[arg(long, conflicts_with = "to")]
    to_owners_and_admins: bool,
    /// Keep all that for later, and make none until it is set again
    #[arg(long)]
    off: bool,
    #[command(flatten)]
    format: FormatArg,
}

/// Which mails that bring reports.
#[derive(Args)]
pub(crate) struct MailsArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Only those of this report: its id or the end of it
    #[arg(long, value_name = "REPORT")]
    report: Option<Key<ReportId>>,
    /// Only those in this status
    #[arg(long, value_parser = one_of(ReportMailStatus::ALL, ReportMailStatus::label))]
    status: Option<ReportMailStatus>,
    #[command(flatten)]
    page: PageArgs,
}

/// A schedule, the addresses of those whom it names, and who would get none of its reports.
struct Shown {
    row: ReportSchedule,
    to: Vec<Email>,
    unreached: Vec<UnreachedReader>,
}

const COLUMNS: Columns<Shown> = Columns(&[
    ("kind", |shown| json!(shown.row.kind)),
    ("is_active", |shown| json!(shown.row.is_active)),
    ("hour", |shown| json!(shown.row.hour)),
    ("to", |shown| match shown.row.user_ids.as_slice() {
        [] => json!("owners and admins"),
        _ => json!(shown.to),
    }),
    ("next_due_at", |shown| json!(shown.row.is_active.then(|| time(shown.row.next_due_at)))),
    ("last_period_start", |shown| json!(shown.row.last_period_start)),
]);

const MAILS: Columns<ReportMail> = Columns(&[
    ("id", |row| json!(row.id)),
    ("created_at", |row| time(row.created_at)),
    ("report", |row| json!(row.report_id)),
    ("recipient", |row| json!(row.recipient)),
    ("status", |row| json!(row.status)),
    ("attempts", |row| json!(row.attempts)),
    ("next_attempt_at", |row| json!(row.next_attempt_at.map(time))),
    ("sent_at", |row| json!(row.sent_at.map(time))),
    ("error_message", |row| json!(row.error_message)),
]);

const KEPT: Kept = &["id", "recipient", "status", "error_message", "created_at"];

pub(super) fn run(store: &Store, command: &ScheduleCommand) -> CliResult<()> {
    match command {
        ScheduleCommand::Set(args) => {
            let proof = tenant(store, &args.tenant.tenant)?;
            let shown = store.as_operator(&proof, |tx| {
                let patch = args.patch(tx)?;
                let row = tx.report_schedules().patch_by_kind(args.kind, &patch)?;
                shown(tx, row)
            });
            let shown = shown.map_err(|error| error.renamed(&[("user_ids", "--to")]))?;
            COLUMNS.one(args.format.format, &shown)?;
            for UnreachedReader { email, why, .. } in &shown.unreached {
                eprintln!("warning: {email} {}, and gets none of these reports", why.words());
            }
            Ok(())
        }
        ScheduleCommand::List { tenant: key, format } => {
            let proof = tenant(store, &key.tenant)?;
            let items = store.as_operator(&proof, |tx| {
                let rows = tx.report_schedules().list()?;
                rows.into_iter().map(|row| shown(tx, row)).collect::<Result<Vec<Shown>>>()
            })?;
            COLUMNS.page("report-schedules", format.format, &Page { items, next: None })
        }
        ScheduleCommand::Remove { tenant: key, kind } => {
            let proof = tenant(store, &key.tenant)?;
            store.as_operator(&proof, |tx| tx.report_schedules().delete(*kind))?;
            eprintln!("removed");
            Ok(())
        }
    }
}

impl SetArgs {
    /// What is said of the schedule; it is on unless it is switched off.
    fn patch(&self, tx: &mut TenantTx<'_>) -> Result<ReportSchedulePatch> {
        let to = self.to.iter().map(|key| Ok(user::get(tx, key)?.id)).collect::<Result<Vec<UserId>>>()?;
        let user_ids = (self.to_owners_and_admins || !to.is_empty()).then_some(to);
        Ok(ReportSchedulePatch { is_active: Some(!self.off), hour: self.hour, user_ids })
    }
}

fn shown(tx: &mut TenantTx<'_>, row: ReportSchedule) -> Result<Shown> {
    let mut to = Vec::new();
    for id in &row.user_ids {
        to.extend(tx.users().find(*id)?.map(|user| user.email));
    }
    let unreached = tx.report_mails().unreached(&row)?;
    Ok(Shown { row, to, unreached })
}

const LIST: &str = "report-mails";

pub(super) fn mails(store: &Store, args: &MailsArgs) -> CliResult<()> {
    let proof = tenant(store, &args.tenant.tenant)?;
    let page = args.page.of(LIST)?;
    let rows = store.as_operator(&proof, |tx| {
        let all = ReportFilter::default();
        let find = |key: &Key<ReportId>| key.find("report", |row: &ReportHead| row.id, |page| tx.reports().list(&all, page));
        let report = args.report.as_ref().map(find).transpose()?;
        tx.report_mails().list(&ReportMailFilter { report, status: args.status }, page)
    })?;
    MAILS.page_keeping(KEPT, LIST, args.page.format.format, &rows)
}
