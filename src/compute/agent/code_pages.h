// Encodings with one byte a character: ASCII, and 128 characters behind it.
#pragma once

#include <span>
#include <string_view>

namespace brume::agent {

struct CodePage {
  std::string_view name;
  const char16_t* upper;  // of the bytes 0x80 to 0xff
};

std::span<const CodePage> code_pages();

}  // namespace brume::agent
