//! Stands between ssmx and the API of a sandbox: hears every secret that is handed over there, and can change answers.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// One call of the API.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Head and body of the request.
    pub(crate) request: String,
    /// Head and body of the answer, as the sandbox gave it.
    pub(crate) answer: String,
}

impl Call {
    /// Whether it is a call of this action of a JSON service (`StartSession`).
    pub(crate) fn is(&self, action: &str) -> bool {
        self.request.lines().any(|line| {
            line.to_ascii_lowercase().starts_with("x-amz-target:") && line.trim_end().ends_with(&format!(".{action}"))
        })
    }

    /// A text member of the answer.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        let (_, rest) = self.answer.split_once(&format!("\"{name}\":\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    }
}

/// A server that passes requests on, one at a time on each connection.
pub(crate) struct Between {
    address: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Between {
    /// Passes everything on as it is.
    pub(crate) fn listen(upstream: &str) -> Self {
        Self::changing(upstream, |_, answer| answer)
    }

    /// Changes answers on the way back; the call is given with how many calls of any kind were before it.
    pub(crate) fn changing(upstream: &str, change: impl Fn(&Call, String) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (heard, upstream, change) = (Arc::clone(&calls), upstream.to_owned(), Arc::new(change));
        // The thread goes with the test program.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (heard, upstream, change) = (Arc::clone(&heard), upstream.clone(), Arc::clone(&change));
                thread::spawn(move || serve(client, &upstream, &heard, &*change));
            }
        });
        Self { address, calls }
    }

    /// The URL to be used as the endpoint of the API.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The calls of one action so far.
    pub(crate) fn calls_of(&self, action: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.is(action)).collect()
    }
}

fn serve(
    client: TcpStream,
    upstream: &str,
    calls: &Mutex<Vec<Call>>,
    change: &(dyn Fn(&Call, String) -> String + Send + Sync),
) {
    let Ok(server) = TcpStream::connect(upstream) else { return };
    let (mut client_out, mut server_out) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (mut client, mut server) = (BufReader::new(client), BufReader::new(server));
    while let Ok(request) = message(&mut client) {
        if server_out.write_all(request.as_bytes()).is_err() {
            return;
        }
        let Ok(answer) = message(&mut server) else { return };
        let call = Call { request, answer: answer.clone() };
        let answer = change(&call, answer);
        calls.lock().unwrap().push(call);
        if client_out.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads one HTTP message that says how long it is.
fn message(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let begin = text.len();
        if stream.read_line(&mut text)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = text[begin..].to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    text.push_str(&String::from_utf8(body).map_err(io::Error::other)?);
    Ok(text)
}

/// An answer of a JSON service.
pub(crate) fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\nx-amzn-requestid: 11111111-2222\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Panics if the text has the secret in it: as it is, in base64 (at each of the three places where a group can begin),
/// in hexadecimal digits of either case, as a list of bytes, or escaped for a URL.
#[track_caller]
pub(crate) fn assert_absent(text: &str, name: &str, secret: &[u8]) {
    assert!(secret.len() >= 6, "{name} is too short to be looked for");
    let mut forms = vec![
        String::from_utf8_lossy(secret).into_owned(),
        secret.iter().map(|byte| format!("{byte:02x}")).collect(),
        secret.iter().map(|byte| format!("{byte:02X}")).collect(),
        secret.iter().map(u8::to_string).collect::<Vec<_>>().join(", "),
        escaped(secret),
    ];
    for shift in 0..3 {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(secret);
        let encoded = BASE64_STANDARD.encode(&shifted);
        // What depends on the neighbours is left out at both ends.
        let digits = encoded.trim_end_matches('=');
        let begin = [0, 2, 3][shift];
        let inner = &digits[begin..digits.len() - 1];
        forms.push(inner.to_owned());
        forms.push(inner.replace('+', "-").replace('/', "_"));
    }
    for form in forms {
        if let Some(at) = text.find(&form) {
            let line = text[..at].lines().count();
            panic!("{name} is in the text, in or after line {line}, as {form:?}");
        }
    }
}

fn escaped(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    bytes.iter().map(|&byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
