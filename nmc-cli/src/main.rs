//! `nmc`, the command line of NeverMissCall. Standard output is data, standard error is talk.

mod cli;
mod commands;
mod confirm;
mod database;
mod demo;
mod environment;
mod error;
mod input_file;
mod output;
mod password;
mod prompt;
mod stop;
mod transcript;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(error) = environment::leave_psqls() {
        eprintln!("nmc: could not begin without the variable PGSERVICE, PGTZ, PGDATESTYLE or PGGEQO ({error}): unset it");
        return ExitCode::FAILURE;
    }
    let cli = cli::Cli::read();
    talk(&cli.log);
    match commands::run(cli) {
        Ok(code) => code,
        // Whoever read our output has seen enough of it.
        Err(error::CliError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nmc: {error}");
            error.code()
        }
    }
}

fn talk(filter: &str) {
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_else(|error| {
        eprintln!("nmc: the log filter can't be read ({error}); it should be like debug, or warn,nmc_core=info");
        tracing_subscriber::EnvFilter::new(cli::DEFAULT_LOG)
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output::may_colour(&std::io::stderr()))
        .with_target(false)
        .init();
}
