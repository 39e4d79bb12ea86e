use crate::api::lists::List;
use crate::api::reply::{Created, Done, Json, PageOut, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext, must_match};
use crate::api::wire::{Change, Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::access::TokenKeys;
use nmc_core::alerts::{Address, EscalationContact, EscalationContactFilter, EscalationContactPatch, NewEscalationContact};
use nmc_core::delivery::{WebhookRules, WebhookSecrets};
use nmc_core::{ContactType, Error, EscalationContactId, Result, TenantTx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("escalation contacts");

/// Somebody whom alerts are passed on to.
#[derive(Serialize, ToSchema)]
pub(crate) struct EscalationContactOut {
    id: text::EscalationContactId,
    /// The rule whose alerts are passed on; null stands for all rules.
    rule_id: Option<text::AlertRuleId>,
    #[schema(minimum = 1)]
    escalation_level: i32,
    contact_type: text::ContactType,
    /// A user's id, an e-mail address or a phone number; of a webhook the host alone, as the rest of its URL may be a password.
    #[schema(max_length = 255)]
    contact_value: String,
    is_active: bool,
    created_at: DateTime<Utc>,
    /// The instant since which a webhook has been out of use because nothing arrived there, or its receiver said that it is gone; null
    /// unless so.
    retired_at: Option<DateTime<Utc>>,
    /// What keeps the contact from hearing of alerts, each in words; a list leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    warnings: Option<Vec<String>>,
}

impl From<EscalationContact> for EscalationContactOut {
    fn from(row: EscalationContact) -> Self {
        Self {
            id: Text(row.id),
            rule_id: row.rule_id.map(Text),
            escalation_level: row.escalation_level,
            contact_type: Text(row.contact_type),
            contact_value: row.contact_value.masked(),
            is_active: row.is_active,
            created_at: row.created_at,
            retired_at: row.retired_at,
            warnings: None,
        }
    }
}

/// The filter of a list of contacts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct EscalationContactQuery {
    /// The rule whose contacts they are, without those of all rules.
    #[param(inline, value_type = Option<text::AlertRuleId>)]
    rule: Option<text::AlertRuleId>,
    /// Whether the contacts are for all rules (true), or for one (false).
    global: Option<bool>,
    /// The level of the contacts.
    #[param(minimum = 1, maximum = 2147483647)]
    level: Option<i32>,
    /// Whether the contacts are used.
    is_active: Option<bool>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// Somebody to pass alerts on to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EscalationContactIn {
    /// The rule whose alerts are passed on; those of all rules if left out.
    rule_id: Option<text::AlertRuleId>,
    /// The escalation from which on the contact hears of an alert; 1 is the first, and meant if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 1, maximum = 100, nullable = false)]
    escalation_level: Option<i32>,
    contact_type: text::ContactType,
    /// A user's id, an e-mail address, a phone number or the http or https URL of a webhook, as the type has it.
    #[schema(max_length = 255)]
    contact_value: String,
    /// Whether the contact is used; it is if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    is_active: Option<bool>,
}

/// Changes of a contact, whose type stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EscalationContactChange {
    #[serde(default)]
    #[schema(value_type = Option<text::AlertRuleId>)]
    rule_id: Change<text::AlertRuleId>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 1, maximum = 100, nullable = false)]
    escalation_level: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(max_length = 255, nullable = false)]
    contact_value: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    is_active: Option<bool>,
}

/// Insists that what is written to a contact may be sent to, if it is a webhook.
fn must_be_sendable(rules: Option<&dyn WebhookRules>, row: EscalationContact) -> Result<EscalationContact> {
    if let Some(rules) = rules.filter(|_| row.contact_type == ContactType::Webhook) {
        rules.must_be_sendable(row.contact_value.as_str())?;
    }
    Ok(row)
}

/// A contact by itself, and what keeps it from hearing of alerts.
fn whole(tx: &mut TenantTx<'_>, row: EscalationContact) -> Result<EscalationContactOut> {
    let warnings = tx.escalation_contact_warnings(row.id)?;
    Ok(EscalationContactOut { warnings: Some(warnings), ..row.into() })
}

pub(super) async fn list(context: RequestContext<EscalationContactQuery, ()>) -> ApiResult<Json<PageOut<EscalationContactOut>>> {
    let query = &context.query;
    let page = LIST.page(query.limit, query.after.as_deref())?;
    if query.level.is_some_and(|level| level < 1) {
        return Err(Error::invalid("level", "must be at least 1").into());
    }
    let filter = EscalationContactFilter {
        rule: query.rule.map(|rule| rule.0),
        global: query.global,
        level: query.level,
        is_active: query.is_active,
    };
    let rows = context.acting(move |tx| tx.escalation_contacts().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn add(
    context: RequestContext<NoQuery, JsonBody<EscalationContactIn>>,
) -> ApiResult<Created<EscalationContactOut>> {
    let body = &context.body.0;
    let new = NewEscalationContact {
        rule_id: body.rule_id.map(|rule| rule.0),
        escalation_level: body.escalation_level.unwrap_or(1),
        contact_type: body.contact_type.0,
        contact_value: Address::new(body.contact_value.as_str()),
        is_active: body.is_active.unwrap_or(true),
    };
    let rules = context.app.webhooks.clone();
    let row = context.acting(move |tx| {
        let row = tx.escalation_contacts().create(&new)?;
        let row = must_be_sendable(rules.as_deref(), row)?;
        whole(tx, row)
    });
    let row = row.await?;
    Ok(Created(format!("/v1/escalation-contacts/{}", row.id.0), row))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<EscalationContactOut>> {
    let id: EscalationContactId = context.id("contact", "contact")?;
    let (version, row) = context
        .acting(move |tx| {
            let row = tx.escalation_contacts().get(id)?;
            Ok((row.version(), whole(tx, row)?))
        })
        .await?;
    Ok(Tagged(version, row))
}

pub(super) async fn change(
    context: RequestContext<NoQuery, JsonBody<EscalationContactChange>>,
) -> ApiResult<Tagged<EscalationContactOut>> {
    let (id, expected) = (context.id::<EscalationContactId>("contact", "contact")?, context.if_match()?);
    let change = &context.body.0;
    let patch = EscalationContactPatch {
        rule_id: change.rule_id.clone().typed(),
        escalation_level: change.escalation_level,
        contact_value: change.contact_value.as_deref().map(Address::new),
        is_active: change.is_active,
        ..EscalationContactPatch::default()
    };
    let rules = context.app.webhooks.clone();
    let (version, row) = context
        .acting(move |tx| {
            must_match(expected.as_ref(), tx.escalation_contacts().lock(id)?.version(), "contact")?;
            let row = tx.escalation_contacts().update(id, &patch)?;
            let row = if patch.contact_value.is_some() { must_be_sendable(rules.as_deref(), row)? } else { row };
            Ok((row.version(), whole(tx, row)?))
        })
        .await?;
    Ok(Tagged(version, row))
}

/// The secret of a webhook. Whoever has it can make what the receiver takes for ours.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookSecretOut {
    /// The secret, for the receiver to check signatures with: `whsec_` and Base64.
    secret: String,
    /// The instant until which the secret before it signs, too; null if none does.
    previous_signs_until: Option<DateTime<Utc>>,
}

impl WebhookSecretOut {
    fn of(tx: &mut TenantTx<'_>, keys: &TokenKeys, row: &EscalationContact) -> Result<Self> {
        row.must_be_webhook()?;
        let versions = tx.escalation_contacts().secret_versions(&row.contact_value)?;
        let secrets = WebhookSecrets::derive(keys, row.tenant_id, row.contact_value.as_str(), versions);
        let secret = secrets.newest().ok_or(Error::NotFound { entity: "secret" })?;
        Ok(Self { secret: secret.expose().to_owned(), previous_signs_until: versions.before_until })
    }
}

pub(super) async fn secret(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<WebhookSecretOut>> {
    let id: EscalationContactId = context.id("contact", "contact")?;
    let keys = context.app.authenticator.keys().clone();
    let secret = context.acting(move |tx| {
        let row = tx.escalation_contacts().get(id)?;
        WebhookSecretOut::of(tx, &keys, &row)
    });
    Ok(Json(secret.await?))
}

pub(super) async fn rotate_secret(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<WebhookSecretOut>> {
    let id: EscalationContactId = context.id("contact", "contact")?;
    let keys = context.app.authenticator.keys().clone();
    let secret = context.acting(move |tx| {
        let row = tx.escalation_contacts().rotate_secret(id)?;
        WebhookSecretOut::of(tx, &keys, &row)
    });
    Ok(Json(secret.await?))
}

pub(super) async fn remove(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    let id: EscalationContactId = context.id("contact", "contact")?;
    context.acting(move |tx| tx.escalation_contacts().delete(id)).await?;
    Ok(Done)
}
