// What Debian's libstdc++ and libgcc_s call of glibc that musl lacks, so that musl's loader can load them. On x64 it takes
// the place of ld-linux-x86-64.so.2, which they ask for and which exports nothing else that they call.
#define _GNU_SOURCE
#include <locale.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>

// Never true here: there are always threads to be careful of.
char __libc_single_threaded = 0;

// "Not found": no C++ exception passes through these libraries. Neither Bun nor the addon throws any.
int _dl_find_object(void* address, void* result) {
  (void)address;
  (void)result;
  return -1;
}

uint32_t arc4random(void) {
  uint32_t value = 0;
  if (getrandom(&value, sizeof(value), 0) != sizeof(value)) abort();
  return value;
}

unsigned long __getauxval(unsigned long type) { return getauxval(type); }

size_t __strftime_l(char* text, size_t size, const char* format, const struct tm* time,
                    locale_t locale) {
  return strftime_l(text, size, format, time, locale);
}

// libgcc_s has these itself, but as hidden versions, which musl does not look at. Zero: a CPU without extras.
unsigned __cpu_model[4];
int __cpu_indicator_init(void) { return 0; }

struct AtExit {
  void (*destroy)(void*);
  void* object;
  struct AtExit* next;
};

static pthread_key_t at_exit;
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void RunAll(void* first) {
  for (struct AtExit *one = first, *next = NULL; one != NULL; one = next) {
    next = one->next;
    one->destroy(one->object);
    free(one);
  }
}

static void MakeKey(void) {
  if (pthread_key_create(&at_exit, RunAll) != 0) abort();
}

int __cxa_thread_atexit_impl(void (*destroy)(void*), void* object, void* library) {
  (void)library;
  pthread_once(&made, MakeKey);
  struct AtExit* one = malloc(sizeof(*one));
  if (one == NULL) return -1;
  *one = (struct AtExit){destroy, object, pthread_getspecific(at_exit)};
  return pthread_setspecific(at_exit, one);
}
