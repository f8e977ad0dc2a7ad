#include "base/reflect.h"

namespace brume {

const Member* Shape::find(std::string_view member_name) const {
  for (const Member& member : members)
    if (member_name == member.name) return &member;
  return nullptr;
}

const void* Member::get(const void* structure) const {
  const void* held = static_cast<const std::byte*>(structure) + offset;
  if (holder) return holder->get(held);
  const Shape& s = *shape();
  if (s.list && !s.list->present(held)) return nullptr;
  if (s.map && !s.map->present(held)) return nullptr;
  return held;
}

void* Member::emplace(void* structure) const {
  void* held = static_cast<std::byte*>(structure) + offset;
  if (holder) return holder->emplace(held);
  const Shape& s = *shape();
  if (s.list) s.list->set_present(held);
  if (s.map) s.map->set_present(held);
  return held;
}

}  // namespace brume
