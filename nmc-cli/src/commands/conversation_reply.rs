//! `nmc conversation reply`: a text to the customer, sent once however often the command is repeated.

use crate::database::tenant;
use crate::error::{CliError, CliResult};
use crate::input_file;
use crate::options::conversation::ConversationArgs;
use crate::output::Columns;
use clap::Args;
use nmc_core::conversations::Message;
use nmc_core::tenants::TextSize;
use nmc_core::workflows::{NewReply, Replied, ReplyPreview, ReplyWarning};
use nmc_core::{ConversationId, Email, Error, PhoneNumber, Result, Store, Tenant};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The longest file that can hold a text of 1,600 characters, and blanks around it.
const LONGEST: usize = 16_384;

/// What to answer.
#[derive(Args)]
pub(crate) struct ReplyArgs {
    #[command(flatten)]
    target: ConversationArgs,
    /// The words, up to 1,600 characters; - reads them from standard input
    #[arg(value_name = "TEXT", required_unless_present = "file")]
    text: Option<String>,
    /// Read the words from this file
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// Your own id of this answer: repeated with the same one, it is sent once [default: a new one each time]
    #[arg(long, value_name = "KEY")]
    client_key: Option<String>,
    /// The business's number to send from [default: the one that the customer last used]
    #[arg(long, value_name = "NUMBER", value_parser = PhoneNumber::typed)]
    from: Option<PhoneNumber>,
    /// Only say how long it is, which number it would leave from, and whether it would be refused
    #[arg(long, conflicts_with = "client_key")]
    preview: bool,
}

/// A text that is queued.
struct Queued {
    text: Message,
    /// The conversation that was answered.
    answered: ConversationId,
    /// Whether an earlier run had queued it.
    repeated: bool,
    warnings: Vec<ReplyWarning>,
    /// The addresses of those whom the warnings name.
    others: Vec<Email>,
}

const QUEUED: Columns<Queued> = Columns(&[
    ("id", |queued| json!(queued.text.id)),
    ("conversation", |queued| json!(queued.text.conversation_id)),
    ("from_number", |queued| json!(queued.text.from_number)),
    ("to_number", |queued| json!(queued.text.to_number)),
    ("status", |queued| json!(queued.text.message_status)),
    ("segments", |queued| json!(TextSize::of(&queued.text.message_body).segments)),
    ("encoding", |queued| json!(TextSize::of(&queued.text.message_body).encoding.as_str())),
    ("in_next_conversation", |queued| json!(queued.text.conversation_id != queued.answered)),
    ("repeated", |queued| json!(queued.repeated)),
    ("client_key", |queued| json!(queued.text.client_key)),
    ("warnings", |queued| json!(queued.warnings.iter().map(|warning| warning.label()).collect::<Vec<_>>())),
]);

const PREVIEW: Columns<ReplyPreview> = Columns(&[
    ("characters", |preview| json!(preview.size.characters)),
    ("encoding", |preview| json!(preview.size.encoding.as_str())),
    ("segments", |preview| json!(preview.size.segments)),
    ("from_number", |preview| json!(preview.from_number)),
    ("refusal", |preview| json!(preview.refusal.as_ref().map(ToString::to_string))),
]);

pub(super) fn run(store: &Store, args: &ReplyArgs) -> CliResult {
    let body = words(args.text.as_deref(), args.file.as_deref(), LONGEST)?;
    let proof = tenant(store, &args.target.tenant.tenant)?;
    let answered = args.target.conversation.find(store, &proof)?;
    let format = args.target.format.format;
    if args.preview {
        let preview = store.as_operator(&proof, |tx| tx.preview_reply(answered, &body, args.from.as_ref()))?;
        PREVIEW.one(format, &preview)?;
        return Ok(if preview.refusal.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let key = args.client_key.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let new = NewReply { conversation: answered, client_key: key, body, from_number: args.from.clone(), seen: None };
    let queued = queue(store, &proof, &new)?;
    let segments = TextSize::of(&queued.text.message_body).segments;
    if queued.text.conversation_id != answered {
        eprintln!("the conversation was not open any more: the answer is in {}", queued.text.conversation_id);
    }
    if queued.repeated {
        eprintln!("it was queued before, and is not sent again");
    } else {
        eprintln!("queued: {segments} segment{}; a worker sends it", if segments == 1 { "" } else { "s" });
    }
    for email in &queued.others {
        eprintln!("warning: the conversation is assigned to {email}");
    }
    QUEUED.one(format, &queued)?;
    Ok(ExitCode::SUCCESS)
}

fn queue(store: &Store, tenant: &Tenant, new: &NewReply) -> CliResult<Queued> {
    let queued = store.as_operator(tenant, |tx| {
        let Replied::Queued { message, repeated, warnings, .. } = tx.reply(new)? else {
            return Err(Error::Stale { entity: "the conversation" });
        };
        let email = |ReplyWarning::AssignedToOther(user): &ReplyWarning| Ok(tx.users().get(*user)?.email);
        let others = warnings.iter().map(email).collect::<Result<_>>()?;
        Ok(Queued { text: *message, answered: new.conversation, repeated, warnings, others })
    });
    queued.map_err(|error| in_doubt(error, "queued", "sent", &new.client_key).into())
}

/// The same error, after telling how what may have come through is repeated without doing it twice.
pub(super) fn in_doubt(error: Error, done: &str, once: &str, client_key: &str) -> Error {
    if matches!(error, Error::Unavailable { .. } | Error::Internal(_)) {
        eprintln!("whether it is {done} is not known; with --client-key {client_key} it can be repeated, and is {once} once");
    }
    error
}

/// The words of a reply, from the command line, standard input or a file.
pub(super) fn words(text: Option<&str>, file: Option<&Path>, longest: usize) -> CliResult<String> {
    match (text, file) {
        (Some("-"), _) => input_file::text("TEXT", Path::new("-"), longest),
        (Some(text), _) => Ok(text.to_owned()),
        (None, Some(file)) => input_file::text("--file", file, longest),
        (None, None) => Err(CliError::Usage("there are no words: type them, or name a file".to_owned())),
    }
}
