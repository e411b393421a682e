//! The same model with something changed.

use super::{Model, ModelError};
use crate::op::Normalize;
use crate::quantize::{self, QuantizeError, QuantizeOptions, QuantizeReport, Quantized, Stage};
use crate::vision::{Fit, Labels, Normalization, Preprocess};
use crate::{Backend, Element, Tensor, passes};

impl Model {
    /// The same model with other preprocessing, for networks that were not trained as
    /// MobileNets are.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision::{Model, vision::{Fit, Preprocess}};
    ///
    /// let model = Model::load("mobilenet-v3-small")?;
    /// let input = model.graph().ty(model.graph().inputs()[0]);
    /// let preprocess = Preprocess { fit: Fit::Letterbox, ..Preprocess::for_input(input)? };
    /// let model = model.with_preprocess(preprocess);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_preprocess(mut self, preprocess: Preprocess) -> Self {
        self.preprocess = Some(preprocess);
        self
    }

    /// The same model with pixels made numbers in another way. Networks that take integers
    /// say in their input how, and ignore this; so do those that [`Self::with_pixel_input`] made.
    ///
    /// ```
    /// use pocketvision::{Model, vision::Normalization};
    ///
    /// let model = Model::load("mobilenet-v3-small")?.with_normalization(Normalization::UNIT);
    /// assert_eq!(model.normalization(), Some(Normalization::UNIT));
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    #[must_use]
    pub fn with_normalization(mut self, normalization: Normalization) -> Self {
        if let Some(preprocess) = &mut self.preprocess {
            preprocess.normalization = normalization;
        }
        self
    }

    /// The same model with other labels; `None` for numbers alone.
    ///
    /// ```
    /// use pocketvision::{Model, vision::Labels};
    ///
    /// let labels: Labels = (0..10).map(|class| format!("thing {class}")).collect();
    /// let model = Model::load("mobilenet-edgetpu-cifar10")?.with_labels(Some(labels));
    /// assert_eq!(model.labels().and_then(|labels| labels.name(3)), Some("thing 3"));
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    #[must_use]
    pub fn with_labels(mut self, labels: Option<Labels>) -> Self {
        self.labels = labels;
        self
    }

    /// The same model with photos fitted into its input in another way.
    ///
    /// ```
    /// use pocketvision::{Model, vision::{Fit, SamplePicture}};
    ///
    /// let model = Model::load("mobilenet-v3-small")?.with_fit(Fit::Letterbox);
    /// let placement = model.placement(&SamplePicture::Ship.paint(640, 320)).expect("a picture");
    /// // Bars above and below make a square of it.
    /// assert_eq!((placement.target.y, placement.target.height), (56, 112));
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    #[must_use]
    pub fn with_fit(mut self, fit: Fit) -> Self {
        if let Some(preprocess) = &mut self.preprocess {
            preprocess.fit = fit;
        }
        self
    }

    /// The same float network with the photo's bytes as its input: it normalizes them itself, by
    /// [`Self::normalization`] as it is now, and [`Self::preprocess`] yields the bytes. Three
    /// channels of f32 become three bytes: a quarter of what the host copies and a GPU is sent,
    /// where the first convolution normalizes what it reads. The answers of the `cpu` and
    /// `reference` backends are the same to the bit.
    ///
    /// Networks whose input is integers say in it what a byte means, and are returned as they are.
    /// Where photos are resized by [`Filter::Interpolated`](crate::vision::Filter), pixels are
    /// rounded to bytes here, which a float input does not do.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision::models::{self, BuildOptions, Precision};
    /// use pocketvision::{Model, vision::SamplePicture};
    ///
    /// let network = models::find("mobilenet-edgetpu-cifar10").expect("a name of the catalog");
    /// let float = BuildOptions { precision: Precision::F32, ..network.options() };
    /// let float = Model::built_in(network, &float)?;
    /// let pixels = float.clone().with_pixel_input()?;
    /// let photo = SamplePicture::Ship.paint(640, 480);
    /// let [before, after] = [float.preprocess(&photo)?, pixels.preprocess(&photo)?];
    /// assert_eq!(before.bytes().len(), 4 * after.bytes().len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the network has several inputs or one that is no picture in f32, or a mean or deviation of
    /// its normalization is out of range.
    pub fn with_pixel_input(mut self) -> Result<Self, ModelError> {
        let has_integers = |&id| !self.graph.ty(id).element.is_float();
        if self.graph.inputs().iter().all(has_integers) {
            return Ok(self);
        }
        let Normalization { mean, std } = self.normalization().unwrap_or(Normalization::SYMMETRIC);
        self.graph = passes::take_pixels(&self.graph, Normalize { mean, std })
            .map_err(|source| ModelError::PixelInput { name: self.name.clone(), source })?;
        Ok(self)
    }

    /// The same network in float: an integer network's real weights for the float paths. Its
    /// pixels become the numbers that the integer input's scale says; all else that was chosen
    /// about photos stays.
    ///
    /// ```
    /// use pocketvision::{Element, Model};
    ///
    /// let float = Model::load("mobilenet-edgetpu-cifar10")?.dequantized()?;
    /// assert_eq!(float.graph().ty(float.graph().outputs()[0]).element, Element::F32);
    /// # Ok::<(), pocketvision::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// If the network cannot be rebuilt.
    pub fn dequantized(self) -> Result<Self, ModelError> {
        let failed = |source| ModelError::Definition { name: self.name.clone(), source };
        let graph = pocketvision_quantize::dequantize(&self.graph).map_err(failed)?;
        let graph = passes::optimize(&graph).map_err(failed)?;
        let input = &self.graph.ty(self.graph.inputs()[0]).element;
        let became_float = graph.ty(graph.inputs()[0]).element.is_float();
        let normalization = match (input, input.per_tensor()) {
            (Element::UInt8(_), Some((scale, zero_point))) if became_float => {
                Some(Normalization { mean: [zero_point as f32; 3], std: [1.0 / scale; 3] })
            }
            _ => None,
        };
        let model = Self { graph, ..self };
        Ok(match normalization {
            Some(normalization) => model.with_normalization(normalization),
            None => model,
        })
    }

    /// The same network in int8, by the ranges that its activations have on samples, and a
    /// report of how near it is. Each sample is the network's inputs, as [`Self::preprocess`]
    /// makes them of typical photos. See [`crate::quantize`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision::models::{self, BuildOptions, Precision};
    /// use pocketvision::quantize::QuantizeOptions;
    /// use pocketvision::{BackendOptions, Model, backend, vision::SamplePicture};
    ///
    /// let network = models::find("mobilenet-edgetpu-cifar10").expect("a name of the catalog");
    /// let float = BuildOptions { precision: Precision::F32, ..network.options() };
    /// let model = Model::built_in(network, &float)?;
    /// let sample = |picture: SamplePicture| Ok(vec![model.preprocess(&picture.paint(64, 64))?]);
    /// let samples: Result<Vec<_>, pocketvision::vision::VisionError> =
    ///     SamplePicture::ALL.into_iter().map(sample).collect();
    ///
    /// let cpu = backend("cpu", &BackendOptions::default())?;
    /// let options = QuantizeOptions { correct_bias: false, ..QuantizeOptions::default() };
    /// let (int8, report) = model.quantized(&*cpu, &samples?, &options, &mut |_, _, _| ())?;
    /// assert!(int8.graph().parameter_bytes() * 3 < model.graph().parameter_bytes());
    /// assert!(!report.layers.is_empty());
    /// # Ok(())
    /// # }
    /// ```
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Quantize;
    use crate::vision::{Filter, SamplePicture};
    use crate::{GraphBuilder, Op, Origin, Shape, TensorType, Weights};

    /// An integer network that takes a picture's bytes.
    fn plain() -> Model {
        let mut builder = GraphBuilder::new("plain");
        let photo = TensorType::new(Shape::new(1, 8, 8, 3), Normalize::PIXELS);
        let photo = builder.input("photo", photo).unwrap();
        let int8 = Element::int8(1.0, -128);
        let numbers = builder.push_as("numbers", Op::Quantize(Quantize), &[photo], int8).unwrap();
        let graph = builder.finish(&[numbers]).unwrap();
        let origin = Origin::File("plain.tflite".into());
        Model::assemble("plain".into(), graph, None, origin, Weights::Trained)
    }

    /// Its scale and zero point are those of a picture's bytes, but nothing normalizes them.
    #[test]
    fn an_integer_network_of_plain_bytes_keeps_their_scale_as_float() {
        let float = plain().dequantized().unwrap();
        let expected = Normalization { mean: [0.0; 3], std: [1.0; 3] };
        assert_eq!(float.normalization(), Some(expected));
    }

    #[test]
    fn a_network_made_float_sees_photos_as_it_did() {
        let preprocess = plain().preprocess.unwrap();
        let chosen = Preprocess { fit: Fit::Letterbox, filter: Filter::Interpolated, ..preprocess };
        let model = plain().with_preprocess(chosen.clone());
        let float = model.clone().dequantized().unwrap();
        let photo = SamplePicture::Ship.paint(640, 320);
        assert_eq!(float.placement(&photo), model.placement(&photo));
        let normalization = float.normalization().unwrap();
        assert_eq!(float.preprocess, Some(Preprocess { normalization, ..chosen }));
    }
}
