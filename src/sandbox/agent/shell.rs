//! Sessions on a terminal: a shell, or one command line.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::environment::Environment;
use super::program::{Input, Io, Output, OutputSender, chunk_size, failure};
use super::unix::{Terminal, resize};
use super::utf8::Utf8Cutter;
use crate::sandbox::{Outcome, Pace};

/// The real agent sleeps so long before it reads any output.
const FIRST_READ: Duration = Duration::from_secs(1);

/// And so long after each chunk.
pub(crate) const BETWEEN_CHUNKS: Duration = Duration::from_millis(1);

/// The real agent sleeps so long before it reports that it could not start something.
pub(crate) const START_FAILED: Duration = Duration::from_secs(2);

/// Runs a shell, and types the lines of `profile` first.
pub(crate) async fn shell(profile: &str, pace: Pace, environment: &Environment, io: Io) -> Outcome {
    run(&[], profile, pace, environment, io).await
}

/// Runs a command line in a shell.
pub(crate) async fn command(line: &str, pace: Pace, environment: &Environment, io: Io) -> Outcome {
    match line.trim() {
        "" => run(&[], "", pace, environment, io).await,
        _ => run(&["-c", line], "", pace, environment, io).await,
    }
}

async fn run(args: &[&str], profile: &str, pace: Pace, environment: &Environment, io: Io) -> Outcome {
    let mut terminal = match Terminal::start("sh", args, environment) {
        Ok(terminal) => terminal,
        Err(error) => {
            if pace == Pace::Real {
                sleep(START_FAILED).await;
            }
            return failure(&format!("Unable to start command: Failed to start pty: {error}\n\n"));
        }
    };
    let Io { mut input, output } = io;
    output.send(Output::Accepting(true)).await;
    let (reader, mut writer) = terminal.split();
    let typing = async {
        if !profile.trim().is_empty() {
            type_in(&mut writer, format!("{profile}\n").as_bytes()).await;
        }
        serve_input(&mut writer, &mut input).await;
    };
    tokio::select! {
        () = forward(reader, pace, &output) => {}
        () = typing => unreachable!("input has no end"),
    }
    terminal.wait().await;
    Outcome::success()
}

/// Sends what the program writes, until nobody has the terminal open any more.
async fn forward(mut terminal: impl AsyncReadExt + Unpin, pace: Pace, output: &OutputSender) {
    if pace == Pace::Real {
        sleep(FIRST_READ).await;
    }
    let mut cutter = Utf8Cutter::default();
    let mut buffer = vec![0; chunk_size(pace)];
    // Linux reports a terminal that nobody has open as an error, macOS as its end.
    while let Ok(length @ 1..) = terminal.read(&mut buffer).await {
        output.send(Output::Bytes(cutter.push(&buffer[..length]))).await;
        if pace == Pace::Real {
            sleep(BETWEEN_CHUNKS).await;
        }
    }
}

async fn serve_input(terminal: &mut pty_process::WritePty<'_>, input: &mut mpsc::Receiver<Input>) {
    loop {
        match input.recv().await {
            Some(Input::Bytes(bytes)) => type_in(terminal, &bytes).await,
            Some(Input::Size(size)) => resize(terminal, size),
            // The real agent knows flags in port sessions only.
            Some(Input::Flag(flag)) => tracing::debug!(?flag, "a terminal has no use for flags"),
            None => std::future::pending().await,
        }
    }
}

async fn type_in(terminal: &mut pty_process::WritePty<'_>, bytes: &[u8]) {
    if let Err(error) = terminal.write_all(bytes).await {
        tracing::debug!(%error, "the terminal takes no input");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crate::protocol::Size;
    use crate::sandbox::agent::tests::{interactive, session, shell};
    use crate::sandbox::{Outcome, Pace, Work};

    const PROMPT: &str = "[sandbox web-1] $ ";

    #[tokio::test]
    async fn a_shell_says_where_it_is_and_ends() {
        let mut client = session(shell(), |_| {});
        client.shows(PROMPT).await;
        client.send("echo he''llo $TERM; exit\n");
        assert_eq!(client.outcome().await, Outcome::success());
        assert!(client.text().contains("hello xterm-256color\r\n"), "{}", client.text());
        assert_eq!(client.handshake, None);
    }

    #[tokio::test]
    async fn the_profile_is_typed_first() {
        let profile = "greeting=good; greeting=$greeting-day".to_owned();
        let mut client = session(Work::Shell { profile, run_as: None }, |_| {});
        client.shows(PROMPT).await;
        client.send("echo $greeting; exit\n");
        client.outcome().await;
        assert!(client.text().contains("good-day\r\n"), "{}", client.text());
    }

    #[tokio::test]
    async fn the_terminal_has_the_size_of_the_clients() {
        let mut client = session(shell(), |_| {});
        client.shows(PROMPT).await;
        client.channel.resize(Size { cols: 65_536 + 132, rows: 43 });
        client.send("stty size\n");
        client.shows("43 132\r\n").await;
        client.channel.resize(Size { cols: 80, rows: 24 });
        client.send("stty size\n");
        client.shows("24 80\r\n").await;
        client.send("exit\n");
        assert_eq!(client.outcome().await, Outcome::success());
    }

    #[tokio::test]
    async fn an_interrupt_reaches_the_foreground_only() {
        let mut client = session(shell(), |_| {});
        client.shows(PROMPT).await;
        // The program says so itself: a shell that is interrupted while it starts one may miss it.
        client.send("sh -c \"echo st''arted; exec sleep 1000\"\n");
        client.shows("started").await;
        client.send([0x03]);
        client.until(|client| client.text().matches(PROMPT).count() == 2).await;
        client.send("echo al''ive; exit\n");
        assert_eq!(client.outcome().await, Outcome::success());
        assert!(client.text().contains("alive"));
    }

    #[tokio::test]
    async fn a_command_reads_before_it_writes() {
        let mut client = session(interactive("read line; echo \"got:$line\""), |_| {});
        // There is nothing that says that the agent is ready.
        client.channel = crate::protocol::DataChannel::client(
            crate::protocol::Config::new(Instant::now(), 1, 7),
            crate::protocol::ClientConfig::new(Some(std::time::Duration::ZERO), 1),
        );
        client.channel.connected(Instant::now());
        client.send("abc\n");
        assert_eq!(client.outcome().await, Outcome::success());
        assert_eq!(client.text(), "abc\r\ngot:abc\r\n");
    }

    #[tokio::test]
    async fn the_real_pace() {
        let started = Instant::now();
        let line = "i=0; while [ $i -lt 100 ]; do printf '%s' 'z€€€€€€€€€€'; i=$((i+1)); done";
        let mut client = session(interactive(line), |session| session.pace = Pace::Real);
        assert_eq!(client.outcome().await, Outcome::success());
        assert!(started.elapsed() >= super::FIRST_READ);
        assert_eq!(client.text(), "z€€€€€€€€€€".repeat(100));
        assert!(client.messages.len() >= 4, "{} messages", client.messages.len());
        for message in &client.messages {
            assert!(message.len() <= 1027 && std::str::from_utf8(message).is_ok(), "{message:?}");
        }
    }

    #[tokio::test]
    async fn more_goes_both_ways_than_any_buffer_holds() {
        let line = "stty raw -echo; echo ready; exec head -c 4194304";
        let mut client = session(interactive(line), |_| {});
        client.shows("ready\n").await;
        let sent: Vec<u8> = (0..4 << 20).map(|n: u32| b'a' + (n % 17) as u8).collect();
        client.send(&sent);
        assert_eq!(client.outcome().await, Outcome::success());
        assert!(client.stdout.ends_with(&sent), "{} bytes came back", client.stdout.len());
    }
}
