// What all functions of the C interface share: who calls, and how a failure is told.
#pragma once
#include "device.h"

#define PORTOLAN_ACL extern "C" __attribute__((visibility("default")))

namespace portolan {

enum Code : int32_t {
    Fine = 0,
    InvalidParameter = 100000,
    Uninitialised = 100001,
    Repeated = 100002,
    InvalidFile = 100003,
    KernelNotFound = 100029,
    RuntimeParameter = 107000,
    DeviceNumber = 107001,
    NoContext = 107002,
    OtherContext = 107003,
    TooLate = 107020,
    MemoryExhausted = 207001,
    DeviceHeld = 507008,
};

// Remembers the code and the text for this thread.
int32_t fail(int32_t code, const char *format, ...) __attribute__((format(printf, 2, 3)));
// What stands before each call that needs a device: 0, or why it cannot go on.
int32_t enter(const char *call, bool needsContext = true);
int32_t asked(Stream *&stream); // null is the default stream

#define PORTOLAN_ENTER(name) \
    if (int32_t code = ::portolan::enter(name)) return code

} // namespace portolan
