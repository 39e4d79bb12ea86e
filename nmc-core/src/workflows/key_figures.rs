//! Key figures of the periods of which something was computed: their values, beside targets and the period before.

use super::roll_up::froms;
use crate::analytics::{Computed, Figures, KPI_PERIODS, KPIS, Kpi};
use crate::store::TenantTx;
use crate::types::Span;
use crate::{AggregationLevel, KpiPeriod, Result, Timezone};
use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashMap};

impl KpiPeriod {
    /// The period that has this day.
    pub(super) fn of(self, zone: Timezone, date: NaiveDate) -> Option<Span> {
        match self {
            Self::Hourly => None,
            Self::Daily => zone.day(date),
            Self::Weekly => zone.week(date),
            Self::Monthly => zone.month(date),
        }
    }

    const fn level(self) -> AggregationLevel {
        match self {
            Self::Hourly => AggregationLevel::Hourly,
            Self::Daily => AggregationLevel::Daily,
            Self::Weekly => AggregationLevel::Weekly,
            Self::Monthly => AggregationLevel::Monthly,
        }
    }

    /// A day of the next period.
    fn next(self, date: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Hourly | Self::Daily => date.succ_opt(),
            Self::Weekly => date.checked_add_days(Days::new(7)),
            Self::Monthly => date.checked_add_months(Months::new(1)),
        }
    }

    /// A day of the period before.
    fn previous(self, date: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Hourly | Self::Daily => date.pred_opt(),
            Self::Weekly => date.checked_sub_days(Days::new(7)),
            Self::Monthly => date.checked_sub_months(Months::new(1)),
        }
    }
}

/// Keeps the key figures of the periods that these days are in, and of those after them, whose trend they are.
pub(super) fn keep(tx: &mut TenantTx<'_>, zone: Timezone, dates: &BTreeSet<NaiveDate>) -> Result<()> {
    let targets: HashMap<(String, KpiPeriod), Decimal> =
        tx.kpi_targets().list()?.into_iter().map(|target| ((target.kpi_name, target.period_type), target.kpi_target)).collect();
    for kind in KPI_PERIODS {
        let with_next = dates.iter().flat_map(|date| [Some(*date), passing_empty(kind, zone, *date, KpiPeriod::next)]).flatten();
        // Each period with the one before it.
        let periods: BTreeMap<Span, Option<Span>> = with_next
            .filter_map(|date| {
                let before = passing_empty(kind, zone, date, KpiPeriod::previous).and_then(|date| kind.of(zone, date));
                Some((kind.of(zone, date)?, before))
            })
            .collect();
        let read: BTreeSet<Span> = periods.iter().flat_map(|(period, before)| before.iter().copied().chain([*period])).collect();
        let figures = tx.metrics().computed(kind.level(), &froms(&read))?;
        let snapshots: Vec<Computed> = periods
            .iter()
            .flat_map(|(period, before)| KPIS.iter().map(move |kpi| (kpi, *period, *before)))
            .filter_map(|(kpi, period, before)| {
                let value = value_of(kpi, &figures, Some(period))?;
                let trend = value_of(kpi, &figures, before).map(|before| kpi.trend(value, before));
                let target = targets.get(&(kpi.name.to_owned(), kind)).copied();
                Some(Computed { kpi: kpi.name, period, value, target, trend })
            })
            .collect();
        let periods: Vec<Span> = periods.into_keys().collect();
        tx.kpi_snapshots().replace(kind, zone, &periods, &snapshots)?;
    }
    Ok(())
}

/// A day of the period that is one step away. An empty day, which some zones have had, is no period: it is passed.
fn passing_empty(
    kind: KpiPeriod,
    zone: Timezone,
    mut date: NaiveDate,
    step: impl Fn(KpiPeriod, NaiveDate) -> Option<NaiveDate>,
) -> Option<NaiveDate> {
    loop {
        date = step(kind, date)?;
        if !kind.of(zone, date)?.is_empty() {
            return Some(date);
        }
    }
}

fn value_of(kpi: &Kpi, figures: &HashMap<DateTime<Utc>, Figures>, period: Option<Span>) -> Option<Decimal> {
    kpi.value(figures.get(&period?.from)?)
}
