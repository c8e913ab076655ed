//! Randomness of two kinds: secrets from the operating system, and faults from a seed that can be replayed.

use aws_lc_rs::rand;

/// Lower-case base 32, as in the ids of sessions.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Fills an array from the operating system.
pub(crate) fn secret<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system's generator answers");
    bytes
}

/// `N` random characters of lower-case base 32.
pub(crate) fn base32<const N: usize>() -> String {
    secret::<N>().iter().map(|byte| char::from(BASE32[usize::from(byte % 32)])).collect()
}

/// A random (version 4) UUID.
pub(crate) fn uuid() -> uuid::Uuid {
    uuid::Builder::from_random_bytes(secret()).into_uuid()
}

/// SplitMix64: the same seed gives the same faults and the same fleet on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// True in `probability` (0 to 1) of all calls. Always takes one step, so that rates do not shift each other.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        ((self.next() >> 11) as f64 / (1_u64 << 53) as f64) < probability
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        // The first values of the reference implementation for seed 1234567.
        let mut rng = Rng::new(1_234_567);
        assert_eq!([rng.next(), rng.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn chance_follows_its_probability() {
        let mut rng = Rng::new(7);
        let hits = (0..10_000).filter(|_| rng.chance(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits} of 10,000");
        assert!((0..1_000).all(|_| !rng.chance(0.0) && rng.chance(1.0)));
    }

    #[test]
    fn secrets_differ() {
        assert_ne!(secret::<32>(), secret::<32>());
        assert_eq!(base32::<17>().len(), 17);
        assert_eq!(uuid().get_version_num(), 4);
    }
}
