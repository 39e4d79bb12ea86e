//! Takes in a business with its owner, its number and its settings: `cargo run -p nmc-core --example onboard`

mod support;

use nmc_core::numbers::{NewPhoneNumber, NumberFilter};
use nmc_core::people::NewUser;
use nmc_core::tenants::BusinessSettingsPatch;
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::onboard;
use nmc_core::{Error, NumberType, PageRequest, UserRole};
use uuid::Uuid;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (_server, store) = support::store()?;
    let run = Uuid::new_v4();

    // A business with default settings. `tenant` is the proof that lets us act for it: nothing else leads to its rows.
    let new = NewTenant {
        business_name: format!("Joe's Plumbing {run}"),
        business_type: Some("plumbing".to_owned()),
        timezone: Some("America/Chicago".parse()?),
        ..NewTenant::default()
    };
    let (tenant, row) = onboard(&store, &new)?;
    println!("onboarded {:?}, which is {} and keeps time in {}", row.business_name, row.status, row.timezone.as_str());

    // A name is taken once. Errors say which field, and why, in words that can be shown to anybody.
    match onboard(&store, &new) {
        Err(Error::Conflict { field, rule, .. }) => println!("once more: {field} {rule}"),
        other => return Err(format!("a second business of that name: {other:?}").into()),
    }

    // One transaction: the owner, the number, the settings, or none of them. It may be run again when it loses against another
    // one, so it does nothing but work in the database.
    let owner = NewUser {
        email: format!("joe+{run}@example.com").parse()?,
        password_hash: "$2b$12$made-by-your-login-service".to_owned(),
        first_name: Some("Joe".to_owned()),
        last_name: None,
        role: UserRole::Owner,
        email_verified: true,
    };
    let number = NewPhoneNumber {
        phone_number: format!("+1312{:07}", run.as_u128() % 10_000_000).parse()?,
        twilio_phone_sid: Some(format!("PN{}", run.simple())),
        locality: Some("Chicago".to_owned()),
        region: Some("IL".to_owned()),
        number_type: NumberType::Local,
        price: None,
    };
    let settings = BusinessSettingsPatch {
        greeting_template: Some("{{business_name}} here, sorry we missed you. What can we do for you?".to_owned()),
        ..BusinessSettingsPatch::default()
    };
    let (owner, number) = store.tenant(&tenant, |tx| {
        let owner = tx.users().create(&owner)?;
        let number = tx.phone_numbers().create(&number)?;
        tx.business_settings().update(&settings)?;
        Ok((owner, number))
    })?;
    println!("{} answers for {}, which is {}", owner.first_name.unwrap_or_default(), number.phone_number, number.status);

    let numbers = store.tenant(&tenant, |tx| tx.phone_numbers().list(&NumberFilter::default(), PageRequest::first()))?;
    println!("it holds {} number", numbers.items.len());
    Ok(())
}
