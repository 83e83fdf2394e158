// Loaded into a store (LD_PRELOAD): its wall clock is off by the microseconds that stand in the file STORE_CLOCK_SHIFT.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *shift;
static int (*real_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
  int file = open(getenv("STORE_CLOCK_SHIFT"), O_RDONLY);
  shift = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
  real_clock = dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  // The store's allocator asks for the time before `begin` has run.
  int failed = real_clock == NULL ? (int)syscall(SYS_clock_gettime, clock, at) : real_clock(clock, at);
  if (failed == 0 && clock == CLOCK_REALTIME && shift != NULL) {
    int64_t ns = at->tv_nsec + *shift % 1000000 * 1000;
    at->tv_sec += *shift / 1000000 + (ns < 0 ? -1 : ns / 1000000000);
    at->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
  }
  return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone;
  int failed = clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return failed;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at != NULL) *at = now.tv_sec;
  return now.tv_sec;
}
