//! The buffers of a connection. They start small and grow with the responses, because a program may
//! keep a thousand connections.

use ureq::unversioned::transport::Buffers;

/// The size of the input buffer before a response fills it, and the largest. The head of a response
/// must fit into the latter.
const MIN_INPUT_BYTES: usize = 2 * 1024;
pub(super) const MAX_INPUT_BYTES: usize = 16 * 1024;
/// The size of the output buffer. A request is written in parts, but each line of its head must
/// fit: names of hosts and user agents have at most 256 bytes, and the token is inserted later.
const OUTPUT_BYTES: usize = 1024;

/// The buffers of a connection. Nothing is allocated before they are used.
#[derive(Debug, Default)]
pub(super) struct GrowingBuffers {
    input: Vec<u8>,
    /// The unconsumed bytes are those from `consumed` to `filled`.
    consumed: usize,
    filled: usize,
    output: Vec<u8>,
    /// Whether the last call of `input_consume` consumed anything.
    has_progressed: bool,
}

impl GrowingBuffers {
    fn grow_input(&mut self) {
        let size = (self.input.len() * 2).clamp(MIN_INPUT_BYTES, MAX_INPUT_BYTES);
        self.input.resize(size, 0);
    }

    /// Moves the unconsumed bytes to the front.
    fn compact(&mut self) {
        self.input.copy_within(self.consumed..self.filled, 0);
        self.filled -= self.consumed;
        self.consumed = 0;
    }
}

impl Buffers for GrowingBuffers {
    fn output(&mut self) -> &mut [u8] {
        self.output.resize(OUTPUT_BYTES, 0);
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        &self.input[self.consumed..self.filled]
    }

    /// Empty if there are [`MAX_INPUT_BYTES`] unconsumed bytes.
    fn input_append_buf(&mut self) -> &mut [u8] {
        if self.consumed > 0 {
            self.compact();
        }
        if self.filled == self.input.len() {
            self.grow_input();
        }
        &mut self.input[self.filled..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.filled += amount;
        // There is probably more, and fewer reads are faster.
        if self.filled == self.input.len() {
            self.grow_input();
        }
    }

    fn input_consume(&mut self, amount: usize) {
        self.has_progressed = amount > 0;
        self.consumed += amount;
        debug_assert!(self.consumed <= self.filled);
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.output.resize(OUTPUT_BYTES, 0);
        self.input_append_buf();
        (&mut self.input[self.filled..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.consumed < self.filled && self.has_progressed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(buffers: &mut GrowingBuffers, bytes: &[u8]) {
        buffers.input_append_buf()[..bytes.len()].copy_from_slice(bytes);
        buffers.input_appended(bytes.len());
    }

    #[test]
    fn unconsumed_input_is_kept_while_the_buffer_grows_to_its_limit() {
        let mut buffers = GrowingBuffers::default();
        let mut expected = Vec::new();
        loop {
            let free = buffers.input_append_buf().len();
            if free == 0 {
                break;
            }
            let byte = u8::try_from(expected.len() % 251).unwrap();
            let part = vec![byte; free.min(700)];
            append(&mut buffers, &part);
            expected.extend(part);
            assert_eq!(buffers.input(), expected);
        }
        assert_eq!(expected.len(), MAX_INPUT_BYTES);
        buffers.input_consume(1000);
        assert!(buffers.can_use_input());
        assert_eq!(buffers.input_append_buf().len(), 1000);
        append(&mut buffers, b"end");
        assert_eq!(buffers.input(), [&expected[1000..], b"end"].concat());
        buffers.input_consume(0);
        assert!(!buffers.can_use_input());
        buffers.input_consume(buffers.input().len());
        assert_eq!(buffers.input(), b"");
        assert_eq!(buffers.input_append_buf().len(), MAX_INPUT_BYTES);
    }

    #[test]
    fn a_small_response_needs_a_small_buffer_and_a_large_one_grows_it() {
        let mut buffers = GrowingBuffers::default();
        append(&mut buffers, b"HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(buffers.input.len(), MIN_INPUT_BYTES);
        buffers.input_consume(buffers.input().len());
        let full = vec![0; MIN_INPUT_BYTES];
        append(&mut buffers, &full);
        buffers.input_consume(full.len());
        assert_eq!(buffers.input_append_buf().len(), 2 * MIN_INPUT_BYTES);
    }

    #[test]
    fn there_is_always_room_to_write() {
        let mut buffers = GrowingBuffers::default();
        let (tmp, output) = buffers.tmp_and_output();
        assert!(!tmp.is_empty());
        assert_eq!(output.len(), OUTPUT_BYTES);
        assert_eq!(buffers.output().len(), OUTPUT_BYTES);
    }
}
