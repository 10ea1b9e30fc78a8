//! What every page and every answer has in common.

mod forms;
mod pages;
mod pipeline;
