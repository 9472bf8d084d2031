//! A gzip body of nothing but blanks: tiny on the wire, as large as asked for once unpacked.
//!
//! One deflate block with the fixed Huffman code: a blank, then as many copies of "repeat the last
//! byte 258 times" as fit, then single blanks. Thirteen bits stand for 258 bytes.

/// The longest repetition deflate knows.
const REPEAT: u64 = 258;

/// A gzip file that unpacks to this many blanks.
pub(crate) fn gzip(bytes: u64) -> Vec<u8> {
    let mut bits = Bits {
        out: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255],
        held: 0,
        count: 0,
    };
    // The last block, with the fixed code.
    bits.push(0b011, 3);
    let repeats = bytes.saturating_sub(1) / REPEAT;
    let singles = bytes - repeats * REPEAT;
    if bytes > 0 {
        bits.blank();
    }
    for _ in 0..repeats {
        // Length symbol 285, then distance symbol 0.
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    for _ in 1..singles {
        bits.blank();
    }
    // The end of the block.
    bits.code(0, 7);
    let mut out = bits.finish();
    out.extend(crc32_of_blanks(bytes).to_le_bytes());
    // The format has the size modulo 2^32.
    out.extend((bytes as u32).to_le_bytes());
    out
}

/// Bits packed into bytes from the lowest up.
struct Bits {
    out: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    /// Appends bits, the lowest first.
    fn push(&mut self, bits: u32, count: u32) {
        self.held |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Appends a Huffman code, which goes highest bit first.
    fn code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }

    fn blank(&mut self) {
        // Literals below 144 have their value plus 0x30 as code.
        self.code(0x30 + u32::from(b' '), 8);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.push(0, 8 - self.count);
        }
        self.out
    }
}

/// What appending some bytes does to a CRC register: a matrix over GF(2) (by columns), then an XOR.
#[derive(Clone, Copy)]
struct Step {
    columns: [u32; 32],
    added: u32,
}

impl Step {
    fn matrix(&self, register: u32) -> u32 {
        (0..32)
            .filter(|bit| register >> bit & 1 == 1)
            .fold(0, |sum, bit| sum ^ self.columns[bit])
    }

    fn apply(&self, register: u32) -> u32 {
        self.matrix(register) ^ self.added
    }

    fn twice(&self) -> Self {
        Self {
            columns: self.columns.map(|column| self.matrix(column)),
            added: self.apply(self.added),
        }
    }
}

fn append_blank(register: u32) -> u32 {
    (0..8).fold(register ^ u32::from(b' '), |register, _| {
        let poly = if register & 1 == 1 { 0xedb8_8320 } else { 0 };
        (register >> 1) ^ poly
    })
}

/// The CRC of many blanks, by doubling instead of one by one.
fn crc32_of_blanks(mut bytes: u64) -> u32 {
    let added = append_blank(0);
    let mut step = Step {
        columns: std::array::from_fn(|bit| append_blank(1 << bit) ^ added),
        added,
    };
    let mut register = u32::MAX;
    while bytes > 0 {
        if bytes & 1 == 1 {
            register = step.apply(register);
        }
        step = step.twice();
        bytes >>= 1;
    }
    !register
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_that_of_the_slow_way() {
        for bytes in [0, 1, 2, 3, 257, 258, 259, 10_007] {
            let slow = !(0..bytes).fold(u32::MAX, |register, _| append_blank(register));
            assert_eq!(crc32_of_blanks(bytes), slow, "{bytes}");
        }
        // The well-known CRC-32 of a single blank.
        assert_eq!(crc32_of_blanks(1), 0xe96c_cf45);
    }

    #[test]
    fn it_is_small_and_says_its_size() {
        let bomb = gzip(100 << 20);
        assert!(bomb.len() < (100 << 20) / 150, "{}", bomb.len());
        assert_eq!(bomb[bomb.len() - 4..], (100_u32 << 20).to_le_bytes());
        // An empty one, bit by bit: header, one empty fixed block, no CRC, no size.
        assert_eq!(gzip(0)[10..], [3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
