//! Which activation buffer each value lives in.

use pocketvision_core::Keep;

use super::{Operand, Schedule};

/// Gives each value a buffer, shared only with values that are dead before it is written.
///
/// Values are placed in the order they are written, each in the free buffer that fits best:
/// the smallest that is large enough, else the largest, which grows.
pub(super) fn assign(schedule: &mut Schedule, keep: Keep) {
    let end = schedule.dispatches.len();
    let mut last_use = vec![0; schedule.values.len()];
    for (step, dispatch) in schedule.dispatches.iter().enumerate() {
        let values = dispatch.reads.iter().filter_map(|read| match read {
            Operand::Value(value) => Some(*value),
            Operand::Blob(_) => None,
        });
        for value in values.chain(dispatch.outputs.iter().copied()) {
            last_use[value] = step;
        }
    }
    for output in &schedule.outputs {
        if let Operand::Value(value) = output.operand {
            last_use[value] = end;
        }
    }
    if keep == Keep::EveryNode {
        last_use.fill(end);
    }

    let mut slots = Slots { bytes: vec![], holders: vec![] };
    let mut placed = vec![false; schedule.values.len()];
    let inputs: Vec<usize> = schedule.input_values().collect();
    for input in inputs {
        schedule.values[input].slot = slots.take(schedule.values[input].bytes, input);
        placed[input] = true;
    }
    for (step, dispatch) in schedule.dispatches.iter().enumerate() {
        for &output in &dispatch.outputs {
            if !placed[output] {
                schedule.values[output].slot = slots.take(schedule.values[output].bytes, output);
                placed[output] = true;
            }
        }
        slots.release(|value| last_use[value] <= step);
    }
    schedule.slot_bytes = slots.bytes;
}

struct Slots {
    bytes: Vec<u64>,
    /// The value in each buffer; `None` if it is free.
    holders: Vec<Option<usize>>,
}

impl Slots {
    fn take(&mut self, bytes: u64, value: usize) -> usize {
        let free = (0..self.bytes.len()).filter(|&slot| self.holders[slot].is_none());
        let slot = free
            .min_by_key(|&slot| {
                let size = self.bytes[slot];
                if size >= bytes { (false, size) } else { (true, u64::MAX - size) }
            })
            .unwrap_or_else(|| {
                self.bytes.push(0);
                self.holders.push(None);
                self.bytes.len() - 1
            });
        self.bytes[slot] = self.bytes[slot].max(bytes);
        self.holders[slot] = Some(value);
        slot
    }

    fn release(&mut self, is_dead: impl Fn(usize) -> bool) {
        for holder in &mut self.holders {
            if holder.is_some_and(&is_dead) {
                *holder = None;
            }
        }
    }
}
