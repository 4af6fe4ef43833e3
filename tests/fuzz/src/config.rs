//! The configuration file.

/// The server's room is taken as it is: a program cannot be linked, but its rooms stand alone.
#[expect(dead_code, reason = "files are read by the server, not here")]
#[expect(unused_imports, reason = "the same")]
#[path = "../../../crates/server/src/config/mod.rs"]
mod room;

use std::path::Path;

/// Any text is read or refused; what is printed is read again and prints the same.
pub fn yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A folder without files, so that patterns find nothing.
    let folder = Path::new("/nonexistent");
    let read = |text: &str| room::parse(text, "p.yml", folder, &room::Reading::default(), |_| None);
    if let Ok(loaded) = read(text) {
        let yaml = room::to_yaml(&loaded);
        let again = read(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        assert_eq!(room::to_yaml(&again), yaml);
    }
}
