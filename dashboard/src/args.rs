//! Options of the dashboard.

use std::net::IpAddr;
use std::num::NonZeroU32;

use clap::Args;

use crate::{BallotLimits, DashboardConfig};

/// Where the dashboard listens.
#[derive(Debug, Clone, Copy, Args)]
pub struct ListenArgs {
    /// Port of the web dashboard; 0 picks a free one. Default: 8080
    #[arg(long)]
    pub port: Option<u16>,
    /// Address the dashboard listens on. Anything but loopback lets others see it: it has no
    /// passwords, and shows no voter
    #[arg(long, value_name = "ADDRESS", default_value_t = DashboardConfig::default().bind)]
    pub bind: IpAddr,
    /// Most updates a second that a page is sent; each has about 200 bytes for every location whose
    /// count has changed. Where more than fifty pages listen, it is less
    #[arg(long, value_name = "RATE", default_value_t = DashboardConfig::default().updates_per_second)]
    pub updates: NonZeroU32,
}

impl ListenArgs {
    /// The configuration that they mean.
    pub fn config(&self) -> DashboardConfig {
        let default = DashboardConfig::default();
        DashboardConfig {
            bind: self.bind,
            port: self.port.unwrap_or(default.port),
            updates_per_second: self.updates,
        }
    }
}

/// Whether the dashboard takes votes, and how many.
#[derive(Debug, Clone, Copy, Args)]
pub struct BallotArgs {
    /// Take votes, too: a ballot page at /ballot, and POST /api/v1/votes. The election must require
    /// credentials
    #[arg(long)]
    pub accept_votes: bool,
    /// Ballots a minute from one client address, of which a tenth may come at once
    #[arg(long, value_name = "NUMBER", default_value_t = BallotLimits::default().per_address)]
    pub ballots_per_address: NonZeroU32,
    /// Ballots a minute of one voter
    #[arg(long, value_name = "NUMBER", default_value_t = BallotLimits::default().per_voter)]
    pub ballots_per_voter: NonZeroU32,
}

impl BallotArgs {
    /// The limits, where votes are taken.
    pub fn limits(&self) -> Option<BallotLimits> {
        self.accept_votes.then_some(BallotLimits {
            per_address: self.ballots_per_address,
            per_voter: self.ballots_per_voter,
        })
    }
}
