//! Pages of metrics: whole, known from before, in pieces and with forgotten slots they tell the same.

use std::hash::{DefaultHasher, Hash, Hasher};

use exposition::{
    ExemplarLine, Failure, Format, Known, Metadata, Options, Parser, Predictor, SeriesLine, Sink,
    SyntaxError, parse,
};
use model::{FloatHistogram, LabelsBuilder};

/// Prometheus text, and its lint.
pub fn text(data: &[u8]) {
    check(Options::new(Format::Text), data);
    check(all(Format::Text), data);
    assert_eq!(exposition::lint(data).is_ok(), parses(Options::new(Format::Text), data));
}

/// OpenMetrics text.
pub fn openmetrics(data: &[u8]) {
    check(Options::new(Format::OpenMetrics), data);
    check(all(Format::OpenMetrics), data);
}

/// Delimited messages.
pub fn protobuf(data: &[u8]) {
    check(Options::new(Format::Protobuf), data);
    check(all(Format::Protobuf), data);
}

/// Classic histograms as native ones, from both forms of lines.
pub fn nhcb(data: &[u8]) {
    for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
        check(Options { classic_to_nhcb: true, ..Options::new(format) }, data);
    }
}

fn all(format: Format) -> Options {
    Options {
        format,
        native_histograms: true,
        classic_to_nhcb: true,
        keep_classic: true,
        start_timestamps: true,
        type_and_unit_labels: true,
    }
}

fn parses(options: Options, page: &[u8]) -> bool {
    parse(&options, page, &mut Predictor::new(), &mut Sum::default()).is_ok()
}

fn check(options: Options, page: &[u8]) {
    let (mut sum, mut memory) = (Sum::default(), Predictor::new());
    let first = outcome(parse(&options, page, &mut memory, &mut sum), &mut sum);
    let again = outcome(parse(&options, page, &mut memory, &mut sum), &mut sum);
    assert_eq!(first, again, "{options:?}: known");
    sum.forget_every = 3;
    let forgetful = outcome(parse(&options, page, &mut memory, &mut sum), &mut sum);
    assert_eq!(first, forgetful, "{options:?}: forgetful");
    sum.forget_every = 0;
    if let Err(error) = &first.0 {
        assert!(error.offset <= page.len(), "{error:?}");
    }
    // Pieces whose sizes are the bytes of the page.
    let mut parser = Parser::new(&options, &mut memory);
    let (mut start, mut end) = (0, 0);
    let mut failed = None;
    while end < page.len() && failed.is_none() {
        end = page.len().min(end + 1 + usize::from(page[end] & 31));
        match parser.feed(&page[start..end], &mut sum) {
            Ok(read) => start += read,
            Err(failure) => failed = Some(failure),
        }
    }
    let result = match failed {
        Some(failure) => {
            drop(parser);
            Err(failure)
        }
        None => parser.finish(&page[start..], &mut sum),
    };
    assert_eq!(first, outcome(result, &mut sum), "{options:?}: in pieces");
}

/// The error, if any, and a hash of all samples told before it.
fn outcome(
    result: Result<(), Failure<std::convert::Infallible>>,
    sum: &mut Sum,
) -> (Result<(), SyntaxError>, u64) {
    let result = result.map_err(|failure| match failure {
        Failure::Syntax(error) => error,
        Failure::Sink(never) => match never {},
    });
    (result, std::mem::take(&mut sum.told).finish())
}

/// Hashes what it is told.
#[derive(Default)]
struct Sum {
    series: Vec<u64>,
    told: DefaultHasher,
    asked: u64,
    forget_every: u64,
}

impl Sum {
    fn forgets(&mut self) -> bool {
        self.asked += 1;
        self.forget_every > 0 && self.asked.is_multiple_of(self.forget_every)
    }

    fn tell(&mut self, slot: u32, what: impl Hash) {
        (self.series[slot as usize], what).hash(&mut self.told);
    }

    fn add(&mut self, series: &SeriesLine<'_>) -> u32 {
        let mut builder = LabelsBuilder::new();
        series.to_labels(&mut builder);
        let mut hasher = DefaultHasher::new();
        builder.build().to_string().hash(&mut hasher);
        self.series.push(hasher.finish());
        u32::try_from(self.series.len() - 1).expect("few series")
    }
}

impl Sink for Sum {
    type Error = std::convert::Infallible;

    fn known(&mut self, slot: u32, value: f64, t_ms: Option<i64>) -> Result<Known, Self::Error> {
        if self.forgets() {
            return Ok(Known::Forget);
        }
        self.tell(slot, (value.to_bits(), t_ms));
        Ok(Known::Taken)
    }

    fn unknown(
        &mut self,
        series: &SeriesLine<'_>,
        value: f64,
        t_ms: Option<i64>,
    ) -> Result<u32, Self::Error> {
        let slot = self.add(series);
        self.tell(slot, (value.to_bits(), t_ms));
        Ok(slot)
    }

    fn known_histogram(
        &mut self,
        slot: u32,
        histogram: &FloatHistogram,
        t_ms: Option<i64>,
    ) -> Result<Known, Self::Error> {
        if self.forgets() {
            return Ok(Known::Forget);
        }
        histogram.validate().expect("only valid histograms are told");
        self.tell(slot, (format!("{histogram:?}"), t_ms));
        Ok(Known::Taken)
    }

    fn unknown_histogram(
        &mut self,
        series: &SeriesLine<'_>,
        histogram: &FloatHistogram,
        t_ms: Option<i64>,
    ) -> Result<u32, Self::Error> {
        histogram.validate().expect("only valid histograms are told");
        let slot = self.add(series);
        self.tell(slot, (format!("{histogram:?}"), t_ms));
        Ok(slot)
    }

    fn created(&mut self, start_ms: i64) {
        start_ms.hash(&mut self.told);
    }

    fn exemplar(&mut self, exemplar: &ExemplarLine<'_>) {
        let labels: Vec<_> = exemplar.labels().collect();
        (labels, exemplar.value.to_bits(), exemplar.t_ms).hash(&mut self.told);
    }

    fn metadata(&mut self, _: Metadata<'_>) {}
}
