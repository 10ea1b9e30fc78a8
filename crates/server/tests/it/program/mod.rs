//! The built program, as its operator starts it: the command line, the demo, backups. (What breaks in mid-load is in the
//! fault runs, `faults.sh`.)

mod backup;
mod client;
mod command_line;
mod demo;
pub mod support;
