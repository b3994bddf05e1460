//! A TCP proxy that can cut every connection at once, or pass nothing on for a while: a server that is
//! gone or hangs, as its clients see it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

/// Passes connections on to one port of this machine.
pub struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
    stalled: Arc<Stalled>,
    accepting: Option<JoinHandle<()>>,
}

/// Whether nothing is passed on; who has something waits.
#[derive(Default)]
struct Stalled {
    is_so: Mutex<bool>,
    changed: Condvar,
}

impl Stalled {
    fn set(&self, is_so: bool) {
        *self.is_so.lock().unwrap() = is_so;
        self.changed.notify_all();
    }

    fn wait_until_over(&self) {
        let is_so = self.is_so.lock().unwrap();
        drop(self.changed.wait_while(is_so, |is_so| *is_so).unwrap());
    }
}

#[derive(Default)]
struct State {
    /// Where connections go; `None` while they are refused.
    target: Option<u16>,
    ended: bool,
    /// Both ends of each connection.
    streams: Vec<TcpStream>,
}

impl Proxy {
    /// Listens on a free port; refuses connections until it is opened.
    pub fn start() -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let stalled = Arc::<Stalled>::default();
        let accepting = {
            let (state, stalled) = (state.clone(), stalled.clone());
            std::thread::spawn(move || accept(&listener, &state, &stalled))
        };
        Proxy {
            port,
            state,
            stalled,
            accepting: Some(accepting),
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Passes new connections on.
    pub fn open(&self, target: u16) {
        self.state.lock().unwrap().target = Some(target);
    }

    /// Passes nothing on, in either direction, until it is resumed. Connections stay.
    pub fn stall(&self) {
        self.stalled.set(true);
    }

    /// Passes on what waits.
    pub fn resume(&self) {
        self.stalled.set(false);
    }

    /// Cuts every connection, and refuses new ones.
    pub fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.target = None;
        for stream in state.streams.drain(..) {
            // It may have ended by itself.
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.resume();
        self.state.lock().unwrap().ended = true;
        // Wakes it.
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok();
        if let Some(accepting) = self.accepting.take() {
            accepting.join().ok();
        }
    }
}

fn accept(listener: &TcpListener, state: &Mutex<State>, stalled: &Arc<Stalled>) {
    for client in listener.incoming() {
        let client = client.unwrap();
        // Held until both ends are noted, so that none is missed by a cut.
        let mut state = state.lock().unwrap();
        if state.ended {
            return;
        }
        let Some(target) = state.target else {
            continue;
        };
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else {
            continue;
        };
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
            state.streams.push(stream.try_clone().unwrap());
        }
        for (from, to) in [(&client, &server), (&server, &client)] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let stalled = stalled.clone();
            std::thread::spawn(move || pump(from, to, &stalled));
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, stalled: &Stalled) {
    let mut bytes = [0; 16 * 1024];
    // However it ends, both ends end.
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        stalled.wait_until_over();
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    from.shutdown(Shutdown::Both).ok();
    to.shutdown(Shutdown::Both).ok();
}
