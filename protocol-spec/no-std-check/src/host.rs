//! What a C library would bring: the entry point, output, exit, and the memory functions that compiled code calls.
//!
//! All of it is `unsafe` by nature: the kernel jumps to a bare address, a system call is an instruction, and a `memcpy`
//! in Rust would be compiled into a call of itself.

use core::arch::{asm, naked_asm};
use core::panic::PanicInfo;

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("this check speaks to the kernel itself, and knows Linux on x86-64 only");

/// The entry point. The kernel enters with an aligned stack, a call expects it off by the return address.
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn _start() -> ! {
    naked_asm!("xor ebp, ebp", "and rsp, -16", "call {main}", "ud2", main = sym crate::start)
}

/// Writes `text` to the standard output. A failure shows in what the caller of the program sees.
pub(crate) fn print(text: &str) {
    // SAFETY: `write` reads `text.len()` bytes at `text`, which live across the call, and changes no memory.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") 1_isize => _,
            in("rdi") 1,
            in("rsi") text.as_ptr(),
            in("rdx") text.len(),
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack, readonly),
        );
    }
}

/// Ends the process.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: `exit_group` ends the process and never returns.
    unsafe { asm!("syscall", in("rax") 231, in("rdi") code, options(noreturn, nostack)) }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    print("no_std check panicked\n");
    exit(101)
}

/// The precompiled `core` names this function in its unwinding tables. Nothing unwinds here: panics abort.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() -> ! {
    exit(102)
}

/// # Safety
/// As `memcpy` of C: both regions are valid for `count` bytes and do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller promises both regions; the direction flag is clear by the calling convention.
    unsafe {
        asm!("rep movsb", inout("rcx") count => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
    to
}

/// # Safety
/// As `memmove` of C: both regions are valid for `count` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if to.addr().wrapping_sub(from.addr()) >= count {
        // SAFETY: `to` does not start inside the source, so copying upwards reads every byte before it is overwritten.
        return unsafe { memcpy(to, from, count) };
    }
    // SAFETY: the caller promises both regions, which are not empty here; the flag is cleared again afterwards.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rcx") count => _, inout("rdi") to.add(count).sub(1) => _,
            inout("rsi") from.add(count).sub(1) => _, options(nostack));
    }
    to
}

/// # Safety
/// As `memset` of C: the region is valid for `count` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, count: usize) -> *mut u8 {
    // SAFETY: the caller promises the region; the direction flag is clear by the calling convention.
    unsafe {
        asm!("rep stosb", inout("rcx") count => _, inout("rdi") to => _, in("al") value.to_le_bytes()[0],
            options(nostack, preserves_flags));
    }
    to
}

/// # Safety
/// As `memcmp` of C: both regions are valid for `count` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    let mut at = 0;
    while at < count {
        // SAFETY: `at` is below `count`, for which the caller promises both regions. Volatile reads keep this loop from
        // being compiled into a call of itself.
        let (left, right) = unsafe { (left.add(at).read_volatile(), right.add(at).read_volatile()) };
        if left != right {
            return i32::from(left) - i32::from(right);
        }
        at += 1;
    }
    0
}

/// # Safety
/// As [`memcmp`].
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    // SAFETY: the promise of the caller is the same.
    unsafe { memcmp(left, right, count) }
}
