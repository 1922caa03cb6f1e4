//! The Rust meter for Python.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use tokensense::{Context, EndedBy, Record, Recorder, Request};

/// Bytes that hold this much are looked at without Python's lock.
const MUCH: usize = 64 << 10;

/// Meters one response: bytes in, records out, each as JSON.
#[pyclass(module = "tokensense._meter")]
struct Meter {
    recorder: Recorder<Box<dyn FnMut(Record) + Send + Sync>>,
    /// Those that were not asked for yet, as JSON.
    records: Arc<Mutex<Vec<String>>>,
}

#[pymethods]
impl Meter {
    #[new]
    #[pyo3(signature = (request=None, labels=BTreeMap::new()))]
    fn new(request: Option<&[u8]>, labels: BTreeMap<String, String>) -> Self {
        let records = Arc::<Mutex<Vec<String>>>::default();
        let put = Arc::clone(&records);
        let context = Context::default().with_requests(request.and_then(Request::parse));
        let on_record = move |mut record: Record| {
            record.labels.clone_from(&labels);
            let mut records = put.lock().unwrap_or_else(PoisonError::into_inner);
            records.push(record.to_json());
        };
        let recorder = Recorder::new(Box::new(on_record) as Box<dyn FnMut(Record) + Send + Sync>);
        Self {
            recorder: recorder.with_context(context),
            records,
        }
    }

    /// Takes in bytes of the response, cut anywhere.
    fn feed(&mut self, py: Python<'_>, bytes: &[u8]) {
        if bytes.len() < MUCH {
            self.recorder.feed(bytes);
        } else {
            let recorder = &mut self.recorder;
            py.detach(|| recorder.feed(bytes));
        }
    }

    /// Ends the response, by its own end or because it was left, and gives the records as JSON.
    fn finish(&mut self, left: bool) -> Vec<String> {
        self.recorder.finish(match left {
            true => EndedBy::Downstream,
            false => EndedBy::Upstream,
        });
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *records)
    }
}

#[pymodule]
fn _meter(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Meter>()
}
