//! Gzip bodies that are small on the wire and unpack to any number of spaces.
//!
//! A gzip body may consist of several members, which unpack to the concatenation of their contents
//! (RFC 1952). The body repeats a few precomputed members, so no compressor is needed.

/// A precomputed gzip member.
struct Member {
    /// How many spaces it unpacks to.
    spaces: u64,
    packed: &'static [u8],
}

/// The largest member comes first.
const MEMBERS: [Member; 3] = [
    Member {
        spaces: 16_384,
        packed: b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xed\xc1\x31\x01\0\0\0\xc2\xa0\x2a\xeb\x9f\xd2\x18\
                  \x3e\x40\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x6f\x03\xd1\x55\xf0\xd6\0\x40\0\0",
    },
    Member {
        spaces: 256,
        packed: b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\x53\x50\x18\xd9\0\0\x12\xe8\x7c\xf4\0\x01\0\0",
    },
    Member {
        spaces: 1,
        packed: b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\x53\0\0\x45\xcf\x6c\xe9\x01\0\0\0",
    },
];

/// A member that unpacks to nothing: an empty body is not valid gzip.
const EMPTY_MEMBER: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\x03\0\0\0\0\0\0\0\0\0";

/// A gzip body that unpacks to this many spaces.
pub(crate) fn gzip(mut spaces: u64) -> Vec<u8> {
    if spaces == 0 {
        return EMPTY_MEMBER.to_vec();
    }
    let mut body = Vec::new();
    for member in &MEMBERS {
        while spaces >= member.spaces {
            body.extend_from_slice(member.packed);
            spaces -= member.spaces;
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_states_the_size_it_unpacks_to() {
        for member in &MEMBERS {
            let size = member.packed.last_chunk().copied().unwrap();
            assert_eq!(u64::from(u32::from_le_bytes(size)), member.spaces);
        }
    }

    #[test]
    fn the_body_is_much_smaller_than_what_it_unpacks_to() {
        let bytes = 100 << 20;
        let body = gzip(bytes);
        assert!((body.len() as u64) < bytes / 150, "{}", body.len());
    }
}
