//! As in the program, so that its paths hold.

mod fused;
