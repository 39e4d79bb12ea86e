//! `nmc tenant onboard`: by options, from a file, or by asking.

mod dialogue;
mod file;

use super::serve::hasher;
use super::tenant::BusinessArgs;
use super::{tenant, user};
use crate::database::Database;
use crate::error::{CliError, CliResult};
use crate::options::{DatabaseArgs, Format, FormatArg};
use crate::output::{use_zone, write_json};
use crate::{password, prompt};
use clap::Args;
use nmc_core::access::{Authenticator, Hasher, LoginPolicy, TokenKeys};
use nmc_core::people::User;
use nmc_core::tenants::{NewTenant, TenantRow};
use nmc_core::workflows::{Registration, onboard};
use nmc_core::{Email, Error, PhoneNumber, Secret, Store, Timezone};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A business, and who owns it.
#[derive(Args)]
pub(crate) struct OnboardArgs {
    #[command(flatten)]
    pub(crate) business: BusinessArgs,

    /// Its owner's e-mail, with which they log in; without one, an owner can be invited later
    #[arg(long, value_name = "EMAIL")]
    pub(crate) owner_email: Option<Email>,
    /// Its owner's given name
    #[arg(long, value_name = "NAME")]
    pub(crate) owner_first_name: Option<String>,
    /// Its owner's family name
    #[arg(long, value_name = "NAME")]
    pub(crate) owner_last_name: Option<String>,
    /// Where to reach its owner
    #[arg(long, value_name = "NUMBER", value_parser = PhoneNumber::typed)]
    pub(crate) owner_phone: Option<PhoneNumber>,
    /// A file whose first line is the owner's password, or - for standard input; at a terminal it is asked for
    #[arg(long, value_name = "FILE")]
    pub(crate) owner_password_file: Option<PathBuf>,

    /// A name for this registration: repeated with it, the business is not taken in twice but shown again
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// A TOML file that says all this; options win over it
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

pub(crate) fn run(args: &DatabaseArgs, onboard: OnboardArgs) -> CliResult {
    let (key, format) = (onboard.key.clone(), onboard.format.format);
    let draft = Draft::of(onboard)?;
    // What can't be carried out is told before a database is looked for; somebody who is asked hears of that first.
    let asking = draft.name.is_none() && prompt::is_somebody_there();
    let plan = if asking { None } else { Some(draft.complete(key.clone())?) };
    let database = Database::open(args)?;
    let store = database.store()?;
    let made = match plan {
        Some(plan) => plan.carry_out(&store)?,
        None => dialogue::hold(&store, &draft, key)?,
    };
    made.print(format)?;
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

/// The facts known of a business and its owner.
#[derive(Default)]
struct Draft {
    name: Option<String>,
    phone: Option<PhoneNumber>,
    address: Option<String>,
    trade: Option<String>,
    timezone: Option<Timezone>,
    owner_email: Option<Email>,
    owner_first_name: Option<String>,
    owner_last_name: Option<String>,
    owner_phone: Option<PhoneNumber>,
    owner_password_file: Option<PathBuf>,
}

impl Draft {
    /// Options win over the file.
    fn of(args: OnboardArgs) -> CliResult<Self> {
        let file = args.from.as_deref().map(file::read).transpose()?.unwrap_or_default();
        Ok(Self {
            name: args.business.name.or(file.name),
            phone: args.business.phone.or(file.phone),
            address: args.business.address.or(file.address),
            trade: args.business.trade.or(file.trade),
            timezone: args.business.timezone.or(file.timezone),
            owner_email: args.owner_email.or(file.owner_email),
            owner_first_name: args.owner_first_name.or(file.owner_first_name),
            owner_last_name: args.owner_last_name.or(file.owner_last_name),
            owner_phone: args.owner_phone.or(file.owner_phone),
            owner_password_file: args.owner_password_file.or(file.owner_password_file),
        })
    }

    fn complete(&self, key: Option<String>) -> CliResult<Plan> {
        let usage = |text: &str| CliError::Usage(text.to_owned());
        let business_name = self.name.clone().ok_or_else(|| usage("--name is required where nobody can be asked"))?;
        let plan = Plan {
            business: NewTenant {
                business_name,
                business_phone: self.phone.clone(),
                business_address: self.address.clone(),
                business_type: self.trade.clone(),
                timezone: self.timezone,
            },
            owner: self.owner()?,
            key,
        };
        plan.must_have_owner_for_key()?;
        Ok(plan)
    }

    fn owner(&self) -> CliResult<Option<Owner>> {
        let required = |option: &str| CliError::Usage(format!("{option} is required, as other options of the owner are given"));
        let is_some = self.owner_email.is_some()
            || self.owner_first_name.is_some()
            || self.owner_last_name.is_some()
            || self.owner_phone.is_some()
            || self.owner_password_file.is_some();
        if !is_some {
            return Ok(None);
        }
        Ok(Some(Owner {
            email: self.owner_email.clone().ok_or_else(|| required("--owner-email"))?,
            first_name: self.owner_first_name.clone().ok_or_else(|| required("--owner-first-name"))?,
            last_name: self.owner_last_name.clone().ok_or_else(|| required("--owner-last-name"))?,
            phone: self.owner_phone.clone(),
            // The last, so that nobody types a password in vain.
            password: self.password()?,
        }))
    }

    fn password(&self) -> CliResult<Secret> {
        match self.owner_password_file.as_deref() {
            Some(file) if file != Path::new("-") || !prompt::is_somebody_there() => {
                password::from_file("--owner-password-file", file)
            }
            _ if prompt::is_somebody_there() => password::typed("Its owner's"),
            _ => Err(CliError::Usage("--owner-password-file is required where nobody can be asked".to_owned())),
        }
    }
}

struct Owner {
    email: Email,
    first_name: String,
    last_name: String,
    phone: Option<PhoneNumber>,
    password: Secret,
}

/// A business to take in, complete.
struct Plan {
    business: NewTenant,
    owner: Option<Owner>,
    key: Option<String>,
}

impl Plan {
    fn must_have_owner_for_key(&self) -> CliResult<()> {
        if self.key.is_some() && self.owner.is_none() {
            return Err(CliError::Usage("--key needs an owner (--owner-email): without one, the name is the key".to_owned()));
        }
        Ok(())
    }

    fn carry_out(&self, store: &Store) -> CliResult<Made> {
        let Some(owner) = &self.owner else {
            let (_, business) = onboard(store, &self.business)?;
            return Ok(Made { business, owner: None, is_new: true });
        };
        let registration = Registration {
            business: self.business.clone(),
            email: owner.email.clone(),
            password: owner.password.clone(),
            first_name: owner.first_name.clone(),
            last_name: owner.last_name.clone(),
            phone_number: owner.phone.clone(),
        };
        // No token is handed out here: a key for none does.
        let keys = TokenKeys::ephemeral(store.now())?;
        let authenticator = Authenticator::new(store.clone(), hasher(Hasher::COST)?, keys, LoginPolicy::default());
        let made = authenticator.register_approved(&registration, self.key.as_deref()).map_err(|error| match error {
            Error::Conflict { field: "Idempotency-Key", rule, .. } => CliError::Usage(format!("--key {rule}")),
            Error::Invalid { field, rule, .. } if field == "Idempotency-Key" => CliError::Usage(format!("--key {rule}")),
            other => other.into(),
        })?;
        Ok(Made { business: made.business, owner: Some(made.owner), is_new: made.is_new })
    }
}

/// A business that was taken in, now or before.
struct Made {
    business: TenantRow,
    owner: Option<User>,
    is_new: bool,
}

impl Made {
    fn print(&self, format: Format) -> CliResult<()> {
        use_zone(self.business.timezone);
        if !self.is_new {
            eprintln!("this --key has been used for it before: nothing was done");
        }
        if self.owner.is_none() {
            eprintln!("it has no owner yet: nmc user invite --tenant {} --role owner …", self.business.id);
        }
        match (format, &self.owner) {
            (Format::Json, owner) => {
                let mut document = tenant::COLUMNS.json(&self.business);
                if let (Value::Object(fields), Some(owner)) = (&mut document, owner) {
                    fields.insert("owner".to_owned(), json!(user::COLUMNS.json(owner)));
                }
                write_json(&document)
            }
            (Format::Table, owner) => {
                tenant::COLUMNS.one(format, &self.business)?;
                let Some(owner) = owner else { return Ok(()) };
                writeln!(std::io::stdout())?;
                user::COLUMNS.one(format, owner)
            }
        }
    }
}
