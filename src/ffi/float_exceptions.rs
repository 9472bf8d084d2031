//! Floating-point exceptions during a call. Visual Basic 6 and Delphi unmask some of them, and code
//! that was not written for that, such as the parser of JSON, would raise them.

use std::arch::asm;

/// All six exceptions in the control word of the x87 unit.
const X87_MASKS: u16 = 0x3f;
/// The same in MXCSR, the register of SSE.
const SSE_MASKS: u32 = 0x1f80;

/// Masks the exceptions of the thread while it exists.
pub(super) struct ExceptionsMasked {
    /// The registers to restore.
    x87: u16,
    sse: u32,
}

impl ExceptionsMasked {
    pub fn new() -> ExceptionsMasked {
        let (mut x87, mut sse) = (0_u16, 0_u32);
        // SAFETY: writes the two registers to variables of their sizes.
        unsafe {
            asm!(
                "fnstcw word ptr [{x87}]",
                "stmxcsr dword ptr [{sse}]",
                x87 = in(reg) &raw mut x87,
                sse = in(reg) &raw mut sse,
                options(nostack, preserves_flags),
            );
        }
        let (masked_x87, masked_sse) = (x87 | X87_MASKS, sse | SSE_MASKS);
        // SAFETY: the values of the registers with more exceptions masked, which changes no result.
        unsafe {
            asm!(
                "fldcw word ptr [{x87}]",
                "ldmxcsr dword ptr [{sse}]",
                x87 = in(reg) &raw const masked_x87,
                sse = in(reg) &raw const masked_sse,
                options(nostack, preserves_flags, readonly),
            );
        }
        ExceptionsMasked { x87, sse }
    }
}

impl Drop for ExceptionsMasked {
    fn drop(&mut self) {
        // SAFETY: the values that the registers had. Exceptions that occurred meanwhile are cleared
        // first, because the x87 unit would raise them late, in the caller.
        unsafe {
            asm!(
                "fnclex",
                "fldcw word ptr [{x87}]",
                "ldmxcsr dword ptr [{sse}]",
                x87 = in(reg) &raw const self.x87,
                sse = in(reg) &raw const self.sse,
                options(nostack, preserves_flags, readonly),
            );
        }
    }
}
