//! Who is told what stands in a page: the sink itself, or someone before it who converts.

use model::FloatHistogram;

use crate::sink::{ExemplarLine, Known, Metadata, SeriesLine, Sink};

/// Hears of a page; the calls are those of [`Sink`].
pub(crate) trait Teller {
    type Error;

    fn known(&mut self, slot: u32, value: f64, t_ms: Option<i64>) -> Result<Known, Self::Error>;

    /// `is_own` says that the TYPE line before the series is about this family name.
    fn unknown(
        &mut self,
        series: &SeriesLine<'_>,
        is_own: &dyn Fn(&str) -> bool,
        value: f64,
        t_ms: Option<i64>,
    ) -> Result<u32, Self::Error>;

    fn created(&mut self, start_ms: i64);

    fn exemplar(&mut self, exemplar: &ExemplarLine<'_>);

    fn metadata(&mut self, metadata: Metadata<'_>);

    /// Something else than a sample stands here.
    fn interrupted(&mut self) -> Result<(), Self::Error>;
}

/// A sink hears of it as it stands.
impl<S: Sink> Teller for S {
    type Error = S::Error;

    #[inline]
    fn known(&mut self, slot: u32, value: f64, t_ms: Option<i64>) -> Result<Known, S::Error> {
        Sink::known(self, slot, value, t_ms)
    }

    fn unknown(
        &mut self,
        series: &SeriesLine<'_>,
        _: &dyn Fn(&str) -> bool,
        value: f64,
        t_ms: Option<i64>,
    ) -> Result<u32, S::Error> {
        Sink::unknown(self, series, value, t_ms)
    }

    fn created(&mut self, start_ms: i64) {
        Sink::created(self, start_ms);
    }

    fn exemplar(&mut self, exemplar: &ExemplarLine<'_>) {
        Sink::exemplar(self, exemplar);
    }

    fn metadata(&mut self, metadata: Metadata<'_>) {
        Sink::metadata(self, metadata);
    }

    fn interrupted(&mut self) -> Result<(), S::Error> {
        Ok(())
    }
}

/// Tells a histogram by its slot, or by its series when there is no slot or the sink does not want it
/// any more; then what telling the series gave.
pub(crate) fn tell_histogram<S: Sink, T>(
    sink: &mut S,
    slot: Option<u32>,
    histogram: &FloatHistogram,
    t_ms: Option<i64>,
    with_series: impl FnOnce(
        &mut dyn FnMut(&SeriesLine<'_>) -> Result<u32, S::Error>,
    ) -> Result<T, S::Error>,
) -> Result<Option<T>, S::Error> {
    if let Some(slot) = slot
        && sink.known_histogram(slot, histogram, t_ms)? == Known::Taken
    {
        return Ok(None);
    }
    with_series(&mut |series| sink.unknown_histogram(series, histogram, t_ms)).map(Some)
}
