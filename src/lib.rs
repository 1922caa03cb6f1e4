//! tokensense

#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod command;
mod curl;
mod meter;
mod pipe;
mod price;
mod record;

pub use meter::{
    Charged, Context, Count, Created, Emit, EndedBy, Failure, Measure, Meter, Note, Pass, Reading,
    Request, Status, Usage, warm_up,
};
pub use record::{Format, Record};
