//! The walk of several threads over a list of steps that share one arena.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use pocketvision_core::{NodeId, Tensor};

use super::split::Split;
use super::{AlignedBytes, Inputs, Place, Team, Tile};
use crate::claims::{Claim, Claims};
use crate::kernels::Kernel;

/// One step: a kernel, what it reads and what it writes.
pub(crate) struct Step {
    /// The node that it computes, all of it or one image.
    pub(crate) node: NodeId,
    /// How.
    pub(crate) kernel: Arc<dyn Kernel>,
    /// Where its inputs are.
    pub(crate) inputs: Vec<Place>,
    /// Where in the arena its output goes.
    pub(crate) output: Range<usize>,
    /// How the output is divided among threads, and into how many parts, at least one.
    pub(crate) split: Split,
    pub(crate) parts: usize,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (node, kernel) = (self.node, self.kernel.name());
        write!(f, "{node} {kernel}: {:?} -> {:?}", self.inputs, self.output)
    }
}

/// The steps of a network, and the memory they work on.
#[derive(Debug)]
pub(crate) struct Executor {
    steps: Vec<Step>,
    arena: AlignedBytes,
    /// One for each thread; only that thread ever locks it.
    scratch: Vec<Mutex<AlignedBytes>>,
    claims: Claims,
}

/// The arena while threads work on it.
#[derive(Clone, Copy)]
struct SharedArena(*mut u8);

// SAFETY: only `walk` dereferences the pointer, and says why that is sound.
unsafe impl Sync for SharedArena {}

impl Executor {
    /// Steps that work on an arena, with so many threads.
    ///
    /// # Panics
    /// If a step reads or writes outside of the arena, or reads what it writes itself:
    /// a bug of the planner.
    pub(crate) fn new(steps: Vec<Step>, arena: AlignedBytes, threads: usize) -> Self {
        for step in &steps {
            let output = &step.output;
            let inputs = || {
                step.inputs.iter().filter_map(|place| match place {
                    Place::Arena(range) => Some(range),
                    Place::Given { .. } => None,
                })
            };
            for range in inputs().chain([output]) {
                assert!(range.start <= range.end && range.end <= arena.len(), "{step:?}");
            }
            let apart = |input: &Range<usize>| {
                input.end <= output.start || output.end <= input.start || input.is_empty()
            };
            assert!(inputs().all(apart), "{step:?}");
            assert_eq!(step.split.bytes(), output.len(), "{step:?}");
        }
        let scratch_bytes = steps.iter().map(|step| step.kernel.scratch_bytes()).max();
        let scratch = || Mutex::new(AlignedBytes::zeroed(scratch_bytes.unwrap_or(0)));
        let scratch = (0..threads).map(|_| scratch()).collect();
        let claims = Claims::new(threads, steps.iter().map(|step| step.parts).collect());
        Self { steps, arena, scratch, claims }
    }

    /// Bytes of the arena.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.arena.bytes()[range]
    }

    /// Bytes of the arena, to be overwritten.
    pub(crate) fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        &mut self.arena.bytes_mut()[range]
    }

    /// Bytes of the whole arena.
    pub(crate) const fn arena_bytes(&self) -> usize {
        self.arena.len()
    }

    /// Bytes of all threads' scratch memory.
    pub(crate) fn scratch_bytes(&self) -> usize {
        self.steps.iter().map(|s| s.kernel.scratch_bytes()).max().unwrap_or(0) * self.scratch.len()
    }

    /// Runs all steps on `given` tensors, and on a team of as many threads as were announced;
    /// after each one, `after_step` is called on the thread that finished it. A panic of one
    /// thread ends the run on all of them and is passed on.
    pub(crate) fn run(
        &mut self,
        team: &Team,
        given: &[Tensor],
        after_step: impl FnMut(usize) + Send,
    ) {
        assert_eq!(team.threads(), self.scratch.len(), "a team of another size");
        self.claims.reset();
        let arena = SharedArena(self.arena.bytes_mut().as_mut_ptr());
        let after_step = Mutex::new(after_step);
        let executor = &*self;
        team.run(|thread| executor.walk(arena, given, thread, &after_step));
    }

    fn walk(
        &self,
        arena: SharedArena,
        given: &[Tensor],
        thread: usize,
        after_step: &Mutex<impl FnMut(usize)>,
    ) {
        let _guard = self.claims.poison_on_panic();
        let mut scratch = self.scratch[thread].lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(claim) = self.claims.next(thread) {
            let Claim { step: index, part } = claim;
            let step = &self.steps[index];
            let part = step.split.part(part, step.parts);
            if !part.is_empty() {
                // SAFETY: `run` borrows the arena exclusively, so only this walk's threads
                // touch it. All of them are at this same step: `Claims` gives no part of a
                // step before all parts of the one before are finished. `new` checked that
                // the step's ranges are inside the arena and that no input overlaps the
                // output, so nobody writes to the inputs. Every part is given once (a test of
                // `Claims`), and parts are disjoint (a test of `Split::part`), so this tile is
                // this thread's own.
                let (inputs, mut tile) = unsafe {
                    let output = arena.0.add(step.output.start);
                    let inputs = Inputs::new(arena.0, given, &step.inputs);
                    (inputs, Tile::new(output, &step.split, part))
                };
                step.kernel.run(&inputs, &mut tile, scratch.bytes_mut());
            }
            self.claims.finish(claim, || {
                let mut after_step = after_step.lock().unwrap_or_else(PoisonError::into_inner);
                after_step(index);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use pocketvision_core::{Element, GraphBuilder, Shape, TensorType};

    use super::*;

    /// Writes one more than its input, in all bytes; panics at 100.
    #[derive(Debug)]
    struct Increment;

    impl Kernel for Increment {
        fn name(&self) -> String {
            "increment".into()
        }

        fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
            let input = inputs.bytes(0);
            tile.for_each_run(|offset, run| {
                for (out, x) in run.iter_mut().zip(&input[offset..]) {
                    assert!(*x < 100, "too large");
                    *out = x + 1;
                }
            });
        }
    }

    fn chain(steps: usize, threads: usize) -> Executor {
        let mut builder = GraphBuilder::new("test");
        let ty = TensorType::new(Shape::vector(1), Element::F32);
        let node = builder.input("x", ty).unwrap();
        let at = |slot: usize| slot % 2 * 1024..slot % 2 * 1024 + 1000;
        let step = |index: usize| Step {
            node,
            kernel: Arc::new(Increment),
            inputs: vec![Place::Arena(at(index))],
            output: at(index + 1),
            split: Split::flat(1000),
            parts: 1 + index % 4,
        };
        Executor::new((0..steps).map(step).collect(), AlignedBytes::zeroed(2048), threads)
    }

    #[test]
    fn steps_run_one_after_the_other_on_all_threads() {
        for threads in [1, 2, 3, 5] {
            let team = Team::new(threads).unwrap();
            let mut executor = chain(90, threads);
            let mut seen = Vec::new();
            executor.run(&team, &[], |step| seen.push(step));
            assert_eq!(seen, (0..90).collect::<Vec<_>>());
            assert!(executor.bytes(0..1000).iter().all(|&x| x == 90));
        }
    }

    #[test]
    fn a_panic_on_one_thread_ends_the_run_and_the_next_run_works() {
        for threads in [1, 2, 3] {
            let team = Team::new(threads).unwrap();
            let mut executor = chain(6, threads);
            executor.bytes_mut(900..901)[0] = 97;
            assert!(catch_unwind(AssertUnwindSafe(|| executor.run(&team, &[], |_| {}))).is_err());
            executor.bytes_mut(0..1000).fill(7);
            executor.run(&team, &[], |_| {});
            assert!(executor.bytes(0..1000).iter().all(|&x| x == 13));
        }
    }

    #[test]
    #[should_panic(expected = "increment")]
    fn a_step_that_writes_over_its_input_is_refused() {
        let mut steps = chain(1, 1).steps;
        steps[0].output = 64..1064;
        steps[0].inputs[0] = Place::Arena(0..1000);
        Executor::new(steps, AlignedBytes::zeroed(2048), 1);
    }
}
