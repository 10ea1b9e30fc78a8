//! The built program, as its operator starts it: the command line, the demo, backups, and the end by `kill -9`.

mod backup;
mod client;
mod command_line;
mod crash;
mod demo;
pub mod support;
