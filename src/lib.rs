//! Meters LLM API streams: what a response used, what it cost, and how it ended.
//!
//! Bytes of OpenAI, Anthropic, Gemini, Bedrock, Ollama, Cohere and their kin go through unchanged; framing and API
//! are recognised from them. Each response gives one [`Record`], even when it is cut off: then its counts are
//! estimates, and say so.
//!
//! # Reading through it
//!
//! [`Metered`] wraps a [`std::io::Read`]. Nothing has to be remembered at the end: dropping it in mid-stream gives
//! a record that says `cancelled`.
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use std::net::TcpStream;
//! use tokensense::Metered;
//!
//! # let server = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let address = server.local_addr()?;
//! # let server = std::thread::spawn(move || {
//! #     let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n\
//! #         {\"model\":\"gemma3\",\"created_at\":\"2026-11-20T10:00:00Z\",\"message\":{\"content\":\"Hello\"},\"done\":false}\n\
//! #         {\"model\":\"gemma3\",\"created_at\":\"2026-11-20T10:00:00Z\",\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\
//! #         \"prompt_eval_count\":26,\"eval_count\":2}\n";
//! #     let (mut client, _) = server.accept().unwrap();
//! #     std::io::Read::read(&mut client, &mut [0; 1000]).unwrap();
//! #     client.write_all(answer.as_bytes()).unwrap();
//! # });
//! let mut connection = TcpStream::connect(address)?;
//! let body = r#"{"model":"gemma3","messages":[{"role":"user","content":"Hi"}]}"#;
//! let head = format!("POST /api/chat HTTP/1.0\r\ncontent-length: {}\r\n\r\n", body.len());
//! connection.write_all((head + body).as_bytes())?;
//!
//! let (sender, records) = std::sync::mpsc::channel();
//! let answer = Metered::new(connection, move |record| {
//!     let _ = sender.send(record);
//! });
//! for line in BufReader::new(answer).lines() {
//!     println!("{}", line?);
//! }
//!
//! let record = records.recv().expect("one response");
//! assert_eq!(record.model.as_deref(), Some("gemma3"));
//! assert_eq!(record.input_tokens, Some(26));
//! assert_eq!(record.output_tokens, Some(2));
//! # server.join().unwrap();
//! # std::io::Result::Ok(())
//! ```
//!
//! [`AsyncMetered`] does the same for tokio's `AsyncRead`, and [`MeteredStream`] for any stream of byte chunks, as
//! HTTP clients give them:
//!
//! ```
//! use tokensense::MeteredStream;
//! use tokio::io::AsyncBufReadExt as _;
//! use tokio_util::io::{ReaderStream, StreamReader};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! # let connection: &[u8] = b"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n";
//! # let mut count = 0;
//! // Any client's body will do; reqwest's is `response.bytes_stream()`.
//! let body = ReaderStream::new(connection);
//! let metered = MeteredStream::new(body, |record| println!("{}", record.to_json()));
//! let mut lines = StreamReader::new(metered).lines();
//! while let Some(line) = lines.next_line().await? {
//!     if let Some(data) = line.strip_prefix("data: ") {
//!         println!("{data}");
//! #       count += 1;
//!     }
//! }
//! # assert_eq!(count, 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Telling it more
//!
//! A [`Recorder`] is what all three hold. It can be told of the request and of other [`Prices`]; labels are added
//! where the record arrives:
//!
//! ```
//! use tokensense::{Context, Metered, Prices, Record, Recorder, Request};
//!
//! # let answer: &[u8] = b"";
//! let request = Request::parse(br#"{"model":"gpt-4o","messages":[]}"#);
//! let context = Context::default().with_requests(request);
//! let recorder = Recorder::new(|mut record: Record| {
//!     record.labels.insert("team".to_owned(), "search".into());
//!     println!("{}", record.to_json());
//! });
//! let recorder = recorder.with_context(context).with_prices(Prices::read(&[])?);
//! let metered = Metered::with(answer, recorder);
//! # std::io::Result::Ok(())
//! ```
//!
//! # Below the records
//!
//! [`Meter`] touches neither IO nor a clock: bytes in, a [`Reading`] of each response out, and what the response
//! under way has come to [so far](Meter::so_far).
//!
//! Amounts of money are [`Decimal`]s; labels are texts by name. The provider's own usage object is
//! [`RawUsage`]: JSON as it was written, whose members it reads when they are asked for.

#![cfg_attr(
    not(feature = "cli"),
    allow(
        dead_code,
        unused_imports,
        reason = "the command uses more of each room"
    )
)]

#[macro_use]
mod word;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod command;
#[cfg(feature = "cli")]
mod curl;
#[cfg(feature = "cli")]
mod fd;
mod meter;
mod metered;
mod nearest;
mod object;
#[cfg(feature = "cli")]
mod pipe;
mod price;
mod record;
#[cfg(feature = "cli")]
mod redact;
#[cfg(feature = "cli")]
mod saved;
mod secret;
#[cfg(feature = "cli")]
mod system;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub use curl::{Argument, Curl, Inject};
pub use meter::{
    Charged, Context, Count, Created, Emit, EndedBy, Failure, Measure, Meter, Note, Pass, RawUsage,
    Reading, Request, Status, TokenCounter, Usage,
};
#[cfg(feature = "futures")]
pub use metered::MeteredStream;
#[cfg(feature = "tokio")]
pub use metered::{AsyncMetered, EventFrame, Events};
pub use metered::{Metered, Prices, Recorder};
#[doc(hidden)]
pub use price::{Deal, Parts, PriceBook, Query, Quote};
#[doc(hidden)]
pub use record::read::Shape;
pub use record::write::{Format, Selection, Writer};
pub use record::{CostBasis, Labels, Record};
#[cfg(feature = "cli")]
#[doc(hidden)]
pub use redact::redacted;
#[doc(no_inline)]
pub use rust_decimal::Decimal;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub use saved::unwrapped;

/// The page about the library, whose examples are run as tests.
#[cfg(all(doctest, feature = "cli"))]
#[doc = include_str!("../docs/library.md")]
struct LibraryPage;
