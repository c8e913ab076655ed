//! Completion: typed in real shells, and the committed scripts.

mod place;
mod scripts;
mod shells;
