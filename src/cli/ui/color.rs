//! Whether output has colours.

use anstream::AutoStream;
use anstream::stream::RawStream;
use clap::ColorChoice;

/// Whether what is written to a stream may have colours: as `--color` says, else as the environment and the stream allow.
pub(crate) fn is_colored(choice: ColorChoice, stream: &impl RawStream) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => AutoStream::choice(stream) != anstream::ColorChoice::Never,
    }
}
