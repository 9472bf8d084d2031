//! Generates RSA keys, which neither `ring` nor `rcgen` with `ring` can do.
//!
//! The keys are for the certificates of a simulator. The arithmetic does not take the same time for
//! every key.

use std::io;

use num_bigint::BigUint;
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// The bits of each prime. A key has twice as many.
const PRIME_BITS: u64 = 1024;
const EXPONENT: u32 = 65_537;
/// Candidates are divided by all primes below this first.
const MAX_SMALL_PRIME: u32 = 2000;
/// The bases of the Miller-Rabin test. For random candidates of this size, a few are enough.
const BASES: [u32; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// Generates a key of 2048 bits.
pub(crate) fn generate() -> io::Result<KeyPair> {
    let small_primes = small_primes();
    let one = BigUint::from(1_u32);
    let exponent = BigUint::from(EXPONENT);
    loop {
        let (mut p, mut q) = (prime(&small_primes)?, prime(&small_primes)?);
        if p < q {
            std::mem::swap(&mut p, &mut q);
        }
        let (p1, q1) = (&p - &one, &q - &one);
        // There is no inverse if 65537 divides one of them, or if the primes are equal.
        let (Some(d), Some(coefficient)) = (exponent.modinv(&(&p1 * &q1)), q.modinv(&p)) else {
            continue;
        };
        let numbers = [
            BigUint::from(0_u32),
            &p * &q,
            exponent,
            d.clone(),
            p,
            q,
            &d % &p1,
            &d % &q1,
            coefficient,
        ];
        let key = PrivatePkcs8KeyDer::from(pkcs8(&numbers));
        return KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_RSA_SHA256)
            .map_err(io::Error::other);
    }
}

/// A random prime whose two highest bits are set, so that the product of two has twice the bits.
fn prime(small_primes: &[u32]) -> io::Result<BigUint> {
    let mut bytes = [0; PRIME_BITS as usize / 8];
    loop {
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| io::Error::other("could not obtain random numbers"))?;
        let mut candidate = BigUint::from_bytes_be(&bytes);
        candidate.set_bit(PRIME_BITS - 1, true);
        candidate.set_bit(PRIME_BITS - 2, true);
        candidate.set_bit(0, true);
        if is_prime(&candidate, small_primes) {
            return Ok(candidate);
        }
    }
}

fn small_primes() -> Vec<u32> {
    let mut primes: Vec<u32> = Vec::new();
    for number in 3..MAX_SMALL_PRIME {
        if number % 2 == 1 && primes.iter().all(|prime| number % prime != 0) {
            primes.push(number);
        }
    }
    primes
}

/// Whether an odd number above [`MAX_SMALL_PRIME`] is prime, with overwhelming probability.
fn is_prime(number: &BigUint, small_primes: &[u32]) -> bool {
    let zero = BigUint::from(0_u32);
    if small_primes.iter().any(|prime| number % *prime == zero) {
        return false;
    }
    let one = BigUint::from(1_u32);
    let last = number - &one;
    let twos = last.trailing_zeros().unwrap_or_default();
    let odd = &last >> twos;
    BASES.iter().all(|base| {
        let mut power = BigUint::from(*base).modpow(&odd, number);
        if power == one {
            return true;
        }
        for _ in 0..twos {
            if power == last {
                return true;
            }
            power = &power * &power % number;
        }
        false
    })
}

/// A private key of these nine numbers (RFC 8017, A.1.2) in the form of PKCS #8.
fn pkcs8(numbers: &[BigUint]) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    const OCTET_STRING: u8 = 0x04;
    /// The version, and the algorithm rsaEncryption without parameters.
    const START: [u8; 18] = [
        0x02, 0x01, 0x00, SEQUENCE, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
        0x01, 0x01, 0x05, 0x00,
    ];
    let key = der(
        SEQUENCE,
        &numbers.iter().flat_map(integer).collect::<Vec<_>>(),
    );
    let key = der(OCTET_STRING, &key);
    der(SEQUENCE, &[&START[..], &key].concat())
}

fn integer(number: &BigUint) -> Vec<u8> {
    const INTEGER: u8 = 0x02;
    let mut bytes = number.to_bytes_be();
    if bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
        // Without this the number would be negative.
        bytes.insert(0, 0);
    }
    der(INTEGER, &bytes)
}

/// An element of DER: its tag, the length, and the content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut element = vec![tag];
    if length < 0x80 {
        element.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let bytes = &bytes[length.leading_zeros() as usize / 8..];
        element.push(0x80 | bytes.len() as u8);
        element.extend_from_slice(bytes);
    }
    element.extend_from_slice(content);
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_recognised() {
        let small_primes = small_primes();
        assert_eq!(small_primes[..5], [3, 5, 7, 11, 13]);
        // 2^127 - 1 is prime; 2^129 - 1 is not, and neither is the product of two larger primes.
        let mersenne = |bits: u64| (BigUint::from(1_u32) << bits) - 1_u32;
        assert!(is_prime(&mersenne(127), &small_primes));
        assert!(!is_prime(&mersenne(129), &small_primes));
        assert!(!is_prime(&(mersenne(127) * mersenne(61)), &small_primes));
        // The smallest number that passes for the bases up to 31 and is not prime.
        let strong = BigUint::from(3_825_123_056_546_413_051_u64);
        assert!(!is_prime(&strong, &[]));
    }

    #[test]
    fn lengths_are_written_as_der() {
        assert_eq!(der(2, &[7]), [2, 1, 7]);
        assert_eq!(der(4, &[0; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(der(4, &[0; 0x100])[..4], [4, 0x82, 1, 0]);
        assert_eq!(integer(&BigUint::from(0x80_u32)), [2, 2, 0, 0x80]);
        assert_eq!(integer(&BigUint::from(0_u32)), [2, 1, 0]);
    }
}
