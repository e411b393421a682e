//! backend-edgetpu-sim
