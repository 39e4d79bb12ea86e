//! A call's first callback in five round trips: BEGIN, `nmc_enter_holder`, what decides about the greeting, `nmc_record_call`, COMMIT.
//! The functions find and write; what is written is decided here.

use crate::calls::Call;
use crate::clock::Moment;
use crate::conversations::{EventColumns, NewConversationEvent};
use crate::store::{Prepared, Scope};
use crate::{MessageId, PhoneNumber, Result, StreamEventKind};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Int4, Jsonb, Nullable, Text, Timestamptz, Uuid};

const RECORD: &str = "SELECT nmc_record_call($1, $2, \
    $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, \
    $26, $27, $28, $29, $30, $31, $32, $33, $34) AS done";

/// A greeting that has been decided.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) id: MessageId,
    pub(super) body: String,
    pub(super) due: DateTime<Utc>,
}

/// All that a call's first callback writes.
#[derive(Debug)]
pub(super) struct FirstCallback<'a> {
    /// The call, with the id of its conversation.
    pub(super) call: &'a Call,
    /// The other party, in the spelling that stands for all of theirs.
    pub(super) person: PhoneNumber,
    /// Whether the conversation is opened; else the call is counted in.
    pub(super) opens: bool,
    pub(super) greeting: Option<Greeting>,
    pub(super) events: Vec<NewConversationEvent>,
}

impl FirstCallback<'_> {
    /// Writes the callback in one round trip.
    pub(super) fn write(self, scope: &mut Scope<'_>) -> Result<()> {
        #[derive(QueryableByName)]
        struct Done {
            #[diesel(sql_type = Bool)]
            #[expect(dead_code, reason = "a statement that stays prepared returns something")]
            done: bool,
        }
        let Self { call, person, opens, greeting, events } = self;
        let events = EventColumns::of(events, scope.moment);
        let (id, body, due) = greeting.map_or((None, None, None), |text| (Some(text.id), Some(text.body), Some(text.due)));
        let query = sql_query(RECORD)
            .into_boxed::<Pg>()
            .bind::<Uuid, _>(scope.tenant)
            .bind::<Timestamptz, _>(scope.now())
            .bind::<Uuid, _>(call.id)
            .bind::<Nullable<Text>, _>(&call.twilio_call_sid)
            .bind::<Text, _>(&call.caller_phone)
            .bind::<Text, _>(&call.called_phone)
            .bind::<Text, _>(call.call_direction)
            .bind::<Text, _>(call.call_status)
            .bind::<Nullable<Text>, _>(call.outcome)
            .bind::<Nullable<Int4>, _>(call.duration_seconds)
            .bind::<Nullable<Timestamptz>, _>(call.started_at)
            .bind::<Nullable<Timestamptz>, _>(call.ended_at)
            .bind::<Nullable<Text>, _>(call.forwarded_leg_status)
            .bind::<Nullable<Bool>, _>(call.forwarded_leg_bridged)
            .bind::<Nullable<Text>, _>(&call.answered_by)
            .bind::<Nullable<Text>, _>(&call.forwarded_from)
            .bind::<Nullable<Text>, _>(&call.recording_url)
            .bind::<Nullable<Int4>, _>(call.recording_duration_seconds)
            .bind::<Nullable<Text>, _>(&call.caller_name)
            .bind::<Nullable<Text>, _>(&call.caller_city)
            .bind::<Nullable<Text>, _>(&call.caller_state)
            .bind::<Nullable<Text>, _>(&call.caller_country)
            .bind::<Nullable<Text>, _>(&call.disconnect_reason)
            .bind::<Nullable<Int4>, _>(call.error_code)
            .bind::<Nullable<Text>, _>(&call.stir_verstat)
            .bind::<Nullable<Uuid>, _>(call.conversation_id)
            .bind::<Bool, _>(opens)
            .bind::<Text, _>(person)
            .bind::<Nullable<Uuid>, _>(id)
            .bind::<Nullable<Text>, _>(body)
            .bind::<Nullable<Timestamptz>, _>(due)
            .bind::<Array<Uuid>, _>(events.ids)
            .bind::<Array<Text>, _>(events.types)
            .bind::<Array<Jsonb>, _>(events.data);
        Prepared(query).get_result::<Done>(scope.conn)?;
        scope.note(StreamEventKind::CallCreated, call.id.uuid());
        if let Some(conversation) = call.conversation_id {
            let kind = if opens { StreamEventKind::ConversationCreated } else { StreamEventKind::ConversationUpdated };
            scope.note(kind, conversation.uuid());
        }
        if let Some(text) = id {
            scope.note(StreamEventKind::MessageCreated, text.uuid());
        }
        Ok(())
    }
}

impl Greeting {
    /// A greeting with an id of `moment`.
    pub(super) fn new(body: String, due: DateTime<Utc>, moment: &Moment) -> Self {
        Self { id: MessageId::new(moment.id()), body, due }
    }
}
