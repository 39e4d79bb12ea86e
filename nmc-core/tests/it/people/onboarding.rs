//! The five steps: each is refused until what it needs is there, and where a business is, the database knows.

use super::*;
use nmc_core::access::InvitationToken;
use nmc_core::numbers::NewPhoneNumber;
use nmc_core::people::UserPatch;
use nmc_core::tenants::BusinessSettingsPatch;
use nmc_core::tenants::TenantPatch;
use nmc_core::testing::{unique_phone, unique_sid};
use nmc_core::workflows::{Onboarding, OnboardingStep, onboard};
use nmc_core::{NumberStatus, NumberType, Patch, TenantStatus};
use rust_decimal::Decimal;

const STEPS: [OnboardingStep; 5] = OnboardingStep::ALL;

/// A business that an operator took in: without details, and without an owner.
struct Site {
    house: House,
    tenant: Tenant,
}

impl Site {
    fn new() -> Self {
        let house = House::new();
        let new = NewTenant { business_name: "Cleo's Cabs".to_owned(), ..NewTenant::default() };
        let (tenant, _) = onboard(&house.db.store, &new).unwrap();
        Self { house, tenant }
    }

    fn tx<T>(&self, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.house.pass(1);
        self.house.db.store.tenant(&self.tenant, work)
    }

    fn complete(&self, step: usize) -> Result<Onboarding> {
        self.tx(|tx| tx.complete_onboarding_step(STEPS[step - 1]))
    }

    /// How far it is, as somebody sees it who has just come.
    fn state(&self) -> (i32, bool) {
        let url = self.house.db.url();
        let store = Store::connect(nmc_core::StoreConfig::new(secret(&url))).unwrap();
        let state = store.tenant(&self.tenant, |tx| tx.onboarding()).unwrap();
        (state.step.number(), state.completed)
    }

    /// That this step, and no other, is the one to leave, and what it still needs.
    #[track_caller]
    fn needs(&self, step: usize, words: &str) {
        let before = self.house.everything();
        assert_eq!(self.complete(step).unwrap_err().to_string(), words);
        for later in step + 1..=5 {
            let skipped = self.complete(later).unwrap_err();
            assert!(matches!(skipped, Error::Conflict { field: "step", .. }), "{later} before {step}: {skipped:?}");
        }
        assert_eq!(self.house.everything(), before, "nothing has changed");
        assert_eq!(self.state(), (i32::try_from(step).unwrap(), false));
        let state = self.tx(|tx| tx.onboarding()).unwrap();
        let missing = state.missing.iter().find(|(of, _)| *of == state.step).unwrap().1[0];
        assert_eq!(format!("{} {}", missing.field, missing.rule), words, "it is told beforehand");
    }

    fn change(&self, patch: &TenantPatch) {
        self.tx(|tx| tx.tenants().update(patch)).unwrap();
    }

    fn invite_owner(&self, name: &str) -> (UserId, InvitationToken) {
        self.house.pass(1);
        let (user, token) =
            self.house.db.store.as_operator(&self.tenant, |tx| invite(tx, &person(name, UserRole::Owner))).unwrap();
        (user.id, token)
    }

    fn words(&self, template: &str) {
        let patch = BusinessSettingsPatch { greeting_template: Some(template.to_owned()), ..BusinessSettingsPatch::default() };
        self.tx(|tx| tx.business_settings().update(&patch)).unwrap();
    }
}

#[test]
fn each_step_lacking_a_field_is_refused_until_the_fifth_is_done() {
    let site = Site::new();
    site.needs(1, "business_type is required");
    site.change(&TenantPatch { business_type: Patch::Set("cabs".to_owned()), ..TenantPatch::default() });
    site.needs(1, "business_address is required");
    site.change(&TenantPatch { business_address: Patch::Set("1 Main St".to_owned()), ..TenantPatch::default() });
    site.needs(1, "business_phone is required");
    site.change(&TenantPatch { business_phone: Patch::Set(unique_phone()), ..TenantPatch::default() });
    assert_eq!(site.complete(1).unwrap().step, OnboardingStep::OwnerVerified);

    site.needs(2, "owner is required: invite one");
    let (_, token) = site.invite_owner("cleo");
    site.needs(2, "owner must have accepted the invitation");
    site.house.auth.accept_invitation(&token.text(), &secret(PASSWORD)).unwrap();
    site.house.db.execute("UPDATE tenants SET estimated_job_min = 0");
    site.complete(2).unwrap();

    site.needs(3, "estimated_job_min must be above 0");
    site.change(&TenantPatch { estimated_job_min: Some(Decimal::from(80)), ..TenantPatch::default() });
    site.complete(3).unwrap();

    let number_words = "phone_number is required: provision one and wait until it is active";
    site.needs(4, number_words);
    let sid = Some(unique_sid("PN"));
    let intent = |sid: Option<String>| NewPhoneNumber {
        phone_number: unique_phone(),
        twilio_phone_sid: sid,
        locality: None,
        region: None,
        number_type: NumberType::Local,
        price: None,
    };
    site.tx(|tx| tx.phone_numbers().create(&intent(None))).unwrap();
    site.needs(4, number_words);
    let number = site.tx(|tx| tx.phone_numbers().create(&intent(sid.clone()))).unwrap().id;
    site.complete(4).unwrap();

    site.needs(5, "greeting_template must be reviewed as it is now");
    site.tx(|tx| tx.business_settings().review_greeting()).unwrap();
    site.words("{{business_name}} here, sorry to have missed you.");
    site.needs(5, "greeting_template must be reviewed as it is now");
    site.tx(|tx| tx.business_settings().review_greeting()).unwrap();
    let done = site.complete(5).unwrap();
    assert_eq!((done.step, done.completed), (OnboardingStep::GreetingReviewed, true));
    assert_eq!(site.state(), (5, true));

    // What is done stays done, however often it is asked for, and whatever is missing later on.
    site.tx(|tx| tx.phone_numbers().set_status(number, NumberStatus::Released)).unwrap();
    let before = site.house.everything();
    for step in [1, 2, 3, 4, 5, 5] {
        let state = site.complete(step).unwrap();
        assert!(state.completed && state.missing[3].1.len() == 1);
    }
    assert_eq!(site.house.everything(), before);
    assert_eq!(site.house.tx(|tx| tx.onboarding()).unwrap().step, OnboardingStep::BusinessDetails, "the other business's stays");
}

#[test]
fn a_step_that_is_behind_is_no_mistake_and_moves_nothing() {
    let site = Site::new();
    site.house.db.execute("UPDATE tenants SET onboarding_step = 3");
    for step in [1, 2] {
        assert_eq!(site.complete(step).unwrap().step, OnboardingStep::HoursAndPricing, "without asking again what {step} needs");
    }
    assert_eq!(site.state(), (3, false));
    let came = at_once(6, |_| site.house.db.store.tenant(&site.tenant, |tx| tx.complete_onboarding_step(STEPS[2])));
    assert!(came.into_iter().all(|came| came.is_ok()), "the first leaves it, the others find it left");
    assert_eq!(site.state(), (4, false), "one step, not six");
    for number in [0, 6, -1] {
        assert_eq!(OnboardingStep::numbered(number).unwrap_err().to_string(), "step must be between 1 and 5");
    }
    for (place, step) in STEPS.iter().enumerate() {
        assert_eq!(OnboardingStep::numbered(step.number()).unwrap(), *step);
        assert_eq!(step.number(), i32::try_from(place).unwrap() + 1);
    }
}

#[test]
fn owner_who_left_does_not_count_as_an_owner() {
    let site = Site::new();
    site.house.db.execute("UPDATE tenants SET onboarding_step = 2");
    assert!(site.house.tx(|tx| tx.complete_onboarding_step(STEPS[1])).is_ok(), "who registers is verified");
    let (first, token) = site.invite_owner("cleo");
    site.needs(2, "owner must have accepted the invitation");
    site.house.auth.accept_invitation(&token.text(), &secret(PASSWORD)).unwrap();
    let (second, token) = site.invite_owner("dora");
    let leave = || site.tx(|tx| tx.users().update(first, &UserPatch { is_active: Some(false), ..UserPatch::default() }));
    let alone = leave().unwrap_err().to_string();
    assert_eq!(alone, "user is the last owner; make another one first", "who was invited may never come");
    site.house.auth.accept_invitation(&token.text(), &secret(PASSWORD)).unwrap();
    leave().unwrap();
    assert_eq!(site.tx(|tx| tx.tenants().get()).unwrap().owner_id, Some(second));
    site.complete(2).unwrap();
}

#[test]
fn changed_greeting_is_reviewed_anew_and_the_same_is_not() {
    let site = Site::new();
    let reviewed = || site.tx(|tx| tx.business_settings().get()).unwrap().greeting_reviewed_at;
    assert_eq!(reviewed(), None);
    let words = "{{business_name}} here, sorry to have missed you.";
    site.words(words);
    let row = site.tx(|tx| tx.business_settings().review_greeting()).unwrap();
    let at = site.house.now();
    assert_eq!((row.greeting_reviewed_at, row.updated_at), (Some(at), at));
    site.words(words);
    site.words(&format!(" {words} "));
    let cooldown = BusinessSettingsPatch { greeting_cooldown_hours: Some(3), ..BusinessSettingsPatch::default() };
    site.tx(|tx| tx.business_settings().update(&cooldown)).unwrap();
    assert_eq!(reviewed(), Some(at), "it says what it said");
    site.words("{{business_name}} here, we call back.");
    assert_eq!(reviewed(), None);
    site.words(words);
    assert_eq!(reviewed(), None, "what was approved once and changed is reviewed again");
}

#[test]
fn a_suspended_business_keeps_its_place() {
    let site = Site::new();
    site.house.db.execute("UPDATE tenants SET onboarding_step = 3");
    let set = |to| site.house.db.store.system(Reason::Operations, |tx| tx.set_tenant_status(site.tenant.id(), to)).unwrap();
    set(TenantStatus::Suspended);
    assert_eq!(site.state(), (3, false));
    set(TenantStatus::Active);
    site.complete(3).unwrap();
    assert_eq!(site.state(), (4, false));
}
