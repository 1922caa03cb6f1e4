//! What several test files share: the captures, the binary, and a generator of random numbers.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod bounded;
pub(crate) mod json;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_tokensense");

/// A `tokensense` command that the caller's environment does not reach.
pub(crate) fn tokensense() -> Command {
    isolated(BINARY)
}

/// A command that the caller's environment does not reach, but for where programs, scratch files and profiles lie.
pub(crate) fn isolated(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.env("HOME", "/nonexistent").env("TERM", "xterm");
    command.stdin(Stdio::null());
    command
}

/// Waits for a process to end, within bounds.
pub(crate) fn ended(mut child: Child) -> ExitStatus {
    for _ in 0..2000 {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("it does not end");
}

/// Every capture in `testdata/`, in order.
pub(crate) fn captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut found = Vec::new();
    for api in sorted(&root) {
        if api.is_dir() {
            let is_capture = |path: &PathBuf| !path.to_string_lossy().ends_with(".record.json");
            found.extend(sorted(&api).into_iter().filter(is_capture));
        }
    }
    assert!(
        found.len() > 100,
        "captures are missing from {}",
        root.display()
    );
    found
}

/// A folder of recorded responses, with a `manifest.jsonl` of what they state: `TOKENSENSE_CORPUS` names it.
pub(crate) fn corpus() -> PathBuf {
    let named = std::env::var_os("TOKENSENSE_CORPUS").map(PathBuf::from);
    let named = named.filter(|path| path.join("manifest.jsonl").exists());
    named.expect("TOKENSENSE_CORPUS names a folder with a manifest.jsonl")
}

/// The entries of a folder by name.
pub(crate) fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// A folder of this test's own, empty.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a scratch folder");
    path
}

/// A terminal: the side of its user, and that of the programs.
pub(crate) fn terminal() -> (File, File) {
    let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&user).expect("a terminal");
    unlockpt(&user).expect("a terminal");
    let name = ptsname(&user, Vec::new()).expect("a terminal's name");
    let name = name.to_str().expect("a path");
    let programs = File::options().read(true).write(true).open(name);
    (user.into(), programs.expect("a terminal"))
}

/// Numbers that look random and are the same in every run (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}
