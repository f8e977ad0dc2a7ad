// A line on the instance's console: "[   0.001234] brume-init: <text>", with the seconds since the start.
#pragma once

namespace brume::init {

// Seconds of monotonic time.
double seconds();
// One write a line, so that lines of several processes do not mix; cut after some 500 bytes.
__attribute__((format(printf, 1, 2))) void say(const char* format, ...);

}  // namespace brume::init
