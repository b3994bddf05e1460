//! A server of a test's own: on a free port of loopback, ready when it answers, killed when dropped.

use std::fs::File;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testing::closed_port;

/// No server here takes as long to start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The pause between two looks at whether it answers.
const PAUSE: Duration = Duration::from_millis(10);
/// Another process may take a port between our choice and the server's start.
const TRIES: u32 = 5;

pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts `command(port)` on a free port; what it says goes to `log`.
    #[track_caller]
    pub fn start(log: &Path, command: impl Fn(u16) -> Command) -> Server {
        let tries = (0..TRIES).find_map(|_| Server::start_at(closed_port().port(), log, &command));
        tries.unwrap_or_else(|| panic!("no server: {}", told(log)))
    }

    /// Starts it on this port. `None` when it ends at once.
    #[track_caller]
    pub fn start_at(port: u16, log: &Path, command: impl FnOnce(u16) -> Command) -> Option<Server> {
        let log_file = File::options().create(true).append(true).open(log).unwrap();
        let child = command(port)
            .stdin(Stdio::null())
            .stdout(log_file.try_clone().unwrap())
            .stderr(log_file)
            .spawn()
            .unwrap();
        let mut server = Server { child, port };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if server.child.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(began.elapsed() < START_LIMIT, "{}", told(log));
            std::thread::sleep(PAUSE);
        }
        Some(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to kill.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn told(log: &Path) -> String {
    std::fs::read_to_string(log).unwrap_or_default()
}
