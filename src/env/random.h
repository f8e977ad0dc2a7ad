// Randomness: identifiers, tie-breaks, keys. The real one is the kernel's; the simulated one is seeded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace brume::env {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;

  std::uint64_t next();
  // Uniform in [0, bound). `bound` must not be 0.
  std::uint64_t below(std::uint64_t bound);
  // `digits` lower-case hexadecimal digits.
  std::string hex(std::size_t digits);
  // A version 4 UUID.
  std::string uuid();
};

}  // namespace brume::env
