//! `nmc conversation`.

use super::conversation_edit::{EditArgs, OpenArgs};
use super::conversation_list::{self, ListArgs, Listed};
use super::conversation_reply::{self, ReplyArgs, in_doubt, words};
use super::customer::tell_erased;
use super::export::{self, OutputArg};
use super::user::{self, UserKey};
use crate::confirm::confirmed;
use crate::database::{Database, business, tenant};
use crate::error::CliResult;
use crate::options::conversation::ConversationArgs;
use crate::options::moment::SpanArgs;
use crate::options::{DatabaseArgs, Format, TenantArg, UploadsArg, one_of};
use crate::output::{plain, write_json};
use crate::transcript::Transcript;
use clap::{Subcommand, ValueEnum};
use nmc_core::access::Acting;
use nmc_core::conversations::{ConversationFilter, ReviewDecision, settle_review};
use nmc_core::workflows::{Export, erase_conversation};
use nmc_core::{ConversationId, ConversationPriority, Page, Result, Store, Tenant, TenantTx, Uploads};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum ConversationCommand {
    /// List the conversations of a business, newest first
    List(Box<ListArgs>),
    /// Show a conversation: its calls, texts and notes, in the order they happened
    Show {
        #[command(flatten)]
        target: ConversationArgs,
        /// Show the whole log: also who was given it when, and every change
        #[arg(long)]
        events: bool,
    },
    /// Open a conversation with a customer who has no open one
    Open(Box<OpenArgs>),
    /// Change what is known about a conversation's customer and subject
    Edit(Box<EditArgs>),
    /// Mark a conversation as read by somebody; an operator reads nothing
    Read {
        #[command(flatten)]
        target: ConversationArgs,
        /// Who has read it, by id or e-mail
        #[arg(long, value_name = "ID|EMAIL")]
        user: UserKey,
    },
    /// Export the conversations of a business, with their logs and texts, as JSON lines: `record` says what each is, and the last one of a
    /// whole export is an `end`
    Export {
        #[command(flatten)]
        tenant: TenantArg,
        #[command(flatten)]
        opened: SpanArgs,
        #[command(flatten)]
        output: OutputArg,
    },
    /// Delete a conversation for good, with its texts and calls. The customer's decisions about being texted stay
    Delete {
        #[command(flatten)]
        tenant: TenantArg,
        /// The conversation's id: a customer may have several
        #[arg(value_name = "ID")]
        conversation: ConversationId,
        #[command(flatten)]
        uploads: UploadsArg,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Send the customer a text
    Reply(ReplyArgs),
    /// Give a conversation to somebody
    Assign {
        #[command(flatten)]
        target: ConversationArgs,
        /// Who looks after it from now on: their id or their e-mail
        #[arg(value_name = "ID|EMAIL")]
        user: UserKey,
    },
    /// Take a conversation from whoever has it
    Unassign(ConversationArgs),
    /// Say that a conversation's matter is settled
    Resolve(ConversationArgs),
    /// Put a conversation away
    Close(ConversationArgs),
    /// Take up the matter of a conversation that is not open any more, in a new one
    Reopen(ConversationArgs),
    /// Note something for the others; the customer does not see it
    Note {
        #[command(flatten)]
        target: ConversationArgs,
        /// The note, up to 10,000 characters; - reads it from standard input
        #[arg(value_name = "TEXT", required_unless_present = "file")]
        text: Option<String>,
        /// Read the note from this file
        #[arg(long, value_name = "FILE", conflicts_with = "text")]
        file: Option<PathBuf>,
        /// Your own id of this note: repeated with the same one, it is added once [default: a new one each time]
        #[arg(long, value_name = "KEY")]
        client_key: Option<String>,
    },
    /// Add tags
    Tag {
        #[command(flatten)]
        target: ConversationArgs,
        /// The tags, up to 50 characters each
        #[arg(required = true, value_name = "TAG")]
        tags: Vec<String>,
    },
    /// Take tags away
    Untag {
        #[command(flatten)]
        target: ConversationArgs,
        /// The tags
        #[arg(required = true, value_name = "TAG")]
        tags: Vec<String>,
    },
    /// Say how urgent a conversation is
    Priority {
        #[command(flatten)]
        target: ConversationArgs,
        /// How urgent
        #[arg(value_parser = one_of(ConversationPriority::ALL, ConversationPriority::label))]
        priority: ConversationPriority,
    },
    /// Say whether a text that may be an opt-out was one; until then the person gets no automatic text
    Settle {
        #[command(flatten)]
        target: ConversationArgs,
        /// Whether it was an opt-out
        #[arg(long, value_enum)]
        decision: Verdict,
        /// Why
        #[arg(long)]
        note: Option<String>,
    },
}

/// What staff make of a text that may be an opt-out.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verdict {
    /// It was one: it is recorded for the person
    OptOut,
    /// It was none: automatic texts go on
    None,
}

/// The longest file that can hold a note of 10,000 characters, and blanks around it.
const LONGEST_NOTE: usize = 65_536;

pub(crate) fn run(args: &DatabaseArgs, command: ConversationCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    let code = dispatch(&database, &store, command)?;
    drop(store);
    database.close()?;
    Ok(code)
}

fn dispatch(database: &Database, store: &Store, command: ConversationCommand) -> CliResult {
    match command {
        ConversationCommand::List(args) => conversation_list::run(store, &args)?,
        ConversationCommand::Export { tenant: key, opened, output } => {
            let (proof, zone) = business(store, &key.tenant)?;
            let span = opened.instants(zone)?;
            let filter = ConversationFilter { from: span.from, until: span.until, ..ConversationFilter::default() };
            export::run(store, &proof, |tx| Export::of_conversations(tx, filter.clone()), &output)?;
        }
        ConversationCommand::Delete { tenant: key, conversation, uploads, yes } => {
            let uploads = uploads.place(&database.home()?);
            delete(store, &tenant(store, &key.tenant)?, conversation, &uploads, yes)?;
        }
        ConversationCommand::Reply(args) => return conversation_reply::run(store, &args),
        ConversationCommand::Show { target, events } => {
            let (proof, id) = find(store, &target)?;
            let mut transcript = Transcript::read(store, &proof, id)?;
            transcript.with_all_events(events);
            print(&transcript, target.format.format)?;
        }
        ConversationCommand::Settle { target, decision, note } => {
            let (proof, id) = find(store, &target)?;
            let decision = match decision {
                Verdict::OptOut => ReviewDecision::OptOut,
                Verdict::None => ReviewDecision::NoOptOut,
            };
            settle_review(store, &Acting::Operator(proof), id, decision, note.as_deref())?;
            print(&Transcript::read(store, &proof, id)?, target.format.format)?;
        }
        ConversationCommand::Open(args) => {
            let (proof, new) = (tenant(store, &args.tenant.tenant)?, args.conversation());
            let rows = store.as_operator(&proof, |tx| {
                let id = tx.open_conversation(&new)?.id;
                row(tx, id)
            })?;
            print_rows(&rows, args.format.format)?;
        }
        ConversationCommand::Edit(args) => {
            let patch = args.patch()?;
            step(store, &args.target, |tx, id| tx.conversations().update(id, &patch).map(|row| row.id))?;
        }
        ConversationCommand::Read { target, user } => {
            let (proof, id) = find(store, &target)?;
            let reader = store.as_operator(&proof, |tx| user::get(tx, &user))?.id;
            let rows = store.tenant_on_behalf_of(&proof, reader, |tx| {
                tx.conversation_reads().mark(id)?;
                row(tx, id)
            })?;
            print_rows(&rows, target.format.format)?;
        }
        ConversationCommand::Assign { target, user } => step(store, &target, |tx, id| {
            let user = user::get(tx, &user)?.id;
            tx.conversations().assign(id, Some(user)).map(|row| row.id)
        })?,
        ConversationCommand::Unassign(target) => {
            step(store, &target, |tx, id| tx.conversations().assign(id, None).map(|row| row.id))?
        }
        ConversationCommand::Resolve(target) => step(store, &target, |tx, id| tx.conversations().resolve(id).map(|row| row.id))?,
        ConversationCommand::Close(target) => step(store, &target, |tx, id| tx.conversations().close(id).map(|row| row.id))?,
        ConversationCommand::Reopen(target) => step(store, &target, |tx, id| tx.conversations().reopen(id).map(|row| row.id))?,
        ConversationCommand::Note { target, text, file, client_key } => {
            let note = words(text.as_deref(), file.as_deref(), LONGEST_NOTE)?;
            add_note(store, &target, &note, client_key)?;
        }
        ConversationCommand::Tag { target, tags } => step(store, &target, |tx, id| {
            tags.iter().try_for_each(|tag| tx.conversations().add_tag(id, tag).map(drop)).map(|()| id)
        })?,
        ConversationCommand::Untag { target, tags } => step(store, &target, |tx, id| {
            tags.iter().try_for_each(|tag| tx.conversations().remove_tag(id, tag).map(drop)).map(|()| id)
        })?,
        ConversationCommand::Priority { target, priority } => {
            step(store, &target, |tx, id| tx.conversations().set_priority(id, priority).map(|row| row.id))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn find(store: &Store, target: &ConversationArgs) -> CliResult<(Tenant, ConversationId)> {
    let proof = tenant(store, &target.tenant.tenant)?;
    Ok((proof, target.conversation.find(store, &proof)?))
}

fn delete(store: &Store, proof: &Tenant, id: ConversationId, uploads: &Uploads, yes: bool) -> CliResult<()> {
    let row = store.as_operator(proof, |tx| tx.conversations().get(id))?;
    let whose = plain(row.customer_phone.as_str());
    let what = "with its texts and calls, for good; decisions about being texted stay, and what Twilio and backups have";
    let yes = confirmed(yes, &format!("this deletes the conversation with {whose}, {what}"))?;
    tell_erased(erase_conversation(store, &Acting::Operator(*proof), id, uploads, yes)?);
    Ok(())
}

/// Does one thing with a conversation, and prints the conversation in which that ended.
fn step(
    store: &Store,
    target: &ConversationArgs,
    work: impl Fn(&mut TenantTx<'_>, ConversationId) -> Result<ConversationId>,
) -> CliResult<()> {
    let (proof, id) = find(store, target)?;
    let rows = store.as_operator(&proof, |tx| {
        let id = work(tx, id)?;
        row(tx, id)
    })?;
    print_rows(&rows, target.format.format)
}

fn add_note(store: &Store, target: &ConversationArgs, note: &str, client_key: Option<String>) -> CliResult<()> {
    let key = client_key.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let (proof, id) = find(store, target)?;
    let (is_repeated, rows) = store
        .as_operator(&proof, |tx| Ok((tx.conversations().add_note_once(id, &key, note)?, row(tx, id)?)))
        .map_err(|error| in_doubt(error, "added", "added", &key))?;
    if is_repeated {
        eprintln!("it was added before, and is not added again");
    }
    print_rows(&rows, target.format.format)
}

/// A conversation as a page of one row.
fn row(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<Page<Listed>> {
    let row = tx.conversations().get_with_last_text(id)?;
    conversation_list::listed(tx, Page { items: vec![row], next: None })
}

fn print_rows(rows: &Page<Listed>, format: Format) -> CliResult<()> {
    rows.items.iter().try_for_each(|row| conversation_list::COLUMNS.one(format, row))
}

fn print(transcript: &Transcript, format: Format) -> CliResult<()> {
    match format {
        Format::Json => write_json(&transcript.json()),
        Format::Table => Ok(write!(std::io::stdout(), "{}", transcript.text()?)?),
    }
}
