//! Bounds of the streams of events.

use clap::Args;
use nmc_http::StreamLimits;
use std::time::Duration;

/// How many streams there may be, and how they are looked after.
#[derive(Args, Clone, Copy)]
pub(crate) struct StreamArgs {
    /// Streams of events at once, WebSockets among them; each is a connection, too
    #[arg(long, env = "NMC_MAX_STREAMS", default_value_t = 1_024, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_streams: u16,

    /// Streams at once of one business
    #[arg(long, env = "NMC_MAX_STREAMS_PER_BUSINESS", default_value_t = 256, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_streams_per_business: u16,

    /// Streams at once of one user, or one API key
    #[arg(long, env = "NMC_MAX_STREAMS_PER_USER", default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_streams_per_user: u16,

    /// Seconds after which a stream without events shows that it is there: fewer than the proxies in front let pass in silence
    #[arg(long, env = "NMC_STREAM_HEARTBEAT", default_value_t = 15, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=300))]
    stream_heartbeat: u16,

    /// Seconds between two looks for streams whose session, key or business is no longer in force
    #[arg(long, env = "NMC_STREAM_CHECK", default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=30))]
    stream_check: u16,

    /// Seconds between two renewals of who is online by a stream, the same for all servers; 0: streams put nobody online
    #[arg(long, env = "NMC_PRESENCE_RENEWAL", default_value_t = 24, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(0..=40))]
    presence_renewal: u16,
}

impl StreamArgs {
    pub(crate) fn limits(self) -> StreamLimits {
        let seconds = |count: u16| Duration::from_secs(count.into());
        StreamLimits {
            total: self.max_streams.into(),
            per_tenant: self.max_streams_per_business.into(),
            per_user: self.max_streams_per_user.into(),
            heartbeat: seconds(self.stream_heartbeat),
            checked_every: seconds(self.stream_check),
            presence_every: Some(seconds(self.presence_renewal)).filter(|every| !every.is_zero()),
            ..StreamLimits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        streams: StreamArgs,
    }

    fn limits(options: &[&str]) -> Option<StreamLimits> {
        let typed = Typed::try_parse_from([&["nmc"], options].concat()).ok()?;
        Some(typed.streams.limits())
    }

    #[test]
    fn limits_are_those_of_the_library_unless_given() {
        let told = |limits: Option<StreamLimits>| format!("{limits:?}");
        assert_eq!(told(limits(&[])), told(Some(StreamLimits::default())));
        let options = "--max-streams 5 --max-streams-per-business 4 --max-streams-per-user 3 --stream-heartbeat 2 --stream-check 1 \
                       --presence-renewal 0";
        let given = StreamLimits {
            total: 5,
            per_tenant: 4,
            per_user: 3,
            heartbeat: Duration::from_secs(2),
            checked_every: Duration::from_secs(1),
            presence_every: None,
            ..StreamLimits::default()
        };
        assert_eq!(told(limits(&options.split_whitespace().collect::<Vec<_>>())), told(Some(given)));
        for refused in
            [["--max-streams", "0"], ["--stream-heartbeat", "0"], ["--stream-check", "31"], ["--presence-renewal", "41"]]
        {
            assert!(limits(&refused).is_none(), "{refused:?}");
        }
    }
}
