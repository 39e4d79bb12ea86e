//! `nmc session`.

use super::{FormatArg, PageArgs, TenantArg, UserKey};
use clap::Subcommand;
use nmc_core::SessionId;

#[derive(Subcommand)]
pub(crate) enum SessionCommand {
    /// List the sessions that are alive, newest first; never their tokens
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only those of this person, by id or e-mail
        #[arg(long, value_name = "ID|EMAIL")]
        user: Option<UserKey>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// End a session, or all of a person: the device has to log in again
    End {
        #[command(flatten)]
        tenant: TenantArg,
        /// The session's id
        #[arg(value_name = "ID", conflicts_with = "user")]
        session: Option<SessionId>,
        /// All sessions of this person, by id or e-mail
        #[arg(long, value_name = "ID|EMAIL")]
        user: Option<UserKey>,
        #[command(flatten)]
        format: FormatArg,
    },
}
