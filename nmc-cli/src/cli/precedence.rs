//! What counts as said: nothing that is empty, and what is typed before what the environment says.

use super::{Cli, Command};
use crate::commands::call::CallCommand;
use crate::options::{DatabaseArgs, NotifyArgs, TwilioArgs, without};
use clap::parser::ValueSource;
use std::ffi::{OsStr, OsString};

impl Cli {
    /// Settles two ways to say one thing: what is typed wins over what the environment says. Both typed, or neither, is for whoever
    /// needs the thing to refuse.
    pub(super) fn typed_first(mut self, is_typed: &dyn Fn(&str) -> bool) -> Self {
        let DatabaseArgs { database_url, data_dir, .. } = &mut self.database;
        prefer((database_url, is_typed("database_url")), (data_dir, is_typed("data_dir")));
        if let Some(twilio) = self.command.twilio() {
            let TwilioArgs { twilio_auth_token: token, twilio_auth_token_file: file, .. } = twilio;
            prefer((token, is_typed("twilio_auth_token")), (file, is_typed("twilio_auth_token_file")));
        }
        if let Some(NotifyArgs { smtp_url, smtp_url_file, .. }) = self.command.notify() {
            prefer((smtp_url, is_typed("smtp_url")), (smtp_url_file, is_typed("smtp_url_file")));
        }
        self
    }

    /// What is typed empty counts as not set, too: an empty token would let everybody sign, and an empty address is that of
    /// some database on this machine.
    pub(super) fn without_empty(mut self) -> Self {
        without(&mut self.database.database_url, |url| url.expose().trim().is_empty());
        without(&mut self.database.data_dir, |dir| dir.as_os_str().is_empty());
        if let Some(twilio) = self.command.twilio() {
            twilio.without_empty();
        }
        if let Some(notify) = self.command.notify() {
            notify.without_empty();
        }
        self
    }
}

impl Command {
    /// How the command tells alerts, if it does.
    const fn notify(&mut self) -> Option<&mut NotifyArgs> {
        match self {
            Self::Up(up) => Some(&mut up.worker.notify),
            Self::Worker(command) => Some(&mut command.worker.notify),
            _ => None,
        }
    }

    /// The Twilio account that the command works with, if it may need one.
    const fn twilio(&mut self) -> Option<&mut TwilioArgs> {
        match self {
            Self::Up(up) => Some(&mut up.serve.twilio),
            Self::Serve(command) => Some(&mut command.serve.twilio),
            Self::Worker(command) => Some(&mut command.twilio),
            Self::Number(command) => command.twilio(),
            Self::Call(CallCommand::Refresh { twilio, .. } | CallCommand::CatchUp { twilio, .. }) => Some(twilio),
            _ => None,
        }
    }
}

/// Forgets the one of two values that was not typed, if the other one was.
fn prefer<A, B>((one, one_is_typed): (&mut Option<A>, bool), (other, other_is_typed): (&mut Option<B>, bool)) {
    if one.is_some() && one_is_typed && !other_is_typed {
        *other = None;
    } else if other.is_some() && other_is_typed && !one_is_typed {
        *one = None;
    }
}

/// Whether an argument stands on the command line, of the program or of the command that was named.
pub(super) fn is_typed(matches: &clap::ArgMatches, argument: &str) -> bool {
    let here = matches.try_contains_id(argument).unwrap_or(false);
    (here && matches.value_source(argument) == Some(ValueSource::CommandLine))
        || matches.subcommand().is_some_and(|(_, of_command)| is_typed(of_command, argument))
}

/// No option looks for its value in a variable that is empty or blank, nor one that is typed: whatever its variable says then can't be
/// wrong. (Clap reads it nevertheless where an option of every command stands before or after the command's name.)
pub(super) fn without_idle_variables(command: clap::Command, typed: &[OsString]) -> clap::Command {
    command
        .mut_args(|arg| {
            let is_empty = |name| std::env::var_os(name).is_some_and(|value| value.to_string_lossy().trim().is_empty());
            let is_typed = arg.get_long().is_some_and(|long| typed.iter().any(|word| names(word, long)));
            if is_typed || arg.get_env().is_some_and(is_empty) { arg.env(clap::builder::Resettable::Reset) } else { arg }
        })
        .mut_subcommands(|command| without_idle_variables(command, typed))
}

/// Whether this word of the command line is `--option` or `--option=value`.
fn names(word: &OsStr, option: &str) -> bool {
    let rest = word.to_str().and_then(|word| word.strip_prefix("--")?.strip_prefix(option));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}
