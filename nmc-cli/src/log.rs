//! What nmc logs, to standard error: which events, and in which form.

use crate::output::may_colour;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// How the log is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people
    Text,
    /// A JSON document on a line, for programs
    Json,
}

/// Crates whose names may stand in a filter without a level.
const TARGETS: [&str; 12] = [
    "actix_http",
    "actix_server",
    "actix_web",
    "diesel",
    "mio",
    "nmc",
    "nmc_core",
    "nmc_http",
    "r2d2",
    "rustls",
    "ureq",
    "ureq_proto",
];

/// Checks a filter. A single word would be taken for the name of some crate, and a level that is misspelt would silence all
/// warnings: it must be a level, or a crate that is there.
pub(crate) fn filter(text: &str) -> Result<String, String> {
    const LIKE: &str = "it should be like debug, or warn,nmc_core=info";
    let text = text.split(',').map(str::trim).collect::<Vec<_>>().join(",");
    let word = |directive: &&str| !directive.is_empty() && directive.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    for directive in text.split(',').filter(word) {
        let is_level = directive.parse::<LevelFilter>().is_ok();
        if !is_level && !TARGETS.contains(&directive) {
            return Err(format!(
                "{directive} is neither a level (off, error, warn, info, debug, trace) nor a part of nmc; {LIKE}"
            ));
        }
    }
    for directive in text.split(',') {
        let Some((target, _)) = directive.split_once('=') else { continue };
        let target = target.split_once('[').map_or(target, |(target, _)| target);
        let part = target.split("::").next().unwrap_or_default();
        if !part.is_empty() && !TARGETS.contains(&part) {
            return Err(format!("{part} is no part of nmc: those are {}; {LIKE}", TARGETS.join(", ")));
        }
    }
    EnvFilter::try_new(&text).map(|_| text.clone()).map_err(|error| format!("{error}; {LIKE}"))
}

/// Starts the log. The filter is one that [`filter`] has let pass.
pub(crate) fn start(filter: &str, format: LogFormat) {
    let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(may_colour(&std::io::stderr())).with_target(false).init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(false).init(),
    }
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn filter_that_names_no_level_or_target_is_refused() {
        for fine in [
            "info",
            "WARN",
            "off",
            "debug,nmc_http=trace",
            "warn,nmc_core=info",
            "nmc_core",
            "nmc_core::store=trace",
            "diesel=debug,0",
        ] {
            assert_eq!(filter(fine).as_deref(), Ok(fine));
        }
        assert_eq!(filter("warn, nmc_core=info").as_deref(), Ok("warn,nmc_core=info"));
        for (wrong, word) in [
            ("inof", "inof"),
            ("warn,nmc_cor", "nmc_cor"),
            ("nmc_core=inof", "level filter"),
            ("nmc_cre=debug", "nmc_cre"),
            ("warn,foo::bar=debug", "foo"),
            ("7", "7"),
        ] {
            let why = filter(wrong).unwrap_err();
            assert!(why.contains(word) && why.contains("like debug"), "{wrong}: {why}");
        }
    }
}
