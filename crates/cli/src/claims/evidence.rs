//! What is measured and simulated for the claims.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use pocketvision::edgetpu_sim::{Chip, Estimate, Place, Workload};
use pocketvision::models::{self, BuildOptions, InputSize, Precision};
use pocketvision::vision::SamplePicture;
use pocketvision::{Backend, BackendOptions, CompileOptions, Graph, Model, Tensor, backend};

use crate::latency::measure_in_turn;
use crate::terminal;

/// All numbers that claims are judged by.
pub(crate) struct Evidence {
    /// Float networks on one thread of this machine's processor, median of the runs.
    processor_ms: BTreeMap<&'static str, f64>,
    /// The same in int8, of a few detectors and segmentation networks.
    integer_ms: BTreeMap<&'static str, f64>,
    graphs: BTreeMap<&'static str, Graph>,
    pub coral: Chip,
    pub pixel4: Chip,
    pub processor: String,
    pub runs: usize,
}

/// A family of networks in the announcement's figures, from small to large.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    pub name: &'static str,
    pub networks: &'static [&'static str],
}

pub(crate) const V2: Family = Family {
    name: "MobileNetV2",
    networks: &[
        "mobilenet-v2-0.35",
        "mobilenet-v2-0.5",
        "mobilenet-v2-0.75",
        "mobilenet-v2-1.0",
        "mobilenet-v2-1.3",
        "mobilenet-v2-1.4",
    ],
};
pub(crate) const V3: Family = Family {
    name: "MobileNetV3",
    networks: &[
        "mobilenet-v3-small-0.75",
        "mobilenet-v3-small",
        "mobilenet-v3-large-0.75",
        "mobilenet-v3-large",
    ],
};
pub(crate) const MINIMALISTIC: Family = Family {
    name: "MobileNetV3 minimalistic",
    networks: &["mobilenet-v3-small-minimalistic", "mobilenet-v3-large-minimalistic"],
};
pub(crate) const EDGETPU: Family = Family {
    name: "MobileNetEdgeTPU",
    networks: &["mobilenet-edgetpu-0.75", "mobilenet-edgetpu-1.0"],
};
pub(crate) const EFFICIENTNET: Family = Family {
    name: "EfficientNet-EdgeTPU",
    networks: &["efficientnet-edgetpu-s", "efficientnet-edgetpu-m", "efficientnet-edgetpu-l"],
};
/// Detectors that are compared on the processor.
const DETECTORS: [&str; 3] =
    ["ssdlite-mobilenet-v2", "ssdlite-mobilenet-v3-large", "ssdlite-mobilenet-v3-large-whole"];
/// Those of them that are compared in int8, too.
const INTEGER_DETECTORS: [&str; 2] = ["ssdlite-mobilenet-v2", "ssdlite-mobilenet-v3-large"];
/// Detectors that the accelerator is asked about.
const ACCELERATOR_DETECTORS: [&str; 3] =
    ["ssdlite-mobilenet-v2", "ssdlite-mobilenet-edgetpu", "ssdlite-mobiledet-edgetpu"];
/// Segmentation networks that are compared on the processor.
const SEGMENTERS: [&str; 5] = [
    "raspp-mobilenet-v2",
    "raspp-mobilenet-v2-half",
    "lraspp-mobilenet-v2",
    "raspp-mobilenet-v3-large-half",
    "lraspp-mobilenet-v3-large",
];
/// Those of them that are compared in int8, too.
const INTEGER_SEGMENTERS: [&str; 2] = ["raspp-mobilenet-v2", "lraspp-mobilenet-v3-large"];
/// Photos of Cityscapes at half their resolution, with a border.
pub(crate) const HALF_CITYSCAPES: InputSize = InputSize { height: 513, width: 1025 };
pub(crate) const MNASNET: Family = Family { name: "MnasNet-A1", networks: &["mnasnet-a1"] };

/// Networks that the processor runs.
pub(crate) const ON_PROCESSOR: [Family; 5] = [V2, V3, MINIMALISTIC, EDGETPU, MNASNET];
/// Networks that the accelerator is asked about.
pub(crate) const ON_ACCELERATOR: [Family; 4] = [V2, MINIMALISTIC, EDGETPU, EFFICIENTNET];

impl Evidence {
    /// Measures and builds. Takes a minute with many runs.
    pub(crate) fn gather(runs: usize) -> Result<Self> {
        let options = BackendOptions { threads: Some(1), ..BackendOptions::default() };
        let processor = backend("cpu", &options)?;
        let classifiers = ON_PROCESSOR.iter().flat_map(|family| family.networks);
        let compared = DETECTORS.len() + SEGMENTERS.len();
        let in_integers = INTEGER_DETECTORS.len() + INTEGER_SEGMENTERS.len();
        let count = classifiers.clone().count() + compared + in_integers;
        let progress = terminal::progress(count, "networks");
        let times = |networks: &[&'static str], precision, input_size, runs| {
            let times = compare(&*processor, networks, precision, input_size, runs);
            progress.inc(networks.len() as u64);
            times
        };
        let mut processor_ms = BTreeMap::new();
        for name in classifiers {
            processor_ms.extend(times(&[*name], Precision::F32, None, runs)?);
        }
        let mut integer_ms = BTreeMap::new();
        for (floats, integers, input_size, runs) in [
            (&DETECTORS[..], &INTEGER_DETECTORS[..], None, runs),
            // Of half a second or so each.
            (&SEGMENTERS[..], &INTEGER_SEGMENTERS[..], Some(HALF_CITYSCAPES), runs.div_ceil(2)),
        ] {
            processor_ms.extend(times(floats, Precision::F32, input_size, runs)?);
            integer_ms.extend(times(integers, Precision::Int8, input_size, runs)?);
        }
        progress.finish_and_clear();
        let mut graphs = BTreeMap::new();
        let names = ON_ACCELERATOR.iter().chain([&V3]).flat_map(|family| family.networks);
        let others = ["mobilenet-edgetpu-0.5", "lraspp-mobilenet-v3-large"];
        for name in names.chain(&others).chain(&ACCELERATOR_DETECTORS) {
            graphs.insert(*name, model(name, Precision::Int8)?.graph().clone());
        }
        Ok(Self {
            processor_ms,
            integer_ms,
            graphs,
            coral: pocketvision::chip("coral-usb")?,
            pixel4: pocketvision::chip("pixel4")?,
            processor: processor.device().name,
            runs,
        })
    }

    /// Milliseconds on the processor.
    pub(crate) fn processor_ms(&self, network: &str) -> Result<f64> {
        self.processor_ms.get(network).copied().with_context(|| format!("{network} was not run"))
    }

    /// Milliseconds on the processor in int8, of those that are compared in int8.
    pub(crate) fn integer_ms(&self, network: &str) -> Result<f64> {
        self.integer_ms.get(network).copied().with_context(|| format!("{network} was not run"))
    }

    /// The int8 network.
    pub(crate) fn graph(&self, network: &str) -> Result<&Graph> {
        self.graphs.get(network).with_context(|| format!("{network} was not built"))
    }

    /// The cost of a call on a chip, what it cannot run on its host.
    pub(crate) fn estimate(&self, network: &str, chip: &Chip) -> Result<Estimate> {
        Ok(Estimate::new(self.graph(network)?, chip)?)
    }

    /// The cost if the chip could run every operator, as it runs those without weights.
    pub(crate) fn estimate_all_mapped(&self, network: &str, chip: &Chip) -> Result<Estimate> {
        let workload = Workload::new(self.graph(network)?);
        let places = vec![Place::Chip; workload.layers().len()];
        Estimate::of_workload(&workload, &places, chip)
            .map_err(|error| anyhow::anyhow!("{network} does not fit: {error:?}"))
    }

    /// The cost of a network of the catalog at another width.
    pub(crate) fn estimate_at_width(network: &str, width: f64, chip: &Chip) -> Result<Estimate> {
        let definition = models::find(network).with_context(|| format!("{network} is unknown"))?;
        let options = BuildOptions { width: Some(width), ..definition.options() };
        Ok(Estimate::new(&definition.build(&options)?, chip)?)
    }

    /// Multiply-accumulates of a call.
    pub(crate) fn macs(&self, network: &str) -> Result<f64> {
        let definition = models::find(network).with_context(|| format!("{network} is unknown"))?;
        Ok(definition.size(&definition.options())?.macs as f64)
    }
}

/// Median milliseconds of networks that take turns, so that what slows the machine slows all.
fn compare(
    processor: &dyn Backend,
    networks: &[&'static str],
    precision: Precision,
    input_size: Option<InputSize>,
    runs: usize,
) -> Result<Vec<(&'static str, f64)>> {
    let mut plans = Vec::new();
    for name in networks {
        let model = model_at(name, precision, input_size)?;
        let plan = processor.compile(model.graph(), &CompileOptions::default())?;
        plans.push((plan, vec![picture(&model)?]));
    }
    let latencies = measure_in_turn(&mut plans, runs.div_ceil(5), runs)?;
    Ok(networks.iter().zip(latencies).map(|(name, latency)| (*name, latency.median_ms)).collect())
}

fn model(name: &str, precision: Precision) -> Result<Model> {
    model_at(name, precision, None)
}

fn model_at(name: &str, precision: Precision, input_size: Option<InputSize>) -> Result<Model> {
    let definition = models::find(name).with_context(|| format!("{name} is unknown"))?;
    let own = definition.options();
    let input_size = input_size.unwrap_or(own.input_size);
    Ok(Model::built_in(definition, &BuildOptions { precision, input_size, ..own })?)
}

fn picture(model: &Model) -> Result<Tensor> {
    Ok(model.preprocess(&SamplePicture::Macaw.paint(640, 480))?)
}

/// Published top-1 accuracy in percent, in float.
pub(crate) fn float_top1(network: &str) -> Option<f64> {
    models::find(network)?.published.top1_percent
}

/// Published top-1 accuracy in percent, in 8 bits; in float where only that is published.
pub(crate) fn int8_top1(network: &str) -> Option<f64> {
    const PUBLISHED: [(&str, f64); 6] = [
        // The paper of MobileNetV3, table 4, and TensorFlow-slim's README.
        ("mobilenet-v2-1.0", 70.9),
        ("mobilenet-v2-0.35", 57.2),
        ("mobilenet-v3-large-minimalistic", 71.3),
        // The README of EfficientNet-EdgeTPU.
        ("efficientnet-edgetpu-s", 77.0),
        ("efficientnet-edgetpu-m", 78.6),
        ("efficientnet-edgetpu-l", 80.2),
    ];
    let known = PUBLISHED.iter().find(|(name, _)| *name == network);
    known.map(|(_, top1)| *top1).or_else(|| float_top1(network))
}

/// A family's cost at an accuracy, between its networks: costs grow by a constant factor with
/// each percent. `None` outside of its range.
pub(crate) fn cost_at(points: &[(f64, f64)], accuracy: f64) -> Option<f64> {
    points.windows(2).find_map(|pair| {
        let [(low, cost_low), (high, cost_high)] = [pair[0], pair[1]];
        let share = (accuracy - low) / (high - low);
        (0.0..=1.0).contains(&share).then(|| cost_low * (cost_high / cost_low).powf(share))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_between_networks_grow_by_a_factor() {
        let points = [(70.0, 1.0), (72.0, 4.0), (73.0, 5.0)];
        assert_eq!(cost_at(&points, 71.0), Some(2.0));
        assert_eq!(cost_at(&points, 74.0), None);
    }
}
