//! What the protocol promises, one test each: a channel in virtual time, against frames written by hand or against a
//! channel of the other role.

mod end;
mod garbage;
mod handshake;
mod kms;
mod memory;
mod reliability;
mod secrets;
mod sending;
mod settling;
