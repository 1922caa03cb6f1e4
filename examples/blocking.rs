//! A blocking client: the answer is read line by line, its record printed when it ends.
//!
//! `cargo run --example blocking -- URL BODY`, as
//! `cargo run --example blocking -- http://localhost:11434/api/chat '{"model":"gemma3","messages":[…]}'`

use std::error::Error;
use std::io::{BufRead as _, BufReader};

use tokensense::{Context, Metered, Record, Recorder, Request};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("the URL of an API is missing")?;
    let body = arguments.next().ok_or("the JSON request body is missing")?;

    // With the request known, the prompt of an answer that is cut off can be estimated.
    let context = Context::default().with_requests(Request::parse(body.as_bytes()));
    let recorder = Recorder::new(|record: Record| eprintln!("{}", record.to_json()));
    let recorder = recorder.with_context(context);

    let mut request = ureq::post(&url).content_type("application/json");
    if let Ok(key) = std::env::var("API_KEY") {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let answer = request.send(body)?.into_body().into_reader();
    for line in BufReader::new(Metered::with(answer, recorder)).lines() {
        println!("{}", line?);
    }
    Ok(())
}
