use super::conversations::{ConversationOut, tagged};
use crate::api::reply::{Created, Done, Tagged};
use crate::api::request::{JsonBody, KEY_IS_NO_USER, NoQuery, RequestContext, must_match};
use crate::api::wire::{given, text};
use crate::error::ApiResult;
use nmc_core::{ConversationId, Result, TenantTx, Version};
use serde::Deserialize;
use utoipa::ToSchema;

/// The assignment of a conversation to the user who is to look after it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignIn {
    /// The user, who is one of the business; whoever asks if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    assigned_to: Option<text::UserId>,
}

/// A note for staff, to be written into a conversation's log.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteIn {
    /// The client's own id of the note, such as a UUID: a request with the same id and the same note adds nothing twice. Without one,
    /// each request adds a note.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, min_length = 1, max_length = 100, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    client_key: Option<String>,
    #[schema(min_length = 1, max_length = 10000, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    note: String,
}

type ConversationRequest<B = ()> = RequestContext<NoQuery, B>;

/// Takes a step with the conversation of the path, in the version that the request names, if it names one.
async fn step<B>(
    context: &ConversationRequest<B>,
    work: impl Fn(&mut TenantTx<'_>, ConversationId) -> Result<()> + Send + 'static,
) -> ApiResult<Tagged<ConversationOut>> {
    let id: ConversationId = context.id("conversation", "conversation")?;
    let expected = context.if_match()?;
    let row = context.acting(move |tx| {
        let row = tx.conversations().lock(id)?;
        must_match(expected.as_ref(), Version::of(row.updated_at), "conversation")?;
        work(tx, id)?;
        tx.conversations().get_with_last_text(id)
    });
    Ok(tagged(row.await?))
}

pub(super) async fn assign(context: ConversationRequest<JsonBody<AssignIn>>) -> ApiResult<Tagged<ConversationOut>> {
    let named = context.body.0.assigned_to.map(|user| user.0);
    let assign = move |tx: &mut TenantTx<'_>, id| {
        let user = named.or_else(|| tx.actor().user()).ok_or(KEY_IS_NO_USER)?;
        tx.conversations().assign(id, Some(user)).map(drop)
    };
    step(&context, assign).await
}

pub(super) async fn unassign(context: ConversationRequest) -> ApiResult<Tagged<ConversationOut>> {
    step(&context, |tx, id| tx.conversations().assign(id, None).map(drop)).await
}

pub(super) async fn resolve(context: ConversationRequest) -> ApiResult<Tagged<ConversationOut>> {
    step(&context, |tx, id| tx.conversations().resolve(id).map(drop)).await
}

pub(super) async fn close(context: ConversationRequest) -> ApiResult<Tagged<ConversationOut>> {
    step(&context, |tx, id| tx.conversations().close(id).map(drop)).await
}

pub(super) async fn mark_read(context: ConversationRequest) -> ApiResult<Tagged<ConversationOut>> {
    step(&context, |tx, id| tx.conversation_reads().mark(id)).await
}

pub(super) async fn reopen(context: ConversationRequest) -> ApiResult<Created<ConversationOut>> {
    let id: ConversationId = context.id("conversation", "conversation")?;
    let row = context.acting(move |tx| {
        let next = tx.conversations().reopen(id)?.id;
        tx.conversations().get_with_last_text(next)
    });
    let row = row.await?;
    Ok(Created(format!("/v1/conversations/{}", row.conversation.id), row.into()))
}

pub(super) async fn add_tag(context: ConversationRequest) -> ApiResult<Tagged<ConversationOut>> {
    let tag = context.second_text()?;
    step(&context, move |tx, id| tx.conversations().add_tag(id, &tag).map(drop)).await
}

pub(super) async fn remove_tag(context: ConversationRequest) -> ApiResult<Tagged<ConversationOut>> {
    let tag = context.second_text()?;
    step(&context, move |tx, id| tx.conversations().remove_tag(id, &tag).map(drop)).await
}

pub(super) async fn add_note(context: ConversationRequest<JsonBody<NoteIn>>) -> ApiResult<Done> {
    let id: ConversationId = context.id("conversation", "conversation")?;
    let NoteIn { client_key, note } = context.body.0.clone();
    let add = move |tx: &mut TenantTx<'_>| match &client_key {
        Some(key) => tx.conversations().add_note_once(id, key, &note).map(drop),
        None => tx.conversations().add_note(id, &note),
    };
    context.acting(add).await?;
    Ok(Done)
}
