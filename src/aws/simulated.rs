//! A world in place of the network: the answers of the API and the connections to it are a test's.

use std::{fmt, future::Future, io, pin::Pin, sync::Arc};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;

use super::net::BoxedStream;

/// An answer of the API that may take its time: the HTTP status and the JSON of the body, or a broken connection.
pub(crate) type Answer = Pin<Box<dyn Future<Output = io::Result<(u16, String)>> + Send>>;

/// What stands in place of the network.
pub(crate) trait World: fmt::Debug + Send + Sync + 'static {
    /// Answers a request; `action` is the operation, `body` its JSON.
    fn call(&self, action: &str, body: &[u8]) -> Answer;

    /// Connects to a server.
    ///
    /// # Errors
    /// It cannot be reached.
    fn connect(&self) -> io::Result<BoxedStream>;
}

#[derive(Clone, Debug)]
struct Client(Arc<dyn World>);

/// The SDK's way into this world.
pub(super) fn http_client(world: &Arc<dyn World>) -> SharedHttpClient {
    SharedHttpClient::new(Client(Arc::clone(world)))
}

impl HttpClient for Client {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Client {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let action = target.rsplit('.').next().unwrap_or_default();
        let answer = self.0.call(action, request.body().bytes().unwrap_or_default());
        HttpConnectorFuture::new(async move {
            let (status, body) = answer.await.map_err(|error| ConnectorError::io(error.into()))?;
            let status = status.try_into().expect("a status");
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            response.headers_mut().insert("content-type", "application/x-amz-json-1.1");
            Ok(response)
        })
    }
}
