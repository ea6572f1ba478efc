"""What the scenarios of ffi/conformance are played on."""
