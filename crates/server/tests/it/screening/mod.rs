//! The screening: in the background after a submission, and on demand before it.

mod background;
mod logos;
mod preflight;
mod rules;
pub mod site;
mod typed;
