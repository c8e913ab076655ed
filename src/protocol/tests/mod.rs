//! What must hold for any bytes whatever, and the fuzzer's seeds for it.

mod check_handshake;
mod check_message;
mod corpus;
