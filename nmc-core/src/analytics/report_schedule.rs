//! Schedules of reports: which ones a business has made and mailed by themselves, and when the next one is due.

use crate::error::touched_one;
use crate::queue::after;
use crate::schema::{report_schedules as schedules, tenants, users};
use crate::store::{Scope, SystemTx, Tenant, TenantTx, stamped};
use crate::{Error, ReportInterval, ReportScheduleId, Result, TenantId, Timezone, UserId};
use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use std::collections::BTreeSet;

/// The most users that a report is mailed to.
pub const MOST_READERS: usize = 50;

/// A report that is made and mailed by itself.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = schedules, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct ReportSchedule {
    pub id: ReportScheduleId,
    pub tenant_id: TenantId,
    pub kind: ReportInterval,
    pub is_active: bool,
    pub hour: i16,
    pub user_ids: Vec<UserId>,
    pub timezone: Timezone,
    pub next_due_at: DateTime<Utc>,
    pub last_period_start: Option<NaiveDate>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A report to be made by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReportSchedule {
    /// Whether the report is made; if not, the rest is kept for later.
    pub is_active: bool,
    /// The hour of the business's clock, 0 to 23.
    pub hour: i16,
    /// The users that it is mailed to, [`MOST_READERS`] at the most; none: owners and administrators.
    pub user_ids: Vec<UserId>,
}

impl Default for NewReportSchedule {
    fn default() -> Self {
        Self { is_active: true, hour: 7, user_ids: Vec::new() }
    }
}

/// Changes of a schedule, or what is said of one that is not there yet: the rest is as it was, or as by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ReportSchedulePatch {
    /// Whether the report is made; if not, the rest is kept for later.
    pub is_active: Option<bool>,
    /// The hour of the business's clock, 0 to 23.
    pub hour: Option<i16>,
    /// The users that it is mailed to, [`MOST_READERS`] at the most; none: owners and administrators.
    pub user_ids: Option<Vec<UserId>>,
}

/// A tenant's schedules of reports.
pub struct ReportSchedules<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's schedules of reports.
    pub const fn report_schedules(&mut self) -> ReportSchedules<'_> {
        ReportSchedules(self.0.reborrow())
    }
}

/// The times of a schedule around a day, in order, each with the day that it is on.
fn times(zone: Timezone, kind: ReportInterval, hour: i16, around: NaiveDate) -> Vec<(NaiveDate, DateTime<Utc>)> {
    let days = |from: Option<NaiveDate>, step: u64| {
        (0..6).filter_map(move |many| from?.checked_sub_days(Days::new(3 * step))?.checked_add_days(Days::new(many * step)))
    };
    let on: Vec<NaiveDate> = match kind {
        ReportInterval::Daily => days(Some(around), 1).collect(),
        ReportInterval::Weekly => {
            days(around.checked_sub_days(Days::new(around.weekday().num_days_from_monday().into())), 7).collect()
        }
        ReportInterval::Monthly => {
            let first = around.with_day(1).and_then(|first| first.checked_sub_months(Months::new(2)));
            (0..5).filter_map(|many| first?.checked_add_months(Months::new(many))).collect()
        }
    };
    let time = u32::try_from(hour).ok().and_then(|hour| NaiveTime::from_hms_opt(hour, 0, 0)).unwrap_or_default();
    // A day that the calendar leaves out has no morning. An hour that the clock skips is its first instant after, and of one that comes
    // twice it is the first.
    let is_there = |day: &NaiveDate| zone.day(*day).is_some_and(|span| !span.is_empty());
    on.into_iter().filter(is_there).filter_map(|day| Some((day, zone.first_instant(day.and_time(time))?))).collect()
}

impl ReportSchedule {
    /// The last time that the schedule had up to an instant by this zone, as the day that it was on, and its next time.
    fn last_and_next(&self, zone: Timezone, at: DateTime<Utc>) -> Result<(NaiveDate, DateTime<Utc>)> {
        let none = || Error::internal("the calendar ends");
        let times = times(zone, self.kind, self.hour, zone.date(at).ok_or_else(none)?);
        let last = times.iter().rev().find(|(_, time)| *time <= at).ok_or_else(none)?;
        let next = times.iter().find(|(_, time)| *time > at).ok_or_else(none)?;
        Ok((last.0, next.1))
    }
}

/// A schedule whose time has come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DueReport {
    pub(crate) schedule: ReportSchedule,
    /// The day of the business's calendar on which it came last. What was missed before is not made up.
    pub(crate) day: NaiveDate,
}

impl SystemTx<'_> {
    /// The tenants with a report due, or with a schedule that was reckoned by another zone than theirs, by their ids. A suspended one's
    /// wait.
    pub(crate) fn tenants_with_due_reports(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let ids: Vec<TenantId> = schedules::table
            .inner_join(tenants::table)
            .filter(tenants::is_active)
            .filter(schedules::is_active)
            .filter(schedules::next_due_at.le(self.now()).or(schedules::timezone.ne(tenants::timezone)))
            .filter(schedules::tenant_id.gt(after(last)))
            .group_by(schedules::tenant_id)
            .order(schedules::tenant_id)
            .limit(limit.into())
            .select(schedules::tenant_id)
            .load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}

impl ReportSchedules<'_> {
    /// All schedules, by kind: there are no more than kinds.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn list(&mut self) -> Result<Vec<ReportSchedule>> {
        Ok(ReportSchedule::query().filter(schedules::tenant_id.eq(self.0.tenant)).order(schedules::kind).load(self.0.conn)?)
    }

    /// The schedule of a kind, if there is one.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn find_by_kind(&mut self, kind: ReportInterval) -> Result<Option<ReportSchedule>> {
        Ok(ReportSchedule::query()
            .filter(schedules::tenant_id.eq(self.0.tenant))
            .filter(schedules::kind.eq(kind))
            .first(self.0.conn)
            .optional()?)
    }

    /// Has reports of a kind made and mailed by themselves, from the next time on.
    ///
    /// # Errors
    /// [`Error::Invalid`] on an hour that no day has, on too many users, on one who is not there, and on one whose role may not see
    /// reports.
    pub fn upsert_by_kind(&mut self, kind: ReportInterval, new: &NewReportSchedule) -> Result<ReportSchedule> {
        self.hold()?;
        let user_ids = self.readers(&new.user_ids)?;
        self.write(kind, &NewReportSchedule { user_ids, ..*new })
    }

    /// Changes what is said of the schedule of a kind, or makes one of it. Of two changes at once none is lost. Users that it is mailed to
    /// already are not looked at again: their role may have changed.
    ///
    /// # Errors
    /// As [`Self::upsert_by_kind`], of what is said.
    pub fn patch_by_kind(&mut self, kind: ReportInterval, patch: &ReportSchedulePatch) -> Result<ReportSchedule> {
        self.hold()?;
        let before = self.find_by_kind(kind)?;
        let before = before.map_or_else(NewReportSchedule::default, |row| NewReportSchedule {
            is_active: row.is_active,
            hour: row.hour,
            user_ids: row.user_ids,
        });
        let user_ids = patch.user_ids.as_ref().map(|ids| self.readers(ids)).transpose()?;
        let new = NewReportSchedule {
            is_active: patch.is_active.unwrap_or(before.is_active),
            hour: patch.hour.unwrap_or(before.hour),
            user_ids: user_ids.unwrap_or(before.user_ids),
        };
        self.write(kind, &new)
    }

    /// Has whoever else changes the tenant's schedules wait, also where there is none yet.
    fn hold(&mut self) -> Result<()> {
        self.0.tx().tenants().lock().map(drop)
    }

    /// Writes a schedule whose users were looked at.
    fn write(&mut self, kind: ReportInterval, new: &NewReportSchedule) -> Result<ReportSchedule> {
        let NewReportSchedule { is_active, hour, ref user_ids } = *new;
        if !(0..24).contains(&hour) {
            return Err(Error::invalid("hour", "must be between 0 and 23"));
        }
        let zone = self.0.tx().tenants().get()?.timezone;
        let now = self.0.now();
        let id = ReportScheduleId::new(self.0.moment.id());
        let none = || Error::internal("the calendar ends");
        let times = times(zone, kind, hour, zone.date(now).ok_or_else(none)?);
        let next = times.into_iter().find(|(_, time)| *time > now).ok_or_else(none)?.1;
        // What is due already is still made: the change may have come between the hour and the worker.
        let old = self.find_by_kind(kind)?.filter(|old| old.is_active && old.next_due_at <= now);
        let next = old.map_or(next, |old| old.next_due_at);
        let set = (
            schedules::is_active.eq(is_active),
            schedules::hour.eq(hour),
            schedules::user_ids.eq(user_ids),
            schedules::timezone.eq(zone),
            schedules::next_due_at.eq(next),
        );
        Ok(diesel::insert_into(schedules::table)
            .values((schedules::kind.eq(kind), set, stamped!(schedules, self.0, id)))
            .on_conflict((schedules::tenant_id, schedules::kind))
            .do_update()
            .set((set, schedules::updated_at.eq(now)))
            .returning(ReportSchedule::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Has no more reports of a kind made by themselves.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete(&mut self, kind: ReportInterval) -> Result<()> {
        self.hold()?;
        let rows = diesel::delete(schedules::table)
            .filter(schedules::tenant_id.eq(self.0.tenant))
            .filter(schedules::kind.eq(kind))
            .execute(self.0.conn)?;
        touched_one(rows, "schedule")
    }

    /// Takes out of the tenant's schedules what is due, each once however many times were missed, and puts the next time in its place.
    /// What another worker has in hand is not due.
    pub(crate) fn take_due(&mut self, zone: Timezone) -> Result<Vec<DueReport>> {
        let now = self.0.now();
        let found: Vec<ReportSchedule> = ReportSchedule::query()
            .filter(schedules::tenant_id.eq(self.0.tenant))
            .filter(schedules::is_active)
            .filter(schedules::next_due_at.le(now).or(schedules::timezone.ne(zone)))
            .order(schedules::kind)
            .for_update()
            .skip_locked()
            .load(self.0.conn)?;
        let mut due = Vec::new();
        for schedule in found {
            let (day, next) = schedule.last_and_next(zone, now)?;
            diesel::update(schedules::table)
                .filter(schedules::tenant_id.eq(self.0.tenant))
                .filter(schedules::id.eq(schedule.id))
                .set((schedules::next_due_at.eq(next), schedules::timezone.eq(zone), schedules::updated_at.eq(now)))
                .execute(self.0.conn)?;
            if schedule.next_due_at <= now {
                due.push(DueReport { schedule, day });
            }
        }
        Ok(due)
    }

    /// Notes the period that a schedule's report is of; false if it was reported on already.
    pub(crate) fn note_period(&mut self, schedule: ReportScheduleId, first_day: NaiveDate) -> Result<bool> {
        let rows = diesel::update(schedules::table)
            .filter(schedules::tenant_id.eq(self.0.tenant))
            .filter(schedules::id.eq(schedule))
            .filter(schedules::last_period_start.is_null().or(schedules::last_period_start.lt(first_day).assume_not_null()))
            .set((schedules::last_period_start.eq(first_day), schedules::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        Ok(rows == 1)
    }

    /// These users, each once: all are the tenant's, and may see reports.
    fn readers(&mut self, ids: &[UserId]) -> Result<Vec<UserId>> {
        let ids: BTreeSet<UserId> = ids.iter().copied().collect();
        if ids.len() > MOST_READERS {
            return Err(Error::invalid("user_ids", "must be 50 users at the most"));
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let roles: Vec<crate::UserRole> = users::table
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq_any(&ids))
            .select(users::role)
            .load(self.0.conn)?;
        if roles.len() != ids.len() {
            return Err(Error::missing("user_ids", "user"));
        }
        if !roles.into_iter().all(|role| crate::permission::Permission::ReportsRead.is_of(role)) {
            return Err(Error::invalid("user_ids", "must be users whose role may see reports"));
        }
        Ok(ids.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(zone: &str, kind: ReportInterval, hour: i16, around: &str) -> Vec<String> {
        let times = times(zone.parse().unwrap(), kind, hour, around.parse().unwrap());
        times.iter().map(|(day, at)| format!("{} {}", day.format("%m-%d"), at.format("%m-%d %H:%M"))).collect()
    }

    #[test]
    fn hour_that_is_skipped_or_comes_twice_comes_once() {
        let new_york = |hour, around| time("America/New_York", ReportInterval::Daily, hour, around);
        // 02:00 is skipped on March 8, and 01:00 comes twice on November 1.
        assert_eq!(new_york(2, "2026-03-08")[2..5], ["03-07 03-07 07:00", "03-08 03-08 07:00", "03-09 03-09 06:00"]);
        assert_eq!(new_york(1, "2026-11-01")[2..5], ["10-31 10-31 05:00", "11-01 11-01 05:00", "11-02 11-02 06:00"]);
        // Cairo has no midnight on April 24; Apia had no 30 December 2011.
        assert_eq!(time("Africa/Cairo", ReportInterval::Daily, 0, "2026-04-24")[3], "04-24 04-23 22:00");
        assert_eq!(
            time("Pacific/Apia", ReportInterval::Daily, 7, "2011-12-30")[2..4],
            ["12-29 12-29 17:00", "12-31 12-30 17:00"]
        );
    }

    #[test]
    fn weekly_comes_on_monday_and_monthly_on_the_first() {
        let utc = |kind, around| time("Etc/UTC", kind, 7, around);
        assert_eq!(utc(ReportInterval::Weekly, "2026-11-29")[3..5], ["11-23 11-23 07:00", "11-30 11-30 07:00"]);
        assert_eq!(utc(ReportInterval::Monthly, "2026-12-31")[2..4], ["12-01 12-01 07:00", "01-01 01-01 07:00"]);
    }
}
