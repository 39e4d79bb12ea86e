//! `nmc call participant`: who joins a call and leaves it, as somebody tells.

use super::call_edit::CallArgs;
use super::call_show::PARTICIPANTS;
use super::user::{self, UserKey};
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::one_of;
use crate::options::party::party;
use clap::Subcommand;
use nmc_core::workflows::Joining;
use nmc_core::{CallParticipantId, CallerIdentity, Error, ParticipantType, Store};

#[derive(Subcommand)]
pub(crate) enum ParticipantCommand {
    /// Record that somebody joins a call now
    Add {
        #[command(flatten)]
        target: CallArgs,
        /// The number of the party, in whatever spelling
        #[arg(value_name = "NUMBER", value_parser = party, required_unless_present = "user")]
        number: Option<CallerIdentity>,
        /// A person of the business, by id or e-mail, at the phone number of their profile
        #[arg(long, value_name = "ID|EMAIL", conflicts_with = "number")]
        user: Option<UserKey>,
        /// The part that they play in the call
        #[arg(long = "type", value_name = "TYPE", value_parser = one_of(ParticipantType::ALL, ParticipantType::label))]
        participant_type: ParticipantType,
    },
    /// Record that a party leaves a call now
    Leave {
        #[command(flatten)]
        target: CallArgs,
        /// The id of the party, which nmc call show tells
        #[arg(value_name = "ID")]
        participant: CallParticipantId,
    },
}

pub(super) fn run(store: &Store, command: &ParticipantCommand) -> CliResult<()> {
    match command {
        ParticipantCommand::Add { target, number, user, participant_type } => {
            let proof = tenant(store, &target.tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| {
                let who = match (number, user) {
                    (Some(number), _) => Joining::Phone(number.clone()),
                    (None, Some(key)) => Joining::User(user::get(tx, key)?.id),
                    (None, None) => return Err(Error::invalid("NUMBER", "is required, or --user")),
                };
                let id = target.get(tx)?;
                tx.join_call(id, &who, *participant_type)
            });
            PARTICIPANTS.one(target.format.format, &row.map_err(|error| error.renamed(&[("user_id", "--user")]))?)
        }
        ParticipantCommand::Leave { target, participant } => {
            let proof = tenant(store, &target.tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| {
                let id = target.get(tx)?;
                tx.leave_call(id, *participant)
            })?;
            PARTICIPANTS.one(target.format.format, &row)
        }
    }
}
