//! What must hold of any bytes whatever. The fuzz targets and `tests/properties.rs` both call these.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::time::SystemTime;

use serde_json::Value;
use tokensense::{
    Argument, Context, Curl, Decimal, Emit, EndedBy, Format, Inject, Measure, Meter, PriceBook,
    Query, Reading, Record, Request, Selection, Shape, Usage, Writer, redacted, unwrapped,
};

/// The fast meter says what the plain one says, of a response and of another one like it; it accounts for every byte,
/// and nothing in it panics.
pub fn twin(bytes: &[u8]) {
    alike(bytes);
    // Other numbers, and mostly another id.
    let turned = bytes.iter().map(|byte| match byte {
        b'0'..=b'8' => byte + 1,
        byte => *byte,
    });
    alike(&bytes.iter().copied().chain(turned).collect::<Vec<_>>());
}

fn alike(bytes: &[u8]) {
    let want = read(Meter::plain(), [bytes]);
    assert_eq!(read(Meter::new(), [bytes]), want);
    let total: u64 = want.iter().map(|reading| reading.bytes).sum();
    assert_eq!(total, bytes.len() as u64);
    for reading in &want {
        let record = Record::new(reading);
        let texts = [&record.model, &record.response_id, &record.error_message];
        for text in texts.into_iter().flatten() {
            assert!(!text.contains(char::is_control) && text.chars().count() <= 300);
        }
    }
    for emit in [Emit::Data, Emit::Text] {
        let mut meter = Meter::new();
        meter.emit(emit);
        assert_eq!(read(meter, [bytes]), want);
    }
}

/// However a log is cut, the same is found in it; so it is where each line of it is one of docker's. The seed decides
/// on the cuts.
pub fn unwrap(seed: u8, bytes: &[u8]) {
    let sorted = |mut readings: Vec<Reading>| {
        for reading in &mut readings {
            // Where a response's last line ends is not known of every log.
            (reading.bytes, reading.events_skipped) = (0, 0);
        }
        let mut texts: Vec<_> = readings
            .iter()
            .map(|reading| format!("{reading:?}"))
            .collect();
        texts.sort();
        texts
    };
    let want = sorted(unwrapped([bytes]));
    let size = 1 + usize::from(seed);
    assert_eq!(sorted(unwrapped(bytes.chunks(size))), want);
    assert_eq!(sorted(unwrapped(bytes.chunks(1))), want);
}

/// A copy without texts is as long as the original, however that is cut, and ends its lines where that does.
pub fn redact(seed: u8, bytes: &[u8]) {
    let whole = redacted([bytes]);
    let pieces = redacted(bytes.chunks(1 + usize::from(seed)));
    assert_eq!(whole.is_some(), pieces.is_some());
    for copy in whole.into_iter().chain(pieces) {
        assert_eq!(copy.len(), bytes.len());
        if !bytes.contains(&0) {
            let ends = |text: &[u8]| {
                text.iter()
                    .enumerate()
                    .filter(|(_, b)| **b == b'\n')
                    .map(|(at, _)| at)
                    .collect::<Vec<_>>()
            };
            assert_eq!(ends(&copy), ends(bytes));
        }
    }
}

/// However the bytes are cut, the meter says the same. The seed decides on the cuts.
pub fn cuts(seed: u8, bytes: &[u8]) {
    let want = read(Meter::new(), [bytes]);
    assert_eq!(read(Meter::new(), bytes.chunks(1)), want);
    let mut state = u32::from(seed);
    let mut rest = bytes;
    let pieces = std::iter::from_fn(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let len = 1 + (state >> 24) as usize % (1 + usize::from(seed));
        let (piece, tail) = rest.split_at(len.min(rest.len()));
        rest = tail;
        (!piece.is_empty()).then_some(piece)
    });
    assert_eq!(read(Meter::new(), pieces), want);
    for emit in [Emit::Data, Emit::Text] {
        let emitted = |size: usize| {
            let mut meter = Meter::new();
            meter.emit(emit);
            bytes.chunks(size).for_each(|piece| meter.feed(piece));
            meter.finish(EndedBy::Upstream);
            meter.take_emitted()
        };
        assert_eq!(emitted(1 + usize::from(seed)), emitted(bytes.len().max(1)));
    }
}

/// As both, for bytes that come in sound AWS frames: each line is an event's name, a space, and its payload.
pub fn aws(seed: u8, lines: &[u8]) {
    let mut stream = Vec::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let space = line.iter().position(|byte| *byte == b' ');
        let (name, payload) = line.split_at(space.unwrap_or(0).min(255));
        stream.extend(frame(name, payload));
        let mut meter = Meter::new();
        meter.emit(Emit::Data);
        meter.feed(&frame(name, b"{}"));
        let emitted: Option<Value> = serde_json::from_slice(&meter.take_emitted()).ok();
        assert!(
            emitted.is_some(),
            "an event is given out as JSON, whatever its name"
        );
    }
    twin(&stream);
    cuts(seed, &stream);
}

/// A request's body, whatever it is, gives a prompt of no more tokens than it can hold, or none.
pub fn request(body: &[u8]) {
    let mut context = Context::default();
    context.requests.extend(Request::parse(body));
    let mut meter = Meter::with_context(context);
    meter.feed(b"data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n");
    meter.finish(EndedBy::Upstream);
    let reading = meter.next_reading().expect("a response");
    let tokens = reading.usage.value(Measure::Input).unwrap_or(0);
    assert!(tokens <= 1000 + 4 * body.len() as u64, "{tokens} tokens");
}

/// Lines of any kind are records or refused. What was read can be written, and stays the same from then on.
pub fn records(bytes: &[u8]) {
    for record in read_records(bytes) {
        assert_eq!(reread(&record, Format::Json), record);
        // CSV has no empty texts, and spaces where a terminal would act on something.
        written(&reread(&record, Format::Csv));
    }
}

/// A record written is read back equal.
pub fn written(record: &Record) {
    for format in [Format::Csv, Format::Json] {
        assert_eq!(reread(record, format), *record);
    }
}

/// The records that lines hold, of the shape that the first one has.
pub fn read_records(bytes: &[u8]) -> Vec<Record> {
    let Some(Ok(mut shape)) = Shape::recognise(bytes) else {
        return Vec::new();
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.filter_map(|line| shape.read(line).ok()).collect()
}

fn reread(record: &Record, format: Format) -> Record {
    let writer = Writer::new(format, Selection::default());
    let line = writer.record(record);
    let file = [writer.header().unwrap_or_default(), line.clone()].concat();
    let mut shape = Shape::recognise(&file)
        .expect("records")
        .expect("of this form");
    shape.read(line.trim_ascii_end()).expect("a record")
}

/// A price file is refused by its name, or prices what its models use, however much that is.
pub fn prices(text: &[u8]) {
    let book = match PriceBook::parse("prices.json".as_ref(), text) {
        Ok(book) => book,
        Err(error) => return assert!(error.contains("prices.json"), "{error}"),
    };
    let json: Value = serde_json::from_slice(text).expect("a price file is JSON");
    let listed = json.as_array().into_iter().flatten();
    let listed = listed.flat_map(|provider| provider["models"].as_array().into_iter().flatten());
    let listed = listed.filter_map(|model| model["id"].as_str());
    let keys = json
        .as_object()
        .into_iter()
        .flat_map(|models| models.keys());
    for model in keys.map(String::as_str).chain(listed) {
        for count in [1, 250_000, u64::MAX] {
            let mut usage = Usage::default();
            for measure in [
                Measure::Input,
                Measure::CacheRead,
                Measure::CacheWrite1h,
                Measure::Output,
                Measure::Reasoning,
                Measure::WebSearches,
            ] {
                usage.report(measure, count);
            }
            let query = Query {
                provider: None,
                model: Some(model),
                region: None,
                tier: Some("flex"),
                at: SystemTime::UNIX_EPOCH,
                passes: &[],
            };
            let parts = book.quote(&query, &usage).parts.unwrap_or_default();
            assert!(parts.total() >= Decimal::ZERO);
        }
    }
}

/// A curl command that asks for usage is the same one, but for an edit in one place of each body. Its arguments are
/// lines; what comes on its standard input follows an empty one.
pub fn curl(bytes: &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (lines, stdin) = bytes.split_at(end.unwrap_or(bytes.len()));
    let stdin = stdin.get(2..).unwrap_or_default();
    let given: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').collect();
    let plain = edited(&given, Inject::Never, stdin);
    let mut rest = plain.iter().map(|(argument, _)| argument);
    let kept = |argument: &&[u8]| rest.any(|other| other == argument);
    assert!(given.iter().all(kept), "an argument is missing");
    let asking = edited(&given, Inject::Always, stdin);
    assert_eq!(asking.len(), plain.len());
    for (plain, asking) in plain.iter().zip(&asking) {
        match (&plain.1, &asking.1) {
            (Some(plain), Some(asking)) => assert_one_place(plain, asking),
            _ => assert_one_place(&plain.0, &asking.0),
        }
    }
}

/// A body that asks for a stream asks for usage too, and is the same otherwise.
pub fn edit(body: &[u8]) {
    let command = [b"--data-raw", body, b"localhost/v1/chat/completions"];
    let arguments = edited(&command, Inject::Always, b"");
    let (asking, _) = &arguments[arguments.len() - 2];
    assert_one_place(body, asking);
    let Ok(mut plain) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    let said = &plain["stream_options"];
    let silent = said.is_null() || (said.is_object() && said["include_usage"].is_null());
    let wanted = plain.is_object() && plain["stream"] == true && silent;
    assert_eq!(asking != body, wanted);
    if wanted {
        let mut asking: Value = serde_json::from_slice(asking).expect("JSON as before");
        assert_eq!(asking["stream_options"]["include_usage"], true);
        for body in [&mut plain, &mut asking] {
            if body["stream_options"].is_null() {
                body["stream_options"] = Value::Object(Default::default());
            }
            body["stream_options"]["include_usage"] = Value::Null;
        }
        assert_eq!(asking, plain);
    }
}

/// The arguments of a curl, and the bodies that are handed to it beside them.
fn edited(given: &[&[u8]], inject: Inject, mut stdin: &[u8]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let given = given.iter().map(|text| OsString::from_vec(text.to_vec()));
    let curl = Curl::read(given.collect(), inject, false, &mut stdin);
    let argument = |argument| match argument {
        Argument::Plain(text) => (text.into_vec(), None),
        Argument::Fed { before, body } => ([before.as_bytes(), b"@-"].concat(), Some(body)),
        Argument::Headers => (b"/dev/null".to_vec(), None),
    };
    curl.arguments().map(argument).collect()
}

/// Two texts are the same but for one place, where nothing or a `null` has become what asks.
fn assert_one_place(plain: &[u8], asking: &[u8]) {
    let same = |(a, b): &(&u8, &u8)| a == b;
    let begin = plain.iter().zip(asking).take_while(same).count();
    let (old, new) = (&plain[begin..], &asking[begin..]);
    let end = old.iter().rev().zip(new.iter().rev());
    let end = end.take_while(same).count();
    let (old, new) = (&old[..old.len() - end], &new[..new.len() - end]);
    assert!(matches!(old, b"" | b"null") && new.len() <= 41);
}

/// What a meter reads in these pieces.
fn read<'a>(mut meter: Meter, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Reading> {
    for piece in pieces {
        meter.feed(piece);
    }
    meter.finish(EndedBy::Upstream);
    std::iter::from_fn(|| meter.next_reading()).collect()
}

/// One frame of an AWS event stream.
fn frame(name: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    for (key, value) in [(&b":event-type"[..], name), (b":message-type", b"event")] {
        headers.push(key.len() as u8);
        headers.extend(key);
        // A string, by its length in 16 bits.
        headers.extend([7, 0, value.len() as u8]);
        headers.extend(value);
    }
    let mut frame = Vec::new();
    frame.extend((16 + headers.len() as u32 + payload.len() as u32).to_be_bytes());
    frame.extend((headers.len() as u32).to_be_bytes());
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend(headers);
    frame.extend(payload);
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame
}
