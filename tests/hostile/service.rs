//! A service on loopback that does what a script says: the API over HTTP, the message gateway over WebSocket.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};

use crate::support::command::ssmx;

/// What the API answers.
pub(super) enum Reply {
    /// As the service does.
    Usual,
    /// This status and body of this type.
    Body(u16, &'static str, String),
    /// Nothing; the connection stays.
    Never,
    /// The connection breaks off.
    Cut,
}

/// The script of a service.
pub(super) trait Script: Send + Sync + 'static {
    /// Answers a call of the API; `count` is how often this operation was called, this one included.
    fn call(&self, _action: &str, _count: usize) -> Reply {
        Reply::Usual
    }

    /// Plays a connection to the gateway, the first of which has the number 1; the open message has been read.
    fn play(&self, client: Client, number: usize) -> impl Future<Output = ()> + Send;
}

/// A running service.
pub(super) struct Service {
    endpoint: String,
    seen: Arc<Seen>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Seen {
    calls: Mutex<BTreeMap<String, usize>>,
    connections: AtomicUsize,
}

impl Service {
    pub(super) fn start(script: impl Script) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let seen = Arc::new(Seen::default());
        let script = Arc::new(script);
        let endpoint = runtime.block_on(async {
            let gateway = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream_url =
                format!("ws://{}/v1/data-channel/hostile-1?role=publish_subscribe", gateway.local_addr().unwrap());
            let api = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = format!("http://{}", api.local_addr().unwrap());
            tokio::spawn(serve_gateway(gateway, Arc::clone(&script), Arc::clone(&seen)));
            tokio::spawn(serve_api(api, stream_url, script, Arc::clone(&seen)));
            endpoint
        });
        Self { endpoint, seen, _runtime: runtime }
    }

    /// The ssmx under test, led to this service.
    pub(super) fn ssmx(&self) -> Command {
        let mut command = ssmx();
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command
    }

    pub(super) fn environment(&self) -> [(&'static str, &str); 5] {
        [
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAHOSTILE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_CONFIG_FILE", "/dev/null"),
        ]
    }

    /// How often an operation was called.
    pub(super) fn calls(&self, action: &str) -> usize {
        self.seen.calls.lock().unwrap().get(action).copied().unwrap_or(0)
    }

    /// WebSockets that were opened.
    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }
}

async fn serve_gateway(listener: TcpListener, script: Arc<impl Script>, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
        tokio::spawn(async move {
            let mut config = WebSocketConfig::default();
            config.max_frame_size = None;
            config.max_message_size = None;
            let Ok(mut socket) = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await else {
                return;
            };
            let number = seen.connections.fetch_add(1, Ordering::SeqCst) + 1;
            if let Some(Ok(Message::Text(_))) = socket.next().await {
                script.play(Client { socket }, number).await;
            }
        });
    }
}

async fn serve_api(listener: TcpListener, stream_url: String, script: Arc<impl Script>, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (script, seen, stream_url) = (Arc::clone(&script), Arc::clone(&seen), stream_url.clone());
        tokio::spawn(async move {
            let answer = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let target = request.headers().get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
                let (script, seen, stream_url) = (Arc::clone(&script), Arc::clone(&seen), stream_url.clone());
                async move {
                    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                    let query = || {
                        let form = String::from_utf8_lossy(&body).into_owned();
                        let action = form.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or("");
                        action.to_owned()
                    };
                    let action = target
                        .as_deref()
                        .and_then(|target| target.rsplit('.').next())
                        .map_or_else(query, str::to_owned);
                    let count = {
                        let mut calls = seen.calls.lock().unwrap();
                        let count = calls.entry(action.clone()).or_default();
                        *count += 1;
                        *count
                    };
                    let json = "application/x-amz-json-1.1";
                    let (status, kind, text) = match script.call(&action, count) {
                        Reply::Usual => match usual(&action, count, &stream_url) {
                            Some(answer) => (200, json, answer.to_string()),
                            None => (400, json, json!({ "__type": "AccessDeniedException" }).to_string()),
                        },
                        Reply::Body(status, kind, text) => (status, kind, text),
                        Reply::Never => return pending().await,
                        Reply::Cut => return Err(std::io::Error::other("cut")),
                    };
                    let answer = Response::builder().status(status).header("content-type", kind);
                    Ok(answer.body(Full::new(Bytes::from(text))).unwrap())
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn usual(action: &str, count: usize, stream_url: &str) -> Option<Value> {
    let token = format!("token-{action}-{count}");
    let id = "hostile-1";
    match action {
        "StartSession" => Some(json!({ "SessionId": id, "TokenValue": token, "StreamUrl": stream_url })),
        "ResumeSession" => Some(json!({ "SessionId": id, "TokenValue": token })),
        "TerminateSession" => Some(json!({ "SessionId": id })),
        _ => None,
    }
}

/// A client's connection to the gateway.
pub(super) struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    /// Sends a frame; false when the client is gone.
    pub(super) async fn send(&mut self, frame: Bytes) -> bool {
        self.socket.send(Message::Binary(frame)).await.is_ok()
    }

    /// The next binary frame; none when the client is gone.
    pub(super) async fn frame(&mut self) -> Option<Bytes> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Binary(frame)) => return Some(frame),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Answers pings, and says nothing else, until the client is gone.
    pub(super) async fn silence(&mut self) {
        while self.frame().await.is_some() {}
    }

    /// Closes with a code.
    pub(super) async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        let _ = self.socket.close(Some(frame)).await;
        self.silence().await;
    }
}
