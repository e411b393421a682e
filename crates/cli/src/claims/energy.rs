//! Claims about energy, with how much they depend on prices that nobody published.

use anyhow::Result;
use pocketvision::edgetpu_sim::{Chip, Estimate, Place};
use pocketvision::models::SplitMix64;

use super::evidence::{EDGETPU, EFFICIENTNET, Family, MINIMALISTIC, V2};
use super::{Claim, Evidence, Figures, Verdict, claim};

pub(super) fn claims(evidence: &Evidence) -> Result<Vec<Claim>> {
    Ok(vec![
        half_the_energy(evidence)?,
        power_at_thirty(evidence)?,
        billions_for_milliwatts(evidence)?,
    ])
}

/// What a call's energy is the sum of: amounts, each of which has its price.
#[derive(Clone, Copy, Debug)]
struct Amounts([f64; 8]);

impl Amounts {
    fn of(estimate: &Estimate) -> Self {
        let mut sums = [0.0; 8];
        for layer in estimate.layers.iter().filter(|layer| layer.place == Place::Chip) {
            let traffic = &layer.traffic;
            let amounts = [
                layer.layer.macs,
                traffic.narrow_read_bytes,
                traffic.narrow_write_bytes,
                traffic.wide_read_bytes,
                traffic.wide_write_bytes,
                traffic.ring_bytes,
            ];
            for (sum, amount) in sums.iter_mut().zip(amounts) {
                *sum += amount as f64;
            }
        }
        sums[6] = estimate.overheads.rows().iter().map(|(_, overhead)| overhead.bytes as f64).sum();
        sums[7] = estimate.latency_ms;
        Self(sums)
    }

    fn energy_pj(&self, prices: &[f64; 8]) -> f64 {
        self.0.iter().zip(prices).map(|(amount, price)| amount * price).sum()
    }
}

/// Picojoules of each amount, in the same order.
fn prices(chip: &Chip) -> [f64; 8] {
    let energy = &chip.energy;
    [
        energy.mac_pj,
        energy.narrow_read_pj_per_byte,
        energy.narrow_write_pj_per_byte,
        energy.wide_read_pj_per_byte,
        energy.wide_write_pj_per_byte,
        energy.ring_pj_per_byte,
        energy.link_pj_per_byte,
        energy.idle_w * 1e9,
    ]
}

const PRICE_NAMES: [&str; 8] = [
    "multiply-accumulates",
    "reads of narrow memory",
    "writes of narrow memory",
    "reads of wide memory",
    "writes of wide memory",
    "ring",
    "link",
    "idle power",
];

/// A ratio of energies under prices that are each halved to doubled.
struct Sensitivity {
    /// The 5th, 50th and 95th of 100 draws.
    quantiles: [f64; 3],
    /// Share of draws below the limit.
    below: f64,
    /// The price that moves the ratio most, with the ratio at half and at twice the price.
    most: (&'static str, f64, f64),
}

fn sensitivity(own: Amounts, other: Amounts, chip: &Chip, limit: f64) -> Sensitivity {
    let base = prices(chip);
    let ratio = |prices: &[f64; 8]| own.energy_pj(prices) / other.energy_pj(prices);
    let mut random = SplitMix64::new(2019);
    let mut draws: Vec<f64> = (0..DRAWS)
        .map(|_| {
            // Evenly spread factors between a half and two, on a logarithmic scale.
            let drawn = base.map(|price| price * f64::from(random.signed_unit()).exp2());
            ratio(&drawn)
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    let at = |share: f64| draws[((DRAWS - 1) as f64 * share) as usize];
    let one_by_one = (0..base.len()).map(|index| {
        let with = |factor: f64| {
            let mut prices = base;
            prices[index] *= factor;
            ratio(&prices)
        };
        (PRICE_NAMES[index], with(0.5), with(2.0))
    });
    let span = |entry: &(&str, f64, f64)| (entry.1 - entry.2).abs();
    let most = one_by_one.max_by(|a, b| span(a).total_cmp(&span(b)));
    Sensitivity {
        quantiles: [at(0.05), at(0.5), at(0.95)],
        below: draws.iter().filter(|&&ratio| ratio < limit).count() as f64 / DRAWS as f64,
        most: most.unwrap_or((PRICE_NAMES[0], 1.0, 1.0)),
    }
}

const DRAWS: usize = 10_000;

fn half_the_energy(evidence: &Evidence) -> Result<Claim> {
    let chip = &evidence.pixel4;
    let own = Amounts::of(&evidence.estimate("mobilenet-edgetpu-0.75", chip)?);
    let minimal = "mobilenet-v3-large-minimalistic";
    let as_published = Amounts::of(&evidence.estimate(minimal, chip)?);
    let wide = Amounts::of(&Evidence::estimate_at_width(minimal, 1.5, chip)?);
    let base = prices(chip);
    let ratio = own.energy_pj(&base) / wide.energy_pj(&base);
    let unmatched = own.energy_pj(&base) / as_published.energy_pj(&base);
    let Sensitivity { quantiles, below, most } = sensitivity(own, wide, chip, 0.5);
    let verdict = match below {
        below if below > 0.95 => Verdict::Holds,
        below if below > 0.05 => Verdict::CannotBeDecided,
        _ => Verdict::DoesNotHoldInOurModel,
    };
    Ok(claim(
        17,
        "MobileNetEdgeTPU takes less than half the energy of minimalistic V3 at comparable accuracy",
        Figures {
            quantity: "energy of MobileNetEdgeTPU 0.75 by that of minimalistic V3-Large 1.5, Pixel 4",
            claimed: Some(0.5),
            predicted: Some(ratio),
            ..Figures::default()
        },
        verdict,
        format!(
            "No minimalistic V3 of comparable accuracy (73.5 %) is published; the comparison is \
             with one 1.5 times as wide, the most favourable guess. Against the published one \
             (71.3 %) the ratio is {unmatched:.2}. With every price of the energy table between \
             half and twice its value, {DRAWS} draws: {:.2} to {:.2} (5 to 95 %), median {:.2}, \
             below one half in {:.1} % of them. The price of {} matters most: {:.2} at half, {:.2} \
             at twice. Idle power is most of each energy, so times decide.",
            quantiles[0],
            quantiles[2],
            quantiles[1],
            below * 100.0,
            most.0,
            most.1,
            most.2
        ),
    ))
}

fn power_at_thirty(evidence: &Evidence) -> Result<Claim> {
    let families: [Family; 4] = [V2, MINIMALISTIC, EDGETPU, EFFICIENTNET];
    let mut texts = Vec::new();
    let mut of_v2 = None;
    for name in families.iter().flat_map(|family| family.networks) {
        let estimate = evidence.estimate(name, &evidence.coral)?;
        if let Some(watts) = estimate.average_power_w(30.0, &evidence.coral) {
            if *name == "mobilenet-v2-1.0" {
                of_v2 = Some(watts - evidence.coral.energy.idle_w);
            }
            texts.push(format!("{name} {watts:.3} W"));
        }
    }
    Ok(claim(
        18,
        "Power at 30 frames a second (a chart without numbers)",
        Figures {
            quantity: "watts above idle of V2 1.0 at 30 calls a second, Coral preset",
            published: Some(30.0 * 5.5e-3),
            predicted: of_v2,
            ..Figures::default()
        },
        Verdict::CannotBeDecided,
        format!(
            "The chart has no numbers to compare with. Average power on the Coral preset, idle \
             included: {}. The one anchor: a Dev Board takes 5.5 mJ above idle for a call of V2, \
             its processor and memory included, where we count the chip and its link.",
            texts.join(", ")
        ),
    ))
}

fn billions_for_milliwatts(evidence: &Evidence) -> Result<Claim> {
    let estimate = evidence.estimate("mobilenet-edgetpu-1.0", &evidence.coral)?;
    let macs: f64 = estimate.layers.iter().map(|layer| layer.layer.macs as f64).sum();
    // Picojoules are millijoules by 1e9; energy by operations is power by operations a second.
    let active_pj = estimate.energy.total_pj();
    let milliwatts = active_pj / macs;
    Ok(claim(
        22,
        "Accelerators do billions of operations a second at a few milliwatts",
        Figures {
            quantity: "milliwatts for a billion multiply-accumulates a second, Coral preset",
            published: Some(4.0),
            predicted: Some(milliwatts),
            ..Figures::default()
        },
        Verdict::of(milliwatts < 10.0),
        "Energy of a call of MobileNetEdgeTPU 1.0, idle power included, by its multiply-accumulates. \
         The vendor's rating of 2 W at 4 tera-operations a second is 1 mW, 4 mW at the rate that \
         real networks reach."
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_prices_give_the_estimates_energy() {
        let chip = pocketvision::chip("coral-usb").unwrap();
        let estimate = Evidence::estimate_at_width("mobilenet-v2-1.0", 0.35, &chip).unwrap();
        let total = Amounts::of(&estimate).energy_pj(&prices(&chip));
        assert!((total / estimate.energy.total_pj() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn equal_amounts_are_insensitive() {
        let chip = pocketvision::chip("coral-usb").unwrap();
        let amounts = Amounts([1.0; 8]);
        let Sensitivity { quantiles, below, .. } = sensitivity(amounts, amounts, &chip, 0.5);
        assert_eq!((quantiles, below), ([1.0; 3], 0.0));
    }
}
