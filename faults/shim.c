/* Breaks a process's disk and clock on demand, for the fault runs: loaded before libc (LD_PRELOAD), it reads what to do
 * from the file that FAULTS_SHIM names, mapped and shared with the one who breaks things:
 *
 *   0  not 0: writing to a file of the database answers ENOSPC
 *   1  not 0: syncing one answers EIO
 *   2  microseconds by which each sync is late
 *   3  nanoseconds by which the wall clock is ahead (signed); the monotonic clock is left alone
 *   4  not 0: what a file held before what was written since its last sync is kept (below)
 *   5  not 0: a sync answers, and what was kept stays kept: a disk that lies
 *
 * A file that is written is one of the database when its path holds what FAULTS_SHIM_FILES says; one that is synced, what
 * FAULTS_SHIM_SYNCED says: of PostgreSQL its log too, without room for which it rightly gives up.
 *
 * For a power cut, which leaves what was synced and of the rest whatever the disk had got to, each write to a synced file
 * first appends to a log of that file, in the folder FAULTS_SHIM_UNDO, what it is about to replace. The log is named after
 * the file's inode and birth, begins with the position up to which everything has been synced, and goes on with records of
 * four numbers (where, how long the file was, how many bytes of before follow, how many are written) and the bytes of
 * before. Making, renaming and removing files counts as done at once. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { FULL, BROKEN, LATE_US, AHEAD_NS, KEEP, LIE, CONTROLS };

static _Atomic int64_t none[CONTROLS];
static _Atomic int64_t *controls = none;
static const char *files = "/", *synced = "/", *undo;

__attribute__((constructor)) static void open_controls(void) {
    /* Copies: PostgreSQL writes its processes' titles over the environment. */
    const char *path = getenv("FAULTS_SHIM"), *which = getenv("FAULTS_SHIM_FILES");
    if (which) files = strdup(which);
    which = getenv("FAULTS_SHIM_SYNCED");
    if (which) synced = strdup(which);
    which = getenv("FAULTS_SHIM_UNDO");
    if (which) undo = strdup(which);
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

/* --- what was before, for a power cut --- */

/* Opens and locks the log of a file, or answers -1 when none is kept. Memory that is mapped (-shm) and what nobody reads
 * again (.log) are no files of the disk. The lock ends with the process, however that ends. */
static int open_log(int file) {
    if (!controls[KEEP] || !undo || !is_one_of(synced, file) || is_one_of("-shm", file) || is_one_of(".log", file)) return -1;
    struct statx about;
    if (statx(file, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME | STATX_TYPE, &about) || !S_ISREG(about.stx_mode)) return -1;
    char name[4096];
    snprintf(name, sizeof name, "%s/%llu-%lld-%u", undo, (unsigned long long)about.stx_ino,
             (long long)about.stx_btime.tv_sec, about.stx_btime.tv_nsec);
    int log = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (log >= 0) flock(log, LOCK_EX);
    return log;
}

static int64_t end_of(int log) {
    struct stat about;
    return fstat(log, &about) ? 0 : about.st_size < 8 ? 8 : about.st_size;
}

/* `count` bytes at `at` are about to be replaced; a count of 0 cuts the file there. */
static void remember(int log, int file, int64_t at, int64_t count) {
    struct stat about;
    if (log < 0 || fstat(file, &about)) return;
    int64_t held = about.st_size - at;
    int64_t before = held < 0 ? 0 : count && held > count ? count : held;
    int64_t *record = malloc(sizeof(int64_t[4]) + before);
    if (!record) abort();
    record[0] = at, record[1] = about.st_size, record[2] = before, record[3] = count;
    /* The process's own descriptor may be for writing alone. */
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    int reader = before ? (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0) : -1;
    if (before && syscall(SYS_pread64, reader, record + 4, before, at) != before) abort();
    if (reader >= 0) close(reader);
    ssize_t length = sizeof(int64_t[4]) + before;
    if (syscall(SYS_pwrite64, log, record, length, end_of(log)) != length) abort();
    free(record);
}

static int leave(int log, int answer) {
    int kept = errno;
    if (log >= 0) close(log);
    errno = kept;
    return answer;
}

/* --- writing --- */

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    if (is_full(file)) return no_room();
    int log = open_log(file);
    if (count) remember(log, file, at, count);
    return leave(log, syscall(SYS_pwrite64, file, bytes, count, at));
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) { return pwrite64(file, bytes, count, at); }

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t at) {
    if (is_full(file)) return no_room();
    int log = open_log(file);
    int64_t length = 0;
    for (int part = 0; part < count; part++) length += parts[part].iov_len;
    if (length) remember(log, file, at, length);
    return leave(log, syscall(SYS_pwritev, file, parts, count, at, 0));
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) { return pwritev64(file, parts, count, at); }

ssize_t write(int file, const void *bytes, size_t count) {
    int log = open_log(file);
    if (log >= 0 && count) remember(log, file, lseek(file, 0, SEEK_CUR), count);
    ssize_t answer = syscall(SYS_write, file, bytes, count);
    leave(log, 0);
    return answer;
}

int ftruncate64(int file, off64_t length) {
    int log = open_log(file);
    remember(log, file, length, 0);
    return leave(log, (int)syscall(SYS_ftruncate, file, length));
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

int posix_fallocate64(int file, off64_t at, off64_t count) {
    if (is_full(file)) return ENOSPC;
    int log = open_log(file);
    struct stat about;
    /* What is there stays; only the length changes. */
    if (log >= 0 && !fstat(file, &about) && at + count > about.st_size) remember(log, file, about.st_size, at + count - about.st_size);
    int failed = (int)syscall(SYS_fallocate, file, 0, at, count);
    leave(log, 0);
    return failed ? errno : 0;
}

int posix_fallocate(int file, off_t at, off_t count) { return posix_fallocate64(file, at, count); }

/* --- syncing --- */

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
    int log = controls[LIE] ? -1 : open_log(file);
    if (log < 0) return (int)syscall(call, file);
    int64_t end = end_of(log), before = 0;
    flock(log, LOCK_UN);
    int answer = (int)syscall(call, file);
    if (!answer) {
        flock(log, LOCK_EX);
        /* Another process may have synced more meanwhile. */
        if (syscall(SYS_pread64, log, &before, 8, 0) != 8) before = 0;
        if (before < end && syscall(SYS_pwrite64, log, &end, 8, 0) != 8) abort();
    }
    return leave(log, answer);
}

int fsync(int file) { return sync_by(SYS_fsync, file); }

int fdatasync(int file) { return sync_by(SYS_fdatasync, file); }

/* --- the clock --- */

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
