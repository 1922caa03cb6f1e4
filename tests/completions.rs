//! The completion scripts in `completions/` and the manual: as the binary prints them, and as shells read them.
//!
//! After a change of options, `TOKENSENSE_BLESS=1 cargo test --test completions` writes the scripts anew.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{isolated, scratch, tokensense};

/// Each shell, its script, and how it is told to read a script without running it.
const SHELLS: &[(&str, &str, &[&str])] = &[
    ("bash", "tokensense.bash", &["bash", "-n"]),
    (
        "elvish",
        "tokensense.elv",
        &["elvish", "-norc", "-compileonly"],
    ),
    ("fish", "tokensense.fish", &["fish", "--no-execute"]),
    ("nushell", "tokensense.nu", &["nu", "--no-config-file"]),
    (
        "powershell",
        "_tokensense.ps1",
        &["pwsh", "-NoProfile", "-File"],
    ),
    ("zsh", "_tokensense", &["zsh", "-n"]),
];

fn printed(args: &[&str]) -> String {
    let output = tokensense().args(args).output().expect("the binary");
    assert!(output.status.success(), "{args:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions")
}

#[test]
fn scripts_are_those_of_the_binary() {
    let bless = std::env::var_os("TOKENSENSE_BLESS").is_some();
    for (shell, file, _) in SHELLS {
        let path = folder().join(file);
        let script = printed(&["completions", shell]);
        if bless {
            fs::create_dir_all(folder()).expect("a folder");
            fs::write(&path, script).expect("a writable script");
            continue;
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == script,
            "{} differs: TOKENSENSE_BLESS=1 cargo test --test completions",
            path.display()
        );
    }
    let files = common::sorted(&folder());
    assert_eq!(files.len(), SHELLS.len(), "{files:?}");
}

/// Only the shells on this machine; bash is on every one.
#[test]
fn shells_can_read_them() {
    for (shell, file, check) in SHELLS {
        let path = folder().join(file);
        let mut command = Command::new(check[0]);
        let command = command.args(&check[1..]).arg(path).stdin(Stdio::null());
        match command.output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {output:?}"),
            Err(error) => {
                assert_ne!(*shell, "bash", "{error}");
                eprintln!("{shell} is not installed: its script is not read here");
            }
        }
    }
}

/// bash completes commands, options and their values.
#[test]
fn bash_completes() {
    let script = folder().join("tokensense.bash");
    for (words, want) in [
        ("tokensense ta", "tap"),
        ("tokensense tap --em", "--emit"),
        ("tokensense tap --emit d", "data"),
        ("tokensense completions nu", "nushell"),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let call = format!(
            "source '{}'; COMP_WORDS=({}); COMP_CWORD={}; _tokensense tokensense {} {}; echo \"${{COMPREPLY[@]}}\"",
            script.display(),
            words.join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let mut bash = isolated("bash");
        let output = bash.args(["--norc", "-c", &call]).output().expect("bash");
        let got = String::from_utf8_lossy(&output.stdout);
        assert_eq!(got.trim(), want, "{words:?}: {output:?}");
    }
}

#[test]
fn an_unknown_shell_is_refused() {
    let output = tokensense().args(["completions", "tcsh"]).output();
    let output = output.expect("the binary");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    for shell in SHELLS.iter().map(|(shell, ..)| shell) {
        assert!(text.contains(shell), "{text}");
    }
}

#[test]
fn manual() {
    let all = printed(&["man"]);
    let main = all.split(".TH ").nth(1).expect("a page");
    for part in [
        "NAME",
        "SYNOPSIS",
        "OPTIONS",
        "EXIT STATUS",
        "RECORD",
        "cost_basis",
    ] {
        assert!(main.contains(part), "no {part}");
    }
    let help = printed(&["--help"]);
    let names = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names: Vec<_> = names
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() >= 3, "{help}");
    assert_eq!(all.matches(".TH ").count(), 1 + names.len());
    for name in names {
        let page = printed(&["man", name]);
        assert!(
            page.contains(&format!(".TH tokensense-{name} 1 \" \" \"tokensense ")),
            "{page}"
        );
        assert!(all.contains(&page), "{name} has no page among all");
    }

    let output = tokensense().args(["man", "tee"]).output();
    let output = output.expect("the binary");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("no command \"tee\"") && text.contains("tap"),
        "{text}"
    );
}

/// groff finds nothing to warn of, where it is installed.
#[test]
fn manual_is_sound_roff() {
    let path = scratch("manual").join("tokensense.1");
    fs::write(&path, printed(&["man"])).expect("a file");
    let mut groff = Command::new("groff");
    let groff = groff
        .args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z"])
        .arg(path);
    match groff.output() {
        Ok(output) => assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        ),
        Err(error) => eprintln!("groff is not installed: {error}"),
    }
}

/// A reader that goes away early is nothing to complain about.
#[test]
fn manual_into_a_closed_pipe() {
    use std::os::unix::process::ExitStatusExt as _;

    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = tokensense().arg("man").stdout(writer).output();
    let output = output.expect("the binary");
    assert_eq!(output.status.signal(), Some(13));
    assert!(output.stderr.is_empty(), "{output:?}");
}
