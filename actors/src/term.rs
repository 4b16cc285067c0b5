//! A term is a span in which the router's and the channels' memory agrees with the tables. It ends when a commit fails or the
//! router is reborn: what was planned under an older term is refused, and everyone reads the tables anew. The fence between
//! memory and truth, in one number.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

/// The current term, shared by channels, router and writer.
#[derive(Debug, Clone, Default)]
pub struct Term(Arc<AtomicU64>);

impl Term {
    /// The current number.
    pub fn current(&self) -> u64 {
        self.0.load(SeqCst)
    }

    /// Begins the next term.
    pub fn end(&self) {
        self.0.fetch_add(1, SeqCst);
    }
}
