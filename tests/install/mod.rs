//! `install.sh`, in throw-away places, under the shells that may meet it, as root and as a user.

mod archive;
mod build;
mod lifecycle;
mod lint;
mod place;
mod plugin;
mod prefix;
