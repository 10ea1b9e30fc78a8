/* Breaks a process's disk and clock on demand, for the fault runs: loaded before libc (LD_PRELOAD), it reads what to do
 * from the file that FAULTS_SHIM names, mapped and shared with the one who breaks things:
 *
 *   0  not 0: writing to a file of the database answers ENOSPC
 *   1  not 0: syncing one answers EIO
 *   2  microseconds by which each sync is late
 *   3  nanoseconds by which the wall clock is ahead (signed); the monotonic clock is left alone
 *
 * A file that is written is one of the database when its path holds what FAULTS_SHIM_FILES says; one that is synced, what
 * FAULTS_SHIM_SYNCED says: of PostgreSQL its log too, without room for which it rightly gives up. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { FULL, BROKEN, LATE_US, AHEAD_NS, CONTROLS };

static _Atomic int64_t none[CONTROLS];
static _Atomic int64_t *controls = none;
static const char *files = "/", *synced = "/";

__attribute__((constructor)) static void open_controls(void) {
    const char *path = getenv("FAULTS_SHIM"), *which = getenv("FAULTS_SHIM_FILES");
    if (which) files = which;
    which = getenv("FAULTS_SHIM_SYNCED");
    if (which) synced = which;
    if (!path) return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *map = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED) controls = map;
}

static int is_one_of(const char *which, int file) {
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strstr(path, which) != NULL;
}

static int is_full(int file) { return controls[FULL] && is_one_of(files, file); }

static int no_room(void) {
    errno = ENOSPC;
    return -1;
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    return is_full(file) ? no_room() : syscall(SYS_pwrite64, file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) { return pwrite64(file, bytes, count, at); }

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t at) {
    return is_full(file) ? no_room() : syscall(SYS_pwritev, file, parts, count, at, 0);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) { return pwritev64(file, parts, count, at); }

int posix_fallocate64(int file, off64_t at, off64_t count) {
    if (is_full(file)) return ENOSPC;
    return syscall(SYS_fallocate, file, 0, at, count) ? errno : 0;
}

int posix_fallocate(int file, off_t at, off_t count) { return posix_fallocate64(file, at, count); }

static int sync_by(long call, int file) {
    if (controls[BROKEN] && is_one_of(synced, file)) {
        errno = EIO;
        return -1;
    }
    int64_t late = controls[LATE_US];
    if (late && is_one_of(synced, file)) {
        struct timespec wait = {late / 1000000, late % 1000000 * 1000};
        syscall(SYS_nanosleep, &wait, NULL);
    }
    return (int)syscall(call, file);
}

int fsync(int file) { return sync_by(SYS_fsync, file); }

int fdatasync(int file) { return sync_by(SYS_fdatasync, file); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int answer = (int)syscall(SYS_clock_gettime, clock, now);
    int64_t ahead = controls[AHEAD_NS];
    if (!answer && clock == CLOCK_REALTIME && ahead) {
        int64_t nanos = now->tv_nsec + ahead % 1000000000;
        now->tv_sec += ahead / 1000000000;
        if (nanos < 0) nanos += 1000000000, now->tv_sec--;
        if (nanos >= 1000000000) nanos -= 1000000000, now->tv_sec++;
        now->tv_nsec = nanos;
    }
    return answer;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec exact;
    int answer = clock_gettime(CLOCK_REALTIME, &exact);
    if (!answer) *now = (struct timeval){exact.tv_sec, exact.tv_nsec / 1000};
    return answer;
}

time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}
