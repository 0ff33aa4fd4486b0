/* Lets the n-th call of one kind fail, once, from the moment it is armed: LD_PRELOAD.
 *
 * libfiu fails calls at random or all of them; "the n-th" needs a counter, and its list of calls lacks
 * linkat, copy_file_range and syncfs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char kind[16];
static atomic_long left, seen;
static int error_number, after_success;

/* number: which call fails, 1 for the next; 0 only counts. after: it fails when it has been done. */
void fault_arm(const char *name, long number, int error, int after) {
    strncpy(kind, name, sizeof kind - 1);
    error_number = error;
    after_success = after;
    seen = 0;
    left = number;
}

long fault_seen(void) { return seen; }

static int hit(const char *name) {
    if (!kind[0] || strcmp(kind, name)) return 0;
    atomic_fetch_add(&seen, 1);
    return left > 0 && atomic_fetch_sub(&left, 1) == 1;
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define PASS(what, call)                                     \
    if (hit(what)) {                                         \
        if (after_success) (void)!(call);                    \
        errno = error_number;                                \
        return -1;                                           \
    }                                                        \
    return call

ssize_t write(int fd, const void *data, size_t n) { REAL(write); PASS("write", real(fd, data, n)); }
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { REAL(pwrite); PASS("write", real(fd, data, n, at)); }
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) { REAL(pwrite64); PASS("write", real(fd, data, n, at)); }
ssize_t writev(int fd, const struct iovec *v, int n) { REAL(writev); PASS("write", real(fd, v, n)); }
int fsync(int fd) { REAL(fsync); PASS("fsync", real(fd)); }
int fdatasync(int fd) { REAL(fdatasync); PASS("fsync", real(fd)); }
int syncfs(int fd) { REAL(syncfs); PASS("syncfs", real(fd)); }
int rename(const char *a, const char *b) { REAL(rename); PASS("rename", real(a, b)); }
int renameat(int a, const char *b, int c, const char *d) { REAL(renameat); PASS("rename", real(a, b, c, d)); }
int link(const char *a, const char *b) { REAL(link); PASS("link", real(a, b)); }
int linkat(int a, const char *b, int c, const char *d, int f) { REAL(linkat); PASS("link", real(a, b, c, d, f)); }
ssize_t copy_file_range(int a, off64_t *b, int c, off64_t *d, size_t n, unsigned f) { REAL(copy_file_range); PASS("copy", real(a, b, c, d, n, f)); }
ssize_t sendfile(int a, int b, off_t *c, size_t n) { REAL(sendfile); PASS("copy", real(a, b, c, n)); }
ssize_t read(int fd, void *data, size_t n) { REAL(read); PASS("read", real(fd, data, n)); }
ssize_t pread(int fd, void *data, size_t n, off_t at) { REAL(pread); PASS("read", real(fd, data, n, at)); }
ssize_t pread64(int fd, void *data, size_t n, off64_t at) { REAL(pread64); PASS("read", real(fd, data, n, at)); }
int unlink(const char *path) { REAL(unlink); PASS("unlink", real(path)); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); PASS("mkdir", real(path, mode)); }

int close(int fd) {
    REAL(close);
    if (hit("close")) {
        /* Linux closes the descriptor whatever it reports. */
        real(fd);
        errno = error_number;
        return -1;
    }
    return real(fd);
}

#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...) {                                       \
        REAL(name);                                                                    \
        mode_t mode = 0;                                                               \
        if (flags & (O_CREAT | O_TMPFILE)) {                                           \
            va_list list;                                                              \
            va_start(list, flags);                                                     \
            mode = va_arg(list, mode_t);                                               \
            va_end(list);                                                              \
        }                                                                              \
        if (hit("open")) {                                                             \
            errno = error_number;                                                      \
            return -1;                                                                 \
        }                                                                              \
        return real(path, flags, mode);                                                \
    }
#define OPENAT(name)                                                                   \
    int name(int folder, const char *path, int flags, ...) {                           \
        REAL(name);                                                                    \
        mode_t mode = 0;                                                               \
        if (flags & (O_CREAT | O_TMPFILE)) {                                           \
            va_list list;                                                              \
            va_start(list, flags);                                                     \
            mode = va_arg(list, mode_t);                                               \
            va_end(list);                                                              \
        }                                                                              \
        if (hit("open")) {                                                             \
            errno = error_number;                                                      \
            return -1;                                                                 \
        }                                                                              \
        return real(folder, path, flags, mode);                                        \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
