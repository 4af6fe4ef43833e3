//! The one door to files that configurations and flags name: configurations, rules, lists of
//! targets, certificates, secrets are read whole, logs are added to. What a file says about its size
//! is no bound, so every reader names one. What must not get onto the disk stands in a [`Vault`].

mod vault;

pub(crate) use vault::Bytes;
pub use vault::Vault;

use rustix::fs::OFlags;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A file as it was read.
#[derive(Debug)]
pub struct Content {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Of the file that was read, though another may stand at its path by now.
    pub metadata: Metadata,
}

/// Reads a file that another file or a flag names, and that is read again when it changes. Links
/// are followed, as Kubernetes mounts them; what is no regular file in the end is refused, and not
/// waited for: a pipe may never say anything, and says it only once.
///
/// # Errors
/// When there is no such file, it is none, or holds more than `max_bytes`.
pub fn read_file(path: &Path, max_bytes: u64) -> io::Result<Content> {
    // Looked at first, since opening a device can do something to it.
    refuse_others(&std::fs::metadata(path)?)?;
    let file = OpenOptions::new().read(true).custom_flags(no_waiting()).open(path)?;
    let metadata = file.metadata()?;
    refuse_others(&metadata)?;
    Ok(Content { bytes: read_all(file, max_bytes)?, metadata })
}

/// Reads what a person names on the command line, once: also a pipe such as `<(command)`, or
/// `/dev/stdin`. Waits for whoever writes.
///
/// # Errors
/// When there is no such file, or it holds more than `max_bytes`.
pub fn read_once(path: &Path, max_bytes: u64) -> io::Result<Content> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    Ok(Content { bytes: read_all(file, max_bytes)?, metadata })
}

impl Content {
    /// The text it is.
    ///
    /// # Errors
    /// When it is none.
    pub fn into_text(self) -> io::Result<String> {
        into_text(self.bytes)
    }
}

/// Opens a file to add to, which may not exist yet. A pipe to which nobody listens is refused, and
/// one whose listener is slow refuses what is written: a log is no reason to wait.
///
/// # Errors
/// When it cannot be opened.
pub fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).custom_flags(no_waiting()).open(path)
}

/// Reads all that somebody says, such as standard input.
///
/// # Errors
/// When it holds more than `max_bytes`, or cannot be read.
pub fn read_all(source: impl Read, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > max_bytes {
        true => Err(io::Error::other(format!("larger than {max_bytes} bytes"))),
        false => Ok(bytes),
    }
}

/// The text that bytes are.
///
/// # Errors
/// When they are none.
pub fn into_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let message = format!("is no text in UTF-8: bad byte at {place}");
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

fn no_waiting() -> i32 {
    (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed()
}

fn refuse_others(metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("is {what}, not a file")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_regular_files_are_read_and_nobody_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "12345").unwrap();
        std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
        std::os::unix::fs::symlink("loop", path("loop")).unwrap();
        mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();
        let check = |path: &Path, expected: Result<&str, &str>| {
            let read = read_file(path, 5).and_then(Content::into_text);
            match (read, expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected, "{}", path.display()),
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "{}: {error}", path.display());
                }
                (read, _) => panic!("{}: {read:?}", path.display()),
            }
        };
        check(&path("file"), Ok("12345"));
        check(&path("link"), Ok("12345"));
        check(&path("fifo"), Err("is a pipe, not a file"));
        append_to(&path("fifo")).unwrap_err();
        check(&path("socket"), Err("is a socket, not a file"));
        check(folder.path(), Err("is a directory, not a file"));
        check(Path::new("/dev/zero"), Err("is a device, not a file"));
        check(&path("none"), Err("No such file"));
        check(&path("loop"), Err("symbolic link"));
        std::fs::write(path("file"), "123456").unwrap();
        check(&path("link"), Err("larger than 5 bytes"));
        std::fs::write(path("file"), b"a\xff").unwrap();
        check(&path("file"), Err("bad byte at 1"));
    }

    #[test]
    fn what_a_person_names_may_be_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let writer = std::thread::spawn({
            let fifo = fifo.clone();
            move || std::fs::write(fifo, "said once").unwrap()
        });
        assert_eq!(read_once(&fifo, 100).unwrap().bytes, b"said once");
        writer.join().unwrap();
        assert!(read_once(Path::new("/dev/zero"), 100).is_err());
        assert!(read_once(Path::new("/dev/null"), 100).unwrap().bytes.is_empty());
    }
}
