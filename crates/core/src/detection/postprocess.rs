//! Decoding and suppression as one operator.

use super::suppression::Candidate;
use super::{BoundingBox, SuppressionKind};
use crate::op::DetectionPostprocess;
use crate::{Element, Tensor};

/// Computes [`DetectionPostprocess`]. Owns the memory that it works in: after the first call
/// none is allocated.
///
/// ```
/// use pocketvision_core::detection::{
///     BoxCoder, Numbers, Postprocessor, Suppression, SuppressionKind, detections,
/// };
/// # use pocketvision_core::op::DetectionPostprocess;
/// # use pocketvision_core::{Element, GraphBuilder, Shape, Tensor, TensorError};
///
/// let anchors = Tensor::from_f32(Shape::new(1, 1, 1, 4), vec![0.5, 0.5, 0.2, 0.2])?;
/// # let mut builder = GraphBuilder::new("detector");
/// let op = DetectionPostprocess {
///     anchors: builder.param("anchors", anchors.clone()),
///     coder: BoxCoder::SSD,
///     suppression: Suppression {
///         kind: SuppressionKind::Fast { classes_per_detection: 1 },
///         score_threshold: 0.1,
///         iou_threshold: 0.6,
///         max_detections: 1,
///     },
///     classes: 2,
/// };
/// let encodings = Tensor::from_f32(Shape::new(1, 1, 1, 4), vec![0.0; 4])?;
/// let scores = Tensor::from_f32(Shape::new(1, 1, 1, 2), vec![0.25, 0.75])?;
/// let mut rows = [0.0; DetectionPostprocess::ROW];
/// let numbers = |tensor| Numbers::new(&Element::F32, Tensor::bytes(tensor));
/// Postprocessor::new(&op, &anchors).run(numbers(&encodings), numbers(&scores), &mut rows);
/// let found = detections(&rows).next().expect("one object");
/// assert_eq!((found.class, found.score), (1, 0.75));
/// # Ok::<(), TensorError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Postprocessor {
    op: DetectionPostprocess,
    anchors: Vec<[f32; 4]>,
    boxes: Vec<BoundingBox>,
    /// The best class of each box, for the fast kind.
    best_scores: Vec<f32>,
    candidates: Vec<Candidate>,
    selected: Vec<usize>,
    /// Box, class and score of the detections so far, and room to merge more.
    detections: Vec<(usize, usize, f32)>,
    merged: Vec<(usize, usize, f32)>,
    classes_of_box: Vec<usize>,
}

/// Numbers of a tensor as they are stored, and what they stand for.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a> {
    element: &'a Element,
    bytes: &'a [u8],
}

impl<'a> Numbers<'a> {
    /// The bytes of a tensor of f32 or int8.
    pub const fn new(element: &'a Element, bytes: &'a [u8]) -> Self {
        Self { element, bytes }
    }

    /// The real number at an index.
    fn get(&self, index: usize) -> f32 {
        match self.element.per_tensor() {
            Some((scale, zero_point)) => {
                scale * (i32::from(self.bytes[index] as i8) - zero_point) as f32
            }
            None => {
                let bytes = self.bytes[4 * index..][..4].try_into().expect("four bytes");
                f32::from_ne_bytes(bytes)
            }
        }
    }
}

impl Postprocessor {
    /// Prepares an operator that a [`crate::GraphBuilder`] accepted; `anchors` is its parameter.
    ///
    /// # Panics
    /// If the anchors are not f32.
    pub fn new(op: &DetectionPostprocess, anchors: &Tensor) -> Self {
        let anchors: Vec<[f32; 4]> =
            anchors.as_f32().expect("anchors are f32").as_chunks::<4>().0.to_vec();
        let count = anchors.len();
        let rows = op.suppression.rows(op.classes);
        Self {
            op: op.clone(),
            anchors,
            boxes: Vec::with_capacity(count),
            best_scores: Vec::with_capacity(count),
            candidates: Vec::with_capacity(count),
            selected: Vec::with_capacity(count),
            detections: Vec::with_capacity(rows),
            merged: Vec::with_capacity(rows),
            classes_of_box: Vec::with_capacity(op.classes),
        }
    }

    /// Bytes of the anchors.
    pub fn anchor_bytes(&self) -> usize {
        size_of_val(&self.anchors[..])
    }

    /// Bytes that it works in.
    pub fn scratch_bytes(&self) -> usize {
        self.anchors.len()
            * (size_of::<BoundingBox>()
                + size_of::<f32>()
                + size_of::<Candidate>()
                + size_of::<usize>())
    }

    /// Computes the rows of detections.
    ///
    /// # Panics
    /// If the inputs or the output are not as large as the operator's.
    pub fn run(&mut self, encodings: Numbers<'_>, scores: Numbers<'_>, output: &mut [f32]) {
        let coder = self.op.coder;
        self.boxes.clear();
        self.boxes.extend(self.anchors.iter().enumerate().map(|(index, &anchor)| {
            coder.decode(std::array::from_fn(|i| encodings.get(4 * index + i)), anchor)
        }));
        let classes = self.op.classes;
        let columns = columns(scores, self.anchors.len());
        // A background class comes first and is not counted.
        let offset = columns - classes;
        let score = |index: usize, class: usize| scores.get(index * columns + offset + class);
        match self.op.suppression.kind {
            SuppressionKind::Regular { detections_per_class } => {
                self.regular(detections_per_class, &score);
            }
            SuppressionKind::Fast { classes_per_detection } => {
                self.fast(classes_per_detection.min(classes), &score);
            }
        }
        let (rows, _) = output.as_chunks_mut::<{ DetectionPostprocess::ROW }>();
        rows.fill([0.0; DetectionPostprocess::ROW]);
        for (row, &(index, class, score)) in rows.iter_mut().zip(&self.detections) {
            let BoundingBox { top, left, bottom, right } = self.boxes[index];
            *row = [top, left, bottom, right, class as f32, score];
        }
    }

    /// Class by class. Of equal scores the later class comes first, as TFLite merges them.
    fn regular(&mut self, per_class: usize, score: &impl Fn(usize, usize) -> f32) {
        let suppression = self.op.suppression;
        let limit = per_class.min(suppression.max_detections);
        self.detections.clear();
        for class in 0..self.op.classes {
            suppression.select(
                &self.boxes,
                |index| score(index, class),
                limit,
                &mut self.candidates,
                &mut self.selected,
            );
            self.merged.clear();
            let mut earlier = self.detections.iter().copied().peekable();
            let mut later = self.selected.iter().map(|&i| (i, class, score(i, class))).peekable();
            while self.merged.len() < suppression.max_detections {
                let take_later = match (earlier.peek(), later.peek()) {
                    (Some(a), Some(b)) => b.2 >= a.2,
                    (None, Some(_)) => true,
                    _ => false,
                };
                let next = if take_later { later.next() } else { earlier.next() };
                match next {
                    Some(detection) => self.merged.push(detection),
                    None => break,
                }
            }
            std::mem::swap(&mut self.detections, &mut self.merged);
        }
    }

    /// Once, by each box's best class.
    fn fast(&mut self, classes_per_box: usize, score: &impl Fn(usize, usize) -> f32) {
        let (suppression, classes) = (self.op.suppression, self.op.classes);
        self.best_scores.clear();
        self.best_scores.extend((0..self.boxes.len()).map(|index| {
            let first = score(index, 0);
            (1..classes).fold(first, |best, class| {
                let score = score(index, class);
                if score > best { score } else { best }
            })
        }));
        suppression.select(
            &self.boxes,
            |index| self.best_scores[index],
            suppression.max_detections,
            &mut self.candidates,
            &mut self.selected,
        );
        self.detections.clear();
        for &index in &self.selected {
            let ranked = &mut self.classes_of_box;
            ranked.clear();
            ranked.extend(0..classes);
            ranked.sort_unstable_by(|&a, &b| {
                let by_score = score(index, b).partial_cmp(&score(index, a));
                by_score.unwrap_or(std::cmp::Ordering::Equal).then(a.cmp(&b))
            });
            let best = ranked.iter().take(classes_per_box);
            self.detections.extend(best.map(|&class| (index, class, score(index, class))));
        }
    }
}

/// Scores of one box.
fn columns(scores: Numbers<'_>, boxes: usize) -> usize {
    scores.bytes.len() / scores.element.bytes() / boxes
}

/// Where the detections of a tensor of rows begin and end: those whose score is not 0.
///
/// Rows are as [`DetectionPostprocess`] has them.
///
/// ```
/// use pocketvision_core::detection::detections;
///
/// let rows = [0.0, 0.0, 1.0, 0.5, 17.0, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
/// let found: Vec<_> = detections(&rows).collect();
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].class, found[0].bounds.right), (17, 0.5));
/// ```
pub fn detections(rows: &[f32]) -> impl Iterator<Item = Detection> + '_ {
    let (rows, _) = rows.as_chunks::<{ DetectionPostprocess::ROW }>();
    rows.iter().filter(|row| row[5] != 0.0).map(|&[top, left, bottom, right, class, score]| {
        Detection { bounds: BoundingBox { top, left, bottom, right }, class: class as usize, score }
    })
}

/// An object that was found.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Detection {
    /// Where it is.
    pub bounds: BoundingBox,
    /// What it is: a number of the network's classes, the background not counted.
    pub class: usize,
    /// How sure the network is.
    pub score: f32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::{BoxCoder, Suppression};
    use crate::{GraphBuilder, NodeId, Op, Shape, TensorType};

    /// Three anchors in a row, the first two nearly the same, and two classes after the
    /// background.
    fn postprocessor(kind: SuppressionKind) -> (Postprocessor, usize) {
        let anchors = vec![0.5, 0.2, 0.4, 0.4, 0.5, 0.22, 0.4, 0.4, 0.5, 0.8, 0.4, 0.4];
        let anchors = Tensor::from_f32(Shape::new(1, 1, 3, 4), anchors).unwrap();
        let mut builder = GraphBuilder::new("test");
        let param = builder.param("anchors", anchors.clone());
        let suppression =
            Suppression { kind, score_threshold: 0.1, iou_threshold: 0.5, max_detections: 4 };
        let op =
            DetectionPostprocess { anchors: param, coder: BoxCoder::SSD, suppression, classes: 2 };
        let mut input = |name, c| -> NodeId {
            builder.input(name, TensorType::new(Shape::new(1, 1, 3, c), Element::F32)).unwrap()
        };
        let inputs = [input("boxes", 4), input("scores", 3)];
        let node =
            builder.push("detections", Op::DetectionPostprocess(op.clone()), &inputs).unwrap();
        (Postprocessor::new(&op, &anchors), builder.ty(node).shape.elements())
    }

    fn run(kind: SuppressionKind, scores: [f32; 9]) -> Vec<(usize, f32, f32)> {
        let (mut postprocessor, length) = postprocessor(kind);
        let mut output = vec![f32::NAN; length];
        let element = Element::F32;
        let numbers = |bytes| Numbers::new(&element, bytes);
        let encodings = numbers(bytemuck::cast_slice(&[0.0f32; 12]));
        postprocessor.run(encodings, numbers(bytemuck::cast_slice(&scores)), &mut output);
        detections(&output).map(|d| (d.class, d.score, d.bounds.left)).collect()
    }

    const SCORES: [f32; 9] = [0.9, 0.5, 0.2, 0.9, 0.6, 0.3, 0.9, 0.05, 0.4];

    #[test]
    fn each_class_keeps_its_best_boxes() {
        let kind = SuppressionKind::Regular { detections_per_class: 2 };
        let [near, far] = [0.22f32 - 0.2, 0.8 - 0.2];
        assert_eq!(run(kind, SCORES), [(0, 0.6, near), (1, 0.4, far), (1, 0.3, near)]);
    }

    #[test]
    fn each_box_counts_once_in_the_fast_kind() {
        let kind = SuppressionKind::Fast { classes_per_detection: 1 };
        let [near, far] = [0.22f32 - 0.2, 0.8 - 0.2];
        assert_eq!(run(kind, SCORES), [(0, 0.6, near), (1, 0.4, far)]);
        let kind = SuppressionKind::Fast { classes_per_detection: 5 };
        let both = run(kind, SCORES);
        assert_eq!(both, [(0, 0.6, near), (1, 0.3, near), (1, 0.4, far), (0, 0.05, far)]);
    }

    #[test]
    fn scores_that_are_no_numbers_are_no_detections() {
        for kind in [
            SuppressionKind::Regular { detections_per_class: 2 },
            SuppressionKind::Fast { classes_per_detection: 1 },
        ] {
            assert_eq!(run(kind, [f32::NAN; 9]), []);
        }
    }
}
