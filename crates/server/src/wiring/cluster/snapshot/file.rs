//! The file: written, and read again.

use discovery::Group;
use model::Labels;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

/// Of this layout.
const VERSION: u32 = 1;
/// Bytes of JSON at most: a larger set of targets is not saved.
const MAX_BYTES: u64 = 256 << 20;
/// Fast, and a tenth of the size already.
const LEVEL: i32 = 1;

/// All that is saved.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Saved {
    version: u32,
    /// When it was true.
    pub(in super::super) saved_at_ms: i64,
    /// Of which cluster it is true.
    pub(in super::super) cluster: String,
    pub(in super::super) jobs: Vec<SavedJob>,
}

/// A job and whom it scraped.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct SavedJob {
    /// As a file would have it.
    pub(in super::super) text: Arc<str>,
    pub(in super::super) groups: Vec<SavedGroup>,
}

/// A target group, as a list: source, labels, targets.
#[derive(Clone, Debug)]
pub(in super::super) struct SavedGroup(pub(in super::super) Arc<Group>);

impl Saved {
    pub(in super::super) fn new(saved_at_ms: i64, cluster: &str, jobs: Vec<SavedJob>) -> Self {
        Self { version: VERSION, saved_at_ms, cluster: cluster.to_owned(), jobs }
    }

    /// Puts it in the place of the file, and tells its size.
    ///
    /// # Errors
    /// When it cannot be written, or there is too much of it; the old file stays then.
    pub(super) fn write(&self, path: &Path) -> io::Result<u64> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let beside = path.with_extension("snapshot.tmp");
        // Nobody else's: labels of objects may say much.
        let options =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        let written = self.write_into(options).and_then(|size| {
            std::fs::rename(&beside, path)?;
            File::open(folder)?.sync_all()?;
            Ok(size)
        });
        if written.is_err() {
            // It is in the way of nobody but room on the disk.
            std::fs::remove_file(&beside).ok();
        }
        written
    }

    fn write_into(&self, file: File) -> io::Result<u64> {
        let mut packed = zstd::Encoder::new(file, LEVEL)?;
        packed.include_checksum(true)?;
        let mut bounded = BufWriter::new(Bounded { inner: packed, left: MAX_BYTES });
        serde_json::to_writer(&mut bounded, self)?;
        let bounded = bounded.into_inner().map_err(io::IntoInnerError::into_error)?;
        let file = bounded.inner.finish()?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

/// Reads the file; `None` when there is none.
///
/// # Errors
/// When it is damaged, of another layout, or too large.
pub(in super::super) fn read(path: &Path) -> io::Result<Option<Saved>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut unpacked = zstd::Decoder::new(file)?.take(MAX_BYTES + 1);
    let saved: Saved = serde_json::from_reader(BufReader::new(&mut unpacked))?;
    // The checksum stands at the end.
    io::copy(&mut unpacked, &mut io::sink())?;
    let fault = match () {
        () if unpacked.limit() == 0 => "it is too large",
        () if saved.version != VERSION => "it is of another version",
        () => return Ok(Some(saved)),
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, fault))
}

/// Refuses more than it has room for.
struct Bounded<W> {
    inner: W,
    left: u64,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, "too many targets to be saved")
        })?;
        self.inner.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Serialize for SavedGroup {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Group { source, labels, targets } = &*self.0;
        let targets: Vec<_> = targets.iter().cloned().map(SavedLabels).collect();
        (source, SavedLabels(labels.clone()), targets).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SavedGroup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (source, labels, targets) =
            <(String, SavedLabels, Vec<SavedLabels>)>::deserialize(deserializer)?;
        let targets = targets.into_iter().map(|labels| labels.0).collect();
        Ok(Self(Arc::new(Group { source, labels: labels.0, targets })))
    }
}

struct SavedLabels(Labels);

impl Serialize for SavedLabels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

impl<'de> Deserialize<'de> for SavedLabels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelMap)
    }
}

struct LabelMap;

impl<'de> Visitor<'de> for LabelMap {
    type Value = SavedLabels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SavedLabels, A::Error> {
        let mut pairs = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, String>()? {
            if name.is_empty() {
                return Err(A::Error::custom("a label without a name"));
            }
            pairs.push((name, value));
        }
        Ok(SavedLabels(Labels::from_pairs(pairs)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use discovery::ADDRESS;

    fn saved() -> Saved {
        let target = |i: u32| {
            Labels::from_pairs([(ADDRESS, format!("10.0.0.{i}:80")), ("é\"", "\n".to_owned())])
        };
        let group = |source: &str| Group {
            source: source.to_owned(),
            labels: Labels::from_pairs([("__meta_kubernetes_namespace", "a")]),
            targets: (0..3).map(target).collect(),
        };
        let groups = vec![SavedGroup(Arc::new(group("x"))), SavedGroup(Arc::new(group("")))];
        let job = SavedJob { text: "{\"job_name\":\"j\"}".into(), groups };
        Saved::new(17, "https://here", vec![job])
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("targets.snapshot");
        assert!(read(&path).unwrap().is_none());
        let written = saved();
        for _ in 0..2 {
            let size = written.write(&path).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().len(), size);
        }
        let found = read(&path).unwrap().unwrap();
        assert_eq!((found.saved_at_ms, found.cluster.as_str()), (17, "https://here"));
        assert_eq!(found.jobs[0].text, written.jobs[0].text);
        let groups = |saved: &Saved| {
            saved.jobs[0].groups.iter().map(|group| Group::clone(&group.0)).collect::<Vec<_>>()
        };
        assert_eq!(groups(&found), groups(&written));
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left beside it");
    }

    #[test]
    fn damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("targets.snapshot");
        saved().write(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(read(&path).is_err(), "cut at {at}");
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            // Bits that mean nothing may be turned, but nothing else may be read.
            if let Ok(found) = read(&path) {
                let found = serde_json::to_string(&found).unwrap();
                assert_eq!(found, serde_json::to_string(&saved()).unwrap(), "turned at {at}");
            }
        }
        for text in ["", "nonsense", "{}"] {
            std::fs::write(&path, text).unwrap();
            assert!(read(&path).is_err(), "{text:?}");
        }
        let other = Saved { version: VERSION + 1, ..saved() };
        other.write(&path).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "it is of another version");
    }

    #[test]
    fn there_is_a_bound() {
        let mut bounded = Bounded { inner: Vec::new(), left: 4 };
        bounded.write_all(b"abcd").unwrap();
        assert_eq!(bounded.write_all(b"e").unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(bounded.inner, b"abcd");
    }
}
