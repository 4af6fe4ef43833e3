//! How time is cut.

/// Time of a piece at least, as of the first one, and at most. Compacted blocks begin at multiples of
/// the latter.
const LEAST_MS: i64 = 15 * 60_000;
const MOST_MS: i64 = 24 * 3_600_000;
/// Samples of a piece that are aimed at: some tens of megabytes.
const SAMPLES: u64 = 1_000_000;

/// Pieces of time, one after the other, without gap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces {
    from_ms: i64,
    next_ms: i64,
    /// After the last one.
    end_ms: i64,
    length_ms: i64,
}

impl Pieces {
    /// From a time to another one, that one among it.
    pub(super) fn new(from_ms: i64, to_ms: i64) -> Self {
        let end_ms = to_ms.saturating_add(1);
        Self { from_ms, next_ms: from_ms, end_ms, length_ms: LEAST_MS }
    }

    /// The next piece: its first millisecond, and the one after its last.
    pub(super) fn next(&mut self) -> Option<(i64, i64)> {
        if self.next_ms >= self.end_ms {
            return None;
        }
        let first_ms = self.next_ms;
        let day_ends = first_ms.div_euclid(MOST_MS).saturating_add(1).saturating_mul(MOST_MS);
        self.next_ms = first_ms.saturating_add(self.length_ms).min(day_ends).min(self.end_ms);
        Some((first_ms, self.next_ms))
    }

    /// Makes further pieces longer or shorter, after one that had so many samples.
    pub(super) fn had(&mut self, samples: u64) {
        if samples > SAMPLES {
            self.length_ms /= 2;
        } else if samples < SAMPLES / 4 {
            self.length_ms *= 2;
        }
        self.length_ms = self.length_ms.clamp(LEAST_MS, MOST_MS);
    }

    /// How far it is, from 0 to 1, given the part of the piece that is done.
    pub(super) fn done(&self, (first_ms, end_ms): (i64, i64), part: f64) -> f64 {
        let at = (first_ms - self.from_ms) as f64 + (end_ms - first_ms) as f64 * part;
        at / (self.end_ms - self.from_ms).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_all_of_the_time_and_keep_to_days() {
        for (from, to, samples) in [(0, 0, 0), (-5, 10 * MOST_MS + 7, 0), (123, MOST_MS, u64::MAX)]
        {
            let (mut pieces, mut last, mut longest) = (Pieces::new(from, to), from, 0);
            while let Some((first, end)) = pieces.next() {
                assert!(first == last && end > first, "{first} {end}");
                assert_eq!(first.div_euclid(MOST_MS), (end - 1).div_euclid(MOST_MS));
                (last, longest) = (end, longest.max(end - first));
                pieces.had(samples);
            }
            assert_eq!(last, to + 1);
            assert!(longest <= if samples == 0 { MOST_MS } else { LEAST_MS });
        }
    }
}
