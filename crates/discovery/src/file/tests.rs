use super::*;
use crate::{ADDRESS, Job, Manager, Snapshot, StaticConfig, StaticDiscovery};
use model::duration;
use model::metrics::Counter;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;
use tokio::sync::watch;

/// Longer than any test waits: what is seen was seen by watching.
const NEVER: i64 = 3_600_000;

struct Fixture {
    folder: TempDir,
    manager: Manager,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    metrics: Arc<Metrics>,
}

impl Fixture {
    fn new() -> Self {
        let metrics = Arc::new(Metrics::new("scrape"));
        let manager = Manager::start(Duration::from_millis(1), Arc::clone(&metrics));
        let (folder, snapshots) = (tempfile::tempdir().unwrap(), manager.snapshots());
        Self { folder, manager, snapshots, metrics }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file the way programs should: under another name, then renamed.
    fn replace(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn discover(&self, files: &[&str], refresh_ms: i64) {
        let files = files.iter().map(|name| (*name).to_owned()).collect();
        let refresh = duration::Duration::from_ms(refresh_ms);
        let mut config = FileConfig::new(files, refresh).unwrap();
        config.resolve(self.folder.path());
        let discovery = Arc::new(FileDiscovery::new(config, Arc::clone(&self.metrics)));
        self.manager.apply(vec![Job { name: "a".to_owned(), discoverers: vec![discovery] }]);
    }

    /// Waits until these are the targets, each followed by its file in brackets.
    async fn wait_for(&mut self, expected: &str) {
        let folder = self.folder.path().to_owned();
        let print = |snapshot: &Snapshot| print(&folder, snapshot);
        let found = self.snapshots.wait_for(|snapshot| print(snapshot) == expected);
        let in_time = tokio::time::timeout(Duration::from_secs(20), found).await.is_ok();
        assert!(in_time, "{}, not {expected}", print(&self.snapshots.borrow()));
    }

    /// Waits until a count is above a number.
    async fn wait_for_count(&self, count: fn(&Metrics) -> &Counter, more_than: u64) {
        let seen = async {
            while count(&self.metrics).get() <= more_than {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.expect("an error is counted");
    }
}

fn read_errors(metrics: &Metrics) -> &Counter {
    &metrics.file_read_errors
}

fn print(folder: &Path, snapshot: &Snapshot) -> String {
    let group = |group: &Arc<Group>| {
        let path = group.labels.get("__meta_filepath").unwrap();
        let file = Path::new(path).strip_prefix(folder).unwrap().display().to_string();
        assert!(group.source.starts_with(&format!("{path}:")), "{}", group.source);
        let target = |target: &model::Labels| format!("{}[{file}]", target.get(ADDRESS).unwrap());
        group.targets.iter().map(target).collect::<Vec<_>>().join(" ")
    };
    let Some(groups) = snapshot.jobs.get("a") else { return "no job".to_owned() };
    groups.iter().map(group).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_rewritten_file_is_seen() {
    let mut fixture = Fixture::new();
    fs::write(fixture.path("sd.yml"), "- targets: [a]\n- targets: [b, c]\n").unwrap();
    fixture.discover(&["sd.yml", "sd.json"], NEVER);
    fixture.wait_for("a[sd.yml] b[sd.yml] c[sd.yml]").await;
    fs::write(fixture.path("sd.yml"), "- targets: [d]").unwrap();
    fixture.wait_for("d[sd.yml]").await;
    fixture.replace("sd.yml", "- targets: [e]");
    fixture.wait_for("e[sd.yml]").await;
    fixture.replace("sd.json", r#"[{"targets": ["f"]}]"#);
    fixture.wait_for("f[sd.json] e[sd.yml]").await;
    fs::remove_file(fixture.path("sd.yml")).unwrap();
    fixture.wait_for("f[sd.json]").await;
    fs::remove_file(fixture.path("sd.json")).unwrap();
    fixture.wait_for("").await;
    assert_eq!(fixture.metrics.file_read_errors.get(), 0);
    fixture.manager.shutdown().await;
}

#[tokio::test]
async fn a_config_map_is_exchanged_by_its_symlink() {
    let mut fixture = Fixture::new();
    for (version, target) in [("..v1", "a"), ("..v2", "b")] {
        fs::create_dir(fixture.path(version)).unwrap();
        fs::write(fixture.path(version).join("sd.yml"), format!("- targets: [{target}]")).unwrap();
    }
    symlink("..v1", fixture.path("..data")).unwrap();
    symlink("..data/sd.yml", fixture.path("sd.yml")).unwrap();
    fixture.discover(&["*.yml"], NEVER);
    fixture.wait_for("a[sd.yml]").await;
    symlink("..v2", fixture.path("..data_tmp")).unwrap();
    fs::rename(fixture.path("..data_tmp"), fixture.path("..data")).unwrap();
    fixture.wait_for("b[sd.yml]").await;
    fs::remove_dir_all(fixture.path("..v1")).unwrap();
    fixture.manager.shutdown().await;
}

#[tokio::test]
async fn a_bad_file_keeps_its_targets_and_is_counted() {
    let mut fixture = Fixture::new();
    fixture.replace("1.yml", "- targets: [a]");
    fixture.replace("2.yml", "- targets: [b]");
    fixture.discover(&["*.yml"], NEVER);
    fixture.wait_for("a[1.yml] b[2.yml]").await;
    fixture.replace("1.yml", "- tragets: [x]");
    fixture.wait_for_count(read_errors, 0).await;
    // The other file goes on.
    fixture.replace("2.yml", "- targets: [c]");
    fixture.wait_for("a[1.yml] c[2.yml]").await;
    fixture.replace("1.yml", "- targets: [d]");
    fixture.wait_for("d[1.yml] c[2.yml]").await;
    // Not everything of that name is a file.
    let errors = fixture.metrics.file_read_errors.get();
    fs::create_dir(fixture.path("3.yml")).unwrap();
    fixture.wait_for_count(read_errors, errors).await;
    fs::remove_file(fixture.path("1.yml")).unwrap();
    fixture.wait_for("c[2.yml]").await;
    fixture.manager.shutdown().await;
}

#[tokio::test]
async fn folders_come_late_go_and_come_back() {
    let mut fixture = Fixture::new();
    fixture.discover(&["a/b/*.json", "a/b/c.yml", "d.yml"], NEVER);
    fixture.wait_for("").await;
    fs::create_dir_all(fixture.path("a/b")).unwrap();
    fixture.replace("a/b/c.yml", "- targets: [a]");
    fixture.wait_for("a[a/b/c.yml]").await;
    fs::remove_dir_all(fixture.path("a")).unwrap();
    fixture.wait_for("").await;
    fs::create_dir(fixture.path("a")).unwrap();
    fixture.replace("d.yml", "- targets: [d]");
    fixture.wait_for("d[d.yml]").await;
    fs::create_dir(fixture.path("a/b")).unwrap();
    fixture.replace("a/b/e.json", r#"[{"targets": ["e"]}]"#);
    fixture.wait_for("e[a/b/e.json] d[d.yml]").await;
    fixture.replace("a/b/e.json", r#"[{"targets": ["f"]}]"#);
    fixture.wait_for("f[a/b/e.json] d[d.yml]").await;
    assert_eq!(fixture.metrics.file_watcher_errors.get(), 0);
    assert_eq!(fixture.metrics.file_read_errors.get(), 0);
    fixture.manager.shutdown().await;
}

#[tokio::test]
async fn a_folder_reached_by_a_symlink_is_exchanged() {
    let mut fixture = Fixture::new();
    for (version, target) in [("..v1", "a"), ("..v2", "b")] {
        fs::create_dir(fixture.path(version)).unwrap();
        fs::write(fixture.path(version).join("sd.yml"), format!("- targets: [{target}]")).unwrap();
    }
    symlink("..v1", fixture.path("..data")).unwrap();
    fixture.discover(&["..data/sd.yml"], NEVER);
    fixture.wait_for("a[..data/sd.yml]").await;
    symlink("..v2", fixture.path("..data_tmp")).unwrap();
    fs::rename(fixture.path("..data_tmp"), fixture.path("..data")).unwrap();
    // As the kubelet does next.
    fs::remove_dir_all(fixture.path("..v1")).unwrap();
    fixture.wait_for("b[..data/sd.yml]").await;
    fs::write(fixture.path("..v2/sd.yml"), "- targets: [c]").unwrap();
    fixture.wait_for("c[..data/sd.yml]").await;
    fixture.manager.shutdown().await;
}

#[tokio::test]
async fn files_are_read_at_each_refresh_too() {
    let mut fixture = Fixture::new();
    fixture.replace("a.yml", "- targets: [a]");
    // Only the link is in a folder that is watched.
    fs::create_dir(fixture.path("there")).unwrap();
    fs::write(fixture.path("there/b.yml"), "- targets: [b]").unwrap();
    symlink("there/b.yml", fixture.path("b.yml")).unwrap();
    fixture.discover(&["*.yml"], 20);
    fixture.wait_for("a[a.yml] b[b.yml]").await;
    fs::write(fixture.path("there/b.yml"), "- targets: [c]").unwrap();
    fixture.wait_for("a[a.yml] c[b.yml]").await;
    fixture.manager.shutdown().await;
}

#[tokio::test]
async fn files_and_written_targets_of_a_job_come_together() {
    let fixture = Fixture::new();
    fixture.replace("sd.yml", "- targets: [a]\n  labels: {x: y, __meta_filepath: lies}");
    let config = FileConfig::new(
        vec![fixture.path("sd.yml").display().to_string()],
        FileConfig::REFRESH_INTERVAL,
    );
    let written = StaticConfig { targets: vec!["b".to_owned()], ..StaticConfig::default() };
    let discoverers: Vec<Arc<dyn Discoverer>> = vec![
        Arc::new(StaticDiscovery::new(vec![written])),
        Arc::new(FileDiscovery::new(config.unwrap(), Arc::clone(&fixture.metrics))),
    ];
    fixture.manager.apply(vec![Job { name: "a".to_owned(), discoverers }]);
    let mut snapshots = fixture.snapshots.clone();
    let both = snapshots.wait_for(|snapshot| snapshot.jobs.get("a").is_some_and(|g| g.len() == 2));
    let snapshot = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap().unwrap();
    let groups = &snapshot.jobs["a"];
    assert_eq!(groups[0].targets[0].get(ADDRESS), Some("b"));
    assert_eq!(groups[1].labels.get("x"), Some("y"));
    let path = fixture.path("sd.yml").display().to_string();
    assert_eq!(groups[1].labels.get("__meta_filepath"), Some(path.as_str()));
}
