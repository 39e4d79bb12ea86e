//! Secrets among the arguments: every user of the machine can read those in the list of processes.

use clap::ArgMatches;
use clap::parser::ValueSource;
use nmc_core::Secret;
use nmc_core::store::Address;

/// An option that may hold a secret.
struct SecretOption {
    id: &'static str,
    option: &'static str,
    instead: &'static str,
    is_secret: fn(&Secret) -> bool,
}

const OPTIONS: &[SecretOption] = &[
    SecretOption {
        id: "twilio_auth_token",
        option: "--twilio-auth-token",
        instead: "TWILIO_AUTH_TOKEN, or a file named by TWILIO_AUTH_TOKEN_FILE or --twilio-auth-token-file,",
        is_secret: |_| true,
    },
    SecretOption {
        id: "database_url",
        option: "the password in --database-url",
        instead: "DATABASE_URL",
        is_secret: has_password,
    },
    SecretOption { id: "to", option: "the password in --to", instead: "NMC_TO_DATABASE_URL", is_secret: has_password },
];

fn has_password(url: &Secret) -> bool {
    Address::parse(url.expose()).is_ok_and(|address| address.has_password())
}

/// A warning for each secret that was typed as an argument.
pub(super) fn warnings(matches: &ArgMatches) -> Vec<String> {
    let typed = OPTIONS.iter().filter(|secret| {
        let levels = std::iter::successors(Some(matches), |level| level.subcommand().map(|(_, below)| below));
        levels.into_iter().any(|level| {
            matches!(level.try_contains_id(secret.id), Ok(true))
                && level.value_source(secret.id) == Some(ValueSource::CommandLine)
                && matches!(level.try_get_one::<Secret>(secret.id), Ok(Some(value)) if (secret.is_secret)(value))
        })
    });
    typed
        .map(|SecretOption { option, instead, .. }| {
            format!(
                "warning: {option} can be read by every user of this machine, in the list of processes; use {instead} instead"
            )
        })
        .collect()
}
