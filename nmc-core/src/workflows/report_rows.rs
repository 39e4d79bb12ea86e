//! The rows that a report is made from.

use crate::reports::{Figures, Hours, NumberEntry, PersonEntry, Textable};
use crate::schema::{analytics_metrics as metrics, phone_numbers};
use crate::store::TenantTx;
use crate::types::Span;
use crate::{AggregationLevel, NumberStatus, Result, Timezone, UserId};
use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz, Uuid};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use std::collections::{BTreeMap, HashSet};

/// Those of these numbers that the business holds, or held.
pub(super) fn own_numbers(tx: &mut TenantTx<'_>, called: Vec<String>) -> Result<HashSet<String>> {
    let own: Vec<String> = phone_numbers::table
        .filter(phone_numbers::tenant_id.eq(tx.0.tenant))
        .filter(phone_numbers::phone_number.eq_any(called))
        .filter(phone_numbers::provisioned_at.is_not_null().or(phone_numbers::status.ne(NumberStatus::Released)))
        .select(phone_numbers::phone_number)
        .load(tx.0.conn)?;
    Ok(own.into_iter().collect())
}

/// The missed calls of a period after which a text could go out: the business was approved and held the number when they began, and
/// learned of their end while that was news, which nobody does of an imported log.
pub(super) fn textable(tx: &mut TenantTx<'_>, period: Span) -> Result<Textable> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = BigInt)]
        missed: i64,
        #[diesel(sql_type = BigInt)]
        texted: i64,
        #[diesel(sql_type = BigInt)]
        replied: i64,
    }
    let counted: Counted = sql_query(
        "SELECT count(*) AS missed, count(greeting.at) AS texted, count(*) FILTER (WHERE EXISTS (
             SELECT FROM messages AS reply
             WHERE reply.tenant_id = $1 AND reply.conversation_id = c.conversation_id AND reply.message_direction = 'inbound'
                 AND reply.created_at > greeting.at AND reply.created_at <= greeting.at + interval '168 hours'
         )) AS replied
         FROM calls AS c
         LEFT JOIN LATERAL (
             SELECT min(m.created_at) AS at FROM messages AS m
             WHERE m.tenant_id = $1 AND m.call_id = c.id AND m.message_kind = 'greeting'
                 AND m.message_status IN ('accepted', 'sending', 'sent', 'delivered', 'partially_delivered', 'read')
         ) AS greeting ON true
         WHERE c.tenant_id = $1 AND c.created_at >= $2 - interval '2 hours' AND c.created_at < $3 + interval '1 day'
             AND coalesce(c.started_at, c.created_at) >= $2 AND coalesce(c.started_at, c.created_at) < $3
             AND c.call_direction = 'inbound' AND c.outcome IN ('missed', 'voicemail', 'abandoned')
             AND c.created_at < coalesce(c.ended_at, c.started_at, c.created_at) + interval '1 hour'
             AND EXISTS (
                 SELECT FROM tenants AS t JOIN phone_numbers AS n ON n.tenant_id = $1
                 WHERE t.id = $1 AND t.approved_at <= coalesce(c.started_at, c.created_at) AND n.phone_number = c.called_phone
                     AND n.provisioned_at <= coalesce(c.started_at, c.created_at)
                     AND (n.released_at > coalesce(c.started_at, c.created_at)) IS NOT FALSE
             )",
    )
    .bind::<Uuid, _>(tx.0.tenant)
    .bind::<Timestamptz, _>(period.from)
    .bind::<Timestamptz, _>(period.until)
    .get_result(tx.0.conn)?;
    let [missed, texted, replied] = [counted.missed, counted.texted, counted.replied].map(i64::unsigned_abs);
    Ok(Textable { missed, texted, replied: Some(replied) })
}

pub(super) type Row = (DateTime<Utc>, AggregationLevel, String, Decimal);

/// The figures of both periods by day, and the calls of the latter by hour.
pub(super) fn rows(tx: &mut TenantTx<'_>, from_before: DateTime<Utc>, period: Span) -> Result<Vec<Row>> {
    let of_days = metrics::aggregation_level.eq(AggregationLevel::Daily).and(metrics::timestamp.ge(from_before));
    let of_hours = metrics::aggregation_level
        .eq(AggregationLevel::Hourly)
        .and(metrics::timestamp.ge(period.from))
        .and(metrics::metric_name.eq_any(["nmc.calls_inbound", "nmc.calls_unanswered"]));
    Ok(metrics::table
        .filter(metrics::tenant_id.eq(tx.0.tenant))
        .filter(metrics::timestamp.lt(period.until))
        .filter(metrics::metric_name.like("nmc.%"))
        .filter(of_days.or(of_hours))
        .select((metrics::timestamp, metrics::aggregation_level, metrics::metric_name, metrics::metric_value))
        .load(tx.0.conn)?)
}

/// Facts, as far as they are read.
#[derive(Default)]
pub(super) struct Read {
    pub(super) by_day: BTreeMap<NaiveDate, Figures>,
    pub(super) before: Figures,
    pub(super) hours: Hours,
    pub(super) numbers: BTreeMap<String, NumberEntry>,
    pub(super) people: BTreeMap<UserId, PersonEntry>,
}

impl Read {
    pub(super) fn numbers_called(&self) -> Vec<String> {
        self.numbers.keys().cloned().collect()
    }

    /// Whether so many missed callers got no text that somebody may want to know why.
    pub(super) fn may_be_silent(&self) -> bool {
        let sum = |name: &str| self.by_day.values().filter_map(|figures| figures.get(name)).sum::<Decimal>();
        sum("nmc.calls_unanswered") > sum("nmc.calls_texted_back")
    }

    pub(super) fn row(
        &mut self,
        zone: Timezone,
        period: Span,
        at: DateTime<Utc>,
        level: AggregationLevel,
        name: &str,
        value: Decimal,
    ) {
        let count = value.to_u64().unwrap_or_default();
        match name.split_once('/') {
            _ if level == AggregationLevel::Hourly => self.hour(zone, at, name, count),
            None if period.contains(at) => {
                if let Some(date) = zone.date(at) {
                    *self.by_day.entry(date).or_default().entry(name.to_owned()).or_default() += value;
                }
            }
            None => *self.before.entry(name.to_owned()).or_default() += value,
            Some((figure, of)) if period.contains(at) => self.part(figure, of, count),
            Some(_) => {}
        }
    }

    fn hour(&mut self, zone: Timezone, at: DateTime<Utc>, name: &str, count: u64) {
        let Some((date, shown)) = zone.date(at).zip(zone.shown(at)) else { return };
        let rows = if name == "nmc.calls_inbound" { &mut self.hours.inbound } else { &mut self.hours.unanswered };
        let weekday = usize::try_from(date.weekday().num_days_from_monday()).ok();
        let hour = usize::try_from(shown.hour()).ok();
        let row = weekday.and_then(|weekday| rows.get_mut(weekday));
        if let Some(cell) = row.zip(hour).and_then(|(row, hour)| row.get_mut(hour)) {
            *cell = cell.saturating_add(count);
        }
    }

    fn part(&mut self, figure: &str, of: &str, count: u64) {
        let sum = if figure.starts_with("nmc.calls_") {
            let number = self.numbers.entry(of.to_owned()).or_default();
            match figure {
                "nmc.calls_inbound" => &mut number.inbound,
                "nmc.calls_answered" => &mut number.answered,
                "nmc.calls_unanswered" => &mut number.unanswered,
                _ => return,
            }
        } else {
            let Ok(user) = of.parse::<UserId>() else { return };
            let person = self.people.entry(user).or_default();
            match figure {
                "nmc.conversations_opened" => &mut person.opened,
                "nmc.conversations_resolved" => &mut person.resolved,
                _ => return,
            }
        };
        *sum = sum.saturating_add(count);
    }
}
