//! The rooms that a socket is in, and what is told there.

use super::words::{Room, ServerWords};
use crate::error::ApiResult;
use crate::streams::record::Record;
use crate::streams::rooms::{Member, Membership, Notice, Rooms};
use crate::streams::telling::{Gone, Outlet};
use actix_ws::Session;
use nmc_core::events::{StreamCursor, StreamEvent};
use nmc_core::{ConversationId, Error, StreamEventKind, TenantId, UserId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

/// Conversations whose rooms a socket may be in at once.
const ROOMS: usize = 64;

/// Between two notices of one socket that say the same. Whoever hears one forgets it after six seconds.
const SAID_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The refusal to an API key: whoever is told is no user, of whom anything could be told.
pub(super) const KEY_IS_NO_USER: Error = Error::Forbidden("an API key is no user");

/// The rooms that a socket is told of: all of its business and of its user, unless it leaves, and of conversations once it joins.
pub(super) struct Joined {
    tenant: TenantId,
    /// The user; `None`: an API key.
    user: Option<UserId>,
    notices: Sender<Notice>,
    hears_tenant: bool,
    hears_user: bool,
    seats: HashMap<ConversationId, Seat>,
}

/// A place in a conversation's room.
struct Seat {
    membership: Membership,
    may_answer: bool,
    said: Option<Said>,
}

/// The last thing that was said of typing.
#[derive(Clone, Copy)]
struct Said {
    user: UserId,
    is_typing: bool,
    at: Instant,
}

fn unknown_room() -> Error {
    Error::invalid("room", "must be `tenant`, `user` or `conversation:` with an id")
}

impl Joined {
    pub(super) fn new(tenant: TenantId, user: Option<UserId>, notices: Sender<Notice>) -> Self {
        Self { tenant, user, notices, hears_tenant: true, hears_user: user.is_some(), seats: HashMap::new() }
    }

    /// Enters a room for which nothing need be looked up; the conversation of any other, unless it is in its room already.
    pub(super) fn enter(&mut self, room: &Room) -> ApiResult<Option<ConversationId>> {
        match room {
            Room::Tenant => self.hears_tenant = true,
            Room::User if self.user.is_none() => return Err(KEY_IS_NO_USER.into()),
            Room::User => self.hears_user = true,
            Room::Conversation(text) => {
                // What can't be an id is no conversation's.
                let id = text.parse().map_err(|_| Error::NotFound { entity: "conversation" })?;
                if self.seats.contains_key(&id) {
                    return Ok(None);
                }
                if self.seats.len() >= ROOMS {
                    return Err(Error::invalid("room", format!("must not be a conversation more than {ROOMS}")).into());
                }
                return Ok(Some(id));
            }
            Room::Unknown(_) => return Err(unknown_room().into()),
        }
        Ok(None)
    }

    /// Enters the room of a conversation that was looked up.
    pub(super) fn sit_down(&mut self, rooms: &Rooms, id: ConversationId, may_answer: bool) {
        let member = Member { user: self.user, notices: self.notices.clone() };
        let membership = rooms.join(self.tenant, id, member);
        self.seats.insert(id, Seat { membership, may_answer, said: None });
    }

    /// Leaves a room; whether it was in it.
    pub(super) fn leave(&mut self, room: &Room) -> ApiResult<bool> {
        Ok(match room {
            Room::Tenant => std::mem::take(&mut self.hears_tenant),
            Room::User => std::mem::take(&mut self.hears_user),
            Room::Conversation(text) => text.parse().ok().and_then(|id: ConversationId| self.seats.remove(&id)).is_some(),
            Room::Unknown(_) => return Err(unknown_room().into()),
        })
    }

    /// Tells the others in a room that its user types, or has stopped to; whether that was news.
    pub(super) fn typing(&mut self, conversation: &str, is_typing: bool) -> ApiResult<bool> {
        let user = self.user.ok_or(KEY_IS_NO_USER)?;
        let seat = conversation.parse().ok().and_then(|id: ConversationId| self.seats.get_mut(&id));
        let seat = seat.ok_or_else(|| Error::invalid("conversation_id", "must be one whose room was joined"))?;
        if !seat.may_answer {
            return Err(Error::Forbidden("whoever may not answer a customer is not about to").into());
        }
        Ok(seat.says(Said { user, is_typing, at: Instant::now() }))
    }

    /// Whether an event is told here.
    fn hears(&self, event: &StreamEvent) -> bool {
        let Some(subject) = event.subject else { return true };
        let is_of_user = event.kind == StreamEventKind::PresenceChanged && self.user.is_some_and(|user| user.uuid() == subject);
        self.hears_tenant || (self.hears_user && is_of_user) || self.seats.keys().any(|id| id.uuid() == subject)
    }
}

impl Seat {
    fn says(&mut self, now: Said) -> bool {
        let is_news = match self.said {
            Some(last) if last.is_typing == now.is_typing => now.is_typing && now.at - last.at >= SAID_AGAIN_AFTER,
            Some(_) => true,
            None => now.is_typing,
        };
        if is_news {
            self.said = Some(now);
            self.membership.tell(now.user, now.is_typing);
        }
        is_news
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Who has left types no more.
        if let Some(Said { user, is_typing: true, .. }) = self.said {
            self.membership.tell(user, false);
        }
    }
}

/// Events as a socket sends them.
pub(super) struct Told<'a> {
    session: Session,
    noted: Vec<ServerWords>,
    joined: &'a RefCell<Joined>,
    record: &'a Record,
}

impl<'a> Told<'a> {
    pub(super) const fn new(session: Session, joined: &'a RefCell<Joined>, record: &'a Record) -> Self {
        Self { session, noted: Vec::new(), joined, record }
    }
}

impl Outlet for Told<'_> {
    fn ready(&mut self, cursor: StreamCursor) {
        self.noted.push(ServerWords::Ready { cursor: cursor.to_string() });
    }

    fn event(&mut self, event: &StreamEvent) {
        if self.joined.borrow().hears(event) {
            self.record.sent();
            self.noted.push(ServerWords::of_event(event));
        }
    }

    fn reset(&mut self, cursor: StreamCursor) {
        self.noted.push(ServerWords::Reset { cursor: cursor.to_string() });
    }

    // Pings go out whatever is told.
    fn beat(&mut self) {}

    async fn flush(&mut self) -> Result<(), Gone> {
        for words in std::mem::take(&mut self.noted) {
            words.say(&mut self.session).await.map_err(|_| Gone)?;
        }
        Ok(())
    }

    // Whoever listens to the client notices.
    async fn closed(&self) {
        std::future::pending().await
    }
}
