//! Mail: the outbox, and mail servers in every mood.

mod notices;
mod outbox;
