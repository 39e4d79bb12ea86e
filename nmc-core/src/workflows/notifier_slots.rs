//! Slots: how many attempts at notifications may be under way at once, so that nobody waits for a receiver that hangs.
//!
//! Each channel has slots of its own: mail never waits for webhooks. A business takes another slot only while more are free than it
//! holds, so that the next business finds one. A receiver of webhooks (a host, as one business uses it) is known as quick or slow by how
//! it answered lately, or not known. Only a quick one has more than one slot, and each kind has slots of its own: a healthy host waits
//! neither for those that hang, nor for those that may.

use super::notifier::NotifierConfig;
use crate::alerts::{Claimable, Notification};
use crate::{NotificationChannel, TenantId};

use crate::queue::Stop;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long it is remembered how a receiver has answered, unless it is tried meanwhile.
const KNOWN_FOR: Duration = Duration::from_secs(60 * 60);
/// The most receivers of a business that are remembered; beyond, none of them is known.
const MOST_KNOWN: usize = 1_000;
/// The most businesses whose receivers are remembered; beyond, those of none are.
const MOST_BUSINESSES: usize = 10_000;

/// How a receiver has answered lately. What goes to no receiver of webhooks counts as quick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Quick,
    Slow,
    Unknown,
}

/// The slots, shared by all clones of a worker.
#[derive(Default)]
pub(super) struct Slots {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    held: Vec<Slot>,
    /// How receivers answered the last time, and when that was.
    known: HashMap<TenantId, HashMap<String, (Kind, Instant)>>,
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
    kind: Kind,
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
        let kind = if took < config.slow_after { Kind::Quick } else { Kind::Slow };
        let mut state = self.slots.lock();
        if state.known.len() >= MOST_BUSINESSES && !state.known.contains_key(&self.slot.tenant) {
            state.known.clear();
        }
        let known = state.known.entry(self.slot.tenant).or_default();
        if known.len() >= MOST_KNOWN && !known.contains_key(receiver) {
            known.clear();
        }
        known.insert(receiver.clone(), (kind, Instant::now()));
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
    /// All slots of a channel for receivers of this kind. The dashboard needs none.
    fn slots(&self, channel: NotificationChannel, kind: Kind) -> usize {
        match (channel, kind) {
            (NotificationChannel::Email, Kind::Quick) => self.mails.max(1),
            (NotificationChannel::Sms, Kind::Quick) => self.texts.max(1),
            (NotificationChannel::Webhook, Kind::Quick) => self.webhooks.max(1),
            (NotificationChannel::Webhook, Kind::Unknown) => (self.webhooks / 2).max(1),
            (NotificationChannel::Webhook, Kind::Slow) => (self.webhooks / 4).max(1),
            (NotificationChannel::Dashboard | NotificationChannel::Email | NotificationChannel::Sms, _) => 0,
        }
    }
}

impl State {
    /// Whether a business may take another slot of this kind.
    fn may_take(&self, tenant: TenantId, channel: NotificationChannel, kind: Kind, config: &NotifierConfig) -> bool {
        let of_kind = || self.held.iter().filter(|slot| slot.channel == channel && slot.kind == kind);
        let own = of_kind().filter(|slot| slot.tenant == tenant).count();
        config.slots(channel, kind).saturating_sub(of_kind().count()) > own
    }
}

impl Slots {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a business may begin now.
    pub(super) fn claimable(&self, tenant: TenantId, config: &NotifierConfig) -> Claimable {
        let mut state = self.lock();
        if let Some(known) = state.known.get_mut(&tenant) {
            known.retain(|_, (_, since)| since.elapsed() < KNOWN_FOR);
        }
        let may = |channel: &NotificationChannel| match channel {
            NotificationChannel::Dashboard => true,
            NotificationChannel::Email | NotificationChannel::Sms => state.may_take(tenant, *channel, Kind::Quick, config),
            // To receivers of which nothing is known; the others are named below.
            NotificationChannel::Webhook => state.may_take(tenant, *channel, Kind::Unknown, config),
        };
        let channels = NotificationChannel::ALL.iter().copied().filter(may).collect();
        let mut held: HashMap<&str, usize> = HashMap::new();
        for receiver in state.held.iter().filter(|slot| slot.tenant == tenant).filter_map(|slot| slot.receiver.as_deref()) {
            *held.entry(receiver).or_default() += 1;
        }
        let may_be = |kind| state.may_take(tenant, NotificationChannel::Webhook, kind, config);
        let (quick, slow) = (may_be(Kind::Quick), may_be(Kind::Slow));
        let known = || state.known.get(&tenant).into_iter().flatten();
        let has_room = |receiver: &String, kind: Kind| {
            let held = held.get(receiver.as_str()).copied().unwrap_or_default();
            match kind {
                Kind::Quick => quick && held < config.per_receiver.max(1),
                Kind::Slow | Kind::Unknown => slow && held == 0,
            }
        };
        let and = known().filter(|(receiver, (kind, _))| has_room(receiver, *kind)).map(|(receiver, _)| receiver.clone());
        let busy = held.keys().map(|receiver| (*receiver).to_owned());
        Claimable { channels, but_not: busy.chain(known().map(|(receiver, _)| receiver.clone())).collect(), and: and.collect() }
    }

    /// Takes a slot for an attempt at this notification, which was claimed as claimable.
    pub(super) fn take(self: &Arc<Self>, tenant: TenantId, row: &Notification) -> Held {
        let mut state = self.lock();
        let receiver = Some(row).filter(|row| row.channel == NotificationChannel::Webhook).and_then(|row| row.recipient.host());
        let kind_of = |receiver: &String| state.known.get(&tenant).and_then(|known| known.get(receiver)).map(|(kind, _)| *kind);
        let kind = receiver.as_ref().map_or(Kind::Quick, |receiver| kind_of(receiver).unwrap_or(Kind::Unknown));
        let slot = Slot { tenant, channel: row.channel, receiver, kind };
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
