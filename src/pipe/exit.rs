//! How a process ends.

use rustix::process::{Resource, Rlimit, setrlimit};
use signal_hook::low_level;

use crate::system;

/// How a process ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    Code(u8),
    /// By a signal, as its default would have it.
    Signal(i32),
}

/// What went wrong with a descriptor, in a sentence.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) String);

impl Exit {
    /// Ends the process.
    pub(crate) fn now(self) -> ! {
        match self {
            Self::Code(code) => std::process::exit(code.into()),
            Self::Signal(number) => {
                // Where the child has left a core, one of ours would say nothing of it.
                let none = Rlimit {
                    current: Some(0),
                    maximum: Some(0),
                };
                let _ = setrlimit(Resource::Core, none);
                system::no_core();
                let _ = low_level::emulate_default_handler(number);
                // Where the signal is blocked, as a shell would report it.
                std::process::exit(128 + number)
            }
        }
    }
}
