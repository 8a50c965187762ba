//! HTTP/1.1 on a free port of the loopback, for whatever answers one request at a time.
//! It knows no protocol above HTTP.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::http::{Request, Response};

/// A server that stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    job: JoinHandle<Infallible>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.job.abort();
    }
}

impl Server {
    /// Serves on a free port. An answer of `None` breaks the connection.
    ///
    /// # Panics
    /// When the loopback has no port left.
    pub async fn start<H, F>(handler: H) -> Self
    where
        H: Fn(Request) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Option<Response>> + Send + 'static,
    {
        Self::start_with(None, handler).await
    }

    /// The same, over TLS if so given.
    ///
    /// # Panics
    /// When the loopback has no port left.
    pub async fn start_with<H, F>(tls: Option<TlsAcceptor>, handler: H) -> Self
    where
        H: Fn(Request) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Option<Response>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let job = tokio::spawn(async move {
            // The jobs of the connections end with this set, so that nothing outlives the server.
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                // Nagle's algorithm would add 40 ms to each answer.
                let _ = stream.set_nodelay(true);
                let (handler, tls) = (handler.clone(), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => talk(stream, handler).await,
                        Some(tls) => {
                            // A client that does not trust us says so itself.
                            if let Ok(stream) = tls.accept(stream).await {
                                talk(stream, handler).await;
                            }
                        }
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, job }
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn talk<S, H, F>(stream: S, handler: H)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Option<Response>> + Send + 'static,
{
    let service = service_fn(move |request| serve(handler.clone(), request));
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// An error makes hyper drop the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection breaks on purpose")]
struct Cut;

async fn serve<H, F>(handler: H, request: hyper::Request<Incoming>) -> Result<hyper::Response<Full<Bytes>>, Cut>
where
    H: Fn(Request) -> F,
    F: Future<Output = Option<Response>>,
{
    let (parts, body) = request.into_parts();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let request = Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: body.collect().await.map_err(|_| Cut)?.to_bytes().to_vec(),
    };
    let response = handler(request).await.ok_or(Cut)?;
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(response.body.into())).map_err(|_| Cut)
}
