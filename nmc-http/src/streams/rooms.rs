//! The rooms of conversations: what clients of this process say there is heard at once by the others who are in the room, and a
//! moment later by those of other processes.

use nmc_core::conversations::{TypingNotice, TypingOutbox, TypingRooms};
use nmc_core::{ConversationId, TenantId, UserId};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::Sender;

/// A user types, or has stopped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) conversation: ConversationId,
    pub(super) user: UserId,
    pub(super) is_typing: bool,
}

/// Somebody in a room.
pub(super) struct Member {
    /// The user; `None`: an API key.
    pub(super) user: Option<UserId>,
    pub(super) notices: Sender<Notice>,
}

/// All rooms that somebody is in.
#[derive(Clone, Default)]
pub(super) struct Rooms {
    shared: Arc<Mutex<State>>,
    /// What other processes are to hear.
    outbox: TypingOutbox,
}

#[derive(Default)]
struct State {
    last_id: u64,
    of: HashMap<(TenantId, ConversationId), HashMap<u64, Member>>,
}

impl Rooms {
    pub(super) fn new(outbox: TypingOutbox) -> Self {
        Self { shared: Arc::default(), outbox }
    }

    /// Enters the room of a conversation, which whoever calls has seen to be the tenant's.
    pub(super) fn join(&self, tenant: TenantId, conversation: ConversationId, member: Member) -> Membership {
        let mut state = self.state();
        state.last_id += 1;
        let id = state.last_id;
        state.of.entry((tenant, conversation)).or_default().insert(id, member);
        Membership { rooms: self.clone(), tenant, conversation, id }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all in a room but for the user's own clients. Who has no room for it goes without: it is soon out of date.
    fn pass_on(&self, tenant: TenantId, notice: Notice) {
        let state = self.state();
        let members = state.of.get(&(tenant, notice.conversation)).into_iter().flatten();
        for (_, member) in members.filter(|(_, member)| member.user != Some(notice.user)) {
            if member.notices.try_send(notice).is_err() {
                tracing::trace!("somebody was not told who types");
            }
        }
    }
}

impl TypingRooms for Rooms {
    fn tenants(&self) -> Vec<TenantId> {
        let tenants: HashSet<TenantId> = self.state().of.keys().map(|(tenant, _)| *tenant).collect();
        tenants.into_iter().collect()
    }

    fn hear(&self, heard: TypingNotice) {
        let notice = Notice { conversation: heard.conversation_id, user: heard.user_id, is_typing: heard.is_typing };
        self.pass_on(heard.tenant_id, notice);
    }
}

/// A place in a room, which ends when this is dropped.
pub(super) struct Membership {
    rooms: Rooms,
    tenant: TenantId,
    conversation: ConversationId,
    id: u64,
}

impl Membership {
    /// Tells the others in the room, but for the user's own other clients: here at once, and without waiting in other processes.
    pub(super) fn tell(&self, user: UserId, is_typing: bool) {
        self.rooms.pass_on(self.tenant, Notice { conversation: self.conversation, user, is_typing });
        let (tenant_id, conversation_id) = (self.tenant, self.conversation);
        self.rooms.outbox.tell(TypingNotice { tenant_id, conversation_id, user_id: user, is_typing });
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut state = self.rooms.state();
        let key = (self.tenant, self.conversation);
        if let Some(members) = state.of.get_mut(&key) {
            members.remove(&self.id);
            if members.is_empty() {
                state.of.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::channel;
    use uuid::Uuid;

    #[test]
    fn notice_reaches_the_others_in_the_room_alone() {
        let rooms = Rooms::default();
        let tenants: [TenantId; 2] = [1, 2].map(|n| Uuid::from_u128(n).to_string().parse().unwrap());
        let users: [UserId; 2] = [3, 4].map(|n| Uuid::from_u128(n).to_string().parse().unwrap());
        let conversations: [ConversationId; 2] = [5, 6].map(|n| Uuid::from_u128(n).to_string().parse().unwrap());
        let enter = |tenant: usize, conversation: usize, user: Option<UserId>| {
            let (notices, hears) = channel(1);
            (rooms.join(tenants[tenant], conversations[conversation], Member { user, notices }), hears)
        };
        let (ann, mut anns) = enter(0, 0, Some(users[0]));
        let others = [(0, 0, Some(users[0])), (0, 1, Some(users[1])), (1, 0, Some(users[1]))];
        let mut deaf = others.map(|(tenant, conversation, user)| enter(tenant, conversation, user));
        let mut hearing = [Some(users[1]), None].map(|user| enter(0, 0, user));
        let notice = |is_typing| Notice { conversation: conversations[0], user: users[0], is_typing };
        ann.tell(users[0], true);
        for (_, hears) in &mut hearing {
            assert_eq!(hears.try_recv(), Ok(notice(true)));
        }
        // One that does not take it keeps nobody from hearing.
        ann.tell(users[0], true);
        ann.tell(users[0], false);
        assert_eq!(hearing[0].1.try_recv(), Ok(notice(true)));
        assert!(hearing[0].1.try_recv().is_err(), "there was no room for it");
        assert!(anns.try_recv().is_err(), "her own");
        for (_, hears) in &mut deaf {
            assert!(hears.try_recv().is_err());
        }
        // What another process tells goes the same way.
        assert_eq!(rooms.tenants().into_iter().collect::<HashSet<_>>(), HashSet::from(tenants));
        let (tenant_id, conversation_id) = (tenants[0], conversations[0]);
        rooms.hear(TypingNotice { tenant_id, conversation_id, user_id: users[0], is_typing: true });
        for (_, hears) in &mut hearing {
            assert_eq!(hears.try_recv(), Ok(notice(true)));
        }
        for hears in deaf.iter_mut().map(|(_, hears)| hears).chain([&mut anns]) {
            assert!(hears.try_recv().is_err());
        }
        drop((ann, deaf, hearing));
        assert!(rooms.state().of.is_empty() && rooms.tenants().is_empty());
    }
}
