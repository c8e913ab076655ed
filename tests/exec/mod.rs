//! `ssmx exec`, its errors and its logs, and `ssmx sandbox`: the program against a sandbox.

mod arguments;
mod binary;
mod bulk;
mod credentials;
mod errors;
mod faults;
mod killed_sandbox;
mod network;
mod references;
mod sandbox;
mod sandbox_environment;
mod several;
mod signals;
mod stdin;
mod streams;
mod trace;
mod windows;
