//! What a network's outputs say about a photo.

use std::path::Path;

use super::{Model, Origin, Task};
use crate::vision::{
    ClassMap, Dataset, DetectedObject, Image, Palette, Ranked, VisionError, detected_objects, top_k,
};
use crate::{Outputs, Tensor};

impl Model {
    /// The `k` best classes of the first picture, best first. Empty if the network is no
    /// classifier, or if its scores are not among the outputs.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision::{BackendOptions, CompileOptions, Model, backend, vision::SamplePicture};
    ///
    /// let model = Model::load("mobilenet-edgetpu-cifar10")?;
    /// let cpu = backend("cpu", &BackendOptions::default())?;
    /// let mut plan = cpu.compile(model.graph(), &CompileOptions::default())?;
    /// let outputs = plan.run(&[model.preprocess(&SamplePicture::Ship.paint(640, 480))?])?;
    /// let best = model.top_k(&outputs, 3);
    /// assert_eq!(best.len(), 3);
    /// assert!(best[0].score >= best[1].score);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// use pocketvision::{Model, vision::Dataset};
    ///
    /// let model = Model::load("ssdlite-mobilenet-v3-small")?;
    /// assert_eq!(model.dataset(), Some(Dataset::Coco));
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    pub fn dataset(&self) -> Option<Dataset> {
        let file = match &self.origin {
            Origin::File(path) => path.as_path(),
            Origin::BuiltIn(definition) => Path::new(definition.name),
        };
        self.classes().and_then(|classes| Dataset::of_network(Some(file), classes))
    }

    /// Colours for the classes.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision::{Model, models, models::BuildOptions};
    ///
    /// let network = models::find("lraspp-mobilenet-v3-small").expect("a name of the catalog");
    /// let small = BuildOptions { input_size: models::InputSize::square(64), ..network.options() };
    /// let palette = Model::built_in(network, &small)?.palette();
    /// // Cityscapes paints roads purple.
    /// assert_eq!(palette.color(0), [128, 64, 128]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn palette(&self) -> Palette {
        Palette::of(self.dataset(), self.classes().unwrap_or(0))
    }

    /// The first output, if the network is for this task and its results are there.
    fn result_of<'a>(&self, task: Task, outputs: &'a Outputs) -> Option<&'a Tensor> {
        (self.task() == Some(task)).then(|| outputs.get(self.graph.outputs()[0])).flatten()
    }
}
