//! Text on its way out: grows until it is worth a chunk, then goes to whoever takes it.

/// Text is handed on when it has grown to this many bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// The receiver does not want more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// Takes chunks of finished text.
pub(crate) trait Drain {
    /// Takes the text and leaves the string empty, or leaves it as it is to have it kept.
    fn drain(&mut self, text: &mut String) -> Result<(), Gone>;
}

/// Keeps all text in memory.
#[cfg(test)]
pub(crate) struct Keep;

#[cfg(test)]
impl Drain for Keep {
    fn drain(&mut self, _text: &mut String) -> Result<(), Gone> {
        Ok(())
    }
}

/// Where an encoder writes. Between two elements it calls [`Out::breathe`].
pub(crate) struct Out<D> {
    /// What is not handed on yet.
    pub(crate) text: String,
    drain: D,
}

impl<D: Drain> Out<D> {
    pub(crate) fn new(drain: D) -> Self {
        Self { text: String::with_capacity(4 << 10), drain }
    }

    /// Hands the text on if there is enough of it.
    #[inline]
    pub(crate) fn breathe(&mut self) -> Result<(), Gone> {
        if self.text.len() < CHUNK_BYTES { Ok(()) } else { self.drain.drain(&mut self.text) }
    }

    /// The text that was not handed on, and the drain.
    pub(crate) fn finish(self) -> (String, D) {
        (self.text, self.drain)
    }
}
