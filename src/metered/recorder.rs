//! Bytes in, records out; and what the adapters around it have in common.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime};

use crate::meter::{Context, EndedBy, Meter};
use crate::price::PriceBook;
use crate::record::Record;

/// Bytes in, whole records out: a [`Meter`] with a clock and prices.
///
/// [`Metered`](crate::Metered), [`AsyncMetered`](crate::AsyncMetered) and [`MeteredStream`](crate::MeteredStream) each hold
/// one. By itself it serves where bytes come some other way, as through a callback. Dropped before
/// [`finish`](Self::finish), it ends the response under way as `cancelled`.
///
/// ```
/// use tokensense::{EndedBy, Recorder};
///
/// let mut spent = Vec::new();
/// let mut recorder = Recorder::new(|record| spent.push((record.model, record.output_tokens)));
/// recorder.feed(br#"{"model":"gemma3","created_at":"2026-11-20T10:00:00Z","message":{"content":"Hi"},"#);
/// recorder.feed(br#""done":true,"prompt_eval_count":5,"eval_count":2}"#);
/// recorder.finish(EndedBy::Upstream);
/// drop(recorder);
/// assert_eq!(spent, [(Some("gemma3".to_owned()), Some(2))]);
/// ```
pub struct Recorder<F: FnMut(Record) = Box<dyn FnMut(Record) + Send>> {
    meter: Meter,
    prices: Prices,
    /// The recorder's clock counts from here.
    epoch: Instant,
    /// What the time was then.
    origin: SystemTime,
    on_record: F,
    over: bool,
}

/// What models cost; cheap to clone. The default is the built-in table.
#[derive(Clone, Debug)]
pub struct Prices(Arc<PriceBook>);

impl<F: FnMut(Record)> Recorder<F> {
    /// A recorder that calls `on_record` with each response's record when it ends.
    pub fn new(on_record: F) -> Self {
        Self {
            meter: Meter::new(),
            prices: Prices::default(),
            epoch: Instant::now(),
            origin: SystemTime::now(),
            on_record,
            over: false,
        }
    }

    /// Tells what the stream may not say.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> Self {
        self.meter = Meter::with_context(context);
        self
    }

    /// Prices by these.
    #[must_use]
    pub fn with_prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// Takes in the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.over {
            self.meter.feed_at(bytes, self.epoch.elapsed());
            self.put();
        }
    }

    /// Ends the stream: what is under way becomes the last record. Only the first call counts.
    pub fn finish(&mut self, ended_by: EndedBy) {
        if !std::mem::replace(&mut self.over, true) {
            self.meter.finish_at(ended_by, self.epoch.elapsed());
            self.put();
        }
    }

    fn put(&mut self) {
        while let Some(reading) = self.meter.next_reading() {
            (self.on_record)(Record::of(reading, &self.prices.0, self.origin));
        }
    }
}

impl<F: FnMut(Record)> Drop for Recorder<F> {
    fn drop(&mut self) {
        self.finish(EndedBy::Downstream);
    }
}

impl<F: FnMut(Record)> std::fmt::Debug for Recorder<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Prices {
    /// Reads price files, each asked before the next, and all before the built-in table: LiteLLM's
    /// `model_prices_and_context_window.json` or genai-prices' `data.json`.
    ///
    /// # Errors
    /// A sentence that names the file and where it is broken.
    pub fn read(files: &[PathBuf]) -> std::io::Result<Self> {
        let book = PriceBook::open(files).map_err(std::io::Error::other)?;
        Ok(Self(Arc::new(book)))
    }
}

impl Default for Prices {
    fn default() -> Self {
        static BUILT_IN: LazyLock<Prices> =
            LazyLock::new(|| Prices::read(&[]).expect("there is no file to be broken"));
        BUILT_IN.clone()
    }
}

/// What the adapters have in common: to be made, and to give back what they hold.
macro_rules! adapter {
    ($name:ident) => {
        impl<T, F: FnMut(Record)> $name<T, F> {
            /// Meters `inner`, and calls `on_record` with the record of each response in it.
            pub fn new(inner: T, on_record: F) -> Self {
                Self::with(inner, Recorder::new(on_record))
            }

            /// Meters `inner` with a recorder that was told more.
            pub fn with(inner: T, recorder: Recorder<F>) -> Self {
                Self { inner, recorder }
            }

            /// What is metered.
            pub fn get_ref(&self) -> &T {
                &self.inner
            }

            /// What is metered; bytes taken from it directly are not.
            pub fn get_mut(&mut self) -> &mut T {
                &mut self.inner
            }

            /// Stops metering, as dropping does, and gives back what was metered.
            pub fn into_inner(self) -> T {
                self.inner
            }
        }
    };
}

pub(super) use adapter;
