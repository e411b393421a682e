//! A float network that takes its picture as bytes.

use thiserror::Error;

use super::rebuild_from;
use crate::op::Normalize;
use crate::{Element, Graph, GraphBuilder, GraphError, Node, NodeId, Op, TensorType};

/// The same network with a picture's bytes as its input: the f32 input becomes
/// [`Normalize::PIXELS`] of the same name and shape, and a [`Normalize`] node after it computes
/// what the caller computed before. A device is sent a quarter of the bytes, and can normalize in
/// its first layer.
///
/// No part of [`super::optimize`]: it changes what the network is fed.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::models::{self, BuildOptions, Precision};
/// use pocketvision_core::op::Normalize;
/// use pocketvision_core::passes::take_pixels;
///
/// let network = models::find("mobilenet-v3-small").ok_or("no such network")?;
/// let options = BuildOptions { precision: Precision::F32, ..network.options() };
/// let float = network.build(&options)?;
/// let graph = take_pixels(&float, Normalize { mean: [127.5; 3], std: [127.5; 3] })?;
/// let [before, after] = [&float, &graph].map(|graph| graph.ty(graph.inputs()[0]));
/// assert_eq!(before.bytes(), 4 * after.bytes());
/// assert_eq!(after.element, Normalize::PIXELS);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the graph has several inputs or one that is no f32 picture of three channels, or if a mean
/// or std is out of range.
pub fn take_pixels(graph: &Graph, normalize: Normalize) -> Result<Graph, PixelInputError> {
    let &[input] = graph.inputs() else {
        return Err(PixelInputError::InputCount { count: graph.inputs().len() });
    };
    let (name, ty) = (&graph.node(input).name, graph.ty(input));
    if ty.element != Element::F32 || ty.shape.c != 3 {
        return Err(PixelInputError::NoPicture { name: name.clone(), ty: Box::new(ty.clone()) });
    }
    let photo = |builder: &mut GraphBuilder, input: &Node| {
        let photo = TensorType::new(input.output.shape, Normalize::PIXELS);
        let photo = builder.input(input.name.clone(), photo)?;
        builder.push(format!("{}/normalized", input.name), Op::Normalize(normalize), &[photo])
    };
    let same = |builder: &mut GraphBuilder, id: NodeId, inputs: &[NodeId]| {
        let node = graph.node(id);
        builder.push_as(node.name.clone(), node.op.clone(), inputs, node.output.element.clone())
    };
    Ok(rebuild_from(graph, photo, same)?)
}

/// A network cannot take its picture as bytes.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_core::models;
/// use pocketvision_core::op::Normalize;
/// use pocketvision_core::passes::{PixelInputError, take_pixels};
///
/// let network = models::find("mobilenet-edgetpu-cifar10").ok_or("no such network")?;
/// let int8 = network.build(&network.options())?;
/// let error = take_pixels(&int8, Normalize { mean: [127.5; 3], std: [127.5; 3] }).unwrap_err();
/// assert!(matches!(error, PixelInputError::NoPicture { .. }), "{error}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug, Error)]
pub enum PixelInputError {
    /// Several inputs.
    #[error("the network has {count} inputs; one that takes pixels has a picture alone")]
    InputCount {
        /// Its inputs.
        count: usize,
    },
    /// An input that holds no normalized picture.
    #[error("input '{name}' is {ty}; only an f32 picture of three channels can become pixels")]
    NoPicture {
        /// The input's name.
        name: String,
        /// What it holds.
        ty: Box<TensorType>,
    },
    /// A mean or std that is out of range.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shape;
    use crate::op::{Activation, ActivationKind, Add};

    const SYMMETRIC: Normalize = Normalize { mean: [127.5; 3], std: [127.5; 3] };

    fn relu_of(types: &[TensorType]) -> Graph {
        let mut builder = GraphBuilder::new("test");
        let inputs: Vec<NodeId> = types
            .iter()
            .enumerate()
            .map(|(index, ty)| builder.input(format!("x{index}"), ty.clone()).unwrap())
            .collect();
        let op = Op::Activation(Activation { kind: ActivationKind::Relu });
        let relu = builder.push("relu", op, &inputs[..1]).unwrap();
        let add = Op::Add(Add { activation: None });
        let sum = builder.push("sum", add, &[inputs[0], relu]).unwrap();
        builder.finish(&[sum, inputs[0]]).unwrap()
    }

    #[test]
    fn every_reader_of_the_input_reads_the_normalized_pixels() {
        let picture = TensorType::new(Shape::new(2, 5, 4, 3), Element::F32);
        let graph = take_pixels(&relu_of(std::slice::from_ref(&picture)), SYMMETRIC).unwrap();
        let names: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["x0", "x0/normalized", "relu", "sum"]);
        let [input, normalized] = [0, 1].map(|index| graph.iter().nth(index).unwrap().0);
        assert_eq!(graph.inputs(), [input]);
        assert_eq!(graph.ty(input), &TensorType::new(picture.shape, Normalize::PIXELS));
        assert_eq!(graph.ty(normalized), &picture);
        assert_eq!(graph.outputs()[1], normalized);
        let readers = graph.consumers();
        assert_eq!((readers[0].len(), readers[1].len()), (1, 2));
    }

    #[test]
    fn what_is_no_single_picture_is_refused_by_name() {
        let picture = TensorType::new(Shape::new(1, 4, 4, 3), Element::F32);
        let refused =
            |types: &[TensorType]| take_pixels(&relu_of(types), SYMMETRIC).unwrap_err().to_string();
        assert!(refused(&[picture.clone(), picture.clone()]).contains("2 inputs"));
        let grey = TensorType::new(Shape::new(1, 4, 4, 1), Element::F32);
        assert!(refused(&[grey]).contains("'x0' is"));
        let half = TensorType::new(Shape::new(1, 4, 4, 3), Element::F16);
        assert!(refused(&[half]).contains("f16"));
        let flat = Normalize { std: [0.0; 3], ..SYMMETRIC };
        let error = take_pixels(&relu_of(&[picture]), flat).unwrap_err();
        assert!(matches!(error, PixelInputError::Graph(_)), "{error}");
    }
}
