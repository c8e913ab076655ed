//! An HTTP server on loopback that answers as a test says, and remembers what it was asked.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use crate::aws::Aws;

/// The server; it stops when dropped.
pub(crate) struct Fake {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

/// A request as it came in.
#[derive(Clone)]
pub(crate) struct Seen {
    /// The operation: from `X-Amz-Target`, or `Action` of the query protocol.
    pub(crate) action: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What to answer.
pub(crate) struct Answer {
    status: u16,
    content_type: &'static str,
    location: Option<&'static str>,
    body: String,
    /// Cuts the connection in place of an answer.
    cut: bool,
}

impl Fake {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let (answer, log) = (Arc::new(answer), Arc::clone(&seen));
        tasks.spawn(async move {
            // Dropped with this task, and the connections with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                let serve = service_fn(move |request: Request<Incoming>| {
                    let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                    async move {
                        let seen = Seen::read(request).await;
                        let answer = answer(&seen);
                        log.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
                        answer.response()
                    }
                });
                connections.spawn(async move {
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), serve).await;
                });
            }
        });
        Self { url, seen, _tasks: tasks }
    }

    pub(crate) async fn aws(&self) -> Aws {
        self.aws_with(&["AKIDTEST"]).await
    }

    /// With the keys of these ids, one after the other as they are refused.
    pub(crate) async fn aws_with(&self, ids: &[&str]) -> Aws {
        Aws::for_tests(&self.url, ids.iter().map(|id| keys(id)).collect()).await
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Seen {
    async fn read(request: Request<Incoming>) -> Self {
        let (parts, body) = request.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.split('.').next_back());
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
        let action = target.or(action).unwrap_or_default().to_owned();
        Self { action, headers: parts.headers, body }
    }

    /// The access key id that the request was signed with.
    pub(crate) fn access_key(&self) -> &str {
        let authorization = self.headers["authorization"].to_str().unwrap();
        authorization.split("Credential=").nth(1).unwrap().split('/').next().unwrap()
    }
}

impl Answer {
    pub(crate) fn json(body: &str) -> Self {
        let content_type = "application/x-amz-json-1.1";
        Self { status: 200, content_type, location: None, body: body.to_owned(), cut: false }
    }

    /// None: the request has arrived, and the connection is cut.
    pub(crate) fn none() -> Self {
        Self { cut: true, ..Self::json("") }
    }

    pub(crate) fn json_error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "__type": code, "message": message }).to_string();
        Self { status, ..Self::json(&body) }
    }

    pub(crate) fn xml(body: &str) -> Self {
        Self { content_type: "text/xml", ..Self::json(body) }
    }

    /// What a browser is for.
    pub(crate) fn page(status: u16, body: &str) -> Self {
        Self { status, content_type: "text/html", ..Self::json(body) }
    }

    pub(crate) fn with_location(self, location: &'static str) -> Self {
        Self { location: Some(location), ..self }
    }

    pub(crate) fn ec2_error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>fake-request-id</RequestID></Response>"
        );
        Self { status, ..Self::xml(&body) }
    }

    pub(crate) fn sts_error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>fake-request-id</RequestId></ErrorResponse>"
        );
        Self { status, ..Self::xml(&body) }
    }

    fn response(self) -> io::Result<Response<Full<Bytes>>> {
        if self.cut {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let mut response = Response::builder()
            .status(self.status)
            .header("content-type", self.content_type)
            .header("x-amzn-requestid", "fake-request-id");
        if let Some(location) = self.location {
            response = response.header("location", location);
        }
        Ok(response.body(Full::new(self.body.into())).unwrap())
    }
}

/// Keys that do not exist.
pub(crate) fn keys(id: &str) -> Credentials {
    Credentials::new(id, "SECRETKEY", None, None, "test")
}
