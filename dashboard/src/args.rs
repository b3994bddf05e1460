//! Options of the dashboard.

use std::net::IpAddr;
use std::num::NonZeroU32;

use clap::Args;
use service::public_url::DASHBOARD;

const DEFAULT_UPDATES: NonZeroU32 = nonzero(100);
const DEFAULT_PER_ADDRESS: NonZeroU32 = nonzero(120);
const DEFAULT_PER_VOTER: NonZeroU32 = nonzero(12);

const fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("invariant: it is not zero")
}

/// Where the dashboard listens, and how often it sends updates.
#[derive(Debug, Clone, Copy, Args)]
pub struct ListenArgs {
    /// Port of the web dashboard; 0 picks a free one. Default: 8080
    #[arg(long)]
    pub port: Option<u16>,
    /// Address the dashboard listens on. Any other than loopback lets others see it: it has no
    /// passwords, and shows nothing about a voter
    #[arg(long, value_name = "ADDRESS", default_value_t = DASHBOARD.ip())]
    pub bind: IpAddr,
    /// Most updates a second that a page is sent; each has about 200 bytes for every location whose
    /// count has changed. With more than fifty pages listening, there are fewer
    #[arg(long, value_name = "RATE", default_value_t = DEFAULT_UPDATES)]
    pub updates: NonZeroU32,
}

impl ListenArgs {
    /// The defaults, but on a free port.
    pub fn on_a_free_port() -> ListenArgs {
        ListenArgs {
            port: Some(0),
            bind: DASHBOARD.ip(),
            updates: DEFAULT_UPDATES,
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
    /// How many votes it takes.
    #[command(flatten)]
    pub limits: BallotLimits,
}

impl BallotArgs {
    /// The limits, where votes are taken.
    pub fn limits(&self) -> Option<BallotLimits> {
        self.accept_votes.then_some(self.limits)
    }
}

/// How many ballots one client and one voter may send.
#[derive(Debug, Clone, Copy, Args)]
pub struct BallotLimits {
    /// Ballots a minute from one client address, of which a tenth may come at once
    // An IPv6 network of 64 bits is one client.
    #[arg(long = "ballots-per-address", value_name = "NUMBER", default_value_t = DEFAULT_PER_ADDRESS)]
    pub per_address: NonZeroU32,
    /// Ballots a minute of one voter
    #[arg(long = "ballots-per-voter", value_name = "NUMBER", default_value_t = DEFAULT_PER_VOTER)]
    pub per_voter: NonZeroU32,
}
