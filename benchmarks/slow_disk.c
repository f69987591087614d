/* Loaded before libc (LD_PRELOAD): fdatasync does its work, and then takes DELAY_MICROSECONDS longer. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int fdatasync(int descriptor)
{
    static int (*real)(int);
    const char *delay = getenv("DELAY_MICROSECONDS");
    long micros = delay ? atol(delay) : 0;
    struct timespec pause = {micros / 1000000, micros % 1000000 * 1000};
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int result = real(descriptor);
    nanosleep(&pause, NULL);
    return result;
}
