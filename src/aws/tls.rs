//! TLS: which certificates are trusted, and for which servers.

use std::{fmt, path::Path, sync::Arc};

use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::aws_lc_rs,
    server::ParsedCertificate,
};

use super::error::{Cause, Error, ErrorKind};

/// The settings of a client that trusts the operating system, or a bundle alone, of which also the name is given that
/// the person knows it by. With the number of roots.
///
/// # Errors
///
/// If the bundle cannot be read or holds no certificate. Missing roots of the system are an error only when a
/// certificate is to be checked.
pub(super) fn client(bundle: Option<(&str, &Path)>) -> Result<(ClientConfig, usize), Error> {
    let found = match bundle {
        Some((name, path)) => read_bundle(name, path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut store = RootCertStore::empty();
    let roots: Vec<_> = found.into_iter().filter(|root| store.add(root.clone()).is_ok()).collect();
    let count = roots.len();
    let failed = |err: &(dyn std::error::Error + 'static)| Error::network("connection", "cannot set up TLS", err);
    // The provider is named, not installed for the process: a second one in the tree would make the default a panic.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|err| failed(&err))?;
    let mut config = match bundle {
        None => config.with_root_certificates(store).with_no_client_auth(),
        Some((name, path)) if roots.is_empty() => {
            return Err(bundle_error(name, path, "it contains no usable certificate"));
        }
        Some(_) => {
            let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider);
            let usual = usual.build().map_err(|err| failed(&err))?;
            let verifier = BundleVerifier { usual, bundle: roots };
            config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    tracing::debug!(roots = count, bundle = bundle.is_some(), "trusted roots loaded");
    Ok((config, count))
}

fn read_bundle(name: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    certificates.map_err(|err| bundle_error(name, path, &err.to_string()))
}

fn bundle_error(name: &str, path: &Path, reason: &str) -> Error {
    let message = format!("cannot use the CA bundle {} of {name}: {reason}", path.display());
    Error::new(ErrorKind::Usage, Cause::CaBundle, "configuration", message)
}

/// As rustls verifies, and one thing more, as OpenSSL has it: a server may show a certificate that is in the bundle
/// itself, even if it says that it is one of an authority, as those do that `openssl req -x509` makes.
struct BundleVerifier {
    usual: Arc<WebPkiServerVerifier>,
    bundle: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for BundleVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let verified = self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // Its dates have been checked before this is said; its name has not.
            Err(err) if is_authority(&err) && self.bundle.iter().any(|own| own == end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

impl fmt::Debug for BundleVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BundleVerifier").field("bundle", &self.bundle.len()).finish_non_exhaustive()
    }
}

/// Whether a certificate was refused for nothing but that it is one of an authority.
fn is_authority(err: &TlsError) -> bool {
    matches!(err, TlsError::InvalidCertificate(CertificateError::Other(other)) if other.to_string().contains(AUTHORITY))
}

/// The name of the refusal in rustls-webpki, of which rustls has no kind of its own.
const AUTHORITY: &str = "CaUsedAsEndEntity";
