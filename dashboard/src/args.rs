//! Options of the dashboard.

use std::net::{IpAddr, Ipv4Addr};

use clap::Args;

use crate::DashboardConfig;

/// Where the dashboard listens.
#[derive(Debug, Clone, Copy, Args)]
pub struct ListenArgs {
    /// Port of the web dashboard; 0 picks a free one. Default: 8080
    #[arg(long)]
    pub port: Option<u16>,
    /// Address the dashboard listens on. Anything but loopback lets others see it: it is read only,
    /// without passwords, and shows no voter
    #[arg(long, value_name = "ADDRESS", default_value_t = Ipv4Addr::LOCALHOST.into())]
    pub bind: IpAddr,
}

impl ListenArgs {
    /// The configuration that they mean.
    pub fn config(&self) -> DashboardConfig {
        let default = DashboardConfig::default();
        DashboardConfig {
            bind: self.bind,
            port: self.port.unwrap_or(default.port),
            ..default
        }
    }
}
