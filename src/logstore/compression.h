// Bytes made fewer, with Zstandard: frames that know their size and carry a checksum of their content.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace brume::logstore {

// `level` as Zstandard's: 1 is quick, 3 a third smaller. Repetitions of fewer than six bytes are not looked for, which
// in logs makes the result some hundredths smaller.
std::string compress(std::string_view bytes, int level);

// The content of a frame that must hold `size` bytes exactly, or fill `to`. Errors: InternalFailure for anything else.
Result<std::string> decompress(std::string_view frame, std::uint64_t size);
Result<void> decompress(std::string_view frame, std::span<char> to);

// What the frame says that it holds. Errors: InternalFailure if it does not say, or says more than `limit`.
Result<std::uint64_t> decompressed_size(std::string_view frame, std::uint64_t limit);

}  // namespace brume::logstore
