//! The meter for programs: what a reader or a stream gives is handed on as it is, and records come of it.

#[cfg(feature = "tokio")]
mod async_read;
#[cfg(feature = "tokio")]
mod events;
mod read;
mod recorder;
#[cfg(feature = "futures")]
mod stream;

#[cfg(feature = "tokio")]
pub use async_read::AsyncMetered;
#[cfg(feature = "tokio")]
pub use events::{EventFrame, Events};
pub use read::Metered;
pub use recorder::{Prices, Recorder};
#[cfg(feature = "futures")]
pub use stream::MeteredStream;
