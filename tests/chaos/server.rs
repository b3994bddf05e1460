//! A PostgreSQL server behind a proxy, which can be killed, cut off, or made to hang.

use std::sync::Mutex;
use std::time::Duration;

use testing::TemporaryServer;
use tokio::runtime::Runtime;

use crate::support::Database;
use crate::support::proxy::Proxy;

pub struct Server {
    postgres: Mutex<TemporaryServer>,
    proxy: Proxy,
    port: u16,
    runtime: Runtime,
}

impl Server {
    /// `None`, and a line that says so, where no PostgreSQL is installed.
    pub fn start() -> Option<Server> {
        let runtime = Runtime::new().unwrap();
        let postgres = runtime.block_on(TemporaryServer::start_or_skip())?;
        let port = port_of(&postgres.database_url());
        let proxy = Proxy::start();
        proxy.open(port);
        Some(Server {
            postgres: Mutex::new(postgres),
            proxy,
            port,
            runtime,
        })
    }

    /// Through the proxy.
    pub fn url(&self) -> String {
        format!(
            "postgresql://postgres@127.0.0.1:{}/postgres",
            self.proxy.port()
        )
    }

    /// Deletes what an election left.
    pub fn empty(&self) {
        let url = self.postgres.lock().unwrap().database_url();
        self.runtime.block_on(async {
            let database = Database::server(&url).await;
            let empty = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
            database.client.batch_execute(empty).await.unwrap();
            database.close().await;
        });
    }

    pub fn restart(&self, away: Duration) {
        let mut postgres = self.postgres.lock().unwrap();
        postgres.kill();
        std::thread::sleep(away);
        self.runtime.block_on(postgres.start_again()).unwrap();
    }

    pub fn cut(&self, away: Duration) {
        self.proxy.cut();
        std::thread::sleep(away);
        self.proxy.open(self.port);
    }

    pub fn stall(&self, away: Duration) {
        self.proxy.stall();
        std::thread::sleep(away);
        self.proxy.resume();
    }
}

fn port_of(url: &str) -> u16 {
    let (_, port) = url.rsplit_once(':').unwrap();
    port.split('/').next().unwrap().parse().unwrap()
}
