//! What went wrong, in a person's words, and the exit code that says it to a program.

use crate::hint;
use nmc_core::store::MigrateError;
use nmc_core::store::embedded::EmbeddedError;
use nmc_core::store::transfer::TransferError;
use nmc_core::telephony::ProviderError;
use std::process::ExitCode;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("{}", told(.0))]
    Core(#[from] nmc_core::Error),
    #[error("{0}{hint}", hint = hint::of_migration(.0))]
    Migrate(#[from] MigrateError),
    #[error("{0}{hint}", hint = hint::of_transfer(.0))]
    Transfer(#[from] TransferError),
    #[error("{0}{hint}", hint = hint::of_embedded(.0))]
    Embedded(#[from] EmbeddedError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Usage(String),
    #[error("nothing was done")]
    Interrupted,
    #[error("stopped before the end")]
    Stopped,
}

impl CliError {
    /// 2: the command can't be carried out as given; 3: try again later; 4 to 8: what Twilio says of numbers; 130: Ctrl-C;
    /// 1: anything else.
    pub(crate) fn code(&self) -> ExitCode {
        use nmc_core::Error;
        match self {
            Self::Usage(_)
            | Self::Migrate(MigrateError::Address { .. } | MigrateError::Unknown { .. } | MigrateError::InTheWay { .. })
            | Self::Transfer(
                TransferError::Address(_)
                | TransferError::BoundByRowSecurity { .. }
                | TransferError::NotOwner { .. }
                | TransferError::NothingThere
                | TransferError::NotEmpty(_)
                | TransferError::Older { .. }
                | TransferError::NoProgram { .. }
                | TransferError::File { .. }
                | TransferError::AlreadyThere(_)
                | TransferError::NoDump { .. },
            )
            | Self::Core(
                Error::NotFound { .. }
                | Error::Conflict { .. }
                | Error::Invalid { .. }
                | Error::Stale { .. }
                | Error::InvalidTransition { .. }
                | Error::Unauthenticated(_)
                | Error::Forbidden(_)
                | Error::AwaitingApproval(_),
            ) => ExitCode::from(2),
            Self::Interrupted | Self::Stopped => ExitCode::from(130),
            Self::Core(Error::Provider(error)) => match error {
                ProviderError::Taken => ExitCode::from(4),
                ProviderError::NoFunds { .. } => ExitCode::from(5),
                ProviderError::Credentials { .. } => ExitCode::from(6),
                ProviderError::Country => ExitCode::from(7),
                _ => ExitCode::from(8),
            },
            Self::Core(Error::Unavailable { .. })
            | Self::Migrate(MigrateError::Database { .. } | MigrateError::MayNotRead { .. } | MigrateError::Locked)
            | Self::Transfer(TransferError::Database(_) | TransferError::Busy | TransferError::Stalled { .. }) => {
                ExitCode::from(3)
            }
            _ => ExitCode::from(1),
        }
    }
}

/// An operator may hear the causes, which hold no values: "internal error" alone helps nobody.
fn told(error: &nmc_core::Error) -> String {
    use nmc_core::Error;
    let said = match error {
        Error::Internal(_) | Error::Unavailable { .. } => error.causes(),
        _ => error.to_string(),
    };
    said + hint::of(error)
}

pub(crate) type CliResult<T = ExitCode> = Result<T, CliError>;
