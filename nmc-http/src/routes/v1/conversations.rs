use crate::api::lists::{List, Span, agree, filled, is_same};
use crate::api::reply::{Created, Done, Json, PageOut, Tagged};
use crate::api::request::{JsonBody, KEY_IS_NO_USER, NoQuery, RequestContext, must_match};
use crate::api::wire::{Change, Text, Wire, given, party, string, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::access::Acting;
use nmc_core::conversations::{Assignee, ConversationFilter, ConversationPatch, InboxRow, LastText, NewConversation, Search};
use nmc_core::workflows::{erase_conversation, erase_conversation_as_seen};
use nmc_core::{CallerIdentity, Confirmed, ConversationChannel, ConversationId, Error, Store, TenantTx, UserId, Version};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const BY_OPENING: List = List("conversations");
const BY_LAST_CHANGE: List = List("conversations by their last change");

/// The last text of a conversation.
#[derive(Serialize, ToSchema)]
pub(crate) struct LastTextOut {
    id: text::MessageId,
    direction: text::MessageDirection,
    kind: text::MessageKind,
    status: text::MessageStatus,
    body: String,
    created_at: DateTime<Utc>,
}

impl From<LastText> for LastTextOut {
    fn from(row: LastText) -> Self {
        Self {
            id: Text(row.id),
            direction: Text(row.message_direction),
            kind: Text(row.message_kind),
            status: Text(row.message_status),
            body: row.message_body,
            created_at: row.created_at,
        }
    }
}

/// A conversation: all calls and texts with one customer about one matter.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationOut {
    id: text::ConversationId,
    /// The customer: a phone number, a short code, a sender's name, or `anonymous`.
    customer_phone: String,
    /// The status of the conversation. `active` and `waiting` are open: a customer has one open conversation at the most.
    status: text::ConversationStatus,
    /// The subject of the conversation.
    subject: Option<String>,
    priority: text::ConversationPriority,
    /// The channel on which the conversation began.
    channel: text::ConversationChannel,
    /// The user who looks after the conversation; null while nobody does.
    assigned_to: Option<text::UserId>,
    /// The call with which the conversation began; null when it began with a text, or was opened by staff.
    first_call_id: Option<text::CallId>,
    last_call_id: Option<text::CallId>,
    total_calls: i32,
    /// The duration of all calls together, in seconds.
    total_duration_seconds: i32,
    /// The number of texts; 1,000 stands for that many or more.
    total_messages: i64,
    /// The number of the customer's calls and texts that whoever asks has not read; 100 stands for that many or more. It is 0 for
    /// a finished conversation, and null for an API key, which reads nothing.
    unread: Option<i64>,
    last_text: Option<LastTextOut>,
    customer_name: Option<String>,
    /// The name under which the network showed the customer's call that began last, of those that it showed with one.
    caller_name: Option<String>,
    /// What the customer is called: the name that people told, in this conversation or else in the latest that has one, or else
    /// `caller_name`.
    known_as: Option<String>,
    customer_email: Option<text::Email>,
    customer_address: Option<String>,
    /// The notes of staff, which the customer does not see.
    notes: Option<String>,
    tags: Vec<String>,
    /// The instant since which staff have had to read a text that may be an opt-out; null when there is none.
    review_requested_at: Option<DateTime<Utc>>,
    /// The instant at which the conversation stopped being open; null while it is open.
    closed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    /// The instant of the last change, call or text.
    updated_at: DateTime<Utc>,
}

impl From<InboxRow> for ConversationOut {
    fn from(row: InboxRow) -> Self {
        let InboxRow { conversation: row, last_text, total_messages, unread, caller_name, known_as, .. } = row;
        Self {
            id: Text(row.id),
            customer_phone: row.customer_phone.to_string(),
            status: Text(row.status),
            subject: row.subject,
            priority: Text(row.priority),
            channel: Text(row.channel),
            assigned_to: row.assigned_to.map(Text),
            first_call_id: row.first_call_id.map(Text),
            last_call_id: row.last_call_id.map(Text),
            total_calls: row.total_calls,
            total_duration_seconds: row.total_duration_seconds,
            total_messages,
            unread,
            last_text: last_text.map(LastTextOut::from),
            customer_name: row.customer_name,
            caller_name,
            known_as,
            customer_email: row.customer_email.map(Text),
            customer_address: row.customer_address,
            notes: row.notes,
            tags: row.tags,
            review_requested_at: row.review_requested_at,
            closed_at: row.closed_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The user to whom conversations are assigned, or nobody.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Assigned {
    Me,
    To(Assignee),
}

impl Assigned {
    fn whom(self, tx: &TenantTx<'_>) -> Result<Assignee, Error> {
        match self {
            Self::To(assignee) => Ok(assignee),
            Self::Me => tx.actor().user().map(Assignee::User).ok_or(KEY_IS_NO_USER),
        }
    }
}

impl std::str::FromStr for Assigned {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "me" => Ok(Self::Me),
            "none" => Ok(Self::To(Assignee::Nobody)),
            _ => text.parse().map(|user: UserId| Self::To(Assignee::User(user))),
        }
    }
}

impl std::fmt::Display for Assigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Me => f.write_str("me"),
            Self::To(Assignee::Nobody) => f.write_str("none"),
            Self::To(Assignee::User(user)) => user.fmt(f),
        }
    }
}

impl Wire for Assigned {
    type Refusal = Error;
    const NAME: &'static str = "Assigned";

    fn rule(_: &Error) -> String {
        "must be a user's id, `me` or `none`".to_owned()
    }

    fn describe() -> Object {
        let pattern = "^(me|none|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$";
        string("A user's id; `me` for whoever asks; or `none` for conversations that nobody looks after.")
            .pattern(Some(pattern))
            .build()
    }
}

/// Without generics, which is how the document's derive wants it.
type AssignedText = Text<Assigned>;

/// The order of a list of conversations.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SortBy {
    CreatedAt,
    UpdatedAt,
}

/// The filter and the order of a list of conversations.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversationQuery {
    /// The customer to search for. Words: the name has all of them, of which the last may be only begun, from 3 letters on. 3
    /// digits or more: the phone number begins with them, with or without the country code of North America. 20 different words
    /// at the most.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    q: Option<String>,
    /// The status of the conversations.
    #[param(inline, value_type = Option<text::ConversationStatus>)]
    status: Option<text::ConversationStatus>,
    /// Whether the conversations are active or waiting (true), or resolved or closed (false).
    open: Option<bool>,
    /// The user who looks after the conversations, by id or as `me`; or `none` for those that nobody looks after.
    #[param(inline, value_type = Option<AssignedText>)]
    assigned_to: Option<AssignedText>,
    /// A tag that the conversations have.
    #[param(min_length = 1, max_length = 50, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    tag: Option<String>,
    /// The priority of the conversations.
    #[param(inline, value_type = Option<text::ConversationPriority>)]
    priority: Option<text::ConversationPriority>,
    /// The channel on which the conversations began.
    #[param(inline, value_type = Option<text::ConversationChannel>)]
    channel: Option<text::ConversationChannel>,
    /// The customer: a phone number, in whatever spelling, a short code, or `anonymous`.
    #[param(max_length = 16, pattern = r"^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|anonymous)$")]
    customer_phone: Option<String>,
    /// Whether the conversations have a text that may be an opt-out, which staff have to read (true), or none (false).
    in_review: Option<bool>,
    /// Whether the conversations are open, with a call or a text that whoever asks has not read (true), or all others (false).
    unread: Option<bool>,
    /// The instant at or after which the conversations were opened.
    from: Option<DateTime<Utc>>,
    /// The instant before which the conversations were opened.
    until: Option<DateTime<Utc>>,
    /// The order of the list: `created_at`, the newest first, which is the default; or `updated_at`, the last changed first,
    /// which is an inbox: of open conversations alone.
    #[param(inline)]
    sort: Option<SortBy>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before, in the same order; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

impl ConversationQuery {
    fn filter(&self) -> ApiResult<ConversationFilter> {
        let opened = Span::new(("from", self.from), ("until", self.until))?;
        let is_open = self.status.map(|status| status.0.is_open());
        agree("open", "status", is_same(self.open, is_open))?;
        let may_be_unread = is_open.or(self.open) != Some(false);
        agree("unread", if is_open.is_some() { "status" } else { "open" }, may_be_unread || self.unread != Some(true))?;
        Ok(ConversationFilter {
            status: self.status.map(|status| status.0),
            open: self.open,
            priority: self.priority.map(|priority| priority.0),
            channel: self.channel.map(|channel| channel.0),
            customer: self.customer_phone.as_deref().map(|text| party("customer_phone", text)).transpose()?,
            tag: filled("tag", self.tag.as_deref(), 50)?,
            in_review: self.in_review,
            from: opened.from,
            until: opened.until,
            ..ConversationFilter::default()
        })
    }
}

/// A conversation to open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversationIn {
    customer_phone: text::PhoneNumber,
    /// The channel on which the conversation begins; `web` if left out.
    channel: Option<text::ConversationChannel>,
    /// The subject of the conversation.
    #[schema(max_length = 1000)]
    subject: Option<String>,
    #[schema(max_length = 255)]
    customer_name: Option<String>,
}

/// Changes of what is known about the customer and the subject of a conversation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversationChange {
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1000, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    subject: Change<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    priority: Option<text::ConversationPriority>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    customer_name: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<text::Email>)]
    customer_email: Change<text::Email>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1000, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    customer_address: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 10000, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    notes: Change<String>,
}

/// A conversation, with its version.
pub(super) fn tagged(row: InboxRow) -> Tagged<ConversationOut> {
    Tagged(Version::of(row.conversation.updated_at), row.into())
}

pub(super) async fn list(context: RequestContext<ConversationQuery, ()>) -> ApiResult<Json<PageOut<ConversationOut>>> {
    let (filter, sort) = (context.query.filter()?, context.query.sort);
    let list = if matches!(sort, Some(SortBy::UpdatedAt)) { BY_LAST_CHANGE } else { BY_OPENING };
    let page = list.page(context.query.limit, context.query.after.as_deref())?;
    let unread = context.query.unread;
    let search = context.query.q.as_deref().map(Search::new).transpose()?;
    let assigned = context.query.assigned_to.map(|assigned| assigned.0);
    let rows = context.acting(move |tx| {
        let assigned_to = assigned.map(|assigned| assigned.whom(tx)).transpose()?;
        let reader = unread.map(|_| tx.actor().user().ok_or(KEY_IS_NO_USER)).transpose()?;
        let (unread_by, read_by) = if unread == Some(true) { (reader, None) } else { (None, reader) };
        let filter = ConversationFilter { assigned_to, unread_by, read_by, ..filter.clone() };
        match (&search, sort) {
            (Some(_), Some(SortBy::UpdatedAt)) => Err(Error::invalid("sort", "by the last change is for lists without q")),
            (Some(search), _) => tx.conversations().search(search, &filter, page),
            (None, Some(SortBy::UpdatedAt)) => tx.conversations().list_open(&filter, page),
            (None, _) => tx.conversations().list_with_last_text(&filter, page),
        }
    });
    Ok(Json(list.of(rows.await?)))
}

pub(super) async fn open(context: RequestContext<NoQuery, JsonBody<ConversationIn>>) -> ApiResult<Created<ConversationOut>> {
    let ConversationIn { customer_phone, channel, subject, customer_name } = &context.body.0;
    let new = NewConversation {
        customer_phone: CallerIdentity::Phone(customer_phone.0.clone()),
        channel: channel.map_or(ConversationChannel::Web, |channel| channel.0),
        subject: subject.clone(),
        customer_name: customer_name.clone(),
    };
    let row = context.acting(move |tx| {
        let id = tx.open_conversation(&new)?.id;
        tx.conversations().get_with_last_text(id)
    });
    let row = row.await?;
    Ok(Created(format!("/v1/conversations/{}", row.conversation.id), row.into()))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<ConversationOut>> {
    let id: ConversationId = context.id("conversation", "conversation")?;
    Ok(tagged(context.acting(move |tx| tx.conversations().get_with_last_text(id)).await?))
}

pub(super) async fn change(context: RequestContext<NoQuery, JsonBody<ConversationChange>>) -> ApiResult<Tagged<ConversationOut>> {
    let id: ConversationId = context.id("conversation", "conversation")?;
    let (expected, change) = (context.if_match()?, &context.body.0);
    let priority = change.priority.map(|priority| priority.0);
    let patch = ConversationPatch {
        subject: change.subject.0.clone(),
        customer_name: change.customer_name.0.clone(),
        customer_email: change.customer_email.clone().typed(),
        customer_address: change.customer_address.0.clone(),
        notes: change.notes.0.clone(),
    };
    let row = context.acting(move |tx| {
        let row = tx.conversations().lock(id)?;
        must_match(expected.as_ref(), Version::of(row.updated_at), "conversation")?;
        tx.conversations().update(id, &patch)?;
        if let Some(priority) = priority {
            tx.conversations().set_priority(id, priority)?;
        }
        tx.conversations().get_with_last_text(id)
    });
    Ok(tagged(row.await?))
}

pub(super) async fn delete(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    let id: ConversationId = context.id("conversation", "conversation")?;
    let (uploads, seen) = (context.app.uploads.clone(), context.if_match()?);
    let erase = move |store: &Store, who: &Acting| match &seen {
        Some(seen) => erase_conversation_as_seen(store, who, id, seen, &uploads, Confirmed::irrevocably()),
        None => erase_conversation(store, who, id, &uploads, Confirmed::irrevocably()),
    };
    context.in_steps(erase).await?;
    Ok(Done)
}
