//! The review: queue, decisions, trials, audit log.

mod audit;
mod decide;
mod people;
mod queue;
mod trial;
