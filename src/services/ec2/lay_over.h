// One described structure laid over another: each member from `over` if it is present there, else from `base`.
#pragma once

#include "base/json.h"
#include "base/reflect.h"

namespace brume::ec2 {

inline bool is_present(const Member& member, const void* structure) {
  const void* value = member.get(structure);
  if (!value) return false;
  const Shape& shape = *member.shape();
  if (shape.kind == Kind::list) return shape.list->present(value);
  if (shape.kind == Kind::map) return shape.map->present(value);
  return true;
}

template <typename T>
Result<T> laid_over(const T& base, const T& over) {
  T result;
  for (const Member& member : shape_of<T>().members) {
    const void* source = is_present(member, &over) ? &over : is_present(member, &base) ? &base : nullptr;
    if (!source) continue;
    const Shape& shape = *member.shape();
    BRUME_CHECK(read_json(shape, member.emplace(&result), write_json(shape, member.get(source))));
  }
  return result;
}

}  // namespace brume::ec2
