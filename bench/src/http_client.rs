//! A small HTTP client for the dashboard: one connection, one request at a time.

use std::net::SocketAddr;

use anyhow::Context;
use async_dup::{Arc, Mutex};
use serde_json::Value;
use tide::http::{Body, Method, Request, Response, Url};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

pub(crate) struct HttpClient {
    address: SocketAddr,
    stream: Arc<Mutex<Compat<TcpStream>>>,
}

impl HttpClient {
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<HttpClient> {
        let stream = TcpStream::connect(address)
            .await
            .context("cannot connect to the dashboard")?;
        stream.set_nodelay(true)?;
        let stream = Arc::new(Mutex::new(stream.compat()));
        Ok(HttpClient { address, stream })
    }

    /// The body of an answer, to be read as it arrives.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Body> {
        let mut response = self.send(Method::Get, path, Body::empty()).await?;
        let status = response.status();
        anyhow::ensure!(status.is_success(), "GET {path}: {status}");
        Ok(response.take_body())
    }

    /// Posts JSON. Returns the status and the whole answer.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<(u16, String)> {
        let body = Body::from_json(body).map_err(|error| error.into_inner())?;
        let mut response = self.send(Method::Post, path, body).await?;
        let answer = response.body_string().await;
        let answer = answer.map_err(|error| error.into_inner())?;
        Ok((response.status().into(), answer))
    }

    async fn send(&self, method: Method, path: &str, body: Body) -> anyhow::Result<Response> {
        let url = Url::parse(&format!("http://{}{path}", self.address))?;
        let mut request = Request::new(method, url);
        request.set_body(body);
        let answered = async_h1::connect(self.stream.clone(), request).await;
        answered.map_err(|error| error.into_inner())
    }
}
