//! The signature of a WebSocket upgrade.
//!
//! Session Manager wants the GET that opens a data channel signed with SigV4 for the service name `ssmmessages`: a
//! bare GET with an empty body, of whose headers only Host and the signer's own are covered. The WebSocket's headers
//! are added afterwards.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http::{HeaderName, HeaderValue, Uri};

use super::{
    client::Aws,
    error::{Cause, Error, ErrorKind},
};

/// Headers to add to an upgrade request. Their values are marked sensitive, so that `Debug` does not show them.
pub(crate) type SignedHeaders = Vec<(HeaderName, HeaderValue)>;

impl Aws {
    /// Signs the upgrade request for a `wss://` or `ws://` URL with the credentials and the time as they are now.
    /// A presigned URL carries its signature already and needs no headers: none are given.
    ///
    /// The request must carry `Host` as the URL has it, without the default port of the scheme.
    ///
    /// # Errors
    ///
    /// If there are no credentials, or the URL is not valid.
    pub async fn sign_upgrade(&self, url: &str) -> Result<Option<SignedHeaders>, Error> {
        if is_presigned(url) {
            return Ok(None);
        }
        let credentials = self.credentials().await?;
        sign_at(url, self.region(), credentials, SystemTime::now()).map(Some)
    }
}

/// Whether a URL carries a signature in its query.
pub(crate) fn is_presigned(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| pair.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-")))
}

fn sign_at(url: &str, region: &str, credentials: Credentials, time: SystemTime) -> Result<SignedHeaders, Error> {
    let failed = |err: &(dyn std::error::Error + 'static)| {
        let message = format!("cannot sign the connection request: {err}");
        Error::new(ErrorKind::Service, Cause::Broken, "signature", message)
    };
    // The signer leaves out the default port of the schemes it knows.
    let url = match url.split_once("://") {
        Some(("wss", rest)) => format!("https://{rest}"),
        Some(("ws", rest)) => format!("http://{rest}"),
        _ => url.to_owned(),
    };
    // It panics on a URL without a host.
    let host = url.parse::<Uri>().map_err(|err| failed(&err))?.host().is_some_and(|host| !host.is_empty());
    if !host {
        return Err(Error::new(ErrorKind::Usage, Cause::Configuration, "signature", "the stream URL has no host"));
    }
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|err| failed(&err))?;
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]));
    let signed = sign(request.map_err(|err| failed(&err))?, &params.into()).map_err(|err| failed(&err))?;
    let (instructions, _signature) = signed.into_parts();
    instructions
        .headers()
        .map(|(name, value)| {
            let mut value = HeaderValue::from_str(value).map_err(|err| failed(&err))?;
            value.set_sensitive(true);
            Ok((HeaderName::from_bytes(name.as_bytes()).map_err(|err| failed(&err))?, value))
        })
        .collect()
}

/// The service name of the message gateway in a signature.
const SERVICE: &str = "ssmmessages";

#[cfg(test)]
mod tests;
