//! The screening: in the background after a submission, and on demand before it.

mod background;
mod logos;
mod preflight;
pub mod site;
mod typed;
