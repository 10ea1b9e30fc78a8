//! What waits behind commits.

use std::{fmt, sync::Arc};

use crate::job::Queue;

/// Work that follows commits and takes turns of its own, such as slow signatures: those who wait for their turn stand in
/// it. While many do, nobody is served sooner by a commit that comes sooner, so units of
/// [`Db::write_patiently`](crate::Db::write_patiently) wait for others to share theirs.
#[derive(Clone)]
pub struct Backlog(Arc<Queue>);

impl fmt::Debug for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backlog").field("waiting", &self.0.backlog()).finish()
    }
}

impl Backlog {
    pub(crate) fn new(writes: Arc<Queue>) -> Backlog {
        Backlog(writes)
    }

    /// Stands in it until the value is dropped.
    pub fn enter(&self) -> Waiting {
        self.0.enter_backlog();
        Waiting(Arc::clone(&self.0))
    }
}

/// One who stands in a [`Backlog`].
#[must_use = "it counts until it is dropped"]
pub struct Waiting(Arc<Queue>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.leave_backlog();
    }
}
