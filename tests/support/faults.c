/* Injects one fault into the file operations of a process, by LD_PRELOAD (Linux with glibc).
 *
 * Counted are the calls that change files below the folder FAULT_FOLDER (an absolute path without links). At the call
 * number FAULT_AT the fault FAULT_KIND happens:
 *   kill    SIGKILL before the call
 *   torn    SIGKILL after the call; a write has written only the first half of its bytes
 *   enospc  this and every later call that needs space on the disk fails with ENOSPC
 *   eio     this call fails with EIO
 * Without FAULT_AT the process is left alone. At its end the number of calls is written to the file FAULT_COUNT.
 *
 * Calls that bypass glibc are not seen: what happens around them is, by the calls before and after.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { NONE, KILL, TORN, NO_SPACE, IO_ERROR };

static atomic_ulong calls;
static unsigned long fault_at;
static enum kind fault_kind;
static const char *folder, *count_file;
static size_t folder_length;

__attribute__((constructor)) static void start(void)
{
    const char *kind = getenv("FAULT_KIND"), *at = getenv("FAULT_AT");
    folder = getenv("FAULT_FOLDER");
    count_file = getenv("FAULT_COUNT");
    folder_length = folder ? strlen(folder) : 0;
    fault_at = at ? strtoul(at, NULL, 10) : 0;
    if (kind && fault_at)
        fault_kind = !strcmp(kind, "kill")     ? KILL
                     : !strcmp(kind, "torn")   ? TORN
                     : !strcmp(kind, "enospc") ? NO_SPACE
                     : !strcmp(kind, "eio")    ? IO_ERROR
                                               : NONE;
}

__attribute__((destructor)) static void end(void)
{
    FILE *file = count_file ? fopen(count_file, "w") : NULL;
    if (file) {
        fprintf(file, "%lu\n", atomic_load(&calls));
        fclose(file);
    }
}

static int is_below(const char *path)
{
    return folder && !strncmp(path, folder, folder_length) && (path[folder_length] == '/' || !path[folder_length]);
}

/* Is the file of a descriptor below the folder? */
static int file_is_watched(int descriptor)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_below(path);
}

/* Is a path, relative to an open folder or to the working directory, below the folder? */
static int path_is_watched(int directory, const char *path)
{
    char whole[8192];
    if (path[0] == '/')
        return is_below(path);
    if (directory == AT_FDCWD) {
        if (!getcwd(whole, 4096))
            return 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t length = readlink(link, whole, 4095);
        if (length < 0)
            return 0;
        whole[length] = 0;
    }
    size_t length = strlen(whole);
    snprintf(whole + length, sizeof whole - length, "/%s", path);
    return is_below(whole);
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Counts a call. Returns the error with which it fails, -1 if the process dies after it, or 0. */
static int count(int needs_space)
{
    unsigned long number = atomic_fetch_add(&calls, 1) + 1;
    if (fault_kind == NO_SPACE && needs_space && number >= fault_at)
        return ENOSPC;
    if (number != fault_at)
        return 0;
    if (fault_kind == KILL)
        die();
    return fault_kind == TORN ? -1 : fault_kind == IO_ERROR ? EIO : 0;
}

/* The function of glibc behind the one of the same name here. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Body of a function that passes its call on, if no fault stops it. */
#define PASS_ON(watched, needs_space, result, call)                                                                    \
    do {                                                                                                               \
        int fault = (watched) ? count(needs_space) : 0;                                                                \
        if (fault > 0) {                                                                                               \
            errno = fault;                                                                                             \
            return -1;                                                                                                 \
        }                                                                                                              \
        result done = (call);                                                                                          \
        if (fault < 0)                                                                                                 \
            die();                                                                                                     \
        return done;                                                                                                   \
    } while (0)

#define CREATES(flags) (((flags) & (O_CREAT | O_TRUNC)) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE)

#define MODE(flags)                                                                                                    \
    mode_t mode = 0;                                                                                                   \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) {                                                   \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

int open(const char *path, int flags, ...)
{
    MODE(flags)
    PASS_ON(CREATES(flags) && path_is_watched(AT_FDCWD, path), 1, int, NEXT(open)(path, flags, mode));
}

int open64(const char *path, int flags, ...)
{
    MODE(flags)
    PASS_ON(CREATES(flags) && path_is_watched(AT_FDCWD, path), 1, int, NEXT(open64)(path, flags, mode));
}

int openat(int directory, const char *path, int flags, ...)
{
    MODE(flags)
    PASS_ON(CREATES(flags) && path_is_watched(directory, path), 1, int, NEXT(openat)(directory, path, flags, mode));
}

int openat64(int directory, const char *path, int flags, ...)
{
    MODE(flags)
    PASS_ON(CREATES(flags) && path_is_watched(directory, path), 1, int, NEXT(openat64)(directory, path, flags, mode));
}

/* Of a write that is torn, the first half reaches the file. */
#define HALF(fault, size) ((fault) < 0 ? (size) / 2 : (size))

#define WRITE(descriptor, size, call)                                                                                  \
    do {                                                                                                               \
        int fault = file_is_watched(descriptor) ? count(1) : 0;                                                        \
        if (fault > 0) {                                                                                               \
            errno = fault;                                                                                             \
            return -1;                                                                                                 \
        }                                                                                                              \
        size = HALF(fault, size);                                                                                      \
        ssize_t done = (call);                                                                                         \
        if (fault < 0)                                                                                                 \
            die();                                                                                                     \
        return done;                                                                                                   \
    } while (0)

ssize_t write(int descriptor, const void *bytes, size_t size)
{
    WRITE(descriptor, size, NEXT(write)(descriptor, bytes, size));
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset)
{
    WRITE(descriptor, size, NEXT(pwrite)(descriptor, bytes, size, offset));
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset)
{
    WRITE(descriptor, size, NEXT(pwrite64)(descriptor, bytes, size, offset));
}

ssize_t writev(int descriptor, const struct iovec *pieces, int size)
{
    WRITE(descriptor, size, NEXT(writev)(descriptor, pieces, size));
}

ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size, unsigned flags)
{
    WRITE(to, size, NEXT(copy_file_range)(from, from_offset, to, to_offset, size, flags));
}

int ftruncate(int descriptor, off_t size)
{
    PASS_ON(file_is_watched(descriptor), 1, int, NEXT(ftruncate)(descriptor, size));
}

int ftruncate64(int descriptor, off64_t size)
{
    PASS_ON(file_is_watched(descriptor), 1, int, NEXT(ftruncate64)(descriptor, size));
}

int fsync(int descriptor)
{
    PASS_ON(file_is_watched(descriptor), 1, int, NEXT(fsync)(descriptor));
}

int fdatasync(int descriptor)
{
    PASS_ON(file_is_watched(descriptor), 1, int, NEXT(fdatasync)(descriptor));
}

int mkdir(const char *path, mode_t mode)
{
    PASS_ON(path_is_watched(AT_FDCWD, path), 1, int, NEXT(mkdir)(path, mode));
}

int rename(const char *from, const char *to)
{
    PASS_ON(path_is_watched(AT_FDCWD, to), 1, int, NEXT(rename)(from, to));
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    PASS_ON(path_is_watched(to_directory, to), 1, int, NEXT(renameat)(from_directory, from, to_directory, to));
}

int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    PASS_ON(path_is_watched(to_directory, to), 1, int, NEXT(renameat2)(from_directory, from, to_directory, to, flags));
}

int link(const char *from, const char *to)
{
    PASS_ON(path_is_watched(AT_FDCWD, to), 1, int, NEXT(link)(from, to));
}

int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags)
{
    PASS_ON(path_is_watched(to_directory, to), 1, int, NEXT(linkat)(from_directory, from, to_directory, to, flags));
}

int unlink(const char *path)
{
    PASS_ON(path_is_watched(AT_FDCWD, path), 0, int, NEXT(unlink)(path));
}

int unlinkat(int directory, const char *path, int flags)
{
    PASS_ON(path_is_watched(directory, path), 0, int, NEXT(unlinkat)(directory, path, flags));
}

int rmdir(const char *path)
{
    PASS_ON(path_is_watched(AT_FDCWD, path), 0, int, NEXT(rmdir)(path));
}
