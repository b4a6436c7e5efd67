//! What the C library does with memory that is freed.

/// Keeps blocks of up to 16 MiB for the next who asks, instead of giving them back to the system at once: whoever reads
/// Parquet frees and asks for pages of a megabyte again and again, and to get each of them anew from the system takes a
/// tenth of a scan. Up to 32 MiB that nobody uses stay with the process for it.
///
/// Call it before there are other threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)] // a function of the C library
pub(crate) fn keep_freed_blocks() {
    // SAFETY: it takes two numbers and touches no memory of ours. Where it refuses one, the default stays.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 16 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 32 << 20);
    }
}

/// Other C libraries do as they do.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep_freed_blocks() {}
