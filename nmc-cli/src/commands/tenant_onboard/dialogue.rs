//! `nmc tenant onboard` at a terminal: everything is asked for, shown once more, and then done. Until then nothing is
//! written, so that Ctrl-C leaves nothing behind.

use super::{Draft, Made, Owner, Plan};
use crate::confirm::confirmed;
use crate::error::{CliError, CliResult};
use crate::{password, prompt};
use nmc_core::store::Reason;
use nmc_core::tenants::NewTenant;
use nmc_core::{Error, PhoneNumber, Store};
use std::str::FromStr;

/// Asks for everything, with what is known already as what an empty answer stands for, and does it.
pub(super) fn hold(store: &Store, known: &Draft, key: Option<String>) -> CliResult<Made> {
    eprintln!("Taking in a business. What is in [brackets] stands if nothing is typed; Ctrl-C leaves all as it is.");
    let mut plan = Plan {
        business: NewTenant {
            business_name: name(store, known.name.as_deref())?,
            business_phone: phone(
                "The phone it has had so far, where calls go on ringing, like +1 312 555 0199 (may be left out)",
                &known.phone,
            )?,
            business_address: optional("Its address (may be left out)", &known.address)?,
            business_type: optional("Its trade, like plumbing (may be left out)", &known.trade)?,
            timezone: optional("Its zone, like America/Chicago (may be left out)", &known.timezone)?,
        },
        owner: owner(known)?,
        key,
    };
    loop {
        if plan.key.is_some() {
            plan.must_have_owner_for_key()?;
        }
        show(&plan);
        drop(confirmed(false, "This takes the business in")?);
        // What only the database knows (names and addresses that are taken) is asked once more, and the rest stays.
        let (field, why) = match plan.carry_out(store) {
            Err(CliError::Core(error @ Error::Invalid { .. })) => (field(&error), error.to_string()),
            Err(CliError::Core(error @ Error::Conflict { .. })) => (field(&error), error.to_string()),
            result => return result,
        };
        eprintln!("  {why}");
        if !ask_again(store, &mut plan, &field)? {
            return Err(CliError::Usage("nothing was done".to_owned()));
        }
    }
}

fn field(error: &Error) -> String {
    match error {
        Error::Invalid { field, .. } => field.to_string(),
        Error::Conflict { field, .. } => (*field).to_owned(),
        _ => String::new(),
    }
}

fn ask_again(store: &Store, plan: &mut Plan, field: &str) -> CliResult<bool> {
    let business = &mut plan.business;
    match (field, &mut plan.owner) {
        ("business_name", _) => business.business_name = name(store, None)?,
        ("business_phone", _) => {
            business.business_phone = phone("The phone it has had so far, where calls go on ringing (may be left out)", &None)?
        }
        ("business_address", _) => business.business_address = optional("Its address (may be left out)", &None)?,
        ("business_type", _) => business.business_type = optional("Its trade (may be left out)", &None)?,
        ("email", Some(owner)) => owner.email = required("Its owner's e-mail", &None)?,
        ("first_name", Some(owner)) => owner.first_name = required("Its owner's given name", &None)?,
        ("last_name", Some(owner)) => owner.last_name = required("Its owner's family name", &None)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn name(store: &Store, known: Option<&str>) -> CliResult<String> {
    prompt::ask("Its name, as greetings call it", known, |answer| {
        if answer.is_empty() {
            return Err("a business needs a name".to_owned());
        }
        let taken = store.system(Reason::Operations, |tx| tx.find_tenant_by_name(answer));
        match taken.map_err(|error| error.to_string())? {
            Some(_) => Err("there is a business of that name already".to_owned()),
            None => Ok(answer.to_owned()),
        }
    })
}

fn owner(known: &Draft) -> CliResult<Option<Owner>> {
    let Some(email) =
        optional("Its owner's e-mail, to log in with (left out, an owner can be invited later)", &known.owner_email)?
    else {
        return Ok(None);
    };
    Ok(Some(Owner {
        email,
        first_name: required("Its owner's given name", &known.owner_first_name)?,
        last_name: required("Its owner's family name", &known.owner_last_name)?,
        phone: phone("Where to reach its owner, like +1 312 555 0198 (may be left out)", &known.owner_phone)?,
        password: match &known.owner_password_file {
            Some(_) => known.password()?,
            None => password::typed("Its owner's")?,
        },
    }))
}

fn required<T: FromStr<Err: ToString> + ToString>(question: &str, known: &Option<T>) -> CliResult<T> {
    prompt::ask(question, known.as_ref().map(T::to_string).as_deref(), |answer| match answer {
        "" => Err("this can't be left out".to_owned()),
        answer => answer.parse().map_err(|error: T::Err| error.to_string()),
    })
}

fn optional<T: FromStr<Err: ToString> + ToString>(question: &str, known: &Option<T>) -> CliResult<Option<T>> {
    optional_as(question, known, str::parse)
}

fn phone(question: &str, known: &Option<PhoneNumber>) -> CliResult<Option<PhoneNumber>> {
    optional_as(question, known, PhoneNumber::typed)
}

fn optional_as<T: ToString, E: ToString>(
    question: &str,
    known: &Option<T>,
    read: fn(&str) -> Result<T, E>,
) -> CliResult<Option<T>> {
    prompt::ask(question, known.as_ref().map(T::to_string).as_deref(), |answer| match answer {
        "" => Ok(None),
        answer => read(answer).map(Some).map_err(|error| error.to_string()),
    })
}

/// Shows what is going to be done, but for the password.
fn show(plan: &Plan) {
    fn or_dash<T: ToString>(value: &Option<T>) -> String {
        value.as_ref().map_or_else(|| "–".to_owned(), T::to_string)
    }
    let business = &plan.business;
    let mut lines = vec![
        ("name", business.business_name.clone()),
        ("phone", or_dash(&business.business_phone)),
        ("address", or_dash(&business.business_address)),
        ("trade", or_dash(&business.business_type)),
        ("timezone", or_dash(&business.timezone)),
    ];
    match &plan.owner {
        None => lines.push(("owner", "none yet".to_owned())),
        Some(owner) => lines.extend([
            ("owner", format!("{} {}", owner.first_name, owner.last_name)),
            ("owner's e-mail", owner.email.to_string()),
            ("owner's phone", or_dash(&owner.phone)),
        ]),
    }
    eprintln!();
    for (what, value) in lines {
        eprintln!("  {what:14}  {value}");
    }
    eprintln!();
}
