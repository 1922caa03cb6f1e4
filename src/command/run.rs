//! `tokensense run`: a command started by us, its standard output metered.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use signal_hook::consts::SIGCHLD;

use super::outcome::{Outcome, complain, say};
use super::requests::Requests;
use super::session::Session;
use crate::cli;
use crate::curl::show::show;
use crate::curl::{Argument, Curl, Inject};
use crate::meter::Request;
use crate::pipe::{self, Child, Exit, Signals};
use crate::system;

/// Starts the command and meters what it writes.
///
/// # Errors
/// Anything the user has to mend before the command may start.
pub(super) fn run(args: cli::Run) -> Result<Exit> {
    let mut command = args.command.into_iter();
    let Some(program) = command.next() else {
        bail!("run needs a command: tokensense run -- curl …");
    };
    let arguments: Vec<OsString> = command.collect();
    let curl = read_curl(&program, &arguments, args.inject);
    if args.dry_run {
        let line = show(&program, &arguments, curl.as_ref());
        return Ok(say((line + "\n").as_bytes()));
    }
    let asked = curl.as_ref().map(requests).unwrap_or_default();
    let mut session = Session::open_for(&args.metering, asked)?;
    if curl.is_some() && !can_hand() && args.inject != cli::Inject::Never {
        complain(
            "there is no /dev/fd here, by which an edited body would reach curl: requests are sent as they are",
        );
    }
    if let Some(refusal) = session.refusal() {
        return Ok(refusal);
    }
    if curl.as_ref().is_some_and(|curl| curl.saves) {
        complain(
            "curl writes a body to a file, where it is not metered: leave out -o or -O, and redirect the output of \
             tokensense",
        );
    }
    if let Some(advice) = advice(&program) {
        session.advise(advice);
    }
    // Open until the child has them.
    let mut handed = Vec::new();
    let mut child = Command::new(&program);
    match curl {
        Some(curl) => child.args(passed(curl, &mut session, &mut handed)?),
        None => child.args(arguments),
    };
    // A parent may have had it ignored: then the system would keep no exit status.
    let _ = signal_hook::flag::register(SIGCHLD, Arc::default());
    // Caught before there is a child, so that none is left behind by one that comes early.
    let signals = Signals::catch_for_child().ok();
    system::adopt();
    let mut child = match child.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return Ok(complain_of_start(&program, &error).into()),
    };
    drop(handed);
    let stdout = child
        .stdout
        .take()
        .context("the command has no standard output")?;
    // Read to the end of the process.
    let stdout: &'static ChildStdout = Box::leak(Box::new(stdout));
    let mut plan = session.plan(stdout.as_fd());
    plan.no_wait = args.no_wait;
    let child = Child::new(child).context("cannot watch the command")?;
    Ok(pipe::run(session, plan, || signals, Some(child)))
}

/// Whether a body that is read or edited can be handed to curl: by a path there.
fn can_hand() -> bool {
    Path::new("/dev/fd").exists()
}

/// What a command asks for, if it is curl.
fn read_curl(program: &OsStr, arguments: &[OsString], inject: cli::Inject) -> Option<Curl> {
    let is_curl = Path::new(program)
        .file_name()
        .is_some_and(|name| name == "curl");
    let inject = match inject {
        _ if !can_hand() => Inject::Never,
        cli::Inject::Always => Inject::Always,
        cli::Inject::Auto => Inject::Auto,
        cli::Inject::Never => Inject::Never,
    };
    is_curl.then(|| {
        let on_terminal = io::stdout().is_terminal();
        let stdin = &mut io::stdin().lock();
        Curl::read(arguments.to_owned(), inject, on_terminal, stdin)
    })
}

/// The arguments that curl is given, with what they name `handed` to it.
fn passed(curl: Curl, session: &mut Session, handed: &mut Vec<OwnedFd>) -> Result<Vec<OsString>> {
    let mut arguments = Vec::new();
    for argument in curl.arguments() {
        arguments.push(match argument {
            Argument::Headers => {
                let (path, headers) = listen(handed)?;
                session.hear(headers);
                path
            }
            argument => plain(argument, handed).context("cannot hand the body to curl")?,
        });
    }
    Ok(arguments)
}

/// Says why a command could not be started.
fn complain_of_start(program: &OsStr, error: &io::Error) -> Outcome {
    let program = program.to_string_lossy();
    if error.kind() == ErrorKind::NotFound {
        complain(&format!(
            "cannot run {program}: there is no such command; check its name and PATH"
        ));
        return Outcome::NotFound;
    }
    complain(&format!("cannot run {program}: {error}"));
    Outcome::NotExecutable
}

/// Programs that print the answer's text alone, and what shows their usage instead.
const TEXT_CLIENTS: &[(&str, &str)] = &[
    ("aichat", CURL_INSTEAD),
    ("llm", "its own option -u prints the usage, or use curl"),
    ("mods", CURL_INSTEAD),
    (
        "ollama",
        "use curl -s http://localhost:11434/api/chat instead",
    ),
    ("openai", CURL_INSTEAD),
    ("sgpt", CURL_INSTEAD),
];

const CURL_INSTEAD: &str = "send the same request with curl: tokensense run -- curl …";

/// What to say where a program prints nothing that can be metered, if we know it.
fn advice(program: &OsStr) -> Option<String> {
    let name = Path::new(program).file_name()?;
    let (name, instead) = TEXT_CLIENTS.iter().find(|(known, _)| *known == name)?;
    Some(format!(
        "{name} prints only the text of the answer, which shows no usage; {instead}"
    ))
}

/// The requests that a curl makes.
fn requests(curl: &Curl) -> Requests {
    let asked = curl.calls.iter().map(|call| {
        let request = call.body.as_deref().and_then(Request::parse);
        let request = request.unwrap_or_default();
        let request = request.addressed(call.model.clone(), call.provider);
        let request = request.in_region(call.region.clone());
        (request, call.usage_request.as_str())
    });
    let differ = curl.calls.windows(2).any(|pair| pair[0] != pair[1]);
    Requests::new(asked.collect(), differ, curl.repeats)
}

/// Where headers go that cannot be handed to us.
const NOWHERE: &str = "/dev/null";

/// A path that the child can write the answer's headers to, and where they can be read.
fn listen(handed: &mut Vec<OwnedFd>) -> io::Result<(OsString, File)> {
    // Not closed when the child begins.
    let memory = system::memory()?;
    let headers = memory.try_clone()?;
    let path = format!("/dev/fd/{}", memory.as_raw_fd());
    if !Path::new(&path).exists() {
        return Ok((NOWHERE.into(), headers));
    }
    handed.push(memory.into());
    Ok((path.into(), headers))
}

/// The argument as it is passed; a body goes into a descriptor that the child inherits. Where that has no path, it is
/// the child's standard input.
fn plain(argument: Argument, handed: &mut Vec<OwnedFd>) -> io::Result<OsString> {
    let (before, body) = match argument {
        Argument::Plain(text) => return Ok(text),
        Argument::Fed { before, body } => (before, body),
        Argument::Headers => return Ok(NOWHERE.into()),
    };
    // Memory, not a file of any name; and not closed when the child begins.
    let mut file = system::memory()?;
    file.write_all(&body)?;
    // Some systems open a descriptor's path where it stands, not at its beginning.
    file.rewind()?;
    drop(body);
    let path = format!("/dev/fd/{}", file.as_raw_fd());
    let mut text = before;
    if Path::new(&path).exists() {
        text.push(format!("@{path}"));
        handed.push(file.into());
    } else {
        rustix::stdio::dup2_stdin(&file)?;
        text.push("@-");
    }
    Ok(text)
}
