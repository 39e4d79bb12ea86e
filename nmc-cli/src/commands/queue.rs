//! `nmc queue`.

use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::options::{DatabaseArgs, PageArgs};
use crate::output::{Columns, time};
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use nmc_core::store::Reason;
use nmc_core::workflows::{Backlog, Queue, Queued, Stage};
use serde_json::json;
use std::process::ExitCode;

/// Which queue, and what of it.
#[derive(Args)]
pub(crate) struct QueueArgs {
    /// List what waits in this queue, newest first [default: count what waits in each]
    #[arg(value_enum)]
    pub(crate) queue: Option<QueueName>,

    /// List what has failed instead, and why
    #[arg(long, requires = "queue")]
    pub(crate) failed: bool,

    /// Only of this business: its id or its exact name
    #[arg(long, env = "NMC_TENANT", value_name = "ID|NAME")]
    pub(crate) tenant: Option<String>,

    #[command(flatten)]
    pub(crate) page: PageArgs,
}

/// A queue.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueueName {
    /// Texts to be sent
    Texts,
    /// Pictures of texts to be fetched
    Pictures,
    /// Notifications of alerts
    Notifications,
    /// Mails about accounts
    Mails,
    /// Mails that bring reports
    Reports,
    /// Jobs of the analytics
    Jobs,
    /// Numbers to be bought, checked or given back
    Numbers,
}

impl From<QueueName> for Queue {
    fn from(name: QueueName) -> Self {
        match name {
            QueueName::Texts => Self::Texts,
            QueueName::Pictures => Self::Pictures,
            QueueName::Notifications => Self::Notifications,
            QueueName::Mails => Self::Mails,
            QueueName::Reports => Self::Reports,
            QueueName::Jobs => Self::Jobs,
            QueueName::Numbers => Self::Numbers,
        }
    }
}

/// A queue as it is at an instant.
type AsOf = (Backlog, DateTime<Utc>);

const COUNTS: Columns<AsOf> = Columns(&[
    ("queue", |(row, _)| json!(row.queue.label())),
    ("waiting", |(row, _)| json!(row.waiting)),
    ("oldest_waiting_at", |(row, _)| json!(row.oldest_waiting_at.map(time))),
    ("oldest_age", |(row, now)| json!(row.oldest_waiting_at.map(|at| age(*now - at)))),
    ("failed_in_7_days", |(row, _)| json!(row.failed)),
    ("last_failed_at", |(row, _)| json!(row.last_failed_at.map(time))),
]);

const ENTRIES: Columns<Queued> = Columns(&[
    ("id", |row| json!(row.id)),
    ("created_at", |row| time(row.created_at)),
    ("state", |row| json!(row.state)),
    ("attempts", |row| json!(row.attempts)),
    ("due_at", |row| json!(row.due_at.map(time))),
    ("reason", |row| json!(row.reason)),
    ("business_name", |row| json!(row.business_name)),
    ("tenant", |row| json!(row.tenant_id)),
]);

pub(crate) fn run(args: &DatabaseArgs, command: &QueueArgs) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    let key = command.tenant.as_deref().filter(|key| !key.is_empty());
    let business = key.map(|key| tenant(&store, key)).transpose()?;
    let format = command.page.format.format;
    if let Some(queue) = command.queue.map(Queue::from) {
        let stage = if command.failed { Stage::Failed } else { Stage::Waiting };
        let list = format!("queue of {queue:?}, {stage:?}");
        let request = command.page.of(&list)?;
        let rows = match &business {
            Some(business) => store.as_operator(business, |tx| tx.queued(queue, stage, request))?,
            None => store.system(Reason::Operations, |tx| tx.queued(queue, stage, request))?,
        };
        ENTRIES.page(&list, format, &rows)?;
    } else {
        let mut items = Vec::new();
        // A transaction each: a long table must not use up the time of the others.
        for queue in Queue::ALL {
            items.push(match &business {
                Some(business) => store.as_operator(business, |tx| Ok((tx.backlog(queue)?, tx.now())))?,
                None => store.system(Reason::Operations, |tx| Ok((tx.backlog(queue)?, tx.now())))?,
            });
        }
        COUNTS.all(format, &items)?;
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

/// An age in its two largest units.
fn age(age: TimeDelta) -> String {
    let seconds = age.num_seconds().max(0);
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::age;
    use chrono::TimeDelta;

    #[test]
    fn age_is_told_in_its_two_largest_units() {
        for (seconds, told) in [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7_500, "2 h 5 min"), (90_000, "1 d 1 h")] {
            assert_eq!(age(TimeDelta::seconds(seconds)), told);
        }
    }
}
