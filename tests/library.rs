//! The library's adapters: bytes as they were, and the records that a meter fed by hand gives.

mod common;

use std::io::{self, IoSliceMut, Read};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context, Poll, Waker};
use std::{fs, iter};

use futures_core::Stream;
use proptest::prelude::*;
use serde_json::Value;
use tokensense::{
    AsyncMetered, Emit, EndedBy, EventFrame, Events, Meter, Metered, MeteredStream, Prices,
    Reading, Record, Recorder, Request, Status,
};
use tokio::io::{AsyncRead, ReadBuf};

/// What one read gives: bytes, or an error.
#[derive(Clone, Debug)]
enum Step {
    Bytes(Vec<u8>),
    Fails(io::ErrorKind),
    /// An asynchronous reader is not ready; a blocking one was interrupted.
    Waits,
}

/// A reader, in all three worlds, that takes these steps.
struct Script(std::vec::IntoIter<Step>, Vec<u8>);

impl Script {
    fn new(steps: Vec<Step>) -> Self {
        Self(steps.into_iter(), Vec::new())
    }

    fn whole(bytes: &[u8]) -> Self {
        Self::new(vec![Step::Bytes(bytes.to_vec())])
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.1.is_empty() {
            match self.0.next() {
                None => return Ok(0),
                Some(Step::Bytes(bytes)) => self.1 = bytes,
                Some(Step::Fails(kind)) => return Err(kind.into()),
                Some(Step::Waits) => return Err(io::ErrorKind::Interrupted.into()),
            }
        }
        let len = self.1.len().min(buffer.len());
        buffer[..len].copy_from_slice(&self.1[..len]);
        self.1.drain(..len);
        Ok(len)
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut scratch = vec![0; buffer.remaining()];
        match self.read(&mut scratch) {
            Ok(len) => buffer.put_slice(&scratch[..len]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Err(error) => return Poll::Ready(Err(error)),
        }
        Poll::Ready(Ok(()))
    }
}

impl Stream for Script {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.next() {
            None => Poll::Ready(None),
            Some(Step::Bytes(bytes)) => Poll::Ready(Some(Ok(bytes))),
            Some(Step::Fails(kind)) => Poll::Ready(Some(Err(kind.into()))),
            Some(Step::Waits) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

/// Steps that a world's reader takes until its end or an error, at most `limit` of them.
type Run = fn(Script, Recorder, usize, usize) -> Vec<u8>;

/// The three worlds. Each reads so many bytes at a time, so many times, and drops the adapter.
const WORLDS: [(&str, Run); 3] = [
    ("blocking", |script, recorder, size, limit| {
        let mut reader = Metered::with(script, recorder);
        let (mut out, mut buffer) = (Vec::new(), vec![0; size]);
        for _ in 0..limit {
            match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(len) => out.extend_from_slice(&buffer[..len]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        out
    }),
    ("tokio", |script, recorder, size, limit| {
        let mut reader = AsyncMetered::with(script, recorder);
        let (mut out, mut buffer) = (Vec::new(), vec![0; size]);
        for _ in 0..limit {
            let mut buffer = ReadBuf::new(&mut buffer);
            match Pin::new(&mut reader).poll_read(&mut context(), &mut buffer) {
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => break,
                Poll::Ready(Ok(())) => out.extend_from_slice(buffer.filled()),
                Poll::Ready(Err(_)) => break,
                Poll::Pending => {}
            }
        }
        out
    }),
    ("stream", |script, recorder, _, limit| {
        let mut stream = MeteredStream::with(script, recorder);
        let mut out = Vec::new();
        for _ in 0..limit {
            match Pin::new(&mut stream).poll_next(&mut context()) {
                Poll::Ready(Some(Ok(chunk))) => out.extend_from_slice(&chunk),
                Poll::Ready(None | Some(Err(_))) => break,
                Poll::Pending => {}
            }
        }
        out
    }),
];

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn recorder() -> (Recorder, Receiver<Record>) {
    let (sender, records) = channel();
    let on_record = move |record| {
        let _ = sender.send(record);
    };
    (Recorder::new(Box::new(on_record)), records)
}

/// The readings of a meter that is fed by hand.
fn readings(bytes: &[u8], ended_by: EndedBy) -> Vec<Reading> {
    let mut meter = Meter::new();
    meter.feed(bytes);
    meter.finish(ended_by);
    iter::from_fn(|| meter.next_reading()).collect()
}

/// Holds records to readings, by all columns that need neither a clock nor prices.
fn assert_same(name: &str, records: &[Record], readings: &[Reading]) {
    let bare = |record: &Record| {
        let record = serde_json::to_value(record).expect("JSON");
        let Value::Object(mut record) = record else {
            panic!("{name}: no object")
        };
        record.retain(|key, _| {
            let clock = ["started_at", "duration_ms", "ttft_ms", "tokens_per_second"];
            !clock.contains(&key.as_str()) && !key.contains("cost") && key != "price_match"
        });
        record
    };
    let ours: Vec<_> = records.iter().map(bare).collect();
    let wanted: Vec<_> = readings
        .iter()
        .map(|reading| bare(&Record::new(reading)))
        .collect();
    assert_eq!(ours, wanted, "{name}");
    for record in records {
        assert!(record.started_at.is_some(), "{name}: no time");
        assert!(record.duration_ms.is_some(), "{name}: no time");
    }
}

fn capture(name: &str) -> Vec<u8> {
    fs::read(format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a capture")
}

fn captures() -> impl Strategy<Value = Vec<u8>> {
    let small = |path: &std::path::PathBuf| fs::metadata(path).is_ok_and(|meta| meta.len() < 9000);
    let paths: Vec<_> = common::captures().into_iter().filter(small).collect();
    prop::sample::select(paths).prop_map(|path| fs::read(path).expect("a capture"))
}

/// A capture, or bytes of any kind, cut into steps with pauses between.
fn scripts() -> impl Strategy<Value = Vec<Step>> {
    let noise = prop::collection::vec(any::<u8>(), 0..500);
    let bytes = prop_oneof![9 => captures(), 1 => noise];
    (
        bytes,
        prop::collection::vec((1..600usize, any::<bool>()), 1..20),
    )
        .prop_map(|(bytes, cuts)| {
            let mut steps = Vec::new();
            let mut rest = bytes.as_slice();
            for (len, waits) in cuts.into_iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, more) = rest.split_at(len.min(rest.len()));
                steps.push(Step::Bytes(piece.to_vec()));
                steps.extend(waits.then_some(Step::Waits));
                rest = more;
            }
            steps
        })
}

fn bytes_of(steps: &[Step]) -> Vec<u8> {
    let bytes = steps.iter().filter_map(|step| match step {
        Step::Bytes(bytes) => Some(bytes.as_slice()),
        _ => None,
    });
    bytes.collect::<Vec<_>>().concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Read to the end, in pieces of any size.
    #[test]
    fn bytes_and_records_are_those_of_a_meter(steps in scripts(), size in 1..700usize) {
        let bytes = bytes_of(&steps);
        for (name, run) in WORLDS {
            let (recorder, records) = recorder();
            let out = run(Script::new(steps.clone()), recorder, size, usize::MAX);
            prop_assert!(out == bytes, "{name}: bytes differ");
            let records: Vec<_> = records.iter().collect();
            assert_same(name, &records, &readings(&bytes, EndedBy::Upstream));
        }
    }

    /// Dropped after so many reads: what came by until then is all there is.
    #[test]
    fn dropped_in_mid_stream(steps in scripts(), size in 1..700usize, reads in 0..40usize) {
        let bytes = bytes_of(&steps);
        for (name, run) in WORLDS {
            let (recorder, records) = recorder();
            let out = run(Script::new(steps.clone()), recorder, size, reads);
            prop_assert!(bytes.starts_with(&out), "{name}: bytes differ");
            let records: Vec<_> = records.iter().collect();
            let ended = records.last().and_then(|record| record.ended_by);
            let ended = if ended == Some(EndedBy::Upstream) { EndedBy::Upstream } else { EndedBy::Downstream };
            prop_assert!(ended == EndedBy::Downstream || out == bytes, "{name}: the end was not seen");
            assert_same(name, &records, &readings(&out, ended));
        }
    }

    /// An error of the inner reader comes through, and truncates.
    #[test]
    fn broken_connection(steps in scripts(), at in any::<prop::sample::Index>(), size in 1..700usize) {
        let mut steps = steps;
        let at = at.index(steps.len() + 1);
        steps.truncate(at);
        let bytes = bytes_of(&steps);
        steps.push(Step::Fails(io::ErrorKind::ConnectionReset));
        for (name, run) in WORLDS {
            let (recorder, records) = recorder();
            let out = run(Script::new(steps.clone()), recorder, size, usize::MAX);
            prop_assert!(out == bytes, "{name}: bytes differ");
            let records: Vec<_> = records.iter().collect();
            assert_same(name, &records, &readings(&bytes, EndedBy::Upstream));
        }
    }
}

#[test]
fn a_drop_cancels() {
    let stream = capture("anthropic.messages/stream.sse");
    for (name, run) in WORLDS {
        let (recorder, records) = recorder();
        run(Script::whole(&stream[..2000]), recorder, 2000, 1);
        let record = records.recv().expect("a record");
        assert_eq!(record.status, Some(Status::Cancelled), "{name}");
        assert_eq!(record.ended_by, Some(EndedBy::Downstream), "{name}");
        assert!(record.partial, "{name}");
        assert_eq!(record.input_tokens, Some(1000), "{name}");
        assert!(record.estimated.contains(&"output_tokens".to_owned()));
        assert!(records.recv().is_err(), "{name}: only one");
    }
}

#[test]
fn an_error_truncates() {
    let stream = capture("anthropic.messages/stream.sse");
    for (name, run) in WORLDS {
        let (recorder, records) = recorder();
        let steps = vec![
            Step::Bytes(stream[..2000].to_vec()),
            Step::Fails(io::ErrorKind::UnexpectedEof),
        ];
        run(Script::new(steps), recorder, 4000, 9);
        let record = records.recv().expect("a record");
        assert_eq!(record.status, Some(Status::Truncated), "{name}");
        assert_eq!(record.ended_by, Some(EndedBy::Upstream), "{name}");
    }
}

/// A timeout is no end: the caller may read on.
#[test]
fn a_timeout_is_no_end() {
    let stream = capture("openai.chat/usage.sse");
    let (first, rest) = stream.split_at(700);
    let (recorder, records) = recorder();
    let mut reader = Metered::with(
        Script::new(vec![
            Step::Bytes(first.to_vec()),
            Step::Fails(io::ErrorKind::WouldBlock),
            Step::Fails(io::ErrorKind::TimedOut),
            Step::Bytes(rest.to_vec()),
        ]),
        recorder,
    );
    let mut out = Vec::new();
    for _ in 0..2 {
        assert!(reader.read_to_end(&mut out).is_err());
    }
    reader.read_to_end(&mut out).expect("no error");
    assert!(out == stream);
    let record = records.recv().expect("a record");
    assert_eq!(record.status, Some(Status::Complete));
}

/// The record does not wait for the end of a stream whose responses follow each other.
#[test]
fn several_responses_and_reads_after_the_end() {
    let stream = capture("framing/several.sse");
    let (recorder, records) = recorder();
    let mut reader = Metered::with(stream.as_slice(), recorder);
    io::copy(&mut reader, &mut io::sink()).expect("no error");
    let want = readings(&stream, EndedBy::Upstream).len();
    assert!(want > 1);
    assert_eq!(records.try_iter().count(), want);
    assert_eq!(reader.read(&mut [0; 9]).expect("no error"), 0);
    drop(reader);
    assert_eq!(records.iter().count(), 0);
}

/// A read without room says nothing of the end.
#[test]
fn reads_without_room() {
    let stream = capture("openai.chat/usage.sse");
    let (recorder, records) = recorder();
    let mut reader = Metered::with(stream.as_slice(), recorder);
    assert_eq!(reader.read(&mut []).expect("no error"), 0);
    assert_eq!(reader.read_vectored(&mut []).expect("no error"), 0);
    let mut parts = ([0; 10], [0; 20]);
    let mut out = Vec::new();
    loop {
        let (a, b) = &mut parts;
        let slices = &mut [
            IoSliceMut::new(&mut []),
            IoSliceMut::new(a),
            IoSliceMut::new(b),
        ];
        let len = reader.read_vectored(slices).expect("no error");
        if len == 0 {
            break;
        }
        out.extend([&parts.0[..], &parts.1[..]].concat()[..len].to_vec());
    }
    assert!(out == stream);
    let record = records.recv().expect("a record");
    assert_eq!(record.status, Some(Status::Complete));

    let (recorder, records) = self::recorder();
    let mut reader = AsyncMetered::with(stream.as_slice(), recorder);
    let mut none = ReadBuf::new(&mut []);
    let poll = Pin::new(&mut reader).poll_read(&mut context(), &mut none);
    assert!(matches!(poll, Poll::Ready(Ok(()))));
    assert!(records.try_recv().is_err(), "not the end");
    assert!(reader.into_inner() == stream);
    let record = records.recv().expect("a record");
    assert_eq!(record.status, Some(Status::Empty));
}

/// A buffer that holds something already: only what is new is metered.
#[test]
fn a_buffer_filled_in_part() {
    let stream = capture("openai.chat/usage.sse");
    let (recorder, records) = recorder();
    let mut reader = AsyncMetered::with(Script::whole(&stream), recorder);
    let mut space = vec![0; 1 << 16];
    let mut buffer = ReadBuf::new(&mut space);
    buffer.put_slice(b"data: {\"before\":1}\n\n");
    let before = buffer.filled().len();
    for _ in 0..2 {
        let poll = Pin::new(&mut reader).poll_read(&mut context(), &mut buffer);
        assert!(poll.is_ready());
    }
    assert!(buffer.filled()[before..] == stream);
    let record = records.recv().expect("a record");
    assert_eq!(record.bytes, Some(stream.len() as u64));
}

#[test]
fn what_the_caller_knows() {
    let (sender, records) = channel();
    let mut context = tokensense::Context::default();
    context.model = Some("my-model".to_owned());
    context
        .requests
        .extend(Request::parse(br#"{"model":"asked-for","messages":[]}"#));
    let recorder = Recorder::new(move |mut record: Record| {
        record.labels.insert("team".to_owned(), "search".into());
        sender.send(record).expect("a receiver");
    });
    let recorder = recorder
        .with_context(context)
        .with_prices(Prices::default());
    let stream = capture("openai.chat/usage.sse");
    io::copy(
        &mut Metered::with(stream.as_slice(), recorder),
        &mut io::sink(),
    )
    .expect("no error");
    let record = records.recv().expect("a record");
    assert_eq!(record.model.as_deref(), Some("my-model"));
    assert_eq!(record.request_model.as_deref(), Some("asked-for"));
    assert_eq!(record.labels["team"], "search");
}

/// What the library gives as JSON is what tap writes.
#[test]
fn json_is_that_of_tap() {
    let stream = capture("openai.chat/usage.sse");
    let (recorder, records) = recorder();
    drop(Metered::with(stream.as_slice(), recorder));
    let ours = records.recv().expect("a record").to_json();
    let output = common::tokensense()
        .args(["tap", "--emit", "none", "-o", "-"])
        .output()
        .expect("the binary");
    let keys = |json: &str| -> Vec<String> {
        let members = common::json::members(json);
        members.into_iter().map(|(name, _)| name).collect()
    };
    let theirs = String::from_utf8(output.stdout).expect("text");
    assert_eq!(keys(&ours), keys(&theirs));
    assert!(!ours.contains('\n'));
}

/// Adapters go where what they hold may go.
#[test]
fn send_and_sync() {
    fn both<T: Send + Sync + 'static>() {}
    type Callback = fn(Record);
    both::<Meter>();
    both::<Record>();
    both::<Reading>();
    both::<Prices>();
    both::<Recorder<Callback>>();
    both::<Metered<io::Empty, Callback>>();
    both::<AsyncMetered<tokio::io::Empty, Callback>>();
    both::<MeteredStream<Script, Callback>>();

    fn sends<T: Send + Unpin>() {}
    // A boxed callback gives a type that can be named.
    sends::<Metered<io::Empty>>();
    sends::<AsyncMetered<tokio::io::Empty>>();
    sends::<MeteredStream<Script>>();
}

/// Inner readers that cannot be moved are polled in place.
#[tokio::test]
async fn pinned_inner_readers() {
    use tokio::io::AsyncReadExt as _;

    struct Pinned(std::marker::PhantomPinned);
    impl AsyncRead for Pinned {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    let (recorder, records) = recorder();
    let inner = Pinned(std::marker::PhantomPinned);
    let mut reader = Box::pin(AsyncMetered::with(inner, recorder));
    assert_eq!(reader.read(&mut [0; 9]).await.expect("no error"), 0);
    let record = records.recv().expect("a record");
    assert_eq!(record.status, Some(Status::Empty));
}

/// A client over a socket that gives up on a slow server: the record comes all the same.
#[tokio::test]
async fn a_client_that_gives_up() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{Duration, timeout};

    let stream = capture("anthropic.messages/stream.sse");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.expect("a client");
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        client.write_all(head.as_bytes()).await.expect("a reader");
        for chunk in stream[..2000].chunks(100) {
            let chunk = [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
            client.write_all(&chunk).await.expect("a reader");
        }
        // Then nothing more, until the client has gone.
        assert_eq!(client.read(&mut [0]).await.expect("an end"), 0);
    });
    let (sender, mut records) = tokio::sync::mpsc::unbounded_channel();
    let connection = TcpStream::connect(address).await.expect("a server");
    let mut answer = AsyncMetered::new(connection, move |record| {
        let _ = sender.send(record);
    });
    let mut body = Vec::new();
    let read = timeout(Duration::from_millis(300), answer.read_to_end(&mut body)).await;
    assert!(read.is_err() && body.len() > 2000);
    drop(answer);
    let record = records.recv().await.expect("a record");
    assert_eq!(record.status, Some(Status::Cancelled));
    assert_eq!(record.input_tokens, Some(1000));
    assert!(record.ttft_ms.is_some());
    server.await.expect("no panic");
}

/// Events are cut the same whatever the pieces, lie in the stream as they are, and carry what `--emit data` gives out.
#[test]
fn events_are_frames_of_the_stream() {
    use tokio_util::bytes::BytesMut;
    use tokio_util::codec::Decoder as _;

    let cut = |bytes: &[u8], size: usize| {
        let (mut events, mut decoder) = (Vec::new(), Events::new());
        let mut buffer = BytesMut::new();
        for piece in bytes.chunks(size) {
            buffer.extend_from_slice(piece);
            while let Some(event) = decoder.decode(&mut buffer).expect("no error") {
                events.push(event);
            }
        }
        while let Some(event) = decoder.decode_eof(&mut buffer).expect("no error") {
            events.push(event);
        }
        assert!(buffer.is_empty(), "all of it is taken");
        events
    };
    let mut lent = 0;
    for path in common::captures() {
        let bytes = fs::read(&path).expect("a capture");
        let whole = cut(&bytes, bytes.len().max(1));
        for size in [1, 7, 1000] {
            // An event ends at a CR at once: the LF behind it may come with what follows.
            let told = |event: &EventFrame| {
                let raw = event.raw.trim_ascii_end().to_vec();
                (event.name.clone(), event.data.clone(), raw)
            };
            let pieces: Vec<_> = cut(&bytes, size).iter().map(told).collect();
            let whole: Vec<_> = whole.iter().map(told).collect();
            assert!(pieces == whole, "{}, by {size}", path.display());
        }
        let mut rest = bytes.as_slice();
        for event in &whole {
            let at = memchr::memmem::find(rest, &event.raw).expect("as it stands in the stream");
            rest = &rest[at + event.raw.len()..];
            lent += usize::from(event.raw.as_ptr_range().contains(&event.data.as_ptr()));
        }
        if path.to_string_lossy().contains("bedrock.") {
            // `--emit data` looks into what AWS frames hold.
            continue;
        }
        let mut meter = Meter::new();
        meter.emit(Emit::Data);
        meter.feed(&bytes);
        meter.finish(EndedBy::Upstream);
        let emitted = String::from_utf8_lossy(&meter.take_emitted()).into_owned();
        let flat = |data: &[u8]| String::from_utf8_lossy(data).replace(['\n', '\r'], " ");
        let data: Vec<_> = whole.iter().map(|event| flat(&event.data)).collect();
        for line in emitted.lines() {
            // Several bodies may stand in one event without blank lines.
            let is_it = |data: &String| data.contains(line);
            assert!(data.iter().any(is_it), "{}: {line}", path.display());
        }
    }
    assert!(lent > 500, "few events are lent from the buffer: {lent}");
}
