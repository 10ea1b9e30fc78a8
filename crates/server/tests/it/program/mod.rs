//! The built program, as its operator starts it: the command line, the demo, and the end by `kill -9`.

mod command_line;
mod crash;
mod demo;
mod support;
