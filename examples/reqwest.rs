//! An asynchronous client: reqwest's byte stream is metered, its events are read one by one.
//!
//! `cargo run --example reqwest -- URL BODY`

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};

use futures_core::Stream;
use tokensense::{Events, MeteredStream};
use tokio_util::codec::FramedRead;
use tokio_util::io::StreamReader;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("the URL of an API is missing")?;
    let body = arguments.next().ok_or("the JSON request body is missing")?;

    let mut request = reqwest::Client::new().post(url).body(body);
    request = request.header("content-type", "application/json");
    if let Ok(key) = std::env::var("API_KEY") {
        request = request.bearer_auth(key);
    }
    let chunks = request.send().await?.bytes_stream();
    let metered = MeteredStream::new(chunks, |record| eprintln!("{}", record.to_json()));
    let reader = StreamReader::new(Errors(Box::pin(metered)));
    let mut events = pin!(FramedRead::new(reader, Events::new()));
    while let Some(event) = poll_fn(|cx| events.as_mut().poll_next(cx)).await {
        println!("{}", String::from_utf8_lossy(&event?.data));
    }
    Ok(())
}

/// A stream whose errors are those of a reader.
struct Errors<S>(Pin<Box<S>>);

impl<S, T, E> Stream for Errors<S>
where
    S: Stream<Item = Result<T, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    type Item = io::Result<T>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let item = self.0.as_mut().poll_next(cx);
        item.map(|item| item.map(|item| item.map_err(io::Error::other)))
    }
}
