//! The provider's list of calls: what is missing, and what is news of those that are known.

use super::catch_up::{CatchUp, MOST_PAGES, Run, Window};
use super::caught_up::{Found, FoundWhat};
use super::known::KnownCall;
use crate::calls::CallPrice;
use crate::store::{Reason, Tenant};
use crate::telephony::{CallPage, CallReport, LegReport};
use crate::workflows::record_voice_status;
use crate::{CallDirection, CallId, CallStatus, Error, Result, TenantId};
use chrono::TimeDelta;
use std::collections::HashMap;

/// Legs of a call begin after it: so far beyond a window calls are read, too.
const LEGS_LATER: TimeDelta = TimeDelta::hours(1);

/// A call that ended without a word of its legs is left to its callbacks for so long.
const LEGS_AWAITED: TimeDelta = TimeDelta::seconds(30);

impl CatchUp {
    /// Reads one window of calls, page by page; `false` when it was to stop.
    pub(super) fn calls_of(&self, window: Window, run: &mut Run, stops: &dyn Fn() -> bool) -> Result<bool> {
        // Legs begin after their call, and so come before it in a list whose newest is first.
        let (mut legs, mut next) = (HashMap::new(), None::<String>);
        let until = window.until.map(|until| until + LEGS_LATER);
        for _ in 0..MOST_PAGES {
            let page = self.calls.list(window.from, until, next.as_deref())?;
            run.came.calls.pages += 1;
            run.came.calls.read += page.calls.len() + page.legs.len() + page.unreadable;
            run.came.calls.unreadable += page.unreadable;
            next.clone_from(&page.next);
            if stops() || !self.call_page(page, &mut legs, run, stops)? {
                return Ok(false);
            }
            if next.is_none() {
                return Ok(true);
            }
        }
        Err(Error::internal("the provider's list of calls has no end"))
    }

    /// One page of calls: what is missing, and news of those that are known.
    fn call_page(
        &self,
        page: CallPage,
        legs: &mut HashMap<String, Vec<LegReport>>,
        run: &mut Run,
        stops: &dyn Fn() -> bool,
    ) -> Result<bool> {
        for leg in page.legs {
            legs.entry(leg.parent.clone()).or_default().push(leg);
        }
        let inbound = |call: &CallReport| call.callback.facts.direction == CallDirection::Inbound;
        let calls: Vec<CallReport> = page.calls.into_iter().filter(inbound).rev().collect();
        if calls.is_empty() {
            return Ok(true);
        }
        let (holders, known) = self.store.system(Reason::CatchUp, |tx| {
            let numbers = calls.iter().map(|call| &call.callback.our_number).collect();
            tx.known_calls(numbers, calls.iter().map(|call| call.callback.facts.sid.as_str()).collect())
        })?;
        let mut prices = HashMap::new();
        for mut call in calls {
            if stops() {
                return Ok(false);
            }
            for leg in legs.remove(&call.callback.facts.sid).unwrap_or_default() {
                call.add_leg(&leg);
            }
            let tenants = run.tenants_of(&holders, &call.callback.our_number, call.began_at, |start| start.calls);
            if tenants.is_empty() || known.erased.contains(&call.callback.facts.sid) {
                continue;
            }
            let known = known.rows.get(&call.callback.facts.sid).map_or(&[][..], Vec::as_slice);
            for row in known {
                if row.price.is_none() {
                    charge_call(&mut prices, row.tenant, Some(row.id), &call);
                }
            }
            if !run.is_over(&call) {
                run.open_since = run.open_since.into_iter().chain(call.began_at).min();
            } else if known.is_empty() || known.iter().any(|row| is_news(&call, row)) {
                if known.is_empty() {
                    call.was_not_forwarded();
                }
                if call.callback.facts.forwarded_leg.is_some()
                    && !known.iter().any(KnownCall::tells_of_leg)
                    && !self.store.system(Reason::CatchUp, |tx| tx.screened_by_key(&tenants))?.is_empty()
                {
                    call.was_taken_without_a_key();
                }
                let new = self.record_call(&call, known.is_empty(), &tenants, run)?;
                for tenant in new.iter().flat_map(|_| &tenants) {
                    charge_call(&mut prices, *tenant, new, &call);
                }
            }
        }
        for (tenant, prices) in prices {
            let noted = self.store.worker(&Tenant::proven(tenant), |tx| tx.calls().note_prices(&prices));
            run.came.calls.priced += run.came.settle(&[tenant], noted)?.unwrap_or(0);
        }
        Ok(true)
    }

    /// Records a call, or news of one, as its callback would have. The answer is its row, if it is new.
    fn record_call(&self, call: &CallReport, is_missing: bool, tenants: &[TenantId], run: &mut Run) -> Result<Option<CallId>> {
        let recorded = record_voice_status(&self.store, &call.callback);
        if let Err(Error::Invalid { .. }) = &recorded {
            tracing::warn!(sid = call.callback.facts.sid, "a call in the provider's list can't be recorded");
            run.came.calls.unreadable += 1;
            return Ok(None);
        }
        let Some(recorded) = run.came.settle(tenants, recorded)? else { return Ok(None) };
        if !is_missing {
            run.came.calls.updated += 1;
            return Ok(None);
        }
        run.came.calls.recorded += 1;
        run.came.tell(Found {
            what: FoundWhat::Call,
            sid: call.callback.facts.sid.clone(),
            at: call.began_at,
            our_number: call.callback.our_number.clone(),
            answered: recorded.greeting.is_some(),
        });
        Ok(Some(recorded.call))
    }
}

impl Run {
    /// Whether all of a call is known: it has ended, and if it was put through, so are its legs.
    fn is_over(&self, call: &CallReport) -> bool {
        let facts = &call.callback.facts;
        let settled = facts.at.is_none_or(|at| self.now - at > LEGS_AWAITED);
        facts.status.is_terminal() && (facts.status != CallStatus::Completed || facts.forwarded_leg.is_some() || settled)
    }
}

/// Adds a call's price to those that are to be noted of a tenant, if the call is there and its price is known.
fn charge_call(prices: &mut HashMap<TenantId, Vec<CallPrice>>, tenant: TenantId, id: Option<CallId>, call: &CallReport) {
    if let (Some(id), Some(price)) = (id, call.price) {
        let unit = call.price_unit.clone().unwrap_or_else(|| "USD".to_owned());
        prices.entry(tenant).or_default().push(CallPrice { id, price, unit });
    }
}

/// Whether the provider knows more of a call than is recorded.
fn is_news(call: &CallReport, row: &KnownCall) -> bool {
    let facts = &call.callback.facts;
    !row.status.is_terminal()
        || facts.forwarded_leg.is_some() && row.leg.is_none()
        || facts.answered_by.is_some() && row.answered_by.is_none()
        || facts.duration_seconds.unwrap_or(0) > row.seconds.unwrap_or(0)
}
