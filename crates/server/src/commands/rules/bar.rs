//! How far it is, on a terminal.

use api::history::Progress;
use std::io::{IsTerminal, Write, stderr};

const CELLS: usize = 30;
/// Room for what is being done.
const DOING: usize = 60;

/// A line on standard error that is drawn again and again; nothing when that is no terminal.
pub(super) struct Bar {
    is_shown: bool,
    is_drawn: bool,
}

impl Bar {
    pub(super) fn new() -> Self {
        Self { is_shown: stderr().is_terminal(), is_drawn: false }
    }

    pub(super) fn draw(&mut self, progress: &Progress) {
        if self.is_shown {
            self.is_drawn = true;
            let mut err = stderr().lock();
            // A terminal that is gone need not be told.
            write!(err, "\r\x1b[K{}", line(progress)).and_then(|()| err.flush()).ok();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.is_drawn {
            let mut err = stderr().lock();
            write!(err, "\r\x1b[K").and_then(|()| err.flush()).ok();
        }
    }
}

fn line(progress: &Progress) -> String {
    let done = progress.done.clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to CELLS")]
    let full = (done * CELLS as f64) as usize;
    let doing: String = progress.doing.chars().take(DOING).collect();
    let (full, empty) = ("#".repeat(full), ".".repeat(CELLS - full));
    format!("[{full}{empty}] {:3.0}% {doing}", (done * 100.0).floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        let check = |done: f64, expected: &str| {
            assert_eq!(line(&Progress { done, doing: "a; b".into() }), expected);
        };
        check(0.0, "[..............................]   0% a; b");
        check(0.999, "[#############################.]  99% a; b");
        check(1.0, "[##############################] 100% a; b");
        check(f64::INFINITY, "[##############################] 100% a; b");
    }
}
