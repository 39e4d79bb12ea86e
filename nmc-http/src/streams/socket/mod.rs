//! A stream as WebSocket (RFC 6455): events as every stream has them, and what clients tell each other through the server.

mod accepted;
mod ear;
mod frames;
mod joined;
mod words;

pub(crate) use accepted::Accepted;

use super::opening::cursor;
use super::record::Record;
use super::rooms::Notice;
use super::telling::follow;
use super::{End, Listener, Opening, Source, Streams};
use crate::blocking::BlockingPool;
use crate::error::ApiResult;
use crate::shares::Place;
use actix_ws::{CloseReason, Session};
use ear::Ear;
use joined::{Joined, Told};
use nmc_core::access::{Authenticator, Credential, Permission};
use nmc_core::events::StreamCursor;
use nmc_core::{ConversationId, Error, Secret, WebsocketEventType};
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Instant, sleep, timeout};
use words::{Request, Room, ServerWords};

/// The events that a stream begins with.
const FEW: u16 = 100;

/// The most notices of other clients that wait for this one. What finds no room is left out: it would soon be out of date.
const NOTICES: usize = 64;

/// How long a client may take to hear why it is let go.
const FAREWELL: Duration = Duration::from_secs(1);

/// The means with which sockets work.
pub(crate) struct SocketServer {
    pub(crate) streams: Arc<Streams>,
    pub(crate) pool: BlockingPool,
    pub(crate) authenticator: Authenticator,
    pub(crate) source: Source,
}

/// How far the holder of a socket is let in.
pub(crate) enum Admission {
    /// The request has shown a credential that is in force.
    Admitted(Box<Listener>, Credential),
    /// The first message is to show it.
    Awaited {
        /// The cursor of the request.
        after: Option<StreamCursor>,
        /// A place among those who are waited for.
        place: Place<IpAddr, ()>,
    },
}

/// Runs a socket until it ends.
pub(crate) async fn run(server: SocketServer, accepted: Accepted, admission: Admission) {
    let mut session = accepted.session.clone();
    let mut ear = Ear::new(accepted);
    let end = match server.admitted(&mut ear, admission).await {
        Ok((listener, credential)) => server.follow(ear, listener, credential).await,
        Err(end) => end,
    };
    let farewell = async {
        if end != End::Gone {
            ServerWords::End { reason: end.label() }.say(&mut session).await?;
        }
        session.close(Some(CloseReason { code: end.close_code().into(), description: Some(end.label().to_owned()) })).await
    };
    // Whether it was heard, nobody can tell.
    drop(timeout(FAREWELL, farewell).await);
}

impl SocketServer {
    /// Lets the holder in: by the first message, unless the request has done so.
    async fn admitted(&self, ear: &mut Ear, admission: Admission) -> Result<(Box<Listener>, Credential), End> {
        let (after, _place) = match admission {
            Admission::Admitted(listener, credential) => return Ok((listener, credential)),
            Admission::Awaited { after, place } => (after, place),
        };
        let mut stopping = self.streams.stopping();
        let first = tokio::select! {
            biased;
            _ = stopping.wait_for(|stops| *stops) => return Err(End::Stopping),
            first = timeout(self.streams.limits.authenticated_within, ear.next()) => first.unwrap_or(Err(End::Late))?,
        };
        let admitted = match Request::parse(&first) {
            Ok(Request::Authenticate { token, cursor }) => self.let_in(token, cursor.as_deref(), after).await,
            Ok(_) => Err(Error::Unauthenticated("the first message must be `authenticate` with a token").into()),
            Err(error) => Err(error.into()),
        };
        match admitted {
            Ok(admitted) => Ok(admitted),
            Err(error) => {
                ear.refuse(&error, None).await?;
                Err(End::of_refusal(&error))
            }
        }
    }

    async fn let_in(
        &self,
        token: String,
        resumes: Option<&str>,
        after: Option<StreamCursor>,
    ) -> ApiResult<(Box<Listener>, Credential)> {
        let credential = self.authenticator.credential(&Secret::new(token))?;
        let after = cursor("cursor", resumes)?.or(after);
        let shown = credential.clone();
        let opening = self.pool.blocking(move |store| store.acting(&shown, |tx| open(tx, after))).await?;
        let now = self.authenticator.store().now();
        let listener = self.streams.admit(opening, &credential, after, now, self.source.clone())?;
        Ok((Box::new(listener), credential))
    }

    /// Tells the holder what happens, and heeds what they say.
    async fn follow(&self, mut ear: Ear, listener: Box<Listener>, credential: Credential) -> End {
        let (notices, told) = channel(NOTICES);
        let joined = RefCell::new(Joined::new(listener.tenant.id(), listener.user, notices));
        let (session, heard_at, heartbeat) = (ear.session.clone(), ear.heard_at(), self.streams.limits.heartbeat);
        let record = Record::begin(&self.streams, &listener, "websocket");
        let mut outlet = Told::new(session.clone(), &joined, &record);
        let beside = async {
            tokio::select! {
                biased;
                end = self.heed(&mut ear, &credential, &joined, &record) => end,
                end = pass_on(session.clone(), told) => end,
                end = beat(session.clone(), heartbeat, heard_at) => end,
            }
        };
        let end = follow(&self.streams, &self.pool, *listener, &mut outlet, beside).await;
        record.end(end);
        end
    }

    /// Heeds what the client says until it can't be heard any more.
    async fn heed(&self, ear: &mut Ear, credential: &Credential, joined: &RefCell<Joined>, record: &Record) -> End {
        loop {
            let answered = match ear.next().await.map(|text| Request::parse(&text)) {
                Ok(Ok(request)) => self.answer(ear, request, credential, joined, record).await,
                Ok(Err(error)) => ear.refuse(&error.into(), None).await,
                Err(end) => Err(end),
            };
            if let Err(end) = answered {
                return end;
            }
        }
    }

    async fn answer(
        &self,
        ear: &mut Ear,
        request: Request,
        credential: &Credential,
        joined: &RefCell<Joined>,
        record: &Record,
    ) -> Result<(), End> {
        match request {
            Request::Ping => ear.answer(&ServerWords::Pong).await,
            Request::Authenticate { .. } => {
                let error = Error::invalid("type", "must not be `authenticate` any more").into();
                ear.refuse(&error, None).await
            }
            Request::Join { room } => match self.join(&room, credential, joined).await {
                Ok(()) => {
                    record.in_room(WebsocketEventType::JoinRoom, &room.to_string());
                    ear.answer(&ServerWords::Joined { room: room.to_string() }).await
                }
                Err(error) => ear.refuse(&error, Some(room.to_string())).await,
            },
            Request::Leave { room } => {
                let left = joined.borrow_mut().leave(&room);
                match left {
                    Ok(was_in_it) => {
                        if was_in_it {
                            record.in_room(WebsocketEventType::LeaveRoom, &room.to_string());
                        }
                        ear.answer(&ServerWords::Left { room: room.to_string() }).await
                    }
                    Err(error) => ear.refuse(&error, Some(room.to_string())).await,
                }
            }
            Request::Typing { conversation_id, typing } => {
                let told = joined.borrow_mut().typing(&conversation_id, typing);
                let room = Room::Conversation(conversation_id).to_string();
                match told {
                    Ok(is_news) => {
                        if is_news {
                            record.in_room(WebsocketEventType::Broadcast, &room);
                        }
                        Ok(())
                    }
                    Err(error) => ear.refuse(&error, Some(room)).await,
                }
            }
        }
    }

    async fn join(&self, room: &Room, credential: &Credential, joined: &RefCell<Joined>) -> ApiResult<()> {
        let entered = joined.borrow_mut().enter(room)?;
        if let Some(id) = entered {
            let may_answer = self.look_up(id, credential.clone()).await?;
            joined.borrow_mut().sit_down(&self.streams.rooms, id, may_answer);
        }
        Ok(())
    }

    /// Makes sure that there is such a conversation; whether the holder may answer in it.
    async fn look_up(&self, id: ConversationId, credential: Credential) -> ApiResult<bool> {
        let found = self.pool.blocking(move |store| {
            store.acting(&credential, |tx| {
                tx.must(Permission::ConversationsRead)?;
                tx.conversations().get(id)?;
                match tx.must(Permission::MessagesWrite) {
                    Err(Error::Forbidden(_)) => Ok(false),
                    may => may.map(|()| true),
                }
            })
        });
        found.await
    }
}

/// Reads what a stream begins with, as whoever acts, if they may.
pub(crate) fn open(tx: &mut nmc_core::TenantTx<'_>, after: Option<StreamCursor>) -> nmc_core::Result<Opening> {
    tx.must(Permission::EventsRead)?;
    Opening::read(tx, after, FEW)
}

/// Passes on what other clients say.
async fn pass_on(mut session: Session, mut notices: Receiver<Notice>) -> End {
    while let Some(Notice { conversation, user, is_typing }) = notices.recv().await {
        let words = ServerWords::Typing { conversation_id: conversation, user_id: user, typing: is_typing };
        if words.say(&mut session).await.is_err() {
            break;
        }
    }
    End::Gone
}

/// Asks from time to time whether the client is still there.
async fn beat(mut session: Session, every: Duration, heard_at: Rc<Cell<Instant>>) -> End {
    loop {
        sleep(every).await;
        if heard_at.get().elapsed() > every.saturating_mul(2) {
            return End::Silent;
        }
        if session.ping(b"").await.is_err() {
            return End::Gone;
        }
    }
}
