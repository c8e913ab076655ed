//! [`pick`]: the picker on a terminal.

use std::io;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::canvas::Canvas;
use super::feed::Feed;
use super::keys::{Decoder, Key};
use super::state::{Action, Settings, State};
use crate::fleet::Instance;
use crate::terminal::{ByteInput, Changes, RawMode, Termination, Terminations};

/// After an escape character, how long the rest of a key may take; then it was the key Esc.
const ESCAPE: Duration = Duration::from_millis(50);

/// Between two pictures of the spinner.
const SPIN: Duration = Duration::from_millis(100);

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// These were chosen; one at least.
    Chosen(Vec<Instance>),
    /// The person left without a choice.
    Left,
    /// There is nothing to choose: [`Update::Failed`](super::feed::Update::Failed).
    Failed,
    /// We were told to stop.
    Stopped(Termination),
}

/// Lets a person choose, on a terminal that is standard input and standard error. Standard output is left alone. The
/// terminal is as it was before when this returns.
///
/// No key is taken from the terminal that was typed after the one that ends the picker.
///
/// # Errors
/// The terminal cannot be used, or it is gone.
pub(crate) async fn pick(feed: Feed, settings: Settings, terminations: &mut Terminations) -> io::Result<Outcome> {
    let mut raw = RawMode::enter()?;
    let input = ByteInput::open_raw()?;
    let changes = Changes::listen()?;
    let mut canvas = Canvas::open(changes.current(), settings.colored).await?;
    let picker =
        Picker { state: State::new(settings), raw: &mut raw, canvas: &mut canvas, decoder: Decoder::default() };
    let outcome = picker.run(feed, input, changes, terminations).await;
    canvas.close().await;
    outcome
}

struct Picker<'a> {
    state: State,
    raw: &'a mut RawMode,
    canvas: &'a mut Canvas,
    decoder: Decoder,
}

impl Picker<'_> {
    async fn run(
        mut self,
        mut feed: Feed,
        mut input: ByteInput,
        mut changes: Changes,
        terminations: &mut Terminations,
    ) -> io::Result<Outcome> {
        let mut spinner = interval(SPIN);
        spinner.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut dirty = true;
        let mut fed = true;
        let mut undecided = None;
        loop {
            let escape_at = undecided.unwrap_or_else(Instant::now);
            let key = tokio::select! {
                biased;
                signal = terminations.next() => return Ok(Outcome::Stopped(signal)),
                // Before the keys, so that it is seen what one types however fast that is.
                ready = self.canvas.ready(), if dirty => {
                    ready?;
                    self.canvas.draw(&mut self.state).await?;
                    dirty = false;
                    continue;
                }
                byte = input.next() => {
                    let byte = byte?.ok_or(io::ErrorKind::UnexpectedEof)?;
                    let key = self.decoder.push(byte);
                    undecided = self.decoder.is_undecided().then(|| Instant::now() + ESCAPE);
                    key
                }
                () = sleep_until(escape_at), if undecided.is_some() => {
                    undecided = None;
                    self.decoder.timeout()
                }
                size = changes.next() => {
                    self.canvas.resize(Some(size));
                    dirty = true;
                    None
                }
                update = feed.updates.recv(), if fed => {
                    match update {
                        Some(update) => self.state.apply(update),
                        None => {
                            self.state.feed_ended();
                            fed = false;
                        }
                    }
                    if self.state.is_hopeless() {
                        return Ok(Outcome::Failed);
                    }
                    dirty = true;
                    None
                }
                _ = spinner.tick(), if self.state.is_looking() => {
                    self.state.tick();
                    dirty = true;
                    None
                }
            };
            let Some(key) = key else { continue };
            dirty = true;
            if let Some(outcome) = self.handle(key, &feed).await? {
                return Ok(outcome);
            }
        }
    }

    async fn handle(&mut self, key: Key, feed: &Feed) -> io::Result<Option<Outcome>> {
        match self.state.handle(key) {
            None => {}
            Some(Action::Choose(chosen)) => return Ok(Some(Outcome::Chosen(chosen))),
            Some(Action::Leave) => return Ok(Some(Outcome::Left)),
            Some(Action::Refresh) => match feed.refresh.try_send(()) {
                Ok(()) | Err(TrySendError::Full(())) => {}
                Err(TrySendError::Closed(())) => self.state.show_message("this list cannot be refreshed".to_owned()),
            },
            Some(Action::Copy(id)) => {
                self.canvas.copy(&id).await?;
                self.state.show_message(format!("sent {id} to the clipboard"));
            }
            Some(Action::Suspend) => {
                self.canvas.flush().await;
                let size = self.raw.suspend().await?;
                self.canvas.resize(size);
            }
            Some(Action::Redraw) => self.canvas.disturb(),
        }
        Ok(None)
    }
}
