//! Tests of the way to a server, with real TLS servers and proxies on loopback. What is loopback is never proxied, so
//! they ask for a name that only the proxy knows.

use std::{path::PathBuf, sync::Arc, time::Duration};

use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs},
};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::{BoxedStream, CONNECT_TIMEOUT, NetSettings, Stream};
use crate::aws::error::{Cause, Error, ErrorKind};
use crate::aws::proxy::Proxies;
use crate::testing::{Answer, Fake, keys};

/// A certificate authority that is not trusted anywhere, and its file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

impl Authority {
    fn new() -> Self {
        Self::named("ssmx test authority")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, dir }
    }

    fn bundle(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    fn net(&self, proxies: Proxies) -> NetSettings {
        NetSettings::new(Some(("AWS_CA_BUNDLE", &self.bundle())), proxies).unwrap()
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        acceptor(&params.signed_by(&key, &self.issuer).unwrap(), &key)
    }
}

fn acceptor(certificate: &Certificate, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Servers on loopback; they stop when dropped.
#[derive(Default)]
struct Servers(JoinSet<()>);

impl Servers {
    /// A TLS server that answers a request, whatever it is, with a document of STS.
    async fn https(&mut self, acceptor: TlsAcceptor) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        self.0.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not trust us hangs up.
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = stream.read(&mut [0; 8192]).await;
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", IDENTITY.len());
                    let _ = stream.write_all(format!("{head}{IDENTITY}").as_bytes()).await;
                    let _ = stream.shutdown().await;
                }
            }
        });
        port
    }

    /// A proxy that leads every tunnel to `behind`, or refuses with `status`; it tells the heads of the requests.
    async fn proxy(&mut self, behind: u16, status: &'static str, tls: Option<TlsAcceptor>) -> (u16, Heads) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, heads) = mpsc::unbounded_channel();
        self.0.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let stream: BoxedStream = match &tls {
                    Some(tls) => Box::new(tls.accept(stream).await.unwrap()),
                    None => Box::new(stream),
                };
                tunnel(stream, behind, status, &tell).await;
            }
        });
        (port, heads)
    }
}

type Heads = mpsc::UnboundedReceiver<String>;

async fn tunnel(stream: impl Stream, behind: u16, status: &str, tell: &mpsc::UnboundedSender<String>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap() == 0 {
            return;
        }
    }
    let _ = tell.send(head);
    stream.write_all(format!("HTTP/1.1 {status}\r\nvia: test\r\n\r\n").as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    if status.starts_with("200") {
        let mut server = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut server).await;
    }
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn direct(bundle: Option<&Authority>) -> NetSettings {
    bundle.map_or_else(|| NetSettings::new(None, Proxies::none()).unwrap(), |bundle| bundle.net(Proxies::none()))
}

const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/a</Arn>\
                        <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

#[tokio::test]
async fn a_private_authority_is_trusted_if_the_bundle_says_so() {
    let (authority, mut servers) = (Authority::new(), Servers::default());
    let port = servers.https(authority.acceptor("127.0.0.1")).await;
    let stream = direct(Some(&authority)).connect("127.0.0.1", port, true).await.unwrap();
    assert!(exchange(stream).await.contains("123456789012"));

    let err = direct(None).connect("127.0.0.1", port, true).await.err().unwrap();
    assert_eq!((err.kind(), err.cause()), (ErrorKind::Network, Cause::UnknownIssuer), "{err}");
    assert!(err.hints()[0].contains("AWS_CA_BUNDLE"));

    // The bundle takes the place of all other roots.
    let other = Authority::named("another authority");
    let err = direct(Some(&other)).connect("127.0.0.1", port, true).await.err().unwrap();
    assert_eq!(err.cause(), Cause::UnknownIssuer, "{err}");
}

/// A bundle with the certificate of a server that calls itself an authority, as `openssl req -x509` makes them.
fn self_signed(name: &str, until: i32) -> (TlsAcceptor, TempDir) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("ca.pem"), certificate.pem()).unwrap();
    (acceptor(&certificate, &key), dir)
}

#[tokio::test]
async fn a_certificate_that_is_in_the_bundle_itself_is_trusted_for_its_name_and_time() {
    let connect = async |server: TlsAcceptor, dir: TempDir| {
        let mut servers = Servers::default();
        let port = servers.https(server).await;
        let net = NetSettings::new(Some(("ca_bundle", &dir.path().join("ca.pem"))), Proxies::none()).unwrap();
        match net.connect("127.0.0.1", port, true).await {
            Ok(stream) => Ok(exchange(stream).await),
            Err(err) => Err((err.cause(), err.message().to_owned())),
        }
    };
    let (server, bundle) = self_signed("127.0.0.1", 4000);
    assert!(connect(server, bundle).await.unwrap().contains("123456789012"));
    let (server, bundle) = self_signed("other.test", 4000);
    assert_eq!(connect(server, bundle).await.unwrap_err().0, Cause::Tls);
    let (server, bundle) = self_signed("127.0.0.1", 2021);
    let (cause, message) = connect(server, bundle).await.unwrap_err();
    assert!(cause == Cause::Tls && message.contains("expired"), "{message}");
    // The same name in the bundle, but another key.
    let ((server, _), (_, bundle)) = (self_signed("127.0.0.1", 4000), self_signed("127.0.0.1", 4000));
    assert!(connect(server, bundle).await.is_err());
}

/// Addresses in the order in which they are given out.
#[cfg(unix)]
#[derive(Clone)]
struct Addresses(Vec<std::net::SocketAddr>);

#[cfg(unix)]
impl Service<Name> for Addresses {
    type Response = std::vec::IntoIter<std::net::SocketAddr>;
    type Error = std::io::Error;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        std::future::ready(Ok(self.0.clone().into_iter()))
    }
}

/// One address after the other would take longer than all may take together.
#[cfg(unix)]
#[tokio::test]
async fn addresses_that_lead_nowhere_do_not_keep_those_of_the_other_family_waiting() {
    // A queue that is full drops whoever wants to join it, as a black hole does.
    let Ok(hole) = std::net::TcpListener::bind("[::1]:0") else { return };
    rustix::net::listen(&hole, 0).unwrap();
    let dead = hole.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(Ok(joined)) = timeout(Duration::from_secs(1), TcpStream::connect(dead)).await {
        queue.push(joined);
        assert!(queue.len() < 64, "the queue does not fill");
    }
    let Ok(server) = TcpListener::bind(("127.0.0.1", dead.port())).await else { return };
    let addresses = vec![dead, dead, dead, dead, server.local_addr().unwrap()];
    let to = format!("http://example.test:{}", dead.port()).parse().unwrap();
    let attempt = timeout(CONNECT_TIMEOUT, super::connected(&to, super::attempt(&to, Addresses(addresses))));
    let connected = attempt.await.expect("the time for all is up").unwrap();
    assert!(connected.peer_addr().unwrap().is_ipv4());
    assert!(connected.nodelay().unwrap());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (authority, mut servers) = (Authority::new(), Servers::default());
    let port = servers.https(authority.acceptor("other.test")).await;
    let err = direct(Some(&authority)).connect("127.0.0.1", port, true).await.err().unwrap();
    assert_eq!((err.kind(), err.cause()), (ErrorKind::Network, Cause::Tls), "{err}");
}

#[tokio::test]
async fn a_proxy_gets_the_name_and_the_password_and_tls_goes_through_it() {
    let (authority, mut servers) = (Authority::new(), Servers::default());
    let port = servers.https(authority.acceptor("gateway.test")).await;
    let (proxy, mut heads) = servers.proxy(port, "200 Connection established", None).await;
    let proxies = Proxies::fixed(&format!("http://user:p%40ss@127.0.0.1:{proxy}"), "");
    let net = authority.net(proxies);
    let stream = net.connect("gateway.test", 443, true).await.unwrap();
    assert!(exchange(stream).await.contains("123456789012"));
    let head = heads.recv().await.unwrap();
    assert!(head.starts_with("CONNECT gateway.test:443 HTTP/1.1\r\n"), "{head}");
    // user:p@ss
    assert!(head.contains("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"), "{head}");
    assert!(!format!("{net:?}").contains("p%40ss"), "{net:?}");
}

#[tokio::test]
async fn a_proxy_may_itself_speak_tls() {
    let (authority, mut servers) = (Authority::new(), Servers::default());
    let port = servers.https(authority.acceptor("gateway.test")).await;
    let (proxy, _heads) = servers.proxy(port, "200 OK", Some(authority.acceptor("127.0.0.1"))).await;
    let proxies = Proxies::fixed(&format!("https://127.0.0.1:{proxy}"), "");
    let net = authority.net(proxies);
    let stream = net.connect("gateway.test", 443, true).await.unwrap();
    assert!(exchange(stream).await.contains("123456789012"));
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_as_the_one_who_does() {
    for (user, status, words) in [
        ("", "407 Proxy Authentication Required", "requires a user and password"),
        ("user:p@", "407 Proxy Authentication Required", "rejects the user and password"),
        ("", "403 Forbidden", "status 403"),
    ] {
        let mut servers = Servers::default();
        let (proxy, _heads) = servers.proxy(1, status, None).await;
        let proxies = Proxies::fixed(&format!("http://{user}127.0.0.1:{proxy}"), "");
        let net = NetSettings::new(None, proxies).unwrap();
        let err = net.connect("gateway.test", 443, true).await.err().unwrap();
        assert_eq!((err.kind(), err.cause()), (ErrorKind::Network, Cause::Proxy));
        assert!(err.message().contains(words), "{err}");
    }
}

#[tokio::test]
async fn the_sdk_takes_the_same_proxy_and_the_same_authority() {
    let (authority, mut servers) = (Authority::new(), Servers::default());
    let port = servers.https(authority.acceptor("sts.test")).await;
    let (proxy, mut heads) = servers.proxy(port, "200 OK", None).await;
    let identity = async |bundle: Option<&Authority>| -> Result<_, Error> {
        let proxies = || Proxies::fixed(&format!("http://127.0.0.1:{proxy}"), "");
        let net = bundle.map_or_else(|| NetSettings::new(None, proxies()).unwrap(), |bundle| bundle.net(proxies()));
        crate::aws::Aws::for_tests_over(net, "https://sts.test", vec![keys("AKIDTEST")]).await.caller_identity().await
    };
    assert_eq!(identity(Some(&authority)).await.unwrap().account, "123456789012");
    assert!(heads.recv().await.unwrap().starts_with("CONNECT sts.test:443 "));

    let err = identity(None).await.unwrap_err();
    assert_eq!((err.kind(), err.cause()), (ErrorKind::Network, Cause::UnknownIssuer), "{err}");
}

#[tokio::test]
async fn the_sdk_tells_how_a_proxy_refuses() {
    let mut servers = Servers::default();
    let (proxy, mut heads) = servers.proxy(1, "403 Not that host", None).await;
    let net = NetSettings::new(None, Proxies::fixed(&format!("http://127.0.0.1:{proxy}"), "")).unwrap();
    let aws = crate::aws::Aws::for_tests_over(net, "https://sts.test", vec![keys("AKIDTEST")]).await;
    let err = aws.caller_identity().await.unwrap_err();
    assert_eq!((err.kind(), err.cause()), (ErrorKind::Network, Cause::Proxy));
    let text = "cannot call sts:GetCallerIdentity: the proxy 127.0.0.1 refuses sts.test:443 with status 403 Forbidden";
    assert_eq!(err.to_string(), text);
    heads.recv().await.unwrap();
    assert!(heads.try_recv().is_err(), "it would refuse again");

    let nobody = NetSettings::new(None, Proxies::fixed("http://127.0.0.1:1", "")).unwrap();
    let aws = crate::aws::Aws::for_tests_over(nobody, "https://sts.test", vec![keys("AKIDTEST")]).await;
    let err = aws.caller_identity().await.unwrap_err();
    assert!(err.cause() == Cause::Proxy && err.message().starts_with("the proxy cannot be reached: "), "{err}");
}

#[tokio::test]
async fn a_proxy_passes_plain_requests_on() {
    let mut servers = Servers::default();
    let (proxy, mut heads) = servers.proxy(1, "503 Later", None).await;
    let net = NetSettings::new(None, Proxies::fixed(&format!("http://user:pw@127.0.0.1:{proxy}"), "")).unwrap();
    let aws = crate::aws::Aws::for_tests_over(net, "http://sts.test", vec![keys("AKIDTEST")]).await;
    assert!(aws.caller_identity().await.is_err());
    let head = heads.recv().await.unwrap();
    assert!(head.starts_with("POST http://sts.test/ HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: Basic dXNlcjpwdw==\r\n"), "{head}");
}

#[tokio::test]
async fn the_sdk_reaches_loopback_past_the_proxy() {
    let fake = Fake::start(|_| Answer::xml(IDENTITY)).await;
    let net = NetSettings::new(None, Proxies::fixed("http://127.0.0.1:1", "")).unwrap();
    let aws = crate::aws::Aws::for_tests_over(net, fake.url(), vec![keys("AKIDTEST")]).await;
    assert_eq!(aws.caller_identity().await.unwrap().account, "123456789012");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_said_to_be_one() {
    // Longer than DNS allows, so that no resolver invents an answer.
    let name = format!("{}.invalid", "a".repeat(64));
    let err = direct(None).connect(&name, 443, true).await.err().unwrap();
    assert_eq!((err.kind(), err.cause()), (ErrorKind::Network, Cause::Dns), "{err}");
}

#[test]
fn a_bundle_that_cannot_be_used_is_an_error_that_names_it() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("ca.pem");
    for content in [None, Some(""), Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")] {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let err = NetSettings::new(Some(("REQUESTS_CA_BUNDLE", &path)), Proxies::none()).unwrap_err();
        assert_eq!((err.kind(), err.cause()), (ErrorKind::Usage, Cause::CaBundle));
        assert!(err.message().contains("ca.pem of REQUESTS_CA_BUNDLE: ") && !err.hints().is_empty(), "{err}");
    }
}
