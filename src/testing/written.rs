//! A writer that keeps what it is given.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// What was written to standard error, write by write.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<Vec<u8>>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().concat()).unwrap()
    }

    pub(crate) fn pieces(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
