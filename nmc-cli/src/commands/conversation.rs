use crate::cli::{ConversationCommand, ConversationKey, DatabaseArgs, Format};
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::output::write_json;
use crate::transcript::Transcript;
use nmc_core::Error;
use std::io::Write as _;
use std::process::ExitCode;

pub(crate) fn run(args: &DatabaseArgs, command: ConversationCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    let ConversationCommand::Show { tenant: key, conversation, format } = command;
    let proof = tenant(&store, &key.tenant)?;
    let id = match conversation {
        ConversationKey::Id(id) => id,
        ConversationKey::Customer(customer) => {
            let open = store.tenant(&proof, |tx| tx.conversations().find_open(&customer))?;
            open.ok_or(Error::NotFound { entity: "open conversation" })?.id
        }
    };
    let transcript = Transcript::read(&store, &proof, id)?;
    match format.format {
        Format::Json => write_json(&transcript.json())?,
        Format::Table => write!(std::io::stdout(), "{}", transcript.text()?)?,
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}
