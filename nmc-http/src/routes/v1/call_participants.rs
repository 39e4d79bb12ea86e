use crate::api::reply::{Created, Json};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::calls::CallParticipant;
use nmc_core::workflows::Joining;
use nmc_core::{CallId, CallParticipantId, CallerIdentity, Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A party of a call.
#[derive(Serialize, ToSchema)]
pub(crate) struct ParticipantOut {
    id: text::CallParticipantId,
    phone_number: text::CallerIdentity,
    #[serde(rename = "type")]
    participant_type: text::ParticipantType,
    joined_at: DateTime<Utc>,
    left_at: Option<DateTime<Utc>>,
    muted: bool,
    on_hold: bool,
}

impl From<CallParticipant> for ParticipantOut {
    fn from(row: CallParticipant) -> Self {
        Self {
            id: Text(row.id),
            phone_number: Text(row.phone_number),
            participant_type: Text(row.participant_type),
            joined_at: row.joined_at,
            left_at: row.left_at,
            muted: row.muted,
            on_hold: row.on_hold,
        }
    }
}

/// The parties of a call.
#[derive(Serialize, ToSchema)]
pub(crate) struct ParticipantsOut {
    /// The parties, in the order in which they joined.
    participants: Vec<ParticipantOut>,
}

/// A party that joins a call: a phone number, or a user at the one of their profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParticipantIn {
    /// The phone number of the party; left out for a user.
    phone_number: Option<text::PhoneNumber>,
    /// The user who joins, whose profile has a phone number; left out for a phone number.
    user_id: Option<text::UserId>,
    /// The part that the party plays in the call.
    #[serde(rename = "type")]
    participant_type: text::ParticipantType,
}

impl ParticipantIn {
    fn who(&self) -> Result<Joining> {
        match (&self.phone_number, &self.user_id) {
            (Some(phone), None) => Ok(Joining::Phone(CallerIdentity::Phone(phone.0.clone()))),
            (None, Some(user)) => Ok(Joining::User(user.0)),
            (None, None) => Err(Error::invalid("phone_number", "is required, or user_id")),
            (Some(_), Some(_)) => Err(Error::invalid("user_id", "must not be given with phone_number")),
        }
    }
}

pub(super) async fn list(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<ParticipantsOut>> {
    let id: CallId = context.id("call", "call")?;
    let rows = context
        .acting(move |tx| {
            tx.calls().get(id)?;
            tx.call_participants().list_of_call(id)
        })
        .await?;
    Ok(Json(ParticipantsOut { participants: rows.into_iter().map(ParticipantOut::from).collect() }))
}

pub(super) async fn join(context: RequestContext<NoQuery, JsonBody<ParticipantIn>>) -> ApiResult<Created<ParticipantOut>> {
    let id: CallId = context.id("call", "call")?;
    let (who, participant_type) = (context.body.0.who()?, context.body.0.participant_type.0);
    let row = context.acting(move |tx| tx.join_call(id, &who, participant_type)).await?;
    Ok(Created(format!("/v1/calls/{id}/participants"), row.into()))
}

pub(super) async fn leave(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<ParticipantOut>> {
    let call: CallId = context.id("call", "call")?;
    let party: CallParticipantId = context.id("participant", "participant")?;
    Ok(Json(context.acting(move |tx| tx.leave_call(call, party)).await?.into()))
}
