use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

fn chosen(proxies: &Proxies, url: &str) -> Option<String> {
    proxies.choose(&url.parse().unwrap()).unwrap().map(|proxy| proxy.url().to_string())
}

#[test]
fn what_is_local_is_never_proxied() {
    let proxies = Proxies::fixed("http://proxy.corp:3128", "");
    for url in [
        "http://127.0.0.1:9000/",
        "https://127.9.9.9/",
        "http://[::1]:80/",
        "http://[::ffff:127.0.0.1]/",
        "http://LOCALHOST:8080/",
        "http://169.254.169.254/latest",
        "http://169.254.170.2/v2/credentials",
        "http://[fd00:ec2::254]/latest",
    ] {
        assert_eq!(chosen(&proxies, url), None, "{url}");
    }
    for url in ["https://ssm.eu-west-1.amazonaws.com/", "https://10.0.0.1/", "http://localhost.example.com/"] {
        assert_eq!(chosen(&proxies, url).as_deref(), Some("http://proxy.corp:3128/"), "{url}");
    }
}

#[test]
fn no_proxy_holds_and_other_schemes_are_refused() {
    let proxies = Proxies::fixed("https://proxy.corp", ".amazonaws.com");
    assert_eq!(chosen(&proxies, "https://ssm.eu-west-1.amazonaws.com/"), None);
    assert_eq!(chosen(&proxies, "https://ssm.api.aws/").as_deref(), Some("https://proxy.corp/"));

    let socks = Matcher::builder().all("socks5://proxy.corp:1080".to_owned()).build();
    let proxies = Proxies(socks);
    let err = proxies.choose(&"https://example.com".parse().unwrap()).err().unwrap();
    assert_eq!((err.kind(), err.cause()), (ErrorKind::Network, Cause::Proxy));
}

/// What is told when a proxy answers so.
async fn told(answer: &'static [u8]) -> Error {
    let proxies = Proxies::fixed("http://proxy.corp:3128", "");
    let proxy = proxies.choose(&"https://example.com".parse().unwrap()).unwrap().unwrap();
    let (ours, mut theirs) = tokio::io::duplex(64);
    let answering = tokio::spawn(async move {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(theirs.read_u8().await.unwrap());
        }
        while theirs.write_all(answer).await.is_ok() && answer == ENDLESS {}
    });
    let err = proxy.tunnel(Box::new(ours), "example.com:443".to_owned()).await.err().unwrap();
    answering.await.unwrap();
    err
}

const ENDLESS: &[u8] = b"HTTP/1.1 200 OK\r\nx: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nx:";

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_told() {
    for (answer, expected) in [
        (ENDLESS, "the proxy proxy.corp sent a response header that is too long"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "the proxy proxy.corp does not respond like an HTTP proxy"),
        (b"", "the connection to the proxy proxy.corp failed: connection closed before message completed"),
        (
            b"HTTP/1.0 407 \r\n\r\n",
            "the proxy proxy.corp requires a user and password (status 407 Proxy Authentication Required)",
        ),
        (
            b"HTTP/1.1 503 Later\r\n\r\n",
            "the proxy proxy.corp refuses example.com:443 with status 503 Service Unavailable",
        ),
    ] {
        let err = told(answer).await;
        assert_eq!((err.message(), err.kind()), (expected, ErrorKind::Network));
    }
}
