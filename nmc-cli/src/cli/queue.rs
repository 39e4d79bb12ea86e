//! `nmc queue`.

use super::PageArgs;
use clap::{Args, ValueEnum};
use nmc_core::workflows::Queue;

/// Which queue, and what of it.
#[derive(Args)]
pub(crate) struct QueueArgs {
    /// List what waits in this queue, newest first [default: count what waits in each]
    #[arg(value_enum)]
    pub(crate) queue: Option<QueueName>,

    /// List what has failed instead, and why
    #[arg(long, requires = "queue")]
    pub(crate) failed: bool,

    /// Only of this business: its id or its exact name
    #[arg(long, env = "NMC_TENANT", value_name = "ID|NAME")]
    pub(crate) tenant: Option<String>,

    #[command(flatten)]
    pub(crate) page: PageArgs,
}

/// A queue.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueueName {
    /// Texts to be sent
    Texts,
    /// Notifications of alerts
    Notifications,
    /// Jobs of the analytics
    Jobs,
    /// Numbers to be bought, checked or given back
    Numbers,
}

impl From<QueueName> for Queue {
    fn from(name: QueueName) -> Self {
        match name {
            QueueName::Texts => Self::Texts,
            QueueName::Notifications => Self::Notifications,
            QueueName::Jobs => Self::Jobs,
            QueueName::Numbers => Self::Numbers,
        }
    }
}
