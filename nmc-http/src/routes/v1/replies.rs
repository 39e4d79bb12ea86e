use super::messages::MessageOut;
use crate::api::reply::{Created, Json};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::{Text, text};
use crate::error::{ApiError, ApiResult, Newer, NewerEvent};
use nmc_core::ConversationId;
use nmc_core::conversations::ConversationEvent;
use nmc_core::workflows::{NewReply, Replied, ReplyWarning};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A reply to a customer, by text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplyIn {
    /// The client's own id of the reply, such as a UUID: a request with the same id returns what the first one queued, and sends
    /// nothing twice.
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    client_key: String,
    /// The words of the reply.
    #[schema(
        min_length = 1,
        max_length = 1600,
        pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*[^\s\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f][^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
    )]
    body: String,
    /// The number of the business to send from; if left out, the one that the customer last used, or else another that can send
    /// texts.
    from_number: Option<text::PhoneNumber>,
}

/// A queued reply.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplyOut {
    message: MessageOut,
    /// Whether the reply went into another conversation than the one it answers, because that was no longer open: into the
    /// customer's open one, or one that the reply has opened.
    in_next_conversation: bool,
    /// Whether an earlier request with the same `client_key` had queued the reply.
    repeated: bool,
    /// The current version of the reply's conversation: `If-Match` of the next reply names it, in quotes.
    version: String,
    /// What the reply's writer may not know; it refuses nothing.
    warnings: Vec<ReplyWarningOut>,
}

/// A warning about a queued reply.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplyWarningOut {
    /// The reason of the warning: `assigned_to_other`, another user than the reply's writer looks after the conversation.
    why: &'static str,
    /// The user that the warning is about.
    user_id: text::UserId,
}

impl From<ReplyWarning> for ReplyWarningOut {
    fn from(warning: ReplyWarning) -> Self {
        let ReplyWarning::AssignedToOther(user) = warning;
        Self { why: warning.label(), user_id: Text(user) }
    }
}

/// A reply to preview.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplyPreviewIn {
    /// The words of the reply.
    #[schema(
        min_length = 1,
        max_length = 1600,
        pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*[^\s\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f][^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
    )]
    body: String,
    /// The number of the business to send from; chosen as for a reply if left out.
    from_number: Option<text::PhoneNumber>,
}

/// The preview of a reply: its size, and whether it would be queued.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplyPreviewOut {
    characters: usize,
    /// The encoding of the text: `GSM-7`, or `UCS-2` as soon as one character is not in GSM-7.
    encoding: &'static str,
    /// The number of segments that the provider bills.
    segments: usize,
    /// The number that the reply would be sent from; null where it would be refused.
    from_number: Option<text::PhoneNumber>,
    /// The reason why the reply would be refused; null where it would be queued.
    refusal: Option<String>,
}

impl From<ConversationEvent> for NewerEvent {
    fn from(row: ConversationEvent) -> Self {
        Self {
            id: row.id.to_string(),
            event_type: row.event_type.label(),
            message_id: row.event_data.get("message_id").and_then(serde_json::Value::as_str).map(str::to_owned),
        }
    }
}

pub(super) async fn reply(context: RequestContext<NoQuery, JsonBody<ReplyIn>>) -> ApiResult<Created<ReplyOut>> {
    let asked: ConversationId = context.id("conversation", "conversation")?;
    let ReplyIn { client_key, body, from_number } = &context.body.0;
    let new = NewReply {
        conversation: asked,
        client_key: client_key.clone(),
        body: body.clone(),
        from_number: from_number.as_ref().map(|number| number.0.clone()),
        seen: context.if_match()?,
    };
    let replied = context.acting(move |tx| {
        let replied = tx.reply(&new)?;
        let text = match &replied {
            Replied::Queued { message, .. } => std::slice::from_ref(message.as_ref()),
            Replied::MovedOn { .. } => &[],
        };
        let waits = tx.number_pacing().waits_of(text)?;
        Ok((replied, waits))
    });
    let (replied, waits) = replied.await?;
    match replied {
        Replied::Queued { message, version, repeated, warnings } => {
            let in_next_conversation = message.conversation_id != asked;
            let (at, version) = (format!("/v1/messages/{}", message.id), version.to_string());
            let warnings = warnings.into_iter().map(ReplyWarningOut::from).collect();
            let message = MessageOut::of(*message, Vec::new(), &waits);
            Ok(Created(at, ReplyOut { message, in_next_conversation, repeated, version, warnings }))
        }
        Replied::MovedOn { conversation, version, newer } => Err(ApiError::MovedOn(Newer {
            conversation_id: conversation.to_string(),
            version: version.to_string(),
            events: newer.into_iter().map(NewerEvent::from).collect(),
        })),
    }
}

pub(super) async fn preview(context: RequestContext<NoQuery, JsonBody<ReplyPreviewIn>>) -> ApiResult<Json<ReplyPreviewOut>> {
    let id: ConversationId = context.id("conversation", "conversation")?;
    let (body, number) = (context.body.0.body.clone(), context.body.0.from_number.as_ref().map(|number| number.0.clone()));
    let preview = context.acting(move |tx| tx.preview_reply(id, &body, number.as_ref())).await?;
    Ok(Json(ReplyPreviewOut {
        characters: preview.size.characters,
        encoding: preview.size.encoding.as_str(),
        segments: preview.size.segments,
        from_number: preview.from_number.map(Text),
        refusal: preview.refusal.map(|refusal| refusal.to_string()),
    }))
}
