//! Laying the samples of several sources over one another.

use model::is_stale;
use storage::Columns;

/// Merges float samples by time. Of two at the same time a value wins over a staleness marker, and
/// else `over` wins over `under`.
pub(crate) fn overlay(over: &Columns, under: &Columns, out: &mut Columns) {
    let (mut i, mut j) = (0, 0);
    while i < over.t_ms.len() && j < under.t_ms.len() {
        let (a, b) = (over.t_ms[i], under.t_ms[j]);
        if a < b {
            push(over, i, out);
            i += 1;
        } else if b < a {
            push(under, j, out);
            j += 1;
        } else {
            if is_stale(over.values[i]) {
                push(under, j, out)
            } else {
                push(over, i, out)
            }
            (i, j) = (i + 1, j + 1);
        }
    }
    for (columns, rest) in [(over, i), (under, j)] {
        out.t_ms.extend_from_slice(&columns.t_ms[rest..]);
        out.values.extend_from_slice(&columns.values[rest..]);
    }
}

fn push(from: &Columns, i: usize, out: &mut Columns) {
    out.t_ms.push(from.t_ms[i]);
    out.values.push(from.values[i]);
}
