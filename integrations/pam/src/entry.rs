//! Where PAM calls in: the only code here that handles raw pointers.
#![expect(unsafe_code, reason = "PAM calls with raw pointers and is answered through them")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::catch_unwind;
use std::ptr;

use crate::{Verdict, decide};

// The numbers are those of Linux-PAM.
const PAM_SUCCESS: c_int = 0;
const PAM_AUTH_ERR: c_int = 7;
const PAM_IGNORE: c_int = 25;
const LOG_NOTICE: c_int = 5;

// SAFETY: declared as in <security/pam_modules.h> and <security/pam_ext.h>; the program that loads the module has them.
unsafe extern "C" {
    fn pam_get_user(pamh: *mut c_void, user: *mut *const c_char, prompt: *const c_char) -> c_int;
    fn pam_syslog(pamh: *const c_void, priority: c_int, format: *const c_char, ...);
}

/// PAM asks whether the user is who he says he is.
///
/// # Safety
///
/// As PAM calls it: `pamh` is its handle, `argv` has `argc` texts that end in zero.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pam_sm_authenticate(
    pamh: *mut c_void,
    _flags: c_int,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    // SAFETY: as PAM calls this function.
    unsafe { answer(pamh, argc, argv) }
}

/// PAM asks whether the user may come in, whoever has found out who he is: `sshd` asks only this after a login with a key.
///
/// # Safety
///
/// As PAM calls it: `pamh` is its handle, `argv` has `argc` texts that end in zero.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pam_sm_acct_mgmt(
    pamh: *mut c_void,
    _flags: c_int,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    // SAFETY: as PAM calls this function.
    unsafe { answer(pamh, argc, argv) }
}

/// The same decision for both questions.
///
/// # Safety
///
/// `pamh` is PAM's handle, `argv` has `argc` texts that end in zero.
unsafe fn answer(pamh: *mut c_void, argc: c_int, argv: *const *const c_char) -> c_int {
    let mut user = ptr::null();
    // SAFETY: `pamh` is PAM's own handle; the name stays PAM's and lives as long as the handle.
    let found = unsafe { pam_get_user(pamh, &raw mut user, ptr::null()) };
    if found != PAM_SUCCESS || user.is_null() {
        return PAM_AUTH_ERR;
    }
    // SAFETY: PAM has said that there is a name, and names end in zero.
    let user = unsafe { CStr::from_ptr(user) }.to_bytes().to_vec();
    let mut arguments = Vec::new();
    for number in 0..usize::try_from(argc).unwrap_or(0) {
        // SAFETY: `argv` has `argc` pointers to texts that end in zero.
        let argument = unsafe { CStr::from_ptr(*argv.add(number)) };
        arguments.push(argument.to_string_lossy().into_owned());
    }
    // A panic must not leave this function: it would end the program that lets people in.
    let Ok((verdict, reason)) = catch_unwind(|| decide(&user, &arguments)) else { return PAM_AUTH_ERR };
    if let Some(reason) = reason {
        let text: Vec<u8> = reason.to_string().bytes().filter(|byte| *byte != 0).chain([0]).collect();
        // SAFETY: both texts end in zero, and the format takes one text.
        unsafe { pam_syslog(pamh, LOG_NOTICE, c"denied: %s".as_ptr(), text.as_ptr()) };
    }
    match verdict {
        Verdict::Open => PAM_SUCCESS,
        Verdict::Exempt => PAM_IGNORE,
        Verdict::Denied => PAM_AUTH_ERR,
    }
}

/// PAM wants credentials set; there are none to set.
///
/// # Safety
///
/// Nothing is read.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pam_sm_setcred(
    _pamh: *mut c_void,
    _flags: c_int,
    _argc: c_int,
    _argv: *const *const c_char,
) -> c_int {
    PAM_SUCCESS
}
