//! A border of zeros becomes the padding of the convolution that reads it.

use super::rebuild;
use crate::op::{Conv2d, DepthwiseConv2d, Padding, Window};
use crate::{Graph, GraphError, Op, Shape};

/// Folds `Pad` nodes into the convolutions that follow them. Converters write them where a
/// network pads as PyTorch does, which TFLite's two kinds of padding cannot say.
///
/// Assumes nothing of the element: a border is the real number 0, and so is what convolutions
/// read beyond the edge. Pooling is left alone, since its windows do not count what is beyond.
/// A border that somebody else reads stays for them.
///
/// ```
/// use pocketvision_core::op::{Conv2d, Pad, Padding, Window};
/// use pocketvision_core::passes::fold_pad;
/// use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut builder = GraphBuilder::new("tiny");
/// let image = builder.input("image", TensorType::new(Shape::new(1, 8, 8, 3), Element::F32))?;
/// let border = Op::Pad(Pad { top: 1, bottom: 1, left: 1, right: 1 });
/// let bordered = builder.push("border", border, &[image])?;
/// let weight = Tensor::from_f32(Shape::new(4, 3, 3, 3), vec![0.1; 108])?;
/// let weight = builder.param("weight", weight);
/// let window = Window::square(3, 2, Padding::Valid);
/// let stem = Op::Conv2d(Conv2d { window, weight, bias: None, groups: 1, activation: None });
/// let stem = builder.push("stem", stem, &[bordered])?;
/// let graph = fold_pad(&builder.finish(&[stem])?)?;
/// // The convolution reads the image itself.
/// assert_eq!(graph.node(graph.outputs()[0]).inputs, [image]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Never for a graph that a [`crate::GraphBuilder`] made.
pub fn fold_pad(graph: &Graph) -> Result<Graph, GraphError> {
    rebuild(graph, |builder, id, inputs| {
        let node = graph.node(id);
        let folded = node.inputs.first().and_then(|&pad| {
            let pad = graph.node(pad);
            let op = padded_by(&node.op, &pad.op, graph.ty(*pad.inputs.first()?).shape)?;
            Some((op, builder.node(inputs[0]).inputs.clone()))
        });
        let element = node.output.element.clone();
        match folded {
            // The border is copied as well; `remove_unused` drops it if nobody reads it.
            Some((op, inputs)) => builder.push_as(node.name.clone(), op, &inputs, element),
            None => builder.push_as(node.name.clone(), node.op.clone(), inputs, element),
        }
    })
}

/// A convolution with a border around its input as part of its padding.
fn padded_by(op: &Op, border: &Op, input: Shape) -> Option<Op> {
    let Op::Pad(border) = border else { return None };
    let fold = |window: Window| {
        let bordered = Shape {
            h: input.h + border.top + border.bottom,
            w: input.w + border.left + border.right,
            ..input
        };
        let own = window.resolve(bordered);
        let padding = Padding::Explicit {
            top: own.top + border.top,
            bottom: own.bottom + border.bottom,
            left: own.left + border.left,
            right: own.right + border.right,
        };
        let folded = Window { padding, ..window };
        (folded.output(input).ok()? == window.output(bordered).ok()?).then_some(folded)
    };
    match op {
        Op::Conv2d(op) => Some(Op::Conv2d(Conv2d { window: fold(op.window)?, ..*op })),
        Op::DepthwiseConv2d(op) => {
            Some(Op::DepthwiseConv2d(DepthwiseConv2d { window: fold(op.window)?, ..*op }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::optimize;
    use super::*;
    use crate::op::{IntegerRounding, Pad, Pool2d, PoolKind};
    use crate::{Element, GraphBuilder, Tensor, TensorType};

    const BORDER: Pad = Pad { top: 0, bottom: 1, left: 2, right: 3 };

    fn convolution(builder: &mut GraphBuilder, padding: Padding) -> Op {
        let weight = Tensor::from_f32(Shape::new(4, 3, 3, 2), vec![1.0; 72]).unwrap();
        let weight = builder.param("weight", weight);
        let window = Window { stride_h: 2, stride_w: 2, ..Window::square(3, 1, padding) };
        Op::Conv2d(Conv2d { window, weight, bias: None, groups: 1, activation: None })
    }

    #[test]
    fn a_border_becomes_padding_of_every_convolution_that_reads_it() {
        for (padding, expected) in [
            (Padding::Valid, (0, 1, 2, 3)),
            (Padding::Same, (1, 2, 3, 4)),
            (Padding::Explicit { top: 5, bottom: 6, left: 7, right: 8 }, (5, 7, 9, 11)),
        ] {
            let mut builder = GraphBuilder::new("test");
            let ty = TensorType::new(Shape::new(1, 8, 8, 2), Element::F32);
            let input = builder.input("x", ty).unwrap();
            let border = builder.push("border", Op::Pad(BORDER), &[input]).unwrap();
            let op = convolution(&mut builder, padding);
            let outputs = ["a", "b"].map(|name| builder.push(name, op.clone(), &[border]).unwrap());
            let graph = builder.finish(&outputs).unwrap();
            let folded = optimize(&graph).unwrap();
            let names: Vec<_> = folded.nodes().iter().map(|node| node.name.as_str()).collect();
            assert_eq!(names, ["x", "a", "b"]);
            for (node, before) in folded.nodes()[1..].iter().zip(&graph.nodes()[2..]) {
                let Op::Conv2d(op) = &node.op else { panic!("{node:?}") };
                let (top, bottom, left, right) = expected;
                assert_eq!(op.window.padding, Padding::Explicit { top, bottom, left, right });
                assert_eq!(node.output, before.output);
            }
        }
    }

    #[test]
    fn a_border_that_a_pool_or_an_output_needs_stays() {
        let mut builder = GraphBuilder::new("test");
        let ty = TensorType::new(Shape::new(1, 8, 8, 2), Element::F32);
        let input = builder.input("x", ty).unwrap();
        let border = builder.push("border", Op::Pad(BORDER), &[input]).unwrap();
        let pool = Pool2d {
            kind: PoolKind::Max,
            window: Window::square(2, 2, Padding::Valid),
            rounding: IntegerRounding::HalfAwayFromZero,
        };
        let pool = builder.push("pool", Op::Pool2d(pool), &[border]).unwrap();
        let graph = builder.finish(&[pool, border]).unwrap();
        assert_eq!(optimize(&graph).unwrap(), graph);
    }
}
