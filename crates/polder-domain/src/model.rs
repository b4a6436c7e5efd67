//! Models: what a domain implements, and what the engine hands to it.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

use crate::{Error, ErrorKind, Parameters, Result};

/// What a domain's crate offers.
pub struct Domain {
    /// The domain's name, as in `contracts/<domain>/`.
    pub name: &'static str,
    /// Its models; a `*.model.yaml` names one as `implementation: <domain>.<model>`.
    pub models: Vec<Box<dyn Model>>,
}

/// A model that the engine trains, keeps and asks.
///
/// Both calls are pure: the same frames and parameters give the same artefact, byte for byte, and the same artefact and
/// request give the same answer. That is what makes a model version reproducible from the dataset versions it names.
/// They run on a blocking thread and may take their time.
pub trait Model: Send + Sync {
    /// The name within the domain, e.g. `net_revenue_forecast`.
    fn name(&self) -> &'static str;

    /// One sentence on what it predicts and how.
    fn description(&self) -> &'static str;

    /// Learns from the declared inputs.
    ///
    /// # Errors
    /// [`ErrorKind::Data`] where the data is too little or unfit, [`ErrorKind::Document`] for a parameter that is wrong.
    fn train(&self, inputs: &Inputs, parameters: &Parameters) -> Result<Trained>;

    /// Answers a request from an artefact that [`Model::train`] made, this version's or an older one's.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a request that is wrong (the message says what may be asked), [`ErrorKind::Data`] for an
    /// artefact that cannot be read.
    fn predict(&self, artifact: &[u8], request: &Parameters) -> Result<DataFrame>;
}

/// What training gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The model itself, in a format of the model's own that carries its version.
    pub artifact: Vec<u8>,
    /// Figures of a test on data that training did not see, e.g. `mase` → 0.81.
    pub metrics: BTreeMap<String, f64>,
    /// What a reader should know: the method chosen, what was compared, what was left out.
    pub notes: Vec<String>,
}

/// The frames that a model's document declares, by name.
#[derive(Debug, Default)]
pub struct Inputs {
    frames: BTreeMap<String, DataFrame>,
}

impl Inputs {
    /// The frame of this name.
    ///
    /// # Errors
    /// [`ErrorKind::Document`] where the model's document declares no such input.
    pub fn frame(&self, name: &str) -> Result<&DataFrame> {
        self.frames.get(name).ok_or_else(|| {
            Error::new(ErrorKind::Document, format!("the model needs an input `{name}`")).with_help(format!(
                "declare `{name}: SELECT …` under `inputs` in the model's document"
            ))
        })
    }
}

impl FromIterator<(String, DataFrame)> for Inputs {
    fn from_iter<I: IntoIterator<Item = (String, DataFrame)>>(frames: I) -> Self {
        Self {
            frames: frames.into_iter().collect(),
        }
    }
}
