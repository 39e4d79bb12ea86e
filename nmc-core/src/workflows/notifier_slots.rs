//! Slots: how many attempts at notifications may be under way at once, so that nobody waits for a receiver that hangs.
//!
//! Each channel has slots of its own: mail never waits for webhooks. A business takes another slot only while more are free than it
//! holds, so that the next business finds one. A receiver of webhooks (a host, as one business uses it) has few; one that was slow the
//! last time has one, among slots that are for slow receivers alone.

use super::notifier::NotifierConfig;
use crate::alerts::{Claimable, Notification};
use crate::{NotificationChannel, TenantId};

use crate::queue::Stop;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a receiver that was slow counts as slow, unless it is tried meanwhile.
const SLOW_FOR: Duration = Duration::from_secs(60 * 60);
/// The most slow receivers of a business that are remembered; beyond, all of them are new again.
const MOST_SLOW: usize = 1_000;

/// The slots, shared by all clones of a worker.
#[derive(Default)]
pub(super) struct Slots {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    held: Vec<Slot>,
    /// Receivers that were slow the last time, and when that was.
    slow: HashMap<TenantId, HashMap<String, Instant>>,
    /// Whether a slot was freed since somebody waited for one.
    was_freed: bool,
}

/// A slot that is held.
#[derive(Debug, Clone, PartialEq)]
struct Slot {
    tenant: TenantId,
    channel: NotificationChannel,
    /// The host that a webhook goes to.
    receiver: Option<String>,
    is_slow: bool,
}

/// A slot in somebody's hands; dropping it frees it.
pub(super) struct Held {
    slots: Arc<Slots>,
    slot: Slot,
}

impl Held {
    /// Remembers how long the receiver took.
    pub(super) fn learn(&self, took: Duration, config: &NotifierConfig) {
        let Some(receiver) = &self.slot.receiver else { return };
        let mut state = self.slots.lock();
        let known = state.slow.entry(self.slot.tenant).or_default();
        if took < config.slow_after {
            known.remove(receiver);
        } else {
            if known.len() >= MOST_SLOW {
                known.clear();
            }
            known.insert(receiver.clone(), Instant::now());
        }
        state.slow.retain(|_, known| !known.is_empty());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.slots.lock();
        if let Some(place) = state.held.iter().position(|slot| *slot == self.slot) {
            state.held.swap_remove(place);
        }
        drop(state);
        self.slots.ring();
    }
}

impl NotifierConfig {
    /// All slots of a channel, and those for slow receivers beside them. The dashboard needs none.
    fn slots(&self, channel: NotificationChannel) -> (usize, usize) {
        match channel {
            NotificationChannel::Email => (self.mails.max(1), 0),
            NotificationChannel::Sms => (self.texts.max(1), 0),
            NotificationChannel::Webhook => (self.webhooks.max(1), (self.webhooks / 4).max(1)),
            NotificationChannel::Dashboard => (0, 0),
        }
    }
}

impl State {
    /// Whether a business may take another of these slots.
    fn may_take(&self, tenant: TenantId, channel: NotificationChannel, is_slow: bool, all: usize) -> bool {
        let of_kind = || self.held.iter().filter(|slot| slot.channel == channel && slot.is_slow == is_slow);
        let own = of_kind().filter(|slot| slot.tenant == tenant).count();
        all.saturating_sub(of_kind().count()) > own
    }
}

impl Slots {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a business may begin now.
    pub(super) fn claimable(&self, tenant: TenantId, config: &NotifierConfig) -> Claimable {
        let mut state = self.lock();
        if let Some(known) = state.slow.get_mut(&tenant) {
            known.retain(|_, since| since.elapsed() < SLOW_FOR);
        }
        let may = |channel: &NotificationChannel| {
            let (all, _) = config.slots(*channel);
            all == 0 || state.may_take(tenant, *channel, false, all)
        };
        let channels = NotificationChannel::ALL.iter().copied().filter(may).collect();
        let mut held: HashMap<&str, usize> = HashMap::new();
        for receiver in state.held.iter().filter(|slot| slot.tenant == tenant).filter_map(|slot| slot.receiver.as_deref()) {
            *held.entry(receiver).or_default() += 1;
        }
        let slow: Vec<&String> = state.slow.get(&tenant).into_iter().flat_map(HashMap::keys).collect();
        let full =
            held.iter().filter(|(_, held)| **held >= config.per_receiver.max(1)).map(|(receiver, _)| (*receiver).to_owned());
        let (_, all_slow) = config.slots(NotificationChannel::Webhook);
        let may_be_slow = state.may_take(tenant, NotificationChannel::Webhook, true, all_slow);
        let idle = slow.iter().filter(|receiver| may_be_slow && !held.contains_key(receiver.as_str()));
        Claimable {
            channels,
            but_not: full.chain(slow.iter().map(|receiver| (*receiver).clone())).collect(),
            and: idle.map(|receiver| (*receiver).clone()).collect(),
        }
    }

    /// Takes a slot for an attempt at this notification, which was claimed as claimable.
    pub(super) fn take(self: &Arc<Self>, tenant: TenantId, row: &Notification) -> Held {
        let mut state = self.lock();
        let receiver = Some(row).filter(|row| row.channel == NotificationChannel::Webhook).and_then(|row| row.recipient.host());
        let is_known_slow = |receiver: &String| state.slow.get(&tenant).is_some_and(|known| known.contains_key(receiver));
        let is_slow = receiver.as_ref().is_some_and(is_known_slow);
        let slot = Slot { tenant, channel: row.channel, receiver, is_slow };
        state.held.push(slot.clone());
        Held { slots: Arc::clone(self), slot }
    }

    /// Waits for a slot that is freed, or so long, or until `stop` is asked for and the bell rung.
    pub(super) fn wait(&self, pause: Duration, stop: &Stop) {
        let mut state = self.lock();
        if !state.was_freed && !stop.is_asked() {
            (state, _) = self.bell.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner);
        }
        state.was_freed = false;
    }

    /// Wakes whoever waits.
    pub(super) fn ring(&self) {
        self.lock().was_freed = true;
        self.bell.notify_all();
    }
}
