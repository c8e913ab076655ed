//! Both ends together, against another implementation, and against what real ends sent.

mod check;
mod corpus;
mod fairness;
mod interop;
mod limits;
mod pair;
mod random;
mod recordings;
mod tolerance;
