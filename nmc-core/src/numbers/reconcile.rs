//! The provider's numbers compared with ours, in both directions. What is paid for and was ordered here is adopted, what was
//! to be given back is given back, and the rest is reported: nothing that somebody else may rely on is touched.

use super::attempt::Buying;
use super::{HeldNumber, Provisioner};
use crate::schema::phone_numbers as numbers;
use crate::store::{Reason, SystemTx, Tenant};
use crate::telephony::friendly_name;
use crate::telephony::{OwnedNumber, ProviderError};
use crate::{Error, NumberStatus, PhoneNumber, PhoneNumberId, Result, TenantId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use std::collections::HashSet;
use std::time::Instant;

/// Rows of ours that are looked at at once.
const BITE: i64 = 500;

/// Numbers of ours that may be missing at the provider before that is put down to a wrong account.
const MOST_MISSING: usize = 500;

/// The provider's pages that are read at most: a million numbers.
const MOST_PAGES: usize = 1_000;

/// The way in which a number is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddity {
    /// Bought for an order of ours that has not heard of it.
    Unheard,
    /// Given back, or called off, and paid for all the same.
    Unreleased,
    /// The number is on its way back.
    Releasing,
    /// Somebody is asking the provider about it right now.
    Underway,
    /// Bought under the name of a row that there is not here: another installation's, or a deleted business's.
    UnknownRow,
    /// The number was not bought by us, and is nobody's here.
    Foreign,
    /// Held here, and owned under another SID or another name; or our row has the SID of another number.
    Mismatched,
    /// Held here, and not owned.
    NotOwned,
    /// The number's webhooks at the provider are not ours.
    Webhooks,
}

/// The outcome for a number that is odd.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The number is active here now.
    Adopted,
    /// The number has been given back.
    Finished,
    /// The number is for somebody to look at, or will come to its end by itself.
    Reported,
    /// The remedy was tried, and did not succeed: this is why. The next reconciliation tries again.
    Failed(String),
}

/// One number that is not as it should be.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Finding {
    /// The number that the finding is about.
    pub phone_number: PhoneNumber,
    /// The provider's SID of the number, if it owns it.
    pub sid: Option<String>,
    /// The id of our row, if there is one.
    pub row: Option<PhoneNumberId>,
    /// The tenant whose row that is.
    pub tenant: Option<TenantId>,
    /// The way in which the number is odd.
    pub oddity: Oddity,
    /// The outcome: what was done.
    pub outcome: Outcome,
}

impl Finding {
    /// The words that say what is odd about the number, and what somebody can do about it.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self.oddity {
            Oddity::Unheard => "bought for an order that has not heard of it",
            Oddity::Unreleased => "given back here, and still paid for",
            Oddity::Releasing => "on its way back",
            Oddity::Underway => "being worked on at this moment",
            Oddity::UnknownRow => "paid for, and bought for a row that is not here; add it or release it at Twilio",
            Oddity::Foreign => "paid for, and nobody's here; add it or release it at Twilio",
            Oddity::Mismatched => {
                "paid for under another SID or name than its row's, or its SID is another number's here; put the row right"
            }
            Oddity::NotOwned => "held here, and not at Twilio; release it here",
            Oddity::Webhooks => "its webhooks at Twilio are not ours; set them",
        }
    }

    /// Whether the number is paid for and nobody's.
    #[must_use]
    pub fn is_unaccounted(&self) -> bool {
        let is_settled = matches!(self.outcome, Outcome::Adopted | Outcome::Finished);
        !is_settled
            && matches!(
                self.oddity,
                Oddity::Unheard | Oddity::Unreleased | Oddity::UnknownRow | Oddity::Foreign | Oddity::Mismatched
            )
    }

    /// Whether somebody should look at the number.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let is_settled = matches!(self.outcome, Outcome::Adopted | Outcome::Finished);
        !is_settled && !matches!(self.oddity, Oddity::Underway | Oddity::Releasing)
    }
}

/// The result of a reconciliation.
#[derive(Debug, Clone, Default)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Reconciliation {
    /// The number of phone numbers that the account owns.
    pub owned: usize,
    /// The number of phone numbers that are held here: active, inactive or in error, and once bought.
    pub held: usize,
    /// The numbers that are not as they should be, or were not; empty is good.
    pub findings: Vec<Finding>,
}

impl Reconciliation {
    /// The numbers that are paid for and not accounted for: there must be none in the end.
    pub fn unaccounted(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_unaccounted())
    }

    /// The findings that somebody should look at.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_open())
    }
}

/// A row as far as it matters here, and whether somebody is at it.
type Known = (HeldNumber, Option<DateTime<Utc>>);

impl SystemTx<'_> {
    /// The rows that these owned numbers may belong to: by SID, by the name they were bought under, or by the number.
    fn rows_of(&mut self, owned: &[OwnedNumber]) -> Result<Vec<Known>> {
        let sids: Vec<&str> = owned.iter().map(|number| number.sid.as_str()).collect();
        let ids: Vec<PhoneNumberId> = owned.iter().filter_map(OwnedNumber::row).collect();
        let phones: Vec<&PhoneNumber> = owned.iter().map(|number| &number.phone_number).collect();
        Ok(numbers::table
            .filter(
                numbers::twilio_phone_sid
                    .eq_any(sids)
                    .or(numbers::id.eq_any(ids))
                    .or(numbers::phone_number.eq_any(phones).and(numbers::status.ne(NumberStatus::Released))),
            )
            .select((HeldNumber::as_select(), numbers::lease_expires_at))
            .load(self.conn)?)
    }

    /// Rows that were bought by `before` and are held, in the order of their ids, after `after`.
    fn held_numbers(&mut self, before: DateTime<Utc>, after: Option<PhoneNumberId>) -> Result<Vec<HeldNumber>> {
        let mut query = HeldNumber::query()
            .filter(numbers::status.ne(NumberStatus::Released))
            .filter(numbers::twilio_phone_sid.is_not_null())
            .filter(numbers::provisioned_at.le(before))
            .order(numbers::id)
            .limit(BITE)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(numbers::id.gt(after));
        }
        Ok(query.load(self.conn)?)
    }
}

impl Provisioner {
    /// Compares what the account owns with what is held here, and puts right what can be. With `dry_run` it only looks.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Provider`] when the account can't be read to its end.
    pub fn reconcile(&self, dry_run: bool) -> Result<Reconciliation> {
        self.reconcile_unless(dry_run, &|| false)
    }

    /// Reconciles until it is to stop: what was found by then.
    pub(super) fn reconcile_unless(&self, dry_run: bool, stops: &dyn Fn() -> bool) -> Result<Reconciliation> {
        let began = self.store.now();
        let mut outcome = Reconciliation::default();
        let mut seen: HashSet<String> = HashSet::new();
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let page = self.provider.list(next.as_deref())?;
            // A page may repeat numbers when others came or went meanwhile.
            let fresh: Vec<OwnedNumber> = page.numbers.into_iter().filter(|number| seen.insert(number.sid.clone())).collect();
            outcome.owned += fresh.len();
            if !fresh.is_empty() {
                let rows = self.store.system(Reason::NumberReconciliation, |tx| tx.rows_of(&fresh))?;
                for owned in &fresh {
                    if stops() {
                        return Ok(outcome);
                    }
                    outcome.findings.extend(self.compare(owned, &rows, dry_run)?);
                }
            }
            next = page.next;
            if next.is_none() {
                self.look_for_ours(began, &seen, stops, &mut outcome)?;
                return Ok(outcome);
            }
        }
        Err(Error::internal("the account owns more numbers than can be compared"))
    }

    /// One owned number against our rows.
    fn compare(&self, owned: &OwnedNumber, rows: &[Known], dry_run: bool) -> Result<Option<Finding>> {
        let by = |is: &dyn Fn(&HeldNumber) -> bool| rows.iter().find(|(row, _)| is(row));
        let known = by(&|row| row.twilio_phone_sid.as_ref() == Some(&owned.sid))
            .or_else(|| by(&|row| owned.row() == Some(row.id) && row.phone_number == owned.phone_number))
            .or_else(|| by(&|row| row.phone_number == owned.phone_number && row.status != NumberStatus::Released));
        let finding = |row: Option<&HeldNumber>, oddity: Oddity, outcome: Outcome| Finding {
            phone_number: owned.phone_number.clone(),
            sid: Some(owned.sid.clone()),
            row: row.map(|row| row.id),
            tenant: row.map(|row| row.tenant_id),
            oddity,
            outcome,
        };
        let Some((row, lease_ends)) = known else {
            let oddity = if owned.row().is_some() { Oddity::UnknownRow } else { Oddity::Foreign };
            return Ok(Some(finding(None, oddity, Outcome::Reported)));
        };
        let of_row = |oddity, outcome| Ok(Some(finding(Some(row), oddity, outcome)));
        let is_bought_for_row = owned.row() == Some(row.id) || row.twilio_phone_sid.as_ref() == Some(&owned.sid);
        let is_busy = lease_ends.is_some_and(|end| end > self.store.now());
        match row.status {
            _ if is_busy => of_row(Oddity::Underway, Outcome::Reported),
            // Our row has the SID of another number: it is neither given back nor told our webhooks.
            _ if row.phone_number != owned.phone_number => of_row(Oddity::Mismatched, Outcome::Reported),
            _ if !is_bought_for_row => of_row(Oddity::Mismatched, Outcome::Reported),
            NumberStatus::Released if dry_run => of_row(Oddity::Unreleased, Outcome::Reported),
            NumberStatus::Released => of_row(Oddity::Unreleased, self.give_back_at_last(owned, row)),
            _ if row.is_releasing() && dry_run => of_row(Oddity::Releasing, Outcome::Reported),
            _ if row.is_releasing() => of_row(Oddity::Releasing, self.finish(row, NumberStatus::Released, Outcome::Finished)?),
            NumberStatus::Provisioning | NumberStatus::Error if dry_run => of_row(Oddity::Unheard, Outcome::Reported),
            NumberStatus::Provisioning | NumberStatus::Error => {
                of_row(Oddity::Unheard, self.finish(row, NumberStatus::Active, Outcome::Adopted)?)
            }
            NumberStatus::Active | NumberStatus::Inactive => {
                if row.twilio_phone_sid.as_ref() != Some(&owned.sid) {
                    return of_row(Oddity::Mismatched, Outcome::Reported);
                }
                let differs = !self.webhooks.are_served_by(&owned.webhooks) || owned.friendly_name != friendly_name(row.id);
                if differs { of_row(Oddity::Webhooks, Outcome::Reported) } else { Ok(None) }
            }
        }
    }

    /// Gives back what our row says is given back.
    fn give_back_at_last(&self, owned: &OwnedNumber, row: &HeldNumber) -> Outcome {
        match self.give_back(&owned.sid, &row.phone_number) {
            Ok(()) => {
                tracing::warn!(sid = owned.sid, "a number that was given back here was still paid for; it is given back now");
                Outcome::Finished
            }
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }

    /// Takes a row to where the provider's list says that it belongs. Nothing is bought.
    fn finish(&self, row: &HeldNumber, wanted: NumberStatus, good: Outcome) -> Result<Outcome> {
        let tenant = Tenant::proven(row.tenant_id);
        match self.drive(&tenant, row.id, None, Buying::Never, Instant::now(), &mut |_| {}) {
            Ok(row) if row.status == wanted => Ok(good),
            Ok(row) => Ok(Outcome::Failed(row.status_reason.unwrap_or_else(|| format!("it is {} still", row.status)))),
            Err(
                error @ (Error::Provider(_)
                | Error::NotFound { .. }
                | Error::InvalidTransition { .. }
                | Error::Unavailable { contention: false, .. }),
            ) => Ok(Outcome::Failed(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// Our numbers that the provider did not list.
    fn look_for_ours(
        &self,
        began: DateTime<Utc>,
        seen: &HashSet<String>,
        stops: &dyn Fn() -> bool,
        outcome: &mut Reconciliation,
    ) -> Result<()> {
        let (mut after, mut missing) = (None, 0);
        while !stops() {
            let rows = self.store.system(Reason::NumberReconciliation, |tx| tx.held_numbers(began, after))?;
            outcome.held += rows.len();
            after = rows.last().map(|row| row.id);
            for row in rows {
                let Some(sid) = row.twilio_phone_sid.clone().filter(|sid| !seen.contains(sid)) else { continue };
                // It may have come between two pages; and what is on its way back may have arrived.
                if row.is_releasing() || row.status == NumberStatus::Error || self.provider.find(&sid)?.is_some() {
                    continue;
                }
                missing += 1;
                if missing > MOST_MISSING {
                    let reason = format!(
                        "more than {MOST_MISSING} numbers that are held here are not in this account; is it the right one?"
                    );
                    return Err(ProviderError::Refused { code: None, reason }.into());
                }
                outcome.findings.push(Finding {
                    phone_number: row.phone_number,
                    sid: None,
                    row: Some(row.id),
                    tenant: Some(row.tenant_id),
                    oddity: Oddity::NotOwned,
                    outcome: Outcome::Reported,
                });
            }
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }
}
