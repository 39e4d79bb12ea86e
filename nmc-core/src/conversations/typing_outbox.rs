//! What the clients of this process say of typing, until it is written for those of others.

use super::typing_notice::{Key, TypingNotice};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a notice waits for what follows it: that somebody reads is said by typing for no time at all.
const GATHERED_FOR: Duration = Duration::from_millis(50);

/// How often the same user's typing in the same conversation is written in the long run, and how much sooner a few changes may be.
const EVERY: Duration = Duration::from_secs(3);
const AHEAD: Duration = Duration::from_secs(9);

/// A notice that has waited for longer than this is worth nothing.
const STALE: Duration = Duration::from_secs(4);

/// A notice that could not be written, since somebody worked on its conversation, is tried again after this.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Users in conversations that are kept in mind at once. What the next ones say is heard in this process alone.
const MOST: usize = 4_096;

/// The same, of one business: no other one's are left out for it.
const MOST_OF_ONE: usize = 256;

/// Notices written at once.
const BATCH: usize = 500;

/// The notices that a process has to write: of each user in a conversation the last one, and no more of them than is bearable,
/// however many are told. Telling it never waits.
#[derive(Clone, Default)]
pub struct TypingOutbox(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Default)]
struct State {
    of: HashMap<Key, Told>,
    is_ended: bool,
}

/// What was told of one user in one conversation.
struct Told {
    waits: Option<Waiting>,
    /// The next may be written from then on.
    may: Instant,
}

#[derive(Clone, Copy)]
struct Waiting {
    is_typing: bool,
    /// When the last was told.
    at: Instant,
    /// It is to be written then, unless that is too soon after others.
    from: Instant,
}

/// A notice that is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) notice: TypingNotice,
    /// When it was told.
    at: Instant,
}

impl TypingOutbox {
    /// Has other processes told. A notice that names a user or a conversation which the business does not have is left out.
    pub fn tell(&self, notice: TypingNotice) {
        self.state().tell(&notice, Instant::now());
        self.0.told.notify_all();
    }

    /// Waits until something is due and may be written, but no longer than until the instant; whether all has ended.
    pub(super) fn wait(&self, until: Instant, not_before: Instant) -> bool {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let until = state.next_due().map_or(until, |due| due.max(not_before).min(until));
            if state.is_ended || until <= now {
                return state.is_ended;
            }
            let waited = self.0.told.wait_timeout(state, until - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes what is due; at the end whatever waits.
    pub(super) fn take(&self, now: Instant) -> Vec<Due> {
        self.state().take(now)
    }

    /// Puts back what could not be written, unless something else was told since.
    pub(super) fn put_back(&self, due: &Due, now: Instant) {
        self.state().put_back(due, now);
    }

    pub(super) fn end(&self) {
        self.state().is_ended = true;
        self.0.told.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for TypingOutbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TypingOutbox").field("kept", &self.state().of.len()).finish_non_exhaustive()
    }
}

/// The beginning of what still counts, at this instant.
fn back(now: Instant, by: Duration) -> Instant {
    // A machine that has just started has no instant before.
    now.checked_sub(by).unwrap_or(now)
}

impl State {
    fn tell(&mut self, notice: &TypingNotice, now: Instant) {
        let key = notice.key();
        let is_full = || self.of.len() >= MOST || self.of.keys().filter(|(tenant, ..)| *tenant == key.0).count() >= MOST_OF_ONE;
        if !self.of.contains_key(&key) && is_full() {
            tracing::debug!("too many type at once for all of it to be told to other processes");
            return;
        }
        let told = self.of.entry(key).or_insert_with(|| Told { waits: None, may: back(now, AHEAD) });
        let from = told.waits.map_or(now + GATHERED_FOR, |waiting| waiting.from);
        told.waits = Some(Waiting { is_typing: notice.is_typing, at: now, from });
    }

    fn next_due(&self) -> Option<Instant> {
        self.of.values().filter_map(Told::due).min()
    }

    fn take(&mut self, now: Instant) -> Vec<Due> {
        self.of.retain(|_, told| {
            told.waits = told.waits.filter(|waiting| waiting.at + STALE > now);
            told.waits.is_some() || told.may + AHEAD > now
        });
        let is_ended = self.is_ended;
        let due = self.of.iter_mut().filter(|(_, told)| told.due().is_some_and(|due| is_ended || due <= now));
        let taken = due.take(BATCH).filter_map(|(&(tenant_id, conversation_id, user_id), told)| {
            let Waiting { is_typing, at, .. } = told.waits.take()?;
            told.may = told.may.max(back(now, AHEAD)) + EVERY;
            Some(Due { notice: TypingNotice { tenant_id, conversation_id, user_id, is_typing }, at })
        });
        taken.collect()
    }

    fn put_back(&mut self, due: &Due, now: Instant) {
        if let Some(told) = self.of.get_mut(&due.notice.key()) {
            told.may = back(told.may, EVERY);
            let waits = Waiting { is_typing: due.notice.is_typing, at: due.at, from: now + AGAIN_AFTER };
            told.waits.get_or_insert(waits);
        }
    }
}

impl Told {
    /// When it is to be written.
    fn due(&self) -> Option<Instant> {
        self.waits.map(|waiting| waiting.from.max(self.may))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(user: u128, is_typing: bool) -> TypingNotice {
        let [tenant_id, conversation_id, user_id] = [1, 2, user].map(uuid::Uuid::from_u128);
        TypingNotice {
            tenant_id: crate::TenantId::new(tenant_id),
            conversation_id: crate::ConversationId::new(conversation_id),
            user_id: crate::UserId::new(user_id),
            is_typing,
        }
    }

    /// What is taken in the time, looked at every ten milliseconds: after how many, and whether it says that somebody types.
    fn taken(state: &mut State, start: Instant, from: u64, to: u64) -> Vec<(u64, bool)> {
        let each = (from..to).step_by(10).flat_map(|at| {
            let due = state.take(start + Duration::from_millis(at));
            due.into_iter().map(move |due| (at, due.notice.is_typing)).collect::<Vec<_>>()
        });
        each.collect()
    }

    #[test]
    fn what_is_said_and_taken_back_is_written_once() {
        let (mut state, start) = (State::default(), Instant::now() + Duration::from_secs(60));
        state.tell(&notice(3, true), start);
        state.tell(&notice(3, false), start + Duration::from_millis(5));
        state.tell(&notice(4, true), start + Duration::from_millis(5));
        assert_eq!(taken(&mut state, start, 0, 1_000), [(50, false), (60, true)]);
    }

    #[test]
    fn thousands_of_notices_are_few_and_the_last_is_one() {
        let (mut state, start) = (State::default(), Instant::now() + Duration::from_secs(60));
        let mut all = Vec::new();
        for at in (0..12_000_u64).step_by(10) {
            state.tell(&notice(3, at % 20 == 0), start + Duration::from_millis(at));
            all.extend(taken(&mut state, start, at, at + 10));
        }
        state.tell(&notice(3, false), start + Duration::from_secs(12));
        all.extend(taken(&mut state, start, 12_000, 30_000));
        let first = all.iter().take(4).map(|(at, _)| *at).collect::<Vec<_>>();
        assert!(first.iter().all(|at| *at < 300), "a few come at once: {first:?}");
        assert!(all.len() <= 9, "{all:?}");
        assert_eq!(all.last().map(|(_, is_typing)| *is_typing), Some(false), "{all:?}");
        assert!(state.of.is_empty(), "and nothing is kept of it");
    }

    #[test]
    fn notice_is_put_back_while_it_is_worth_it() {
        let (mut state, start) = (State::default(), Instant::now() + Duration::from_secs(60));
        state.tell(&notice(3, true), start);
        let mut tries = 0;
        for at in (0..10_000).step_by(10) {
            let now = start + Duration::from_millis(at);
            for due in state.take(now) {
                tries += 1;
                state.put_back(&due, now);
            }
        }
        assert!((15..=25).contains(&tries), "{tries}");
        // What is newer stays.
        state.tell(&notice(3, true), start);
        let due = state.take(start + Duration::from_secs(1));
        state.tell(&notice(3, false), start + Duration::from_secs(1));
        state.put_back(&due[0], start + Duration::from_secs(1));
        assert_eq!(taken(&mut state, start, 1_000, 3_000), [(1_050, false)]);
    }

    #[test]
    fn notice_that_has_waited_long_is_forgotten() {
        let (mut state, start) = (State::default(), Instant::now() + Duration::from_secs(60));
        (3..2_000).for_each(|user| state.tell(&notice(user, true), start));
        assert_eq!(state.of.len(), MOST_OF_ONE);
        for tenant in 2..200 {
            let tenant_id = crate::TenantId::new(uuid::Uuid::from_u128(tenant));
            (0..100).for_each(|user| state.tell(&TypingNotice { tenant_id, ..notice(user, true) }, start));
        }
        assert_eq!(state.of.len(), MOST);
        assert_eq!(state.take(start + STALE), []);
        assert_eq!(state.of.len(), 0);
    }
}
