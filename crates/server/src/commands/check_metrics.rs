//! `rushlight check metrics`: is a page wisely named, and which of its families are large?

use crate::flags::CheckMetrics;
use std::cmp::Reverse;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

/// Exit code when something on the page is unwise.
const LINT: u8 = 3;
/// A page may hold at most this much.
const MAX_BYTES: u64 = 1 << 30;

/// Checks the page on standard input; prints what promtool prints, to where it prints it.
pub(crate) fn metrics(asked: &CheckMetrics) -> ExitCode {
    if !asked.extended && !asked.lints() {
        eprintln!("error: at least one of --extended or linting must be enabled");
        return ExitCode::FAILURE;
    }
    match check(asked) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(LINT),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The number of problems.
fn check(asked: &CheckMetrics) -> Result<usize, String> {
    let page = read().map_err(|error| format!("error while linting: {error}"))?;
    let mut count = 0;
    if asked.lints() {
        let problems =
            exposition::lint(&page).map_err(|error| format!("error while linting: {error}"))?;
        count = problems.len();
        for problem in problems {
            eprintln!("{} {}", problem.metric, problem.text);
        }
    }
    if asked.extended {
        let families = exposition::series_by_family(&page).map_err(|error| error.to_string())?;
        let printed = std::io::stdout().lock().write_all(table(families).as_bytes());
        printed.map_err(|error| error.to_string())?;
    }
    Ok(count)
}

fn read() -> std::io::Result<Vec<u8>> {
    client::files::read_all(std::io::stdin().lock(), MAX_BYTES)
}

/// Families with the number of their series and their share of all, the largest first.
fn table(mut families: Vec<(String, usize)>) -> String {
    families.sort_by_key(|(_, series)| Reverse(*series));
    let total: usize = families.iter().map(|(_, series)| series).sum();
    #[expect(clippy::cast_precision_loss, reason = "a share has two decimals")]
    let share = |series: usize| format!("{:.2}%", 100.0 * series as f64 / total as f64);
    let mut rows = vec![["Metric", "Cardinality", "Percentage"].map(str::to_owned)];
    for (name, series) in families {
        rows.push([name, series.to_string(), share(series)]);
    }
    rows.push(["Total".to_owned(), total.to_string(), "100%".to_owned()]);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0) + 4;
    let widths = [0, 1, 2].map(width);
    let mut out = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(widths) {
            write!(out, "{cell:<width$}").expect("a string takes text");
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_largest_stands_first() {
        let families = [("a", 1), ("longer_than_the_head", 2), ("b", 1)];
        let families = families.map(|(name, series)| (name.to_owned(), series));
        let expected = "Metric                  Cardinality    Percentage    \n\
                        longer_than_the_head    2              50.00%        \n\
                        a                       1              25.00%        \n\
                        b                       1              25.00%        \n\
                        Total                   4              100%          \n";
        assert_eq!(super::table(families.to_vec()), expected);
    }
}
