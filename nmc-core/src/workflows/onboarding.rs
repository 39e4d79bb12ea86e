//! Taking in a business, and the five steps that follow: each is left only when what it is about is
//! there, so that a business whose onboarding is complete can be called and answered.

use crate::numbers::NumberFilter;
use crate::people::UserFilter;
use crate::store::{Reason, Store, Tenant, TenantTx};
use crate::tenants::{NewTenant, TenantRow};
use crate::{Error, NumberStatus, Result, UserRole};

/// Takes in a business with default settings and without an owner, approved: for operators, who invite one. Whoever registers their
/// own business uses [`crate::access::Authenticator::register`]. The proof returned lets the caller go on as that tenant.
///
/// # Errors
/// [`crate::Error::Conflict`] on a name or phone that is taken, [`crate::Error::Invalid`] on a broken rule.
pub fn onboard(store: &Store, new: &NewTenant) -> Result<(Tenant, TenantRow)> {
    store.system(Reason::Operations, |tx| {
        let id = tx.create_tenant(new)?.id;
        let row = tx.approve_tenant(id)?;
        tx.scope(row.id).tx().business_settings().insert_defaults()?;
        Ok((Tenant::proven(row.id), row))
    })
}

/// The steps, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnboardingStep {
    /// The details of the business: trade, address and telephone.
    BusinessDetails,
    /// The business has an active owner, who has chosen a password.
    OwnerVerified,
    /// The opening hours of the business, and what a job costs.
    HoursAndPricing,
    /// The business has a number that is active.
    NumberActive,
    /// The greeting has been approved as it is.
    GreetingReviewed,
}

impl OnboardingStep {
    /// All steps.
    pub const ALL: [Self; 5] =
        [Self::BusinessDetails, Self::OwnerVerified, Self::HoursAndPricing, Self::NumberActive, Self::GreetingReviewed];

    /// The number of the step, 1 to 5.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::BusinessDetails => 1,
            Self::OwnerVerified => 2,
            Self::HoursAndPricing => 3,
            Self::NumberActive => 4,
            Self::GreetingReviewed => 5,
        }
    }

    /// The name of the step.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::BusinessDetails => "business details",
            Self::OwnerVerified => "owner verified",
            Self::HoursAndPricing => "hours and pricing",
            Self::NumberActive => "number active",
            Self::GreetingReviewed => "greeting reviewed",
        }
    }

    /// The step with this number.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `step`.
    pub fn numbered(number: i32) -> Result<Self> {
        let step = Self::ALL.into_iter().find(|step| step.number() == number);
        step.ok_or_else(|| Error::invalid("step", "must be between 1 and 5"))
    }
}

/// A requirement that a step still has: a field, and the rule it has to meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Missing {
    /// The name of the field.
    pub field: &'static str,
    /// The rule, in words that follow the field's name.
    pub rule: &'static str,
}

/// The progress of a business through onboarding.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Onboarding {
    /// The step that the business is at.
    pub step: OnboardingStep,
    /// Whether all five steps are behind the business. What is missing later on does not undo this.
    pub completed: bool,
    /// The requirements that each step still has, in their order.
    pub missing: Vec<(OnboardingStep, Vec<Missing>)>,
}

impl TenantTx<'_> {
    /// How far the business is, and what each step still needs.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn onboarding(&mut self) -> Result<Onboarding> {
        let row = self.tenants().get()?;
        self.onboarding_of(&row)
    }

    /// Leaves a step, and those before it are left already; the last one completes onboarding, and adds the alert rules that a business
    /// begins with. Leaving a step that is
    /// behind them changes nothing: a repeated request is no mistake.
    ///
    /// # Errors
    /// [`Error::Conflict`] when an earlier step is not left yet; [`Error::Invalid`], with the field that the step still needs.
    pub fn complete_onboarding_step(&mut self, step: OnboardingStep) -> Result<Onboarding> {
        let row = self.tenants().lock()?;
        let mut state = self.onboarding_of(&row)?;
        if state.completed || step.number() < state.step.number() {
            return Ok(state);
        }
        if step.number() > state.step.number() {
            return Err(Error::conflict("step", "can only follow the steps before it"));
        }
        let missing = state.missing.iter().find(|(of, _)| *of == step).and_then(|(_, missing)| missing.first());
        if let Some(Missing { field, rule }) = missing {
            return Err(Error::invalid(*field, *rule));
        }
        match OnboardingStep::numbered(step.number() + 1) {
            Ok(next) => state.step = next,
            Err(_) => {
                state.completed = true;
                self.add_default_alert_rules()?;
            }
        }
        self.tenants().set_onboarding(state.step.number(), state.completed)?;
        Ok(state)
    }

    fn onboarding_of(&mut self, row: &TenantRow) -> Result<Onboarding> {
        let missing = OnboardingStep::ALL.into_iter().map(|step| Ok((step, self.missing(step, row)?)));
        Ok(Onboarding {
            step: OnboardingStep::numbered(row.onboarding_step)?,
            completed: row.onboarding_completed,
            missing: missing.collect::<Result<_>>()?,
        })
    }

    fn missing(&mut self, step: OnboardingStep, row: &TenantRow) -> Result<Vec<Missing>> {
        let needs: Vec<(bool, &'static str, &'static str)> = match step {
            OnboardingStep::BusinessDetails => vec![
                (row.business_type.is_some(), "business_type", "is required"),
                (row.business_address.is_some(), "business_address", "is required"),
                (row.business_phone.is_some(), "business_phone", "is required"),
            ],
            OnboardingStep::OwnerVerified => {
                let owners = UserFilter { role: Some(UserRole::Owner), is_active: Some(true), ..UserFilter::default() };
                let owners = self.users().count(&owners)?;
                let owner = match row.owner_id {
                    Some(id) => self.users().find(id)?,
                    None => None,
                };
                let is_in = match owner.filter(|owner| owner.is_active) {
                    Some(owner) => self.users().has_password(owner.id)?,
                    None => false,
                };
                vec![
                    (owners > 0, "owner", "is required: invite one"),
                    (owners == 0 || is_in, "owner", "must have accepted the invitation"),
                ]
            }
            OnboardingStep::HoursAndPricing => vec![
                // That there are hours, and that the range is one, the schema sees to.
                (!row.estimated_job_min.is_zero(), "estimated_job_min", "must be above 0"),
            ],
            OnboardingStep::NumberActive => {
                let active = NumberFilter { status: Some(NumberStatus::Active), ..NumberFilter::default() };
                vec![(
                    self.phone_numbers().count(&active)? > 0,
                    "phone_number",
                    "is required: provision one and wait until it is active",
                )]
            }
            OnboardingStep::GreetingReviewed => {
                let reviewed = self.business_settings().get()?.greeting_reviewed_at.is_some();
                vec![(reviewed, "greeting_template", "must be reviewed as it is now")]
            }
        };
        Ok(needs.into_iter().filter(|(is_there, ..)| !is_there).map(|(_, field, rule)| Missing { field, rule }).collect())
    }
}
