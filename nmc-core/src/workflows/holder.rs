//! Whose number it was when something happened there. A number that changes hands keeps getting
//! news of what happened before: the end of a call, the fate of a text. They are its former holder's.

use crate::error::found;
use crate::schema::{calls, messages, phone_numbers as numbers};
use crate::store::{Prepared, SystemTx, Tenant};
use crate::{MessageId, NumberStatus, PhoneNumber, Result, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

/// How far the provider's clock and ours may lie apart.
const SKEW: TimeDelta = TimeDelta::seconds(5);

/// For how long after a number was given up news of a former holder's calls may come: one lasts a day at the most.
const CALLS_REACH: TimeDelta = TimeDelta::hours(25);

/// For how long news of a former holder's texts may come: carriers report on them for some days.
const TEXTS_REACH: TimeDelta = TimeDelta::days(4);

/// An event at a number of ours, as the provider tells it.
#[derive(Debug, Clone, Copy)]
pub struct Happened<'a> {
    /// The instant at which it began, by the provider's clock; `None` is now.
    at: Option<DateTime<Utc>>,
    what: What<'a>,
}

#[derive(Debug, Clone, Copy)]
enum What<'a> {
    Call(&'a str),
    Text(&'a str, Option<MessageId>),
}

impl<'a> Happened<'a> {
    /// News of the call with this SID; `at` is when it began.
    #[must_use]
    pub const fn call(sid: &'a str, at: Option<DateTime<Utc>>) -> Self {
        Self { at, what: What::Call(sid) }
    }

    /// A text with this SID, or news of one, which may also be named by our id.
    #[must_use]
    pub const fn text(sid: &'a str, id: Option<MessageId>, at: Option<DateTime<Utc>>) -> Self {
        Self { at, what: What::Text(sid, id) }
    }
}

impl Happened<'_> {
    /// The instant at which it began, for a transaction whose clock says `now`.
    pub(crate) fn began(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.at.unwrap_or(now)
    }

    /// The provider's name of the call, if it is one.
    pub(crate) const fn call_sid(&self) -> Option<&str> {
        match self.what {
            What::Call(sid) => Some(sid),
            What::Text(..) => None,
        }
    }

    /// The instant until which whoever gave the number up gets no more news of what happened at `began`.
    pub(crate) fn settled(&self, began: DateTime<Utc>) -> DateTime<Utc> {
        began - self.what.reach()
    }
}

impl What<'_> {
    const fn reach(&self) -> TimeDelta {
        match self {
            Self::Call(_) => CALLS_REACH,
            Self::Text(..) => TEXTS_REACH,
        }
    }
}

/// The tenant that something happened to.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    /// The proof that a transaction may act for the tenant.
    pub tenant: Tenant,
    /// Whether the other party is a number of the same tenant.
    pub from_own_number: bool,
    /// Whether the tenant may send from the number now: the tenant holds the number, and it is active.
    pub sends: bool,
}

impl Holder {
    /// Whether the other party may be answered from this number.
    #[must_use]
    pub const fn answers(&self) -> bool {
        self.sends && !self.from_own_number
    }
}

/// One row of a number: who has, or had, it from when to when.
#[derive(Debug, Clone, PartialEq, Queryable)]
struct Holding {
    tenant: TenantId,
    number: PhoneNumber,
    status: NumberStatus,
    provisioned_at: Option<DateTime<Utc>>,
    released_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl Holding {
    fn is_living(&self) -> bool {
        self.status != NumberStatus::Released
    }

    /// The span from when to when the number was held; `None` for an order that was called off. A living one is held from the
    /// order on: the provider may have sold it before we heard of that.
    fn span(&self) -> Option<(DateTime<Utc>, Option<DateTime<Utc>>)> {
        if self.is_living() {
            return Some((self.provisioned_at.unwrap_or(self.created_at), None));
        }
        Some((self.provisioned_at?, Some(self.released_at?)))
    }

    fn held_at(&self, at: DateTime<Utc>, give: TimeDelta) -> bool {
        self.span().is_some_and(|(from, until)| from - give <= at && until.is_none_or(|until| at < until + give))
    }

    /// The instant at which the number was given up.
    fn ended(&self) -> Option<DateTime<Utc>> {
        self.span().and_then(|(_, until)| until)
    }
}

/// The holder of a number at an instant, judged by the spans alone: exactly, else within the clocks' difference. With nobody
/// before it, the one who holds it now has always done: it was brought along from elsewhere.
fn by_time(rows: &[Holding], at: DateTime<Utc>) -> Option<&Holding> {
    let at_that_time = |give: TimeDelta| rows.iter().filter(|row| row.held_at(at, give)).max_by_key(|row| row.span());
    let living = || rows.iter().find(|row| row.is_living());
    let is_first = rows.iter().all(|row| row.ended().is_none());
    at_that_time(TimeDelta::zero()).or_else(|| at_that_time(SKEW)).or_else(|| living().filter(|_| is_first))
}

/// The tenants that may know of what happened, and are not the one that its time points to: those who held the number until a
/// while ago, and, if the time points to one of those, whoever holds it now.
fn others_in_reach(rows: &[Holding], chosen: Option<TenantId>, at: DateTime<Utc>, reach: TimeDelta) -> Vec<TenantId> {
    let in_reach = |row: &&Holding| row.is_living() || row.ended().is_some_and(|ended| at < ended + reach);
    let had_before = rows.iter().any(|row| row.ended().is_some());
    let mut others: Vec<TenantId> = rows
        .iter()
        .filter(|_| had_before)
        .filter(in_reach)
        .map(|row| row.tenant)
        .filter(|tenant| Some(*tenant) != chosen)
        .collect();
    others.sort();
    others.dedup();
    others
}

impl SystemTx<'_> {
    /// The tenant that held `ours` when something happened there, and whether that same tenant holds `other`. A call or text that
    /// another holder knows by its SID is that one's, whatever its time. One statement, and one more only where the number was
    /// given up by somebody shortly before.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when nobody held it then.
    pub fn holder_when(&mut self, ours: &PhoneNumber, other: Option<&PhoneNumber>, happened: &Happened<'_>) -> Result<Holder> {
        let query = numbers::table.filter(numbers::phone_number.eq_any([Some(ours), other].into_iter().flatten())).select((
            numbers::tenant_id,
            numbers::phone_number,
            numbers::status,
            numbers::provisioned_at,
            numbers::released_at,
            numbers::created_at,
        ));
        let rows: Vec<Holding> = Prepared(query).load(self.conn)?;
        let (of_ours, of_other): (Vec<Holding>, Vec<Holding>) = rows.into_iter().partition(|row| row.number == *ours);
        let at = happened.began(self.now());
        let by_time = by_time(&of_ours, at).map(|row| row.tenant);
        let others = others_in_reach(&of_ours, by_time, at, happened.what.reach());
        let by_sid = if others.is_empty() { None } else { self.knower_of(by_time, &others, &happened.what)? };
        let tenant = found(by_sid.or(by_time), "phone number")?;
        let holds = |row: &Holding| row.tenant == tenant && row.is_living();
        Ok(Holder {
            tenant: Tenant::proven(tenant),
            from_own_number: other == Some(ours) && of_ours.iter().any(holds) || of_other.iter().any(holds),
            sends: of_ours.iter().any(|row| holds(row) && row.status == NumberStatus::Active),
        })
    }

    /// The one of these tenants that has the call or text already: the first one, if it does.
    fn knower_of(&mut self, first: Option<TenantId>, others: &[TenantId], what: &What<'_>) -> Result<Option<TenantId>> {
        let asked: Vec<TenantId> = first.into_iter().chain(others.iter().copied()).collect();
        let knowing: Vec<TenantId> = match what {
            What::Call(sid) => calls::table
                .filter(calls::tenant_id.eq_any(asked))
                .filter(calls::twilio_call_sid.eq(sid))
                .select(calls::tenant_id)
                .load(self.conn)?,
            What::Text(sid, id) => {
                let by_sid = messages::table
                    .filter(messages::tenant_id.eq_any(asked.clone()))
                    .filter(messages::message_sid.eq(sid))
                    .select(messages::tenant_id);
                let by_id = messages::table
                    .filter(messages::tenant_id.eq_any(asked))
                    .filter(messages::id.nullable().eq(*id))
                    .select(messages::tenant_id);
                by_sid.union_all(by_id).load(self.conn)?
            }
        };
        Ok(first.filter(|first| knowing.contains(first)).or_else(|| knowing.first().copied()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn second(n: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + n, 0).unwrap()
    }

    /// A history: who holds the number for how many seconds, after a gap of how many, and whether somebody holds it still.
    fn history(spans: &[(u8, i64, i64)], still: bool) -> Vec<Holding> {
        let mut clock = 0;
        let mut rows = Vec::new();
        for (place, (who, gap, length)) in spans.iter().enumerate() {
            let from = clock + gap;
            clock = from + length;
            let is_living = still && place + 1 == spans.len();
            rows.push(Holding {
                tenant: TenantId::new(Uuid::from_u128(u128::from(*who) + 1)),
                number: "+13125550100".parse().unwrap(),
                status: if is_living { NumberStatus::Active } else { NumberStatus::Released },
                provisioned_at: Some(second(from)),
                released_at: (!is_living).then(|| second(clock)),
                created_at: second(from),
            });
        }
        rows
    }

    proptest! {
        /// What happened while somebody held the number is theirs. What happened while nobody did is nobody's, but for a few
        /// seconds; and never that of one who came or went long before or after.
        #[test]
        fn events_are_those_of_the_holder_of_their_time(
            spans in prop::collection::vec((0_u8..4, 0_i64..40, 1_i64..40), 1..8),
            still: bool,
            event in -20_i64..400,
            backwards: bool,
        ) {
            let mut rows = history(&spans, still);
            if backwards {
                rows.reverse();
            }
            let at = second(event);
            let holder = by_time(&rows, at);
            let exactly: Vec<&Holding> = rows.iter().filter(|row| row.held_at(at, TimeDelta::zero())).collect();
            prop_assert!(exactly.len() <= 1, "nobody shares a number");
            let is_first = rows.len() == 1 && still;
            match (exactly.first(), holder) {
                (Some(exact), held) => prop_assert_eq!(held, Some(*exact)),
                (None, Some(held)) if !is_first => prop_assert!(held.held_at(at, SKEW), "within the clocks' difference"),
                (None, Some(held)) => prop_assert!(held.is_living()),
                (None, None) => prop_assert!(rows.iter().all(|row| !row.held_at(at, SKEW)) && !is_first),
            }
        }

        /// The plain case asks nobody else: the number has had one holder, or the last change of hands lies far back.
        #[test]
        fn who_has_had_it_for_long_is_asked_alone(
            spans in prop::collection::vec((0_u8..4, 0_i64..40, 1_i64..40), 1..8),
            later in 0_i64..1_000,
        ) {
            let rows = history(&spans, true);
            let last = rows.last().unwrap();
            let start = rows.iter().filter_map(Holding::ended).max().unwrap_or_else(|| second(0));
            let at = start + CALLS_REACH + TimeDelta::seconds(later);
            prop_assert_eq!(by_time(&rows, at), Some(last));
            prop_assert_eq!(others_in_reach(&rows, Some(last.tenant), at, CALLS_REACH), vec![]);
        }
    }

    #[test]
    fn an_order_that_was_called_off_never_held_it() {
        let mut rows = history(&[(0, 0, 10)], false);
        rows[0].provisioned_at = None;
        assert_eq!(by_time(&rows, second(5)), None);
    }
}
