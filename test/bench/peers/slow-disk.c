/* Makes the disk slow for the program that preloads it: whatever is to be on the disk takes 5 ms longer. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void be_slow(void) {
  struct timespec five_ms = {0, 5000000};
  nanosleep(&five_ms, 0);
}

int fsync(int file) {
  be_slow();
  return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  be_slow();
  return (int)syscall(SYS_fdatasync, file);
}
