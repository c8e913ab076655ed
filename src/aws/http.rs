//! The HTTP client of the SDK, over the roots and proxies of [`NetSettings`].
//!
//! The client that the SDK builds for itself knows no AWS_CA_BUNDLE and would reach a sandbox on loopback through a
//! proxy.

use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::Uri;

use super::{error::Error, net::NetSettings};

/// Chooses for every request between the direct way and the proxy.
#[derive(Debug)]
struct Client {
    net: NetSettings,
    direct: SharedHttpClient,
    proxied: SharedHttpClient,
}

#[derive(Debug)]
struct Route {
    net: NetSettings,
    direct: SharedHttpConnector,
    proxied: SharedHttpConnector,
}

impl NetSettings {
    pub(crate) fn http_client(&self) -> Result<SharedHttpClient, Error> {
        #[cfg(test)]
        if let Some(world) = &self.world {
            return Ok(super::simulated::http_client(world));
        }
        let mut store = TrustStore::empty();
        for root in self.roots.iter() {
            store.add_pem_certificate(pem(root));
        }
        let tls = TlsContext::builder().with_trust_store(store).build();
        let tls = tls.map_err(|err| Error::network("connection", "cannot set up TLS", &err))?;
        Ok(SharedHttpClient::new(Client {
            net: self.clone(),
            direct: client(tls.clone(), ProxyConfig::disabled()),
            proxied: client(tls, self.proxies.sdk()),
        }))
    }
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Route {
            net: self.net.clone(),
            direct: self.direct.http_connector(settings, components),
            proxied: self.proxied.http_connector(settings, components),
        })
    }
}

impl HttpConnector for Route {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let chosen = match request.uri().parse::<Uri>() {
            Ok(uri) => self.net.proxies.choose(&uri),
            Err(err) => return HttpConnectorFuture::ready(Err(ConnectorError::user(err.into()))),
        };
        match chosen {
            Ok(None) => self.direct.call(request),
            Ok(Some(_)) => self.proxied.call(request),
            Err(err) => HttpConnectorFuture::ready(Err(ConnectorError::user(err.into()))),
        }
    }
}

fn client(tls: TlsContext, proxy: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder().proxy_config(proxy.clone());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.tls_provider(Provider::rustls(CryptoMode::AwsLc)).tls_context(tls.clone()).build()
    })
}

/// The trust store takes text only.
fn pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(der))
}
