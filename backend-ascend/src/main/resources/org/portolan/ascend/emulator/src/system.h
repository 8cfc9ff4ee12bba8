// What the emulator uses of the C library that its process has loaded already. There are no headers to take the
// declarations from, so they stand here; the dynamic linker finds the functions.
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
void *malloc(size_t);
void *calloc(size_t, size_t);
void *realloc(void *, size_t);
void free(void *);
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);
size_t strlen(const char *);
int strcmp(const char *, const char *);
char *getenv(const char *);
long atol(const char *);
int snprintf(char *, size_t, const char *, ...);
int vsnprintf(char *, size_t, const char *, va_list);
long syscall(long, ...);
void *mmap(void *, size_t, int, int, int, long);
int munmap(void *, size_t);
int pthread_create(unsigned long *, const void *, void *(*)(void *), void *);
int pthread_detach(unsigned long);
void *dlopen(const char *, int);
void *dlsym(void *, const char *);
int dlclose(void *);
char *dlerror();
int open(const char *, int, ...);
long read(int, void *, size_t);
long write(int, const void *, size_t);
int close(int);
int unlink(const char *);
int flock(int, int);
unsigned getuid();
int clock_gettime(int, void *);
}

namespace portolan {

// Fresh zeroed pages that cost nothing until they are touched.
inline void *pages(size_t bytes) {
    void *found = mmap(nullptr, bytes, 3, 0x4022, -1, 0); // read, write; private, anonymous, not reserved
    return found == reinterpret_cast<void *>(-1) ? nullptr : found;
}

inline int64_t nanoseconds() {
    int64_t time[2];
    clock_gettime(1, time);
    return time[0] * 1000000000 + time[1];
}

// Sleeps while *word is `seen`, at most `nanos` (negative: without end).
inline void futexWait(volatile int32_t *word, int32_t seen, int64_t nanos = -1) {
    int64_t time[2] = {nanos / 1000000000, nanos % 1000000000};
    syscall(202, word, 128, seen, nanos < 0 ? nullptr : time, nullptr, 0);
}
inline void futexWake(volatile int32_t *word) { syscall(202, word, 129, 0x7fffffff, nullptr, nullptr, 0); }

class Mutex {
public:
    void lock() {
        int32_t free = 0;
        if (__atomic_compare_exchange_n(&word, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
        while (__atomic_exchange_n(&word, 2, __ATOMIC_ACQUIRE) != 0) futexWait(&word, 2);
    }
    void unlock() {
        if (__atomic_exchange_n(&word, 0, __ATOMIC_RELEASE) == 2) futexWake(&word);
    }

private:
    int32_t word = 0;
};

class Locked {
public:
    explicit Locked(Mutex &held) : mutex(held) { mutex.lock(); }
    ~Locked() { mutex.unlock(); }
    Locked(const Locked &) = delete;

private:
    Mutex &mutex;
};

// Something that changes, and that threads wait for.
class Signal {
public:
    int32_t value() const { return __atomic_load_n(&word, __ATOMIC_ACQUIRE); }
    void raise() {
        __atomic_add_fetch(&word, 1, __ATOMIC_RELEASE);
        futexWake(&word);
    }
    void await(int32_t seen, int64_t nanos = -1) {
        if (value() == seen) futexWait(&word, seen, nanos);
    }

private:
    int32_t word = 0;
};

template <class T> inline T least(T a, T b) { return a < b ? a : b; }
template <class T> inline T most(T a, T b) { return a > b ? a : b; }

} // namespace portolan
