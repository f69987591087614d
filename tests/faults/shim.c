/*
 * Stands between a program and the C library, for files under one folder: writes down each call that changes what is on
 * the disk, and lets the n-th of them fail, fall short, or be the last thing the program does.
 *
 * FAULT_ROOT   the folder; files outside it are not looked at
 * FAULT_TRACE  the file to which each call is appended, see trace.py for its layout
 * FAULT_PLAN   call:n:deed, where call is write, sync, open, rename, unlink, mkdir, truncate or any, and deed is
 *              kill, half (write half of it, then die), short (write half of it, say so), or the number of an error
 * FAULT_CLOCK  a file with a signed 64-bit number: so many seconds are added to the time of day
 *
 * A process that is running already can be given all but the clock by fault_arm().
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTORS 65536

static char root[PATH_MAX];
static size_t root_length;
static int trace = -1;
static char plan_call[16], plan_deed[16];
static long plan_number;
static atomic_long seen;
static char tracked[DESCRIPTORS];
static volatile int64_t *clock_offset;

struct record {
    char what; /* O open, C close, W write, B sync begins, S sync has ended, T truncate, R rename, U unlink, M mkdir,
                  A answer 200, F the fault */
    char pad[3];
    int32_t process, descriptor, flags;
    int64_t at;
    uint32_t first, second; /* bytes of a path or of data that follow */
};

static void note(char what, int descriptor, int flags, int64_t at, const void *first, size_t first_length,
                 const void *second, size_t second_length)
{
    if (trace < 0)
        return;
    int before = errno;
    struct record record = {what, {0}, getpid(), descriptor, flags, at, first_length, second_length};
    struct iovec parts[3] = {{&record, sizeof record}, {(void *)first, first_length}, {(void *)second, second_length}};
    /* Not through the C library: those are the calls this file stands before. */
    syscall(SYS_writev, trace, parts, 3);
    errno = before;
}

static void note_path(char what, int descriptor, int flags, const char *path)
{
    note(what, descriptor, flags, 0, path, strlen(path), NULL, 0);
}

static int concerns(const char *path)
{
    return root_length && strncmp(path, root, root_length) == 0;
}

static int is_tracked(int descriptor)
{
    return descriptor >= 0 && descriptor < DESCRIPTORS && tracked[descriptor];
}

/* What is to happen to this call: 'n' nothing, 'h' half and die, 's' half, 'e' fail with errno set; it may not return. */
static int deed(const char *call)
{
    if (!plan_number || (strcmp(plan_call, "any") != 0 && strcmp(plan_call, call) != 0))
        return 'n';
    if (atomic_fetch_add(&seen, 1) + 1 != plan_number)
        return 'n';
    note('F', -1, 0, 0, call, strlen(call), NULL, 0);
    if (strcmp(plan_deed, "kill") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(plan_deed, "half") == 0)
        return 'h';
    if (strcmp(plan_deed, "short") == 0)
        return 's';
    errno = atoi(plan_deed);
    return 'e';
}

int fault_arm(const char *folder, const char *trace_file, const char *plan)
{
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    atomic_store(&seen, 0);
    plan_number = 0;
    if (plan && *plan && sscanf(plan, "%15[^:]:%ld:%15s", plan_call, &plan_number, plan_deed) != 3)
        abort();
    if (trace_file && *trace_file)
        trace = syscall(SYS_openat, AT_FDCWD, trace_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("FAULT_ROOT"), *file = getenv("FAULT_CLOCK");
    if (folder)
        fault_arm(folder, getenv("FAULT_TRACE"), getenv("FAULT_PLAN"));
    if (file) {
        int descriptor = syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
        void *map = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, descriptor, 0);
        if (descriptor < 0 || map == MAP_FAILED)
            abort();
        clock_offset = map;
    }
}

#define REAL(name, type, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int opened(int descriptor, const char *path, int flags)
{
    if (descriptor >= 0 && descriptor < DESCRIPTORS) {
        tracked[descriptor] = concerns(path);
        if (tracked[descriptor])
            note_path('O', descriptor, flags, path);
    }
    return descriptor;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        REAL(#name, int, const char *, int, ...); \
        if (concerns(path) && deed("open") == 'e') \
            return -1; \
        return opened(real(path, flags, mode), path, flags); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) \
    { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        REAL(#name, int, int, const char *, int, ...); \
        if (concerns(path) && deed("open") == 'e') \
            return -1; \
        return opened(real(folder, path, flags, mode), path, flags); \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int descriptor)
{
    REAL("close", int, int);
    if (is_tracked(descriptor)) {
        tracked[descriptor] = 0;
        note('C', descriptor, 0, 0, NULL, 0, NULL, 0);
    }
    return real(descriptor);
}

static void answered(int descriptor, const void *data, size_t length)
{
    static const char ok[] = "HTTP/1.1 200";
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    if (trace < 0 || length < sizeof ok - 1 || memcmp(data, ok, sizeof ok - 1) != 0)
        return;
    if (getpeername(descriptor, (struct sockaddr *)&peer, &size) == 0 && peer.sin_family == AF_INET)
        note('A', descriptor, 0, ntohs(peer.sin_port), NULL, 0, NULL, 0);
}

static void written(int descriptor, int64_t at, const void *data, ssize_t length)
{
    if (length > 0)
        note('W', descriptor, 0, at, NULL, 0, data, length);
}

ssize_t write(int descriptor, const void *data, size_t length)
{
    REAL("write", ssize_t, int, const void *, size_t);
    if (!is_tracked(descriptor)) {
        answered(descriptor, data, length);
        return real(descriptor, data, length);
    }
    int what = deed("write");
    if (what == 'e')
        return -1;
    ssize_t result = real(descriptor, data, what == 'n' ? length : (length + 1) / 2);
    if (what == 'h')
        kill(getpid(), SIGKILL);
    if (result > 0)
        written(descriptor, lseek(descriptor, 0, SEEK_CUR) - result, data, result);
    return result;
}

#define PWRITE(name) \
    ssize_t name(int descriptor, const void *data, size_t length, off_t at) \
    { \
        REAL(#name, ssize_t, int, const void *, size_t, off_t); \
        int what = is_tracked(descriptor) ? deed("write") : 'n'; \
        if (what == 'e') \
            return -1; \
        ssize_t result = real(descriptor, data, what == 'n' ? length : (length + 1) / 2, at); \
        if (what == 'h') \
            kill(getpid(), SIGKILL); \
        if (is_tracked(descriptor)) \
            written(descriptor, at, data, result); \
        return result; \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    REAL("writev", ssize_t, int, const struct iovec *, int);
    if (is_tracked(descriptor))
        abort(); /* nobody writes files so; were it to change, the trace would be blind to it */
    if (count > 0)
        answered(descriptor, parts[0].iov_base, parts[0].iov_len);
    return real(descriptor, parts, count);
}

ssize_t send(int descriptor, const void *data, size_t length, int flags)
{
    REAL("send", ssize_t, int, const void *, size_t, int);
    answered(descriptor, data, length);
    return real(descriptor, data, length, flags);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
    REAL("sendmsg", ssize_t, int, const struct msghdr *, int);
    if (message->msg_iovlen > 0)
        answered(descriptor, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
    return real(descriptor, message, flags);
}

#define SYNC(name) \
    int name(int descriptor) \
    { \
        REAL(#name, int, int); \
        if (!is_tracked(descriptor)) \
            return real(descriptor); \
        note('B', descriptor, 0, 0, NULL, 0, NULL, 0); \
        int result = deed("sync") == 'e' ? -1 : real(descriptor); \
        note('S', descriptor, result ? errno : 0, 0, NULL, 0, NULL, 0); \
        return result; \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name) \
    int name(int descriptor, off_t length) \
    { \
        REAL(#name, int, int, off_t); \
        if (is_tracked(descriptor) && deed("truncate") == 'e') \
            return -1; \
        int result = real(descriptor, length); \
        if (result == 0 && is_tracked(descriptor)) \
            note('T', descriptor, 0, length, NULL, 0, NULL, 0); \
        return result; \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

int rename(const char *from, const char *to)
{
    REAL("rename", int, const char *, const char *);
    if (concerns(from) && deed("rename") == 'e')
        return -1;
    int result = real(from, to);
    if (result == 0 && concerns(from))
        note('R', -1, 0, 0, from, strlen(from), to, strlen(to));
    return result;
}

int unlink(const char *path)
{
    REAL("unlink", int, const char *);
    if (concerns(path) && deed("unlink") == 'e')
        return -1;
    int result = real(path);
    if (result == 0 && concerns(path))
        note_path('U', -1, 0, path);
    return result;
}

int mkdir(const char *path, mode_t mode)
{
    REAL("mkdir", int, const char *, mode_t);
    if (concerns(path) && deed("mkdir") == 'e')
        return -1;
    int result = real(path, mode);
    if (result == 0 && concerns(path))
        note_path('M', -1, 0, path);
    return result;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    REAL("clock_gettime", int, clockid_t, struct timespec *);
    int result = real(clock, now);
    if (result == 0 && clock_offset && clock == CLOCK_REALTIME)
        now->tv_sec += *clock_offset;
    return result;
}
