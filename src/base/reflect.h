// Descriptions of types as data: what a structure's members are called, where they lie and what they may hold.
//
// One description serves every reader and writer: the wire protocols and the validator (aws/), the state tables
// (store/) and the snapshots for the load balancer. codegen/ writes them for AWS's shapes; BRUME_RECORD describes a
// record of our own. Access is type-erased (a Shape and a pointer), so a protocol is written once and compiled once.
//
// Representation of members: scalars and structures are std::optional<T> (recursive structures Box<T>), lists List<T>,
// maps Map<T>. Records of our own may also hold plain T, which is always present.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace brume {

// A list that can be present and empty. Writers leave an absent list out.
template <typename T>
class List : public std::vector<T> {
 public:
  using std::vector<T>::vector;
  List() = default;
  List(std::vector<T> items) : std::vector<T>(std::move(items)), explicit_(true) {}
  [[nodiscard]] bool present() const { return explicit_ || !this->empty(); }
  void set_present() { explicit_ = true; }

 private:
  bool explicit_ = false;
};

// std::vector<bool> has no addressable elements; a deque has.
template <>
class List<bool> : public std::deque<bool> {
 public:
  using std::deque<bool>::deque;
  [[nodiscard]] bool present() const { return explicit_ || !this->empty(); }
  void set_present() { explicit_ = true; }

 private:
  bool explicit_ = false;
};

// A string-keyed map that can be present and empty.
template <typename T>
class Map : public std::map<std::string, T, std::less<>> {
 public:
  using std::map<std::string, T, std::less<>>::map;
  [[nodiscard]] bool present() const { return explicit_ || !this->empty(); }
  void set_present() { explicit_ = true; }

 private:
  bool explicit_ = false;
};

// An optional T on the heap, copied deeply: for structures that contain themselves.
template <typename T>
class Box {
 public:
  Box() = default;
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(Box other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  T& emplace() {
    value_ = std::make_unique<T>();
    return *value_;
  }
  explicit operator bool() const { return value_ != nullptr; }
  T& operator*() const { return *value_; }
  T* operator->() const { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
};

// Bytes rather than text: base64 in XML and JSON, raw in CBOR.
struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

enum class Kind : std::uint8_t { boolean, integer, long_integer, real, string, blob, timestamp, list, map, structure };

enum class TimeFormat : std::uint8_t { unset, iso8601, http_date, epoch_seconds };

enum class Location : std::uint8_t { body, uri, query, header, headers, status_code };

struct Member;
struct Shape;

// How to reach into a container of a certain C++ type, erased.
struct ListAccess {
  std::size_t (*size)(const void* list);
  const void* (*at)(const void* list, std::size_t index);
  void* (*append)(void* list);
  bool (*present)(const void* list);
  void (*set_present)(void* list);
};
struct MapAccess {
  std::size_t (*size)(const void* map);
  void (*each)(const void* map, const std::function<void(const std::string&, const void*)>& visit);
  void* (*insert)(void* map, std::string key);
  bool (*present)(const void* map);
  void (*set_present)(void* map);
};
struct HolderAccess {
  const void* (*get)(const void* holder);  // nullptr when absent
  void* (*emplace)(void* holder);          // makes it present, default-initialised
};

struct Shape {
  Kind kind = Kind::structure;
  const char* name = "";

  // Constraints of the model. For strings and blobs min and max are lengths, for lists and maps sizes.
  std::optional<double> min, max;
  const char* pattern = nullptr;
  std::span<const char* const> values;  // an enumeration's, empty if open
  TimeFormat time_format = TimeFormat::unset;
  bool sensitive = false;

  // Structures.
  std::span<const Member> members;
  bool is_union = false;
  const char* payload = nullptr;  // rest-json: the member that is the body

  // Lists and maps.
  const Shape* (*element)() = nullptr;  // of a list, or a map's value
  const Shape* (*map_key)() = nullptr;  // null: a plain string
  const char* element_name = nullptr;   // XML and query name of a list's element; null: "member"
  const char* key_name = nullptr;       // of a map's key; null: "key"
  const char* value_name = nullptr;     // of a map's value; null: "value"
  bool flattened = false;
  const ListAccess* list = nullptr;
  const MapAccess* map = nullptr;

  [[nodiscard]] const Member* find(std::string_view member_name) const;
};

struct Member {
  const char* name;  // in the model, and of a record's field
  const Shape* (*shape)();
  std::uint32_t offset;
  const HolderAccess* holder;        // null: held plainly, always present (lists and maps know themselves)
  const char* wire_name = nullptr;   // locationName; null: `name`
  const char* query_name = nullptr;  // ec2 only
  Location location = Location::body;
  TimeFormat time_format = TimeFormat::unset;
  bool required = false;
  bool idempotency_token = false;
  bool xml_attribute = false;
  bool flattened = false;  // on the member rather than on the shape
  bool event_payload = false;

  [[nodiscard]] const char* wire() const { return wire_name ? wire_name : name; }
  // The value inside `structure`, or nullptr when it is absent.
  [[nodiscard]] const void* get(const void* structure) const;
  // The value inside `structure`, made present.
  void* emplace(void* structure) const;
};

namespace reflect {

template <typename L>
inline constexpr ListAccess list_access = {
    [](const void* l) { return static_cast<const L*>(l)->size(); },
    [](const void* l, std::size_t i) -> const void* { return &(*static_cast<const L*>(l))[i]; },
    [](void* l) -> void* { return &static_cast<L*>(l)->emplace_back(); },
    [](const void* l) {
      if constexpr (requires(const L& x) { x.present(); })
        return static_cast<const L*>(l)->present();
      else
        return true;
    },
    [](void* l) {
      if constexpr (requires(L& x) { x.set_present(); }) static_cast<L*>(l)->set_present();
    }};

template <typename M>
inline constexpr MapAccess map_access = {
    [](const void* m) { return static_cast<const M*>(m)->size(); },
    [](const void* m, const std::function<void(const std::string&, const void*)>& visit) {
      for (const auto& [key, value] : *static_cast<const M*>(m)) visit(key, &value);
    },
    [](void* m, std::string key) -> void* { return &(*static_cast<M*>(m))[std::move(key)]; },
    [](const void* m) {
      if constexpr (requires(const M& x) { x.present(); })
        return static_cast<const M*>(m)->present();
      else
        return true;
    },
    [](void* m) {
      if constexpr (requires(M& x) { x.set_present(); }) static_cast<M*>(m)->set_present();
    }};

template <typename O>
inline constexpr HolderAccess holder_access = {[](const void* h) -> const void* {
                                                 const auto& holder = *static_cast<const O*>(h);
                                                 return holder ? &*holder : nullptr;
                                               },
                                               [](void* h) -> void* { return &static_cast<O*>(h)->emplace(); }};

// The description of T: specialised for scalars here, by codegen and by BRUME_RECORD for structures.
template <typename T>
struct Describe;

template <Kind kind>
const Shape* scalar() {
  static constexpr Shape shape{.kind = kind, .name = "Scalar"};
  return &shape;
}
template <>
struct Describe<bool> {
  static const Shape* shape() { return scalar<Kind::boolean>(); }
};
template <>
struct Describe<std::int32_t> {
  static const Shape* shape() { return scalar<Kind::integer>(); }
};
template <>
struct Describe<std::int64_t> {
  static const Shape* shape() { return scalar<Kind::long_integer>(); }
};
template <>
struct Describe<double> {
  static const Shape* shape() { return scalar<Kind::real>(); }
};
template <>
struct Describe<std::string> {
  static const Shape* shape() { return scalar<Kind::string>(); }
};
template <>
struct Describe<Blob> {
  static const Shape* shape() { return scalar<Kind::blob>(); }
};
template <>
struct Describe<Timestamp> {
  static const Shape* shape() { return scalar<Kind::timestamp>(); }
};

template <typename L, typename T>
const Shape* list_shape() {
  static const Shape shape{.kind = Kind::list, .name = "List", .element = &Describe<T>::shape, .list = &list_access<L>};
  return &shape;
}
template <typename M, typename T>
const Shape* map_shape() {
  static const Shape shape{.kind = Kind::map, .name = "Map", .element = &Describe<T>::shape, .map = &map_access<M>};
  return &shape;
}
template <typename T>
struct Describe<List<T>> {
  static const Shape* shape() { return list_shape<List<T>, T>(); }
};
template <typename T>
struct Describe<std::vector<T>> {
  static const Shape* shape() { return list_shape<std::vector<T>, T>(); }
};
template <typename T>
struct Describe<Map<T>> {
  static const Shape* shape() { return map_shape<Map<T>, T>(); }
};
template <typename T>
struct Describe<std::map<std::string, T>> {
  static const Shape* shape() { return map_shape<std::map<std::string, T>, T>(); }
};

template <typename F>
struct FieldType {
  using type = F;
  static constexpr const HolderAccess* holder = nullptr;
};
template <typename T>
struct FieldType<std::optional<T>> {
  using type = T;
  static constexpr const HolderAccess* holder = &holder_access<std::optional<T>>;
};
template <typename T>
struct FieldType<Box<T>> {
  using type = T;
  static constexpr const HolderAccess* holder = &holder_access<Box<T>>;
};

template <typename F>
constexpr Member field(const char* name, std::size_t offset) {
  return Member{.name = name,
                .shape = &Describe<typename FieldType<F>::type>::shape,
                .offset = std::uint32_t(offset),
                .holder = FieldType<F>::holder};
}

}  // namespace reflect

// The description of T.
template <typename T>
const Shape& shape_of() {
  return *reflect::Describe<T>::shape();
}

// Describes a record of our own, at namespace scope outside all namespaces:
//   BRUME_RECORD(brume::ec2::InstanceRecord, id, instance, user_data)
// Fields may be scalars, optionals, lists, maps, described structures and records.
#define BRUME_FIELD_(type, name) brume::reflect::field<decltype(type::name)>(#name, offsetof(type, name)),
#define BRUME_PARENS ()
#define BRUME_EXPAND(...) BRUME_EXPAND3(BRUME_EXPAND3(BRUME_EXPAND3(BRUME_EXPAND3(__VA_ARGS__))))
#define BRUME_EXPAND3(...) BRUME_EXPAND2(BRUME_EXPAND2(BRUME_EXPAND2(BRUME_EXPAND2(__VA_ARGS__))))
#define BRUME_EXPAND2(...) BRUME_EXPAND1(BRUME_EXPAND1(BRUME_EXPAND1(BRUME_EXPAND1(__VA_ARGS__))))
#define BRUME_EXPAND1(...) __VA_ARGS__
#define BRUME_EACH(m, t, ...) __VA_OPT__(BRUME_EXPAND(BRUME_EACH_HELPER(m, t, __VA_ARGS__)))
#define BRUME_EACH_HELPER(m, t, a, ...) m(t, a) __VA_OPT__(BRUME_EACH_AGAIN BRUME_PARENS(m, t, __VA_ARGS__))
#define BRUME_EACH_AGAIN() BRUME_EACH_HELPER
#define BRUME_RECORD(type, ...)                                                                           \
  template <>                                                                                             \
  struct brume::reflect::Describe<type> {                                                                 \
    static const brume::Shape* shape() {                                                                  \
      static const brume::Member members[] = {BRUME_EACH(BRUME_FIELD_, type, __VA_ARGS__)};               \
      static const brume::Shape shape{.kind = brume::Kind::structure, .name = #type, .members = members}; \
      return &shape;                                                                                      \
    }                                                                                                     \
  };

}  // namespace brume
