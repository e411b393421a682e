//! Operators on cases small enough to work out by hand, and laws that tie operators to each
//! other and to plain definitions.

mod convolution;
mod elementwise;
mod layout;
mod pool;
mod properties;
mod seam;
mod single;
