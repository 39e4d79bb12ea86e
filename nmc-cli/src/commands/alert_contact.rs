//! `nmc alert contact`: who hears of an alert that nobody sees to.

use super::user::{self, UserKey};
use crate::confirm::confirmed;
use crate::database::{tenant, token_keys};
use crate::error::CliResult;
use crate::input_file;
use crate::options::id::Key;
use crate::options::rule::RuleKey;
use crate::options::{DatabaseArgs, Format, FormatArg, PageArgs, TenantArg, TokenKeysArg, WebhookArgs, one_of};
use crate::output::{Columns, Kept, one_with_secret, time};
use clap::{Args, Subcommand};
use nmc_core::access::TokenKeys;
use nmc_core::alerts::{Address, EscalationContact, EscalationContactFilter, EscalationContactPatch, NewEscalationContact};
use nmc_core::delivery::{WebhookRules as _, WebhookSecrets};
use nmc_core::{ContactType, Error, EscalationContactId, Page, Patch, PhoneNumber, Result, Store, TenantTx};
use serde_json::{Value, json};
use std::path::Path;

/// The name of the list, which its cursors bear.
const LIST: &str = "escalation contacts";

#[derive(Subcommand)]
pub(crate) enum ContactCommand {
    /// List the contacts of a business, newest first
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only those of this rule alone, by its id or its exact name
        #[arg(long, value_name = "ID|NAME")]
        rule: Option<RuleKey>,
        /// Only those of this level
        #[arg(long, value_name = "N")]
        level: Option<i32>,
        /// Only those for all rules
        #[arg(long, conflicts_with = "rule")]
        global: bool,
        /// Only those that are used (true), or that are switched off (false)
        #[arg(long, value_name = "true|false")]
        active: Option<bool>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Add a contact
    Add(AddArgs),
    /// Change a contact; its type stays
    Set(SetArgs),
    /// Remove a contact; alerts that are open keep the contacts they have
    Remove(ContactArgs),
    /// Print the secret that signs what goes to a webhook, for its receiver alone: who has it can sign as you
    Secret(SecretArgs),
    /// Put another secret in the place of a webhook's, and print it; the one before signs beside it for 24 hours
    RotateSecret {
        #[command(flatten)]
        of: SecretArgs,
        /// Don't ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Have a contact hear of alerts again
    Enable(ContactArgs),
    /// Have a contact hear of no more alerts; those that are open keep it
    Disable(ContactArgs),
}

/// A contact to add.
#[derive(Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// What kind of contact it is; a user is told on the dashboard, by e-mail and, with a number in their profile, by text, as they want to be
    #[arg(long = "type", value_name = "TYPE", value_parser = one_of(ContactType::ALL, ContactType::label))]
    kind: ContactType,
    /// A person's id or e-mail, an e-mail address, a phone number, or the URL of a webhook; - reads it from standard input
    #[arg(value_name = "VALUE")]
    value: String,
    /// For this rule alone, by its id or its exact name [default: for all rules]
    #[arg(long, value_name = "ID|NAME")]
    rule: Option<RuleKey>,
    /// The level at which it hears of an alert: the first is 1
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=1_000))]
    level: i32,
    #[command(flatten)]
    webhooks: WebhookArgs,
    #[command(flatten)]
    format: FormatArg,
}

/// What is to become of a contact: one change at least must be said.
#[derive(Args)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    contact: ContactArgs,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    webhooks: WebhookArgs,
}

/// Changes of a contact.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Change {
    /// Another person, address, number or URL, as its type has it; - reads it from standard input
    #[arg(long, value_name = "VALUE")]
    value: Option<String>,
    /// Another level at which it hears of an alert
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=1_000))]
    level: Option<i32>,
    /// For this rule alone, by its id or its exact name
    #[arg(long, value_name = "ID|NAME", conflicts_with = "all_rules")]
    rule: Option<RuleKey>,
    /// For all rules
    #[arg(long)]
    all_rules: bool,
}

/// Which webhook of which business, and the keys of which its secret is made.
#[derive(Args)]
pub(crate) struct SecretArgs {
    #[command(flatten)]
    contact: ContactArgs,
    #[command(flatten)]
    token_keys: TokenKeysArg,
}

/// Which contact of which business.
#[derive(Args)]
pub(crate) struct ContactArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The contact's id or the end of it
    #[arg(value_name = "ID")]
    contact: Key<EscalationContactId>,
    #[command(flatten)]
    format: FormatArg,
}

fn find_contact(tx: &mut TenantTx<'_>, key: &Key<EscalationContactId>) -> Result<EscalationContactId> {
    let list = |page| tx.escalation_contacts().list(&EscalationContactFilter::default(), page);
    key.find("contact", |row: &EscalationContact| row.id, list)
}

/// A contact with its rule's name and, if it is a person, their e-mail.
struct Listed {
    row: EscalationContact,
    rule: Option<String>,
    value: Value,
}

const COLUMNS: Columns<Listed> = Columns(&[
    ("id", |listed| json!(listed.row.id)),
    ("level", |listed| json!(listed.row.escalation_level)),
    ("type", |listed| json!(listed.row.contact_type)),
    ("value", |listed| listed.value.clone()),
    ("rule", |listed| json!(listed.rule)),
    ("is_active", |listed| json!(listed.row.is_active)),
    ("created_at", |listed| time(listed.row.created_at)),
    ("retired_at", |listed| json!(listed.row.retired_at.map(time))),
    ("rule_id", |listed| json!(listed.row.rule_id)),
]);

const KEPT: Kept = &["id", "value", "level", "type", "is_active", "retired_at", "rule"];

/// The longest input that can hold an address, and blanks around it.
const LONGEST: usize = 1_024;

/// An address. Of a webhook the host alone: the rest of its URL may be its password.
pub(super) fn shown(is_webhook: bool, address: &Address) -> Value {
    if is_webhook { json!(address.masked()) } else { json!(address.as_str()) }
}

pub(super) fn run(args: &DatabaseArgs, store: &Store, command: ContactCommand) -> CliResult<()> {
    match command {
        ContactCommand::List { tenant: key, rule, level, global, active, page } => {
            let proof = tenant(store, &key.tenant)?;
            let request = page.of(LIST)?;
            let rows = store.as_operator(&proof, |tx| {
                let rule = rule.as_ref().map(|key| key.get(tx)).transpose()?.map(|rule| rule.id);
                let filter = EscalationContactFilter { rule, level, global: global.then_some(true), is_active: active };
                let rows = tx.escalation_contacts().list(&filter, request)?;
                let items = rows.items.into_iter().map(|row| listed(tx, row)).collect::<Result<_>>()?;
                Ok(Page { items, next: rows.next })
            })?;
            COLUMNS.page_keeping(KEPT, LIST, page.format.format, &rows)
        }
        ContactCommand::Add(args) => add(store, &args),
        ContactCommand::Set(args) => set(store, &args),
        ContactCommand::Remove(args) => {
            let proof = tenant(store, &args.tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| {
                let id = find_contact(tx, &args.contact)?;
                let row = tx.escalation_contacts().get(id)?;
                tx.escalation_contacts().delete(id)?;
                listed(tx, row)
            })?;
            COLUMNS.one(args.format.format, &row)
        }
        ContactCommand::Secret(of) => print_secret(args, store, &of, |tx, id| tx.escalation_contacts().get(id)),
        ContactCommand::RotateSecret { of, yes } => {
            ask(store, &of.contact, yes)?;
            print_secret(args, store, &of, |tx, id| tx.escalation_contacts().rotate_secret(id))
        }
        ContactCommand::Enable(args) => set_active(store, &args, true),
        ContactCommand::Disable(args) => set_active(store, &args, false),
    }
}

/// Asks before a webhook gets another secret. The webhook is looked up first.
fn ask(store: &Store, of: &ContactArgs, yes: bool) -> CliResult<()> {
    let proof = tenant(store, &of.tenant.tenant)?;
    let row = store.as_operator(&proof, |tx| {
        let id = find_contact(tx, &of.contact)?;
        let row = tx.escalation_contacts().get(id)?;
        row.must_be_webhook()?;
        Ok(row)
    })?;
    let what = format!(
        "This puts another secret in the place of that of {}: its receiver must know the new one within 24 hours",
        row.contact_value.masked()
    );
    drop(confirmed(yes, &what)?);
    Ok(())
}

/// Prints a webhook with its secret, once `work` is done with it.
fn print_secret(
    args: &DatabaseArgs,
    store: &Store,
    of: &SecretArgs,
    work: impl Fn(&mut TenantTx<'_>, EscalationContactId) -> Result<EscalationContact>,
) -> CliResult<()> {
    let SecretArgs { contact: ContactArgs { tenant: key, contact, format }, token_keys: named } = of;
    let proof = tenant(store, &key.tenant)?;
    let keys = TokenKeys::open(&token_keys(args, named)?, store.now())?;
    let (row, secrets, versions) = store.as_operator(&proof, |tx| {
        let id = find_contact(tx, contact)?;
        let row = work(tx, id)?;
        row.must_be_webhook()?;
        let versions = tx.escalation_contacts().secret_versions(&row.contact_value)?;
        let secrets = WebhookSecrets::derive(&keys, row.tenant_id, row.contact_value.as_str(), versions);
        Ok((listed(tx, row)?, secrets, versions))
    })?;
    let secret = secrets.newest().ok_or(Error::NotFound { entity: "secret" })?;
    one_with_secret(format.format, &COLUMNS, &row, &[("secret", secret)])?;
    eprintln!("this is a secret: who has it can sign as you; hand it to the receiver alone");
    if let Some(until) = versions.before_until {
        eprintln!("the one before signs, too, until {}", until.format("%Y-%m-%d %H:%M UTC"));
    }
    Ok(())
}

/// The value of a contact, as far as it is known without the database.
enum Typed {
    Person(UserKey),
    Address(Address),
}

impl Typed {
    fn read(kind: ContactType, text: &str) -> Result<Self> {
        Ok(match kind {
            ContactType::User => Self::Person(text.parse()?),
            ContactType::Phone => Self::Address(Address::new(PhoneNumber::typed(text)?.as_str())),
            ContactType::Email | ContactType::Webhook => Self::Address(Address::new(text)),
        })
    }

    fn address(&self, tx: &mut TenantTx<'_>) -> Result<Address> {
        match self {
            Self::Person(key) => Ok(Address::new(user::get(tx, key)?.id.to_string())),
            Self::Address(address) => Ok(address.clone()),
        }
    }
}

/// A value as it was typed, or stands on standard input. The line that is read ends with a line break.
fn typed(option: &str, value: &str) -> CliResult<String> {
    if value == "-" { Ok(input_file::text(option, Path::new("-"), LONGEST)?.trim().to_owned()) } else { Ok(value.to_owned()) }
}

/// Prints a contact that was written, and what is to be known about it.
fn print(format: Format, row: &Listed, hint: Option<String>) -> CliResult<()> {
    COLUMNS.one(format, row)?;
    if let Some(hint) = hint {
        eprintln!("{hint}");
    }
    Ok(())
}

fn set(store: &Store, args: &SetArgs) -> CliResult<()> {
    let SetArgs { contact, change, webhooks } = args;
    let of_value = |error: Error| {
        error.renamed(&[("contact_value", "--value"), ("phone number", "--value"), ("email", "--value"), ("rule_id", "--rule")])
    };
    let value = change.value.as_deref().map(|value| typed("--value", value)).transpose()?;
    let proof = tenant(store, &contact.tenant.tenant)?;
    let row = store.as_operator(&proof, |tx| {
        let id = find_contact(tx, &contact.contact)?;
        let before = tx.escalation_contacts().lock(id)?;
        let read = value.as_deref().map(|value| Typed::read(before.contact_type, value)).transpose()?;
        let rule = change.rule.as_ref().map(|key| key.get(tx)).transpose()?.map(|rule| rule.id);
        let patch = EscalationContactPatch {
            rule_id: if change.all_rules { Patch::Clear } else { rule.map_or(Patch::Keep, Patch::Set) },
            escalation_level: change.level,
            contact_value: read.map(|value| value.address(tx)).transpose()?,
            ..EscalationContactPatch::default()
        };
        let row = tx.escalation_contacts().update(id, &patch)?;
        if row.contact_type == ContactType::Webhook && patch.contact_value.is_some() {
            webhooks.policy().must_be_sendable(row.contact_value.as_str())?;
        }
        let hint = told_how(tx, &row)?;
        Ok((listed(tx, row)?, hint))
    });
    let (row, hint) = row.map_err(of_value)?;
    print(contact.format.format, &row, hint)
}

fn add(store: &Store, args: &AddArgs) -> CliResult<()> {
    let of_value = |error: Error| {
        error.renamed(&[("contact_value", "VALUE"), ("phone number", "VALUE"), ("email", "VALUE"), ("rule_id", "--rule")])
    };
    let value = Typed::read(args.kind, &typed("VALUE", &args.value)?).map_err(of_value)?;
    let proof = tenant(store, &args.tenant.tenant)?;
    let row = store.as_operator(&proof, |tx| {
        let new = NewEscalationContact {
            rule_id: args.rule.as_ref().map(|key| key.get(tx)).transpose()?.map(|rule| rule.id),
            escalation_level: args.level,
            contact_type: args.kind,
            contact_value: value.address(tx)?,
            is_active: true,
        };
        let row = tx.escalation_contacts().create(&new)?;
        if row.contact_type == ContactType::Webhook {
            args.webhooks.policy().must_be_sendable(row.contact_value.as_str())?;
        }
        let hint = told_how(tx, &row)?;
        Ok((listed(tx, row)?, hint))
    });
    let (row, hint) = row.map_err(of_value)?;
    print(args.format.format, &row, hint)
}

/// How a person is told, which their preferences say, and what keeps a contact from being told.
fn told_how(tx: &mut TenantTx<'_>, row: &EscalationContact) -> Result<Option<String>> {
    let channels = tx.escalation_contacts().channels(row.id)?;
    let by: Vec<&str> = channels.iter().map(|channel| channel.label()).collect();
    let by = (row.contact_type == ContactType::User && !by.is_empty()).then(|| format!("told by {}", by.join(", ")));
    let said: Vec<String> = by.into_iter().chain(tx.escalation_contact_warnings(row.id)?).collect();
    Ok((!said.is_empty()).then(|| said.join("; ")))
}

fn set_active(store: &Store, args: &ContactArgs, is_active: bool) -> CliResult<()> {
    let proof = tenant(store, &args.tenant.tenant)?;
    let patch = EscalationContactPatch { is_active: Some(is_active), ..EscalationContactPatch::default() };
    let row = store.as_operator(&proof, |tx| {
        let id = find_contact(tx, &args.contact)?;
        let row = tx.escalation_contacts().update(id, &patch)?;
        listed(tx, row)
    })?;
    COLUMNS.one(args.format.format, &row)
}

fn listed(tx: &mut TenantTx<'_>, row: EscalationContact) -> Result<Listed> {
    let rule = row.rule_id.map(|id| tx.alert_rules().get(id)).transpose()?.map(|rule| rule.name);
    let person = match (row.contact_type, row.contact_value.as_str().parse()) {
        (ContactType::User, Ok(id)) => tx.users().find(id)?.map(|user| json!(user.email)),
        _ => None,
    };
    let value = person.unwrap_or_else(|| shown(row.contact_type == ContactType::Webhook, &row.contact_value));
    Ok(Listed { row, rule, value })
}
