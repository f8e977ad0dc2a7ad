// A described structure with a member of every kind, for the fuzz targets.
#pragma once

#include "base/json.h"

namespace brume::aws::fuzz {

struct Leaf {
  std::optional<bool> Flag;
  std::optional<std::int32_t> Number;
  std::optional<std::int64_t> Large;
  std::optional<double> Ratio;
  std::optional<std::string> Text;
  std::optional<Blob> Bytes;
  std::optional<Timestamp> Time;
  List<std::string> Names;
  List<bool> Flags;
  Map<std::string> Tags;
};

struct Tree {
  std::optional<std::string> Name;
  std::optional<Leaf> Leaf_;
  List<Leaf> Leaves;
  List<List<std::int32_t>> Rows;
  Map<List<std::string>> Groups;
  Box<Tree> Inner;
};

// The same kinds of members, in all the places that rest-json has.
struct Request {
  std::optional<std::string> Id;
  std::optional<std::string> Rest;
  List<Timestamp> Times;
  Map<List<std::string>> Others;
  List<std::string> Names;
  Map<std::string> Prefixed;
  std::optional<Leaf> Body;
};

}  // namespace brume::aws::fuzz

BRUME_RECORD(brume::aws::fuzz::Leaf, Flag, Number, Large, Ratio, Text, Bytes, Time, Names, Flags, Tags)
BRUME_RECORD(brume::aws::fuzz::Tree, Name, Leaf_, Leaves, Rows, Groups, Inner)

template <>
struct brume::reflect::Describe<brume::aws::fuzz::Request> {
  using Request = brume::aws::fuzz::Request;
  static Member at(Location location, Member member) {
    member.location = location;
    return member;
  }
  static const Shape* shape() {
    static const Member members[] = {
        at(Location::uri, field<std::optional<std::string>>("Id", offsetof(Request, Id))),
        at(Location::uri, field<std::optional<std::string>>("Rest", offsetof(Request, Rest))),
        at(Location::query, field<List<Timestamp>>("Times", offsetof(Request, Times))),
        at(Location::query, field<Map<List<std::string>>>("Others", offsetof(Request, Others))),
        at(Location::header, field<List<std::string>>("Names", offsetof(Request, Names))),
        at(Location::headers, field<Map<std::string>>("Prefixed", offsetof(Request, Prefixed))),
        field<std::optional<brume::aws::fuzz::Leaf>>("Body", offsetof(Request, Body))};
    static const Shape shape{.kind = Kind::structure, .name = "Request", .members = members};
    return &shape;
  }
};

namespace brume::aws::fuzz {

// What was read once must be read the same when it is written again.
inline void must_be_equal(const std::string& first, const std::string& second) {
  if (first != second) __builtin_trap();
}
inline void must(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace brume::aws::fuzz
