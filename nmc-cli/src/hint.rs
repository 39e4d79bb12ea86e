//! What to type or set: the library says what is wrong, and knows neither commands nor variables.

use nmc_core::Error;
use nmc_core::conversations::NotTexted;
use nmc_core::numbers::Oddity;
use nmc_core::store::MigrateError;
use nmc_core::store::embedded::EmbeddedError;
use nmc_core::store::transfer::TransferError;
use nmc_core::telephony::ProviderError;
use nmc_core::workflows::{NO_NUMBER, UNSETTLED};

/// The hint that follows the words of an error of the library.
pub(crate) fn of(error: &Error) -> &'static str {
    match error {
        Error::Conflict { rule, .. } if *rule == UNSETTLED => " (nmc conversation settle --decision)",
        Error::Conflict { rule, .. } if *rule == NO_NUMBER => " (nmc number buy, or add)",
        Error::NotFound { entity } => of_missing(entity),
        Error::AwaitingApproval(_) => " (nmc tenant approve)",
        Error::Provider(refusal) => of_provider(refusal),
        _ => "",
    }
}

/// The hint that follows the words of what was not found: where all of its kind are listed.
fn of_missing(entity: &str) -> &'static str {
    match entity {
        "tenant" => " (nmc tenant list)",
        "conversation" => " (nmc conversation list, or open)",
        "call" => " (nmc call list)",
        "message" => " (nmc message list)",
        "user" => " (nmc user list)",
        "session" => " (nmc session list)",
        "API key" => " (nmc apikey list)",
        "phone number" => " (nmc number list)",
        "alert" => " (nmc alert list)",
        "rule" => " (nmc alert rule list)",
        "report" => " (nmc report list)",
        "job" => " (nmc job list)",
        _ => "",
    }
}

/// The hint that follows the words of a refusal of Twilio's.
pub(crate) const fn of_provider(refusal: &ProviderError) -> &'static str {
    match refusal {
        ProviderError::Mismatched => " (nmc number repair)",
        ProviderError::Credentials { .. } => "; check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN",
        _ => "",
    }
}

/// The hint that follows the reason why a caller was not texted.
pub(crate) fn of_reason(reason: NotTexted) -> &'static str {
    if reason == NotTexted::AwaitingApproval { " (nmc tenant approve)" } else { "" }
}

/// The hint that follows the words of a migration that did not run.
pub(crate) const fn of_migration(error: &MigrateError) -> &'static str {
    match error {
        MigrateError::MayNotRead { .. } => " (nmc migrate run)",
        _ => "",
    }
}

/// The hint that follows the words of a transfer.
pub(crate) const fn of_transfer(error: &TransferError) -> &'static str {
    match error {
        TransferError::NoProgram { .. } => " in NMC_PG_BIN",
        TransferError::AlreadyThere(_) => ", or say --force",
        _ => "",
    }
}

/// The hint that follows the words of nmc's own server, which end with a full stop.
pub(crate) const fn of_embedded(error: &EmbeddedError) -> &'static str {
    match error {
        EmbeddedError::NotInstalled { .. } | EmbeddedError::TooOld { .. } => " DATABASE_URL names a server to use.",
        EmbeddedError::NotInFolder { .. } => " NMC_PG_BIN names the folder.",
        EmbeddedError::OtherVersion { .. } => {
            " NMC_PG_BIN names the folder of the programs, --data-dir the directory of the data."
        }
        EmbeddedError::NoHome
        | EmbeddedError::NotOurs { .. }
        | EmbeddedError::OtherOwner { .. }
        | EmbeddedError::Unreachable { .. }
        | EmbeddedError::SocketDir { .. }
        | EmbeddedError::Io { .. } => " --data-dir names the directory.",
        _ => "",
    }
}

/// The hint on a number that is not as it should be.
pub(crate) const fn of_oddity(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::UnknownRow | Oddity::Foreign => " (nmc number add)",
        Oddity::Mismatched => " (nmc number repair)",
        Oddity::NotOwned => " (nmc number release)",
        Oddity::Webhooks => " (nmc number configure)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::error::CliError;
    use clap::{Command, CommandFactory as _};

    #[test]
    fn what_is_not_found_is_listed_by_a_command_that_there_is() {
        let all = ["tenant", "conversation", "call", "message", "user", "session", "API key", "phone number", "alert", "rule"];
        for entity in all.into_iter().chain(["report", "job"]) {
            let said = CliError::from(Error::NotFound { entity }).to_string();
            let hint = said.strip_prefix(&format!("{entity} not found (")).expect("a hint");
            let words = hint.split([',', ')']).next().expect("a command").split(' ');
            let found = words.skip(1).try_fold(Cli::command(), |command, word| command.find_subcommand(word).cloned());
            assert_eq!(found.as_ref().map(Command::get_name), Some("list"), "{said}");
        }
        assert_eq!(CliError::from(Error::NotFound { entity: "schedule" }).to_string(), "schedule not found");
    }

    #[test]
    fn errors_end_with_what_to_type_or_set() {
        let install = || "install it with `x`".to_owned();
        let data_dir = || "/data".into();
        let errors: [(CliError, &str); 12] = [
            (Error::NotFound { entity: "conversation" }.into(), "conversation not found (nmc conversation list, or open)"),
            (Error::conflict("from_number", NO_NUMBER).into(), "can send texts (nmc number buy, or add)"),
            (
                Error::conflict("customer_phone", UNSETTLED).into(),
                "say first whether it was one (nmc conversation settle --decision)",
            ),
            (Error::AwaitingApproval("can't buy numbers").into(), "until then it can't buy numbers (nmc tenant approve)"),
            (Error::from(ProviderError::Mismatched).into(), "has to be put right (nmc number repair)"),
            (
                MigrateError::MayNotRead { login: "joe".to_owned() }.into(),
                "run the migrations once with the login that owns it (nmc migrate run)",
            ),
            (
                TransferError::NoProgram { program: "pg_dump", major: 15, found: Vec::new() }.into(),
                "or name their folder in NMC_PG_BIN",
            ),
            (TransferError::AlreadyThere("/dump".into()).into(), "name another file, or say --force"),
            (
                EmbeddedError::NotInstalled { install: install() }.into(),
                "or use a server you have. DATABASE_URL names a server to use.",
            ),
            (
                EmbeddedError::NotInFolder { folder: "/bin".into(), install: install() }.into(),
                "or none (install it with `x`). NMC_PG_BIN names the folder.",
            ),
            (EmbeddedError::NoHome.into(), "to keep the data in: choose one. --data-dir names the directory."),
            (EmbeddedError::NotOurs { data_dir: data_dir() }.into(), "or a new directory. --data-dir names the directory."),
        ];
        for (error, end) in errors {
            assert!(error.to_string().ends_with(end), "{error}");
        }
    }
}
