//! What is remembered of the comments of a page, seen from outside.

use super::Predictor;

impl Predictor {
    /// Tells the comments of the last good page from others: equal prints, equal comments.
    #[must_use]
    pub fn metadata_print(&self) -> u64 {
        self.blocks.iter().fold(0, |print: u64, block| print.rotate_left(5) ^ block.hash)
    }

    /// Whether the comments of the next page are told in full, since none are remembered.
    #[must_use]
    pub fn tells_all_metadata(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Forgets comments, so that those of the next page are told in full. Series stay.
    pub fn forget_metadata(&mut self) {
        self.blocks = Vec::new();
    }
}
