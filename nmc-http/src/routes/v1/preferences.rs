use crate::api::reply::Tagged;
use crate::api::request::{JsonBody, NoQuery, RequestContext, must_match};
use crate::api::wire::{Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::Version;
use nmc_core::access::Permission;
use nmc_core::people::{Preferences, PreferencesPatch, may_change};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A user's preferences: what to be notified of, and how the dashboard opens for them.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreferencesOut {
    user_id: text::UserId,
    sms_notifications_enabled: bool,
    email_notifications_enabled: bool,
    push_notifications_enabled: bool,
    dashboard_sounds_enabled: bool,
    dashboard_default_view: text::DashboardView,
    /// The seconds between two refreshes of the dashboard.
    dashboard_refresh_interval: i32,
    show_tutorial: bool,
    auto_response_enabled: bool,
    ai_takeover_notifications: bool,
    /// The seconds for which a customer may wait for this user before help steps in.
    customer_response_timeout: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Preferences> for PreferencesOut {
    fn from(row: Preferences) -> Self {
        Self {
            user_id: Text(row.user_id),
            sms_notifications_enabled: row.sms_notifications_enabled,
            email_notifications_enabled: row.email_notifications_enabled,
            push_notifications_enabled: row.push_notifications_enabled,
            dashboard_sounds_enabled: row.dashboard_sounds_enabled,
            dashboard_default_view: Text(row.dashboard_default_view),
            dashboard_refresh_interval: row.dashboard_refresh_interval,
            show_tutorial: row.show_tutorial,
            auto_response_enabled: row.auto_response_enabled,
            ai_takeover_notifications: row.ai_takeover_notifications,
            customer_response_timeout: row.customer_response_timeout,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Changes of a user's preferences.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreferencesChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    sms_notifications_enabled: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    email_notifications_enabled: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    push_notifications_enabled: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    dashboard_sounds_enabled: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    dashboard_default_view: Option<text::DashboardView>,
    /// The seconds between two refreshes of the dashboard, at least 1.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 1, nullable = false)]
    dashboard_refresh_interval: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    show_tutorial: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    auto_response_enabled: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    ai_takeover_notifications: Option<bool>,
    /// The seconds for which a customer may wait for this user before help steps in, at least 1.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 1, nullable = false)]
    customer_response_timeout: Option<i32>,
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<PreferencesOut>> {
    let whom = context.whom()?;
    let row = context
        .acting(move |tx| {
            let user = whom.id(tx)?;
            tx.must_for(user, Permission::PreferencesRead)?;
            tx.preferences().get(user)
        })
        .await?;
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}

pub(super) async fn change(context: RequestContext<NoQuery, JsonBody<PreferencesChange>>) -> ApiResult<Tagged<PreferencesOut>> {
    let (whom, expected, body) = (context.whom()?, context.if_match()?, &context.body.0);
    let patch = PreferencesPatch {
        sms_notifications_enabled: body.sms_notifications_enabled,
        email_notifications_enabled: body.email_notifications_enabled,
        push_notifications_enabled: body.push_notifications_enabled,
        dashboard_sounds_enabled: body.dashboard_sounds_enabled,
        dashboard_default_view: body.dashboard_default_view.map(|view| view.0),
        dashboard_refresh_interval: body.dashboard_refresh_interval,
        show_tutorial: body.show_tutorial,
        auto_response_enabled: body.auto_response_enabled,
        ai_takeover_notifications: body.ai_takeover_notifications,
        customer_response_timeout: body.customer_response_timeout,
    };
    let row = context
        .acting(move |tx| {
            let user = whom.id(tx)?;
            may_change(tx, user, Permission::PreferencesWrite)?;
            must_match(expected.as_ref(), Version::of(tx.preferences().lock(user)?.updated_at), "preferences")?;
            tx.preferences().update(user, &patch)
        })
        .await?;
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}
