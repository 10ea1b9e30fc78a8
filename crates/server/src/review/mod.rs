//! The review: what reviewers decide on apps. The queue's pages come to this room.

mod decisions;

pub use decisions::{Decision, STATEMENTS, Verdict, decide};
