#include "services/logs/pattern/substring.h"

#include <cstring>
#include <utility>

namespace brume::logs {
namespace {

// The higher, the more of it there is in logs; what is not listed is rare.
std::size_t commonness(char byte) {
  static constexpr std::string_view kRareToCommon =
      "ZQXJKVYWHBzqxjFUGPMLCDATSOREIN987654321kvwybgf,_\"/[]=:-.0phmculdsnrioate ";
  const std::size_t place = kRareToCommon.find(byte);
  return place == std::string_view::npos ? 0 : place + 1;
}

}  // namespace

Substring::Substring(std::string text) : text_(std::move(text)) {
  for (std::size_t i = 1; i < text_.size(); ++i)
    if (commonness(text_[i]) < commonness(text_[rare_])) rare_ = i;
}

bool Substring::in(std::string_view message) const {
  constexpr int kMisses = 32;  // then the byte is not rare here
  const std::size_t size = text_.size();
  if (message.size() < size) return false;
  const char* at = message.data() + rare_;
  const char* const end = message.data() + message.size() - (size - 1 - rare_);
  for (int misses = 0; misses < kMisses; ++misses) {
    if (at >= end) return false;
    at = static_cast<const char*>(std::memchr(at, text_[rare_], std::size_t(end - at)));
    if (at == nullptr) return false;
    if (std::memcmp(at - rare_, text_.data(), size) == 0) return true;
    ++at;
  }
  const char* const from = at - rare_;
  return memmem(from, std::size_t(message.data() + message.size() - from), text_.data(), size) != nullptr;
}

}  // namespace brume::logs
