#include <cstddef>
#include <cstdint>

#include "services/cloudformation/template/template.h"

// Whatever the bytes, a template is read or refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto value = brume::cloudformation::templates::parse_text(text)) {
    const auto again = brume::cloudformation::templates::parse_json(to_json_text(*value));
    if (!again) __builtin_trap();
    (void)brume::cloudformation::templates::read_template(text);
  }
  return 0;
}
