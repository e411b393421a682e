//! How a chip slows down when it is hot.

use super::{Chip, ChipError, figures::out_of_range};

impl Chip {
    /// The chip at a temperature in degrees Celsius: at 84.8, 89.8 and 94.8 its driver halves the
    /// clock, once more each time.
    ///
    /// The thresholds are those of the Coral modules on PCI Express (google-coral/edgetpu, kernel
    /// driver `gasket`); other chips are taken to do likewise.
    ///
    /// ```
    /// use pocketvision_backend_edgetpu_sim::Chip;
    ///
    /// let cool = Chip::preset("coral-usb")?;
    /// let hot = cool.at_temperature(85.0)?;
    /// assert_eq!(hot.array.clock_mhz, cool.array.clock_mhz / 2.0);
    /// assert!(cool.at_temperature(120.0).is_err());
    /// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
    /// ```
    ///
    /// # Errors
    /// [`ChipError::Range`] from 99.8 degrees, where the driver switches the chip off, and for
    /// what is no temperature.
    pub fn at_temperature(&self, celsius: f64) -> Result<Self, ChipError> {
        if !(COLDEST_CELSIUS..SWITCH_OFF_CELSIUS).contains(&celsius) {
            let allowed = format!(
                "{COLDEST_CELSIUS} to {SWITCH_OFF_CELSIUS}, where the driver switches the chip off"
            );
            return Err(out_of_range(&self.name, "temperature", &celsius, allowed));
        }
        let halvings = THROTTLE_CELSIUS.iter().filter(|&&limit| celsius >= limit).count();
        let mut chip = self.clone();
        chip.array.clock_mhz /= f64::from(1 << halvings);
        Ok(chip)
    }
}

const THROTTLE_CELSIUS: [f64; 3] = [84.8, 89.8, 94.8];
const SWITCH_OFF_CELSIUS: f64 = 99.8;
const COLDEST_CELSIUS: f64 = -273.15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_those_of_the_driver() {
        let chip = Chip::preset("coral-pcie").unwrap();
        let clock = |celsius| chip.at_temperature(celsius).map(|chip| chip.array.clock_mhz);
        let clocks = [25.0, 84.8, 90.0, 95.0].map(|celsius| clock(celsius).unwrap());
        assert_eq!(clocks, [500.0, 250.0, 125.0, 62.5]);
        assert!(clock(99.8).is_err() && clock(f64::NAN).is_err());
    }
}
