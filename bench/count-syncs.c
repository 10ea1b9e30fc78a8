/* Counts the syncs of a process, for the benchmarks: loaded before libc (LD_PRELOAD), it counts each fsync and
 * fdatasync in the file that BENCH_SYNC_COUNTS names, and makes the call. Two counters of 64 bits: all of them, and
 * those of the thread that commits, which answers wait for. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic uint64_t *counts;

__attribute__((constructor)) static void open_counts(void) {
    const char *path = getenv("BENCH_SYNC_COUNTS");
    if (!path) return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *map = mmap(NULL, 2 * sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED) counts = map;
}

static void count(void) {
    char thread[16] = "";
    if (!counts) return;
    atomic_fetch_add(&counts[0], 1);
    prctl(PR_GET_NAME, thread);
    if (!strcmp(thread, "sqlite-writer")) atomic_fetch_add(&counts[1], 1);
}

int fsync(int file) {
    count();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    count();
    return (int)syscall(SYS_fdatasync, file);
}
