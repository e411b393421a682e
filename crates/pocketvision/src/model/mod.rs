//! A network with what surrounds it.

mod answers;
mod catalog;
mod change;
mod error;
mod open;
mod task;
mod trained;

use std::fmt;
use std::path::PathBuf;

pub use catalog::{Catalog, CatalogEntry};
pub use error::ModelError;
pub use open::{Format, OpenOptions};
pub use task::Task;
use tracing::{info, info_span};

use crate::models::{BuildOptions, Definition};
use crate::vision::{Fit, Image, Labels, Normalization, Placement, Preprocess, VisionError};
use crate::{Graph, GraphError, Tensor, passes};

/// A network ready for any backend: its optimised graph, how a photo becomes its input, what
/// its outputs say about the photo, and what its classes are called.
///
/// ```
/// use pocketvision::{Model, Task, vision::SamplePicture};
///
/// let model = Model::load("mobilenet-edgetpu-cifar10")?;
/// assert_eq!(model.task(), Some(Task::Classify));
/// assert_eq!(model.classes(), Some(10));
/// assert_eq!(model.origin().to_string(), "built in");
/// let input = model.preprocess(&SamplePicture::Ship.paint(640, 480))?;
/// assert_eq!(input.ty(), model.graph().ty(model.graph().inputs()[0]));
/// # Ok::<(), pocketvision::ModelError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    name: String,
    graph: Graph,
    labels: Option<Labels>,
    preprocess: Option<Preprocess>,
    origin: Origin,
    weights: Weights,
}

impl Model {
    /// The model of a name or path: a file, then a file in the folders of
    /// `$POCKETVISION_MODELS`, then one in the user's cache folder, then a network that is
    /// built in. See [`Catalog`].
    ///
    /// ```
    /// use pocketvision::Model;
    ///
    /// let model = Model::load("mobilenet-v3-small")?;
    /// println!("{}: {} million multiply-accumulates", model.name(), model.graph().macs() / 1_000_000);
    /// let message = Model::load("mobilenet-v3-smal").unwrap_err().to_string();
    /// assert!(message.contains("did you mean 'mobilenet-v3-small'"));
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// If there is no such model (the error names the nearest), or its file cannot be read.
    pub fn load(name_or_path: &str) -> Result<Self, ModelError> {
        Catalog::from_environment().load(name_or_path)
    }

    /// A built-in network: with trained weights where it comes with them (of
    /// `mobilenet-edgetpu-cifar10`, at its own size and width, one picture at a time), else with
    /// seeded ones.
    ///
    /// ```
    /// use pocketvision::models::{self, BuildOptions, Precision};
    /// use pocketvision::{Model, Weights};
    ///
    /// let network = models::find("mobilenet-v3-small").expect("a name of the catalog");
    /// let options = BuildOptions { precision: Precision::F32, seed: 7, ..network.options() };
    /// let model = Model::built_in(network, &options)?;
    /// assert_eq!(model.weights(), Weights::Seeded(7));
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// If the network cannot be built with these options.
    pub fn built_in(
        definition: &'static Definition,
        options: &BuildOptions,
    ) -> Result<Self, ModelError> {
        if let Some(trained) = trained::network(definition, options) {
            return trained.open(definition, options.precision);
        }
        let failed = |source| ModelError::Definition { name: definition.name.to_owned(), source };
        let built = info_span!("build", network = definition.name)
            .in_scope(|| definition.build(options))
            .map_err(failed)?;
        let (origin, weights) = (Origin::BuiltIn(definition), Weights::Seeded(options.seed));
        let graph = optimize(&built).map_err(failed)?;
        Ok(Self::assemble(definition.name.to_owned(), graph, None, origin, weights))
    }

    /// True if [`Self::built_in`] has trained weights for a definition's own options.
    ///
    /// ```
    /// use pocketvision::{Model, models};
    ///
    /// let trained = models::ALL.iter().filter(|network| Model::comes_trained(network));
    /// for network in trained {
    ///     assert_eq!(network.name, "mobilenet-edgetpu-cifar10");
    /// }
    /// ```
    pub fn comes_trained(definition: &Definition) -> bool {
        trained::network(definition, &definition.options()).is_some()
    }

    /// The network in a file of a [`Format`], with the labels of [`Labels::find`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision::{Model, Origin, export};
    ///
    /// let folder = std::env::temp_dir().join("pocketvision-open");
    /// std::fs::create_dir_all(&folder)?;
    /// let file = folder.join("mine.tflite");
    /// export::write(Model::load("mobilenet-edgetpu-cifar10")?.graph(), &file)?;
    ///
    /// let model = Model::open(&file)?;
    /// assert_eq!(model.name(), "mine");
    /// assert!(matches!(model.origin(), Origin::File(path) if *path == file));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the file is missing, of another format, damaged, or uses unknown operators.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, ModelError> {
        Self::open_with(path, &OpenOptions::default())
    }

    /// As [`Self::open`], with what the file leaves open.
    ///
    /// ```no_run
    /// use std::collections::BTreeMap;
    ///
    /// use pocketvision::{Model, OpenOptions};
    ///
    /// // A file that was exported with a batch of any size.
    /// let input_shapes = BTreeMap::from([("input".to_owned(), vec![1, 3, 224, 224])]);
    /// let options = OpenOptions { input_shapes, ..OpenOptions::default() };
    /// let model = Model::open_with("mobilenetv2.onnx", &options)?;
    /// println!("{}", model.graph().ty(model.graph().inputs()[0]));
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::open`], and if the options do not fit the file.
    pub fn open_with(path: impl Into<PathBuf>, options: &OpenOptions) -> Result<Self, ModelError> {
        let path = path.into();
        let (graph, filter, normalization) =
            info_span!("import", file = %path.display()).in_scope(|| open::read(&path, options))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let graph = optimize(&graph)
            .map_err(|source| ModelError::Definition { name: name.clone(), source })?;
        let labels = open::labels(&path, &graph)?;
        let mut model = Self::assemble(name, graph, labels, Origin::File(path), Weights::Trained);
        if let Some(preprocess) = &mut model.preprocess {
            *preprocess = Preprocess { filter, normalization, ..preprocess.clone() };
        }
        Ok(model)
    }

    fn assemble(
        name: String,
        graph: Graph,
        labels: Option<Labels>,
        origin: Origin,
        weights: Weights,
    ) -> Self {
        let preprocess = preprocess_for(&graph).ok();
        Self { name, graph, labels, preprocess, origin, weights }
    }

    /// The model's name: a file's without its extension, or the built-in name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The network, optimised by the portable passes. Hand it to [`crate::Backend::compile`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision::{BackendOptions, CompileOptions, Model, backend};
    ///
    /// let model = Model::load("mobilenet-edgetpu-cifar10")?;
    /// let cpu = backend("cpu", &BackendOptions::default())?;
    /// let plan = cpu.compile(model.graph(), &CompileOptions::default())?;
    /// assert_eq!(plan.signature().inputs[0].ty.shape.dims(), [1, 32, 32, 3]);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Names of the classes, if any were found.
    pub const fn labels(&self) -> Option<&Labels> {
        self.labels.as_ref()
    }

    /// Where the model came from.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether the model's weights mean anything.
    pub const fn weights(&self) -> Weights {
        self.weights
    }

    /// What the network is for; `None` if its outputs are none that we know how to read.
    ///
    /// ```
    /// use pocketvision::{Model, Task};
    ///
    /// let task_of = |name| Model::load(name).map(|model| model.task());
    /// assert_eq!(task_of("mobilenet-edgetpu-cifar10")?, Some(Task::Classify));
    /// assert_eq!(task_of("ssdlite-mobilenet-v3-small")?, Some(Task::Detect));
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    pub fn task(&self) -> Option<Task> {
        Task::of(&self.graph)
    }

    /// Number of classes that the network tells apart, a detector's background not counted;
    /// `None` if it has no [`Task`].
    pub fn classes(&self) -> Option<usize> {
        task::class_count(&self.graph)
    }

    /// The photo as the network's first input: fitted in, resized, normalised. A classifier
    /// sees the middle of the photo; a detector or segmentation sees all of it, stretched to
    /// the input's shape.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision::{Model, vision::SamplePicture};
    ///
    /// let model = Model::load("mobilenet-edgetpu-cifar10")?;
    /// let photo = SamplePicture::Truck.paint(640, 480);
    /// let input = model.preprocess(&photo)?;
    /// assert_eq!(input.shape().dims(), [1, 32, 32, 3]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the network takes no picture.
    pub fn preprocess(&self, image: &Image) -> Result<Tensor, VisionError> {
        let input = self.graph.ty(self.graph.inputs()[0]);
        match &self.preprocess {
            Some(preprocess) => preprocess.apply(image, input),
            None => preprocess_for(&self.graph)?.apply(image, input),
        }
    }

    /// Which part of a photo becomes which part of the network's input: the way back for what
    /// the network finds. `None` if the network takes no picture.
    ///
    /// ```
    /// use pocketvision::{Model, vision::SamplePicture};
    ///
    /// let detector = Model::load("ssdlite-mobilenet-v3-small")?;
    /// let placement = detector.placement(&SamplePicture::Ship.paint(640, 480)).expect("a picture");
    /// // A detector sees all of the photo.
    /// assert_eq!((placement.source.width, placement.source.height), (640, 480));
    /// assert_eq!(placement.input, (320, 320));
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    pub fn placement(&self, image: &Image) -> Option<Placement> {
        self.preprocess.as_ref().map(|preprocess| preprocess.placement(image))
    }

    /// How pixels become a float network's numbers; `None` if the network takes no picture.
    ///
    /// ```
    /// use pocketvision::{Model, vision::Normalization};
    ///
    /// let model = Model::load("mobilenet-v3-small")?;
    /// assert_eq!(model.normalization(), Some(Normalization::SYMMETRIC));
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    pub fn normalization(&self) -> Option<Normalization> {
        self.preprocess.as_ref().map(|preprocess| preprocess.normalization)
    }
}

/// Where a model came from.
///
/// ```
/// use pocketvision::Origin;
///
/// assert_eq!(Origin::File("models/mine.onnx".into()).to_string(), "models/mine.onnx");
/// assert_eq!(Origin::BuiltIn(&pocketvision::models::ALL[0]).to_string(), "built in");
/// ```
#[derive(Clone, Debug)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// A definition that is built in.
    BuiltIn(&'static Definition),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::BuiltIn(_) => f.write_str("built in"),
        }
    }
}

/// Whether a model's weights mean anything.
///
/// ```
/// use pocketvision::{Model, Weights};
///
/// let seeded = Model::load("mobilenet-v3-small")?;
/// assert_eq!(seeded.weights(), Weights::Seeded(1));
/// # Ok::<(), pocketvision::ModelError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weights {
    /// Weights from a file, presumed trained, or those of a built-in network that was.
    Trained,
    /// Random weights of this seed: the network's costs are real, its answers are not.
    Seeded(u64),
}

/// The network after the portable passes.
fn optimize(graph: &Graph) -> Result<Graph, GraphError> {
    let _span = info_span!("passes", nodes = graph.nodes().len()).entered();
    let optimized = passes::optimize(graph)?;
    info!(nodes = optimized.nodes().len(), "optimized");
    Ok(optimized)
}

/// How photos become the input of a network, by its task.
fn preprocess_for(graph: &Graph) -> Result<Preprocess, VisionError> {
    let preprocess = Preprocess::for_input(graph.ty(graph.inputs()[0]))?;
    Ok(match Task::of(graph) {
        Some(Task::Detect | Task::Segment) => Preprocess { fit: Fit::Stretch, ..preprocess },
        Some(Task::Classify) | None => preprocess,
    })
}
