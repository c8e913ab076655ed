//! One session from the agent's side: carries frames between the gateway and the protocol, and bytes between the
//! protocol and the program.
//!
//! Nothing piles up here. Output is taken from the program when the channel has sent the piece before, which also
//! keeps the program's pieces apart as messages, as the real agent does. Input waits in the channel until the program
//! has taken the piece before; then in the link, as the socket of a real agent that does not read, or where
//! acknowledgements have to be fetched past it, here.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant as TokioInstant, sleep_until};

use super::contract::Outcome;
use super::program::{DriverEnd, Input, Io, Output, failure, line};
use crate::protocol::{AgentConfig, Config, DataChannel, DataKey, Event, Failure, Version};
use crate::sandbox::link::{AgentLink, LinkClosed, LinkEvent};
use crate::sandbox::random;
use crate::sandbox::services::kms::{EncryptionContext, Kms};

/// How long the real agent waits at the end for its last messages to be acknowledged.
const LAST_ACKNOWLEDGEMENTS: Duration = Duration::from_secs(2);

/// Larger than any piece of output, so that each is one message.
const MESSAGE_SIZE: usize = 64 * 1024;

/// Bytes of input that wait here at most: more than any client has under way. What comes beyond is not acknowledged, and
/// the client repeats it.
const MOST_WAITING: usize = 32 << 20;

/// How long after the end of its handshake an agent throws away what arrives, and acknowledges it. The real one was seen
/// to do so after 0.3 ms, in 4 of 220 sessions; this one always does.
const UNSETTLED: Duration = Duration::from_millis(1);

/// What opens the data key of a session.
#[derive(Debug)]
pub(crate) struct KeyOpener {
    /// Decrypts the data key.
    pub(crate) kms: Arc<Kms>,
    /// The session's encryption context without the challenge.
    pub(crate) context: EncryptionContext,
    /// The challenge of the handshake, if there is one.
    pub(crate) challenge: Option<String>,
}

impl KeyOpener {
    fn open(&self, ciphertext: &[u8], with_challenge: bool) -> Result<DataKey, String> {
        let mut context = self.context.clone();
        if let Some(challenge) = self.challenge.as_ref().filter(|_| with_challenge) {
            context.insert("aws:ssm:RandomChallenge".to_owned(), challenge.clone());
        }
        let plaintext = self
            .kms
            .decrypt(ciphertext, &context)
            .map_err(|error| format!("Fetching data key failed: Error when decrypting data key {error}"))?;
        DataKey::new(&plaintext).ok_or_else(|| "Fetching data key failed: the key is not 64 bytes long".to_owned())
    }
}

/// Drives one session. Dropping its future kills the program.
pub(crate) struct Driver<F> {
    link: AgentLink,
    channel: DataChannel,
    /// Room for output in an empty channel.
    send_buffer: usize,
    keys: KeyOpener,
    /// Makes the program, once the handshake is over.
    start: Option<F>,
    program: Option<Pin<Box<dyn Future<Output = Outcome> + Send>>>,
    input: mpsc::Sender<Input>,
    output: mpsc::Receiver<Output>,
    io: Option<Io>,
    /// A frame that the link had no room for.
    unsent: Option<Bytes>,
    /// Frames with input that the channel had no room for, and their bytes.
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    /// Input that the program has not taken yet.
    untaken: Option<Input>,
}

/// Why the loop ends.
enum End {
    /// The service has ended the session.
    Over,
    /// The channel has failed.
    Failed(Failure),
}

impl From<LinkClosed> for End {
    fn from(_: LinkClosed) -> Self {
        Self::Over
    }
}

impl<F, R> Driver<F>
where
    F: FnOnce(Version, Io) -> R + Send,
    R: Future<Output = Outcome> + Send + 'static,
{
    /// A driver that will run what `start` makes of the client's version, which is zero without a handshake.
    pub(crate) fn new(link: AgentLink, agent: AgentConfig, keys: KeyOpener, start: F) -> Self {
        let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seed = u64::from_ne_bytes(random::secret());
        let epoch_ms = u64::try_from(epoch.as_millis()).unwrap_or(u64::MAX);
        let config = Config { message_size: MESSAGE_SIZE, ..Config::new(now(), epoch_ms, seed) };
        let send_buffer = config.send_buffer;
        let ((input, output), io): (DriverEnd, Io) = line();
        let mut channel = DataChannel::agent(config, agent);
        channel.set_accepting(now(), false);
        channel.set_unsettled(UNSETTLED);
        Self {
            link,
            channel,
            send_buffer,
            keys,
            start: Some(start),
            program: None,
            input,
            output,
            io: Some(io),
            unsent: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            untaken: None,
        }
    }

    /// Serves the session to its end.
    pub(crate) async fn run(mut self) -> Outcome {
        self.channel.handle_connected(now());
        self.channel.report_state(now(), "Connected");
        match self.serve().await {
            Ok(outcome) => outcome,
            Err(End::Over) => Outcome::success(),
            Err(End::Failed(Failure::Handshake(reason))) => {
                failure(&format!("Encountered error while initiating handshake. {reason}"))
            }
            Err(End::Failed(other)) => failure(&other.to_string()),
        }
    }

    async fn serve(&mut self) -> Result<Outcome, End> {
        // The program's outcome; its last output may be under way when it is there.
        let mut outcome = None;
        let mut deadline = None;
        loop {
            self.channel.handle_timeout(now());
            self.take_waiting();
            self.take_events()?;
            self.transmit()?;
            if let Some(outcome) = &outcome
                && !self.has_output()
                && self.takes_output()
            {
                let deadline = *deadline.get_or_insert_with(|| now() + LAST_ACKNOWLEDGEMENTS);
                if self.channel.is_flushed() || now() >= deadline {
                    let outcome = Outcome::clone(outcome);
                    self.channel.report_state(now(), "Terminating");
                    self.transmit()?;
                    return Ok(outcome);
                }
            }
            self.wait(&mut outcome, deadline).await?;
        }
    }

    /// Waits until anything can be done, and does that.
    async fn wait(&mut self, outcome: &mut Option<Outcome>, deadline: Option<Instant>) -> Result<(), End> {
        let takes_output = self.takes_output();
        // Acknowledgements may stand behind input that there is no room for. While output waits for them they are
        // fetched all the same; the input before them waits here then.
        let receives = self.channel.can_receive() || (!takes_output && self.unsent.is_none());
        let wake = self.channel.poll_timeout().into_iter().chain(deadline).min();
        tokio::select! {
            event = self.link.recv(), if receives => match event {
                Some(LinkEvent::Frame(frame)) => self.take_frame(frame),
                Some(LinkEvent::Reconnected) => {
                    self.channel.handle_disconnected();
                    self.channel.handle_connected(now());
                }
                None => return Err(End::Over),
            },
            () = self.link.writable(), if self.unsent.is_some() => {}
            output = self.output.recv(), if takes_output && self.has_output() => {
                if let Some(output) = output {
                    self.take_output(output);
                }
            }
            () = hand_over(&self.input, &mut self.untaken), if self.untaken.is_some() => {}
            ended = ended(&mut self.program) => {
                self.program = None;
                self.channel.set_accepting(now(), false);
                *outcome = Some(ended);
            }
            () = at(wake) => {}
        }
        Ok(())
    }

    fn take_frame(&mut self, frame: Bytes) {
        let has_room = self.waiting.is_empty() && self.channel.can_receive();
        let is_input = frame.get(4..21) == Some(b"input_stream_data");
        if has_room || !is_input || self.waiting_bytes + frame.len() > MOST_WAITING {
            self.channel.handle_frame(now(), frame);
        } else {
            self.waiting_bytes += frame.len();
            self.waiting.push_back(frame);
        }
    }

    /// Takes input that has waited, as far as there is room for it.
    fn take_waiting(&mut self) {
        while self.channel.can_receive()
            && let Some(frame) = self.waiting.pop_front()
        {
            self.waiting_bytes -= frame.len();
            self.channel.handle_frame(now(), frame);
        }
    }

    /// Reads events as long as there is a place for them.
    fn take_events(&mut self) -> Result<(), End> {
        while self.untaken.is_none()
            && let Some(event) = self.channel.poll_event()
        {
            match event {
                Event::Ready(_) => {
                    if let Some((start, io)) = self.start.take().zip(self.io.take()) {
                        let client = self.channel.client_version().and_then(|text| text.parse().ok());
                        self.program = Some(Box::pin(start(client.unwrap_or_default(), io)));
                    }
                }
                Event::KeyToDecrypt { ciphertext, with_challenge } => {
                    let key = self.keys.open(&ciphertext, with_challenge);
                    self.channel.provide_data_key(now(), key);
                }
                Event::Output(bytes) => self.untaken = Some(Input::Bytes(bytes)),
                Event::Size(size) => self.untaken = Some(Input::Size(size)),
                Event::Flag(flag) => self.untaken = Some(Input::Flag(flag)),
                Event::Failed(failure) => return Err(End::Failed(failure)),
                Event::Closed(_) => return Err(End::Over),
                Event::LateHandshake(_) | Event::KeyNeeded(_) | Event::Stderr(_) | Event::ExitCode(_) => {}
            }
        }
        Ok(())
    }

    /// Sends what the channel has for the client, as far as the link has room.
    fn transmit(&mut self) -> Result<(), LinkClosed> {
        while let Some(frame) = self.unsent.take().or_else(|| self.channel.poll_transmit(now())) {
            self.unsent = self.link.try_send(frame)?;
            if self.unsent.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Whether the channel has sent all output that it was given.
    fn takes_output(&self) -> bool {
        self.channel.writable() == self.send_buffer
    }

    /// Whether there is output of the program, or may be some yet.
    fn has_output(&self) -> bool {
        !self.output.is_closed() || !self.output.is_empty()
    }

    fn take_output(&mut self, output: Output) {
        let (accepted, length) = match &output {
            Output::Bytes(bytes) => (self.channel.write(bytes), bytes.len()),
            Output::Stderr(bytes) => (self.channel.write_stderr(bytes), bytes.len()),
            Output::ExitCode(code) => (usize::from(self.channel.send_exit_code(*code)), 1),
            Output::Flag(flag) => (usize::from(self.channel.send_flag(*flag)), 1),
            Output::Accepting(accepting) => {
                self.channel.set_accepting(now(), *accepting);
                return;
            }
        };
        debug_assert_eq!(accepted, length, "an empty channel takes any piece");
    }
}

fn now() -> Instant {
    TokioInstant::now().into_std()
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant.into()).await,
        None => pending().await,
    }
}

async fn hand_over(program: &mpsc::Sender<Input>, input: &mut Option<Input>) {
    let permit = program.reserve().await;
    // A program that has ended takes no input.
    if let Some((permit, input)) = permit.ok().zip(input.take()) {
        permit.send(input);
    }
}

async fn ended(program: &mut Option<Pin<Box<dyn Future<Output = Outcome> + Send>>>) -> Outcome {
    match program {
        Some(program) => program.await,
        None => pending().await,
    }
}

#[cfg(all(test, unix))]
mod tests;
