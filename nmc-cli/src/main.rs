//! `nmc`, the command line of NeverMissCall. Standard output is data, standard error is talk.

mod cli;
mod commands;
mod confirm;
mod database;
mod demo;
mod demo_live;
mod environment;
mod error;
mod hint;
mod input_file;
mod log;
mod options;
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
    log::start(&cli.log, cli.log_format);
    match cli.run() {
        Ok(code) => code,
        // Whoever read our output has seen enough of it.
        Err(error::CliError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nmc: {error}");
            error.code()
        }
    }
}
