// Runs one kernel in a process without any library: reads an image and memory from the standard input, calls the kernel
// in the image, and writes the error word and the memory to the standard output.
typedef unsigned long word;

enum { IMAGE_BYTES, ENTRY, MEMORY_BYTES, PARAMS, BUFFERS, BEGIN, END, WORDS };

#if defined(__aarch64__)
enum { READ = 63, WRITE = 64, EXIT = 93, MMAP = 222 };
static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#elif defined(__riscv)
enum { READ = 63, WRITE = 64, EXIT = 93, MMAP = 222 };
static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = e;
    register long a5 __asm__("a5") = f;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory");
    return a0;
}
#elif defined(__x86_64__)
enum { READ = 0, WRITE = 1, EXIT = 60, MMAP = 9 };
static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#endif

static void leave(long status) {
    for (;;) {
        call(EXIT, status, 0, 0, 0, 0, 0);
    }
}

static void transfer(long number, long file, char *bytes, word count) {
    while (count > 0) {
        long done = call(number, file, (long) bytes, (long) count, 0, 0, 0);
        if (done <= 0) {
            leave(2);
        }
        bytes += done;
        count -= (word) done;
    }
}

static char *memory(word bytes, long protection) {
    long address = call(MMAP, 0, (long) bytes, protection, 0x22, -1, 0);
    if (address < 0 && address > -4096) {
        leave(3);
    }
    return (char *) address;
}

#if defined(__x86_64__)
__attribute__((force_align_arg_pointer)) // a process starts without the return address that functions expect
#endif
void _start(void) {
    word header[WORDS];
    transfer(READ, 0, (char *) header, sizeof header);
    char *image = memory(header[IMAGE_BYTES], 7);
    transfer(READ, 0, image, header[IMAGE_BYTES]);
    char *data = memory(header[MEMORY_BYTES], 3);
    transfer(READ, 0, data, header[MEMORY_BYTES]);
    word *params = (word *) (data + header[PARAMS]);
    for (word i = 0; i < header[BUFFERS]; i++) {
        params[i] += (word) data;
    }
    word error = 0;
    void (*kernel)(word *, long, long, word *) = (void (*)(word *, long, long, word *)) (image + header[ENTRY]);
    kernel(params, (long) header[BEGIN], (long) header[END], &error);
    transfer(WRITE, 1, (char *) &error, sizeof error);
    transfer(WRITE, 1, data, header[MEMORY_BYTES]);
    leave(0);
}
