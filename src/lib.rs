//! tokensense

#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod command;
mod meter;
mod pipe;
mod price;
mod record;

pub use meter::{
    Charged, Context, Count, Created, Emit, EndedBy, Failure, Measure, Meter, Note, Pass, Reading,
    Request, Status, Usage, warm_up,
};
#[doc(hidden)]
pub use price::{Parts, PriceBook, Query, Quote};
pub use record::{Format, Record};
