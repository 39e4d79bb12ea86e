use super::tenant::TenantOut;
use super::users::UserOut;
use crate::api::reply::Created;
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::{object, text};
use crate::error::{ApiError, ApiResult};
use nmc_core::Secret;
use nmc_core::tenants::{NewTenant, RegistrationPolicy};
use nmc_core::workflows::Registration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A business to register, with its owner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegistrationIn {
    /// The business to register.
    #[serde(deserialize_with = "object")]
    business: BusinessIn,
    /// The owner of the business.
    #[serde(deserialize_with = "object")]
    owner: OwnerIn,
}

/// The business of a registration.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BusinessIn {
    /// The name of the business, as greetings say it; unique.
    #[schema(max_length = 255)]
    name: String,
    /// The number that the business has had so far, to which calls are forwarded; unique. Not a premium, shared-cost, toll-free
    /// or satellite number.
    phone: Option<text::PhoneNumber>,
    /// The postal address of the business.
    #[schema(max_length = 1000)]
    address: Option<String>,
    /// The trade of the business, like plumbing.
    #[schema(max_length = 100)]
    trade: Option<String>,
    /// The time zone of the business; America/Los_Angeles if left out.
    timezone: Option<text::Timezone>,
}

/// The owner of a registration, who becomes the first user of the business.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerIn {
    /// The owner's e-mail address, which is the login name; unique.
    email: text::Email,
    /// The owner's password: 10 characters at least, 72 bytes at most.
    #[schema(min_length = 10, max_length = 72)]
    password: String,
    #[schema(max_length = 100)]
    first_name: String,
    #[schema(max_length = 100)]
    last_name: String,
    /// The phone number at which to reach the owner.
    phone: Option<text::PhoneNumber>,
}

/// A registered business, and its owner, who logs in to go on. While `tenant.approved_at` is null, the business may set
/// everything up, but spends nothing.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegisteredOut {
    tenant: TenantOut,
    owner: UserOut,
}

/// The library's names for the fields of the body.
const NAMES: [(&str, &str); 9] = [
    ("business_name", "business.name"),
    ("business_phone", "business.phone"),
    ("business_address", "business.address"),
    ("business_type", "business.trade"),
    ("email", "owner.email"),
    ("password", "owner.password"),
    ("first_name", "owner.first_name"),
    ("last_name", "owner.last_name"),
    ("phone_number", "owner.phone"),
];

/// Registers a business; the same `Idempotency-Key` again returns what the first request made.
pub(super) async fn register(context: RequestContext<NoQuery, JsonBody<RegistrationIn>>) -> ApiResult<Created<RegisteredOut>> {
    let policy = context.app.registration;
    if policy == RegistrationPolicy::Closed {
        return Err(ApiError::RegistrationClosed);
    }
    let RegistrationIn { business, owner } = &context.body.0;
    context.app.rate_limits.registration(context.origin(None).ip_address, owner.email.0.as_str()).await?;
    let counted = context.app.rate_limits.registration_conflict(context.origin(None).ip_address).await?;
    let new = Registration {
        business: NewTenant {
            business_name: business.name.clone(),
            business_phone: business.phone.clone().map(|phone| phone.0),
            business_address: business.address.clone(),
            business_type: business.trade.clone(),
            timezone: business.timezone.map(|zone| zone.0),
        },
        email: owner.email.0.clone(),
        password: Secret::new(owner.password.clone()),
        first_name: owner.first_name.clone(),
        last_name: owner.last_name.clone(),
        phone_number: owner.phone.clone().map(|phone| phone.0),
    };
    let (key, authenticator) = (context.text_header("Idempotency-Key")?.map(str::to_owned), context.app.authenticator.clone());
    let sends_mails = context.app.sends_mails;
    let register = move |_: &_| {
        let made = match policy {
            RegistrationPolicy::Open => authenticator.register_approved(&new, key.as_deref())?,
            _ => authenticator.register(&new, key.as_deref())?,
        };
        if sends_mails {
            authenticator.mail_verification_of(&made)?;
        }
        Ok(made)
    };
    let made = context.app.login_pool.blocking(register).await;
    let made = counted.settled(made).map_err(|error: ApiError| error.renamed(&NAMES))?;
    Ok(Created("/v1/tenant".to_owned(), RegisteredOut { tenant: made.business.into(), owner: made.owner.into() }))
}
