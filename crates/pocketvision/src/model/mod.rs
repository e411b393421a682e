//! A network with what surrounds it.

mod catalog;
mod error;
mod open;
mod task;
mod trained;

use std::fmt;
use std::path::{Path, PathBuf};

pub use catalog::{Catalog, CatalogEntry};
pub use error::ModelError;
pub use open::{Format, OpenOptions};
pub use task::Task;
use tracing::{info, info_span};

use crate::models::{BuildOptions, Definition};
use crate::quantize::{self, QuantizeError, QuantizeOptions, QuantizeReport, Quantized, Stage};
use crate::vision::{
    ClassMap, Dataset, DetectedObject, Fit, Image, Labels, Normalization, Palette, Placement,
    Preprocess, Ranked, VisionError, detected_objects, top_k,
};
use crate::{Backend, Element, Graph, GraphError, Outputs, Tensor, passes};

/// A network ready for any backend: its optimised graph, how a photo becomes its input, what
/// its outputs say about the photo, and what its classes are called.
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
    /// # Errors
    /// If there is no such model (the error names the nearest), or its file cannot be read.
    pub fn load(name_or_path: &str) -> Result<Self, ModelError> {
        Catalog::from_environment().load(name_or_path)
    }

    /// A built-in network: with trained weights where it comes with them (of
    /// `mobilenet-edgetpu-cifar10`, at its own size and width, one picture at a time), else with
    /// seeded ones.
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
    pub fn comes_trained(definition: &Definition) -> bool {
        trained::network(definition, &definition.options()).is_some()
    }

    /// The network in a file of a [`Format`], with the labels of [`Labels::find`].
    ///
    /// # Errors
    /// If the file is missing, of another format, damaged, or uses unknown operators.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, ModelError> {
        Self::open_with(path, &OpenOptions::default())
    }

    /// As [`Self::open`], with what the file leaves open.
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
    pub fn placement(&self, image: &Image) -> Option<Placement> {
        self.preprocess.as_ref().map(|preprocess| preprocess.placement(image))
    }

    /// How pixels become a float network's numbers; `None` if the network takes no picture.
    pub fn normalization(&self) -> Option<Normalization> {
        self.preprocess.as_ref().map(|preprocess| preprocess.normalization)
    }

    /// The same model with other preprocessing, for networks that were not trained as
    /// MobileNets are.
    #[must_use]
    pub fn with_preprocess(mut self, preprocess: Preprocess) -> Self {
        self.preprocess = Some(preprocess);
        self
    }

    /// The same network in float: an integer network's real weights for the float paths. Its
    /// pixels become the numbers that the integer input's scale says.
    ///
    /// # Errors
    /// If the network cannot be rebuilt.
    pub fn dequantized(self) -> Result<Self, ModelError> {
        let failed = |source| ModelError::Definition { name: self.name.clone(), source };
        let graph = pocketvision_quantize::dequantize(&self.graph).map_err(failed)?;
        let graph = passes::optimize(&graph).map_err(failed)?;
        let input = &self.graph.ty(self.graph.inputs()[0]).element;
        let normalization = match (input, input.per_tensor()) {
            (Element::UInt8(_), Some((scale, zero_point))) => {
                Some(Normalization { mean: [zero_point as f32; 3], std: [1.0 / scale; 3] })
            }
            _ => self.preprocess.as_ref().map(|preprocess| preprocess.normalization),
        };
        let model = Self::assemble(self.name, graph, self.labels, self.origin, self.weights);
        Ok(match normalization {
            Some(normalization) => model.with_normalization(normalization),
            None => model,
        })
    }

    /// The same network in int8, by the ranges that its activations have on samples, and a
    /// report of how near it is. Each sample is the network's inputs, as [`Self::preprocess`]
    /// makes them of typical photos. See [`crate::quantize`].
    ///
    /// # Errors
    /// If the network is not float, a sample does not fit it, or the backend fails.
    pub fn quantized(
        &self,
        backend: &dyn Backend,
        samples: &[Vec<Tensor>],
        options: &QuantizeOptions,
        progress: &mut dyn FnMut(Stage, usize, usize),
    ) -> Result<(Self, QuantizeReport), QuantizeError> {
        let Quantized { graph, report } =
            quantize::quantize(&self.graph, backend, samples, options, progress)?;
        Ok((Self { graph, ..self.clone() }, report))
    }

    /// The same model with pixels made numbers in another way. Networks that take integers
    /// say in their input how, and ignore this.
    #[must_use]
    pub fn with_normalization(mut self, normalization: Normalization) -> Self {
        if let Some(preprocess) = &mut self.preprocess {
            preprocess.normalization = normalization;
        }
        self
    }

    /// The same model with other labels; `None` for numbers alone.
    #[must_use]
    pub fn with_labels(mut self, labels: Option<Labels>) -> Self {
        self.labels = labels;
        self
    }

    /// The same model with photos fitted into its input in another way.
    #[must_use]
    pub fn with_fit(mut self, fit: Fit) -> Self {
        if let Some(preprocess) = &mut self.preprocess {
            preprocess.fit = fit;
        }
        self
    }

    /// The `k` best classes of the first picture, best first. Empty if the network is no
    /// classifier, or if its scores are not among the outputs.
    pub fn top_k(&self, outputs: &Outputs, k: usize) -> Vec<Ranked> {
        let scores = self.result_of(Task::Classify, outputs);
        scores.map(|scores| top_k(scores, k, self.labels.as_ref())).unwrap_or_default()
    }

    /// What was found in a photo: boxes in the photo's pixels, best first, that score at least
    /// `min_score`. Empty if the network is no detector.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision::{BackendOptions, CompileOptions, Model, backend, vision};
    ///
    /// let model = Model::load("mobilenet_ssd_v2_coco_quant_postprocess.tflite")?;
    /// let mut photo = vision::open("pets.jpg")?;
    /// let cpu = backend("cpu", &BackendOptions::default())?;
    /// let mut plan = cpu.compile(model.graph(), &CompileOptions::default())?;
    /// let outputs = plan.run(&[model.preprocess(&photo)?])?;
    /// let objects = model.detections(&outputs, &photo, 0.5);
    /// for object in &objects {
    ///     println!("{object} at {:?}", object.bounds);
    /// }
    /// vision::draw_detections(&mut photo, &objects);
    /// photo.save_png("found.png")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn detections(
        &self,
        outputs: &Outputs,
        image: &Image,
        min_score: f32,
    ) -> Vec<DetectedObject> {
        let rows = self.result_of(Task::Detect, outputs).map(Tensor::to_f32);
        let (Some(rows), Some(placement)) = (rows, self.placement(image)) else {
            return Vec::new();
        };
        let detections = pocketvision_core::detection::detections(&rows);
        detected_objects(detections, &placement, min_score, self.labels.as_ref())
    }

    /// What each pixel of a picture belongs to, in the network's own size;
    /// [`ClassMap::to_photo`] leads back to the photo.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision::{BackendOptions, CompileOptions, Model, backend, vision};
    ///
    /// let model = Model::load("deeplabv3_mnv2_pascal_quant.tflite")?;
    /// let mut photo = vision::open("pets.jpg")?;
    /// let cpu = backend("cpu", &BackendOptions::default())?;
    /// let mut plan = cpu.compile(model.graph(), &CompileOptions::default())?;
    /// let outputs = plan.run(&[model.preprocess(&photo)?])?;
    /// let map = model.class_map(&outputs)?;
    /// if let Some(placement) = model.placement(&photo) {
    ///     let map = map.to_photo(&placement);
    ///     vision::draw_class_map(&mut photo, &map, &model.palette(), model.labels());
    /// }
    /// photo.save_png("segmented.png")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the network is no segmentation, or yields a class that no map holds.
    pub fn class_map(&self, outputs: &Outputs) -> Result<ClassMap, VisionError> {
        match self.result_of(Task::Segment, outputs) {
            Some(map) => ClassMap::from_output(map),
            None => Err(VisionError::ClassMap {
                name: self.name.clone(),
                reason: "the network does not end in one".into(),
            }),
        }
    }

    /// The dataset that the network was trained on, if it can be told: see
    /// [`Dataset::of_network`].
    pub fn dataset(&self) -> Option<Dataset> {
        let file = match &self.origin {
            Origin::File(path) => path.as_path(),
            Origin::BuiltIn(definition) => Path::new(definition.name),
        };
        self.classes().and_then(|classes| Dataset::of_network(Some(file), classes))
    }

    /// Colours for the classes.
    pub fn palette(&self) -> Palette {
        Palette::of(self.dataset(), self.classes().unwrap_or(0))
    }

    /// The first output, if the network is for this task and its results are there.
    fn result_of<'a>(&self, task: Task, outputs: &'a Outputs) -> Option<&'a Tensor> {
        (self.task() == Some(task)).then(|| outputs.get(self.graph.outputs()[0])).flatten()
    }
}

/// Where a model came from.
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
