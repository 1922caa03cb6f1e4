//! What the systems do each in their own way: one file for Linux, and one plain way for all others.
//!
//! `--cfg tokensense_portable` takes the plain way on Linux too, where our tests run.

#[cfg(all(target_os = "linux", not(tokensense_portable)))]
mod linux;
#[cfg(all(target_os = "linux", not(tokensense_portable)))]
use linux as own;
#[cfg(not(all(target_os = "linux", not(tokensense_portable))))]
mod portable;
#[cfg(not(all(target_os = "linux", not(tokensense_portable))))]
use portable as own;

pub(crate) use own::{
    ADOPTS, FOLDER, Watched, adopt, memory, no_core, pipe_size, processes, set_pipe_size, signal,
    tee,
};

/// What the system says of a process.
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// Nothing but its status is left.
    pub(crate) ended: bool,
}
