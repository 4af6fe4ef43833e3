//! Where a rule's series go: a group of storage of its own.
//!
//! A row is one evaluation. So the rules after it see a rule's series, and what an evaluation no longer
//! gives has ended without anybody remembering it. An evaluation that fails is no row at all.

use foldhash::HashSet;
use model::Labels;
use storage::{Absence, AppendError, Appendable, Column, Group, GroupSpec, Row, Source};

/// A rule's group of storage.
pub(super) struct Output {
    spec: GroupSpec,
    /// Opened when there is something to store.
    group: Option<Box<dyn Group>>,
    row: Row,
    /// Whether the last row had values.
    is_live: bool,
}

/// What a row did to the columns that are remembered.
pub(super) enum Columns {
    /// They are the same.
    Same,
    /// The new one by the old one, or `u32::MAX`.
    Moved(Box<[u32]>),
    /// All are to be forgotten.
    Lost,
}

impl Columns {
    /// Where a column is now.
    pub(super) fn translate(&self, column: Column) -> Option<Column> {
        match self {
            Self::Same => Some(column),
            Self::Moved(map) => {
                let to = map.get(column.0 as usize).copied().filter(|to| *to != u32::MAX);
                to.map(Column)
            }
            Self::Lost => None,
        }
    }
}

impl Output {
    pub(super) fn new(key: String, common: Labels) -> Self {
        let absence = Absence::EndsSeries;
        let spec = GroupSpec { source: Source::Rules, key, common, absence };
        Self { spec, group: None, row: Row::new(), is_live: false }
    }

    /// Begins a row.
    pub(super) fn begin(&mut self, t_ms: i64) {
        self.row.begin(t_ms);
    }

    /// The column of a series.
    pub(super) fn column(
        &mut self,
        sink: &dyn Appendable,
        labels: &Labels,
    ) -> Result<Column, AppendError> {
        self.open(sink)?.column(labels).map(|(column, _)| column)
    }

    fn open(&mut self, sink: &dyn Appendable) -> Result<&mut dyn Group, AppendError> {
        let group = match &mut self.group {
            Some(group) => group,
            none => none.insert(sink.open_group(&self.spec)?),
        };
        Ok(&mut **group)
    }

    /// The row.
    pub(super) fn row(&mut self) -> &mut Row {
        &mut self.row
    }

    /// Stores the row, unless there is nothing to store and nothing to end.
    pub(super) fn append(&mut self, sink: &dyn Appendable) -> (Columns, Result<(), AppendError>) {
        if self.row.is_empty() && !self.is_live {
            return (Columns::Same, Ok(()));
        }
        let row = std::mem::take(&mut self.row);
        let appended = self.open(sink).and_then(|group| group.append(&row));
        self.row = row;
        match appended {
            Ok(appended) => {
                self.is_live = !self.row.is_empty();
                (appended.remap.map_or(Columns::Same, Columns::Moved), Ok(()))
            }
            Err(error) if is_about_time(&error) => (Columns::Same, Err(error)),
            Err(error) => {
                // Perhaps another writer took the group; it is opened anew.
                self.group = None;
                (Columns::Lost, Err(error))
            }
        }
    }

    /// Ends all series. Those that somebody else goes on with go on: readers pass over the markers of
    /// one source while another has samples.
    pub(super) fn end(&mut self, sink: &dyn Appendable, t_ms: i64) {
        self.row.begin(t_ms);
        let (_, appended) = self.append(sink);
        if let Err(error) = appended {
            // Expected when the rule came back meanwhile.
            tracing::debug!(component = "rules", group = self.spec.key, %error, "series not ended");
        }
    }

    /// Takes back columns of series that no row had a value for; the first that is none any more.
    pub(super) fn take_back(&mut self) -> Option<Column> {
        self.group.as_mut()?.take_back()
    }

    /// Lets go of the group; columns are to be forgotten.
    pub(super) fn close(&mut self) {
        self.group = None;
    }
}

fn is_about_time(error: &AppendError) -> bool {
    matches!(error, AppendError::OutOfOrder { .. } | AppendError::OutOfBounds { .. })
}

/// Makes the keys of groups of storage: stable over restarts, and distinct.
#[derive(Default)]
pub(super) struct Keys(HashSet<String>);

impl Keys {
    /// The key of a rule. What it records is part of it, so that a rule which was changed is another
    /// one; its place is not.
    pub(super) fn key(&mut self, group: &str, name: &str, labels: &Labels, query: &str) -> String {
        let labels = labels.to_string();
        let rule = [("labels", labels.as_str()), ("query", query)];
        let hash = Labels::from_pairs(rule).hash64();
        let key = format!("{group};{name};{hash:016x}");
        let key = if self.0.contains(&key) {
            (1..).map(|i| format!("{key};{i}")).find(|key| !self.0.contains(key))
        } else {
            Some(key)
        };
        let key = key.expect("some number is free");
        self.0.insert(key.clone());
        key
    }
}
