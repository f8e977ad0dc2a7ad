#include "services/cloudwatch/block.h"

#include <algorithm>
#include <array>

#include "services/cloudwatch/units.h"

namespace brume::cloudwatch {
namespace {

// How the samples of a point are written.
enum class Form : std::uint8_t { one, same, sums, values };

Form form_of(const Aggregate& samples) {
  if (samples.minimum == samples.maximum && samples.sum == samples.minimum * samples.count)
    return samples.count == 1 ? Form::one : Form::same;
  return samples.values.empty() ? Form::sums : Form::values;
}

void put_body(std::string& out, Form form, const Aggregate& samples) {
  switch (form) {
    case Form::one:
      return put_double(out, samples.sum);
    case Form::same:
      put_double(out, samples.minimum);
      return put_double(out, samples.count);
    case Form::sums:
    case Form::values:
      put_double(out, samples.sum);
      put_double(out, samples.count);
      put_double(out, samples.minimum);
      put_double(out, samples.maximum);
      if (form == Form::sums) return;
      put_number(out, samples.values.size());
      for (const ValueCount& v : samples.values) {
        put_double(out, v.value);
        put_double(out, v.count);
      }
  }
}

Aggregate read_body(ByteReader& in, Form form) {
  if (form == Form::one) return one_value(in.real());
  if (form == Form::same) {
    const double value = in.real();
    return one_value(value, in.real());
  }
  Aggregate out;
  out.sum = in.real();
  out.count = in.real();
  out.minimum = in.real();
  out.maximum = in.real();
  if (form == Form::sums) return out;
  const std::uint64_t size = in.number();
  if (size > kMaxValues || size * 2 > in.left()) {
    in.failed = true;
    return out;
  }
  out.values.reserve(size);
  for (std::uint64_t i = 0; i < size; ++i) {
    const double value = in.real();
    out.values.push_back({value, in.real()});
  }
  return out;
}

// Reads a body for its length, and whether it can be read.
void skip_body(ByteReader& in, Form form) {
  constexpr std::array<std::uint64_t, 4> kReals = {1, 2, 4, 4};  // of each form
  std::uint64_t reals = kReals.at(std::size_t(form));
  for (; reals > 0; --reals) in.skip_real();
  if (form != Form::values) return;
  const std::uint64_t size = in.number();
  if (size > kMaxValues || size * 2 > in.left()) in.failed = true;
  for (std::uint64_t i = 0; i < size * 2 && !in.failed; ++i) in.skip_real();
}

constexpr std::uint8_t kSameUnit = 4;  // as the point before; beside the form

// The points of one slot of a block, without their samples: `each(time, unit, form)` reads those.
template <typename F>
void read_slot(const Level& level, std::uint32_t begin, ByteReader& body, F&& each) {
  std::uint32_t time = begin;
  std::uint8_t unit = 0;
  while (!body.failed && !body.at_end()) {
    const std::uint8_t head = body.byte();
    if (head > 7) body.failed = true;
    if ((head & kSameUnit) == 0) unit = body.byte();
    const std::uint64_t steps = body.number();
    if (unit >= unit_codes() || steps > level.window / level.period) body.failed = true;
    time += std::uint32_t(steps * level.period);
    if (!body.failed) each(time, unit, Form(head & 3));
  }
}

Result<void> finish(const ByteReader& in) {
  if (in.failed) return fail_internal("A block of metrics cannot be read.");
  return {};
}

struct Place {
  std::uint8_t slot;
  std::uint32_t time;
  std::uint8_t unit;
  auto operator<=>(const Place&) const = default;
};
Place place_of(const PackedPoint& point) {
  return {point.slot, point.time, point.unit};
}

Aggregate unpack(const PackedPoint& point) {
  ByteReader in(point.body);
  return read_body(in, Form(point.form));
}

}  // namespace

void put_aggregate(std::string& out, const Aggregate& samples) {
  const Form form = form_of(samples);
  out.push_back(char(form));
  put_body(out, form, samples);
}

Aggregate read_aggregate(ByteReader& in) {
  const std::uint8_t form = in.byte();
  if (form > std::uint8_t(Form::values)) in.failed = true;
  return read_body(in, Form(form & 3));
}

void sort_points(std::vector<PackedPoint>& points) {
  if (std::ranges::is_sorted(points, {}, place_of)) return;
  // Points come in the order of time: to have them by slot is nearly always all that there is to do.
  std::array<std::size_t, 257> starts{};
  for (const PackedPoint& point : points) ++starts.at(point.slot + 1U);
  for (std::size_t slot = 1; slot < starts.size(); ++slot) starts.at(slot) += starts.at(slot - 1);
  std::vector<PackedPoint> by_slot(points.size());
  for (const PackedPoint& point : points) by_slot[starts.at(point.slot)++] = point;
  if (!std::ranges::is_sorted(by_slot, {}, place_of)) std::ranges::stable_sort(by_slot, {}, place_of);
  points = std::move(by_slot);
}

std::string write_block(const Level& level, std::uint32_t begin, const std::vector<PackedPoint>& points) {
  std::string out, merged;
  std::vector<Aggregate> alike;
  constexpr std::size_t kHead = 7;  // bytes before a point's body, at most
  std::vector<char> body;
  // What tells the value from text, so that the database keeps it as bytes.
  out.push_back('\0');
  for (auto point = points.begin(); point != points.end();) {
    const std::uint8_t slot = point->slot;
    char* end = body.data();
    std::uint32_t time = begin;
    std::uint8_t unit = 0;
    while (point != points.end() && point->slot == slot) {
      PackedPoint written = *point++;
      if (point != points.end() && place_of(*point) == place_of(written)) {
        alike.assign(1, unpack(written));
        for (; point != points.end() && place_of(*point) == place_of(written); ++point) alike.push_back(unpack(*point));
        const Aggregate all = put_together(alike);
        written.form = std::uint8_t(form_of(all));
        merged.clear();
        put_body(merged, Form(written.form), all);
        written.body = merged;
      }
      const std::size_t used = std::size_t(end - body.data());
      if (body.size() < used + kHead + written.body.size()) {
        body.resize(2 * (used + kHead + written.body.size()) + 1024);
        end = body.data() + used;
      }
      *end++ = char(written.form | (written.unit == unit ? kSameUnit : 0));
      if (written.unit != unit) *end++ = char(written.unit);
      end = put_number(end, (written.time - time) / level.period);
      end = std::ranges::copy(written.body, end).out;
      time = written.time;
      unit = written.unit;
    }
    out.push_back(char(slot));
    put_text(out, std::string_view(body.data(), end));
  }
  return out;
}

Result<void> read_packed(const Level& level, std::uint32_t begin, std::string_view bytes,
                         std::vector<PackedPoint>& points) {
  ByteReader in(bytes);
  if (in.byte() != 0) in.failed = true;
  while (!in.failed && !in.at_end()) {
    const std::uint8_t slot = in.byte();
    const std::string_view text = in.text();
    ByteReader body(text);
    read_slot(level, begin, body, [&](std::uint32_t time, std::uint8_t unit, Form form) {
      const std::size_t left = body.left();
      skip_body(body, form);
      points.push_back({time, slot, unit, std::uint8_t(form), text.substr(text.size() - left, left - body.left())});
    });
    in.failed = in.failed || body.failed;
  }
  return finish(in);
}

Result<void> read_block(const Level& level, std::uint32_t begin, std::string_view bytes, std::uint8_t slot,
                        std::uint32_t from, std::uint32_t to, const std::function<void(Point&& point)>& each) {
  ByteReader in(bytes);
  if (in.byte() != 0) in.failed = true;
  while (!in.failed && !in.at_end()) {
    const std::uint8_t its_slot = in.byte();
    ByteReader body(in.text());
    if (its_slot < slot) continue;
    if (its_slot > slot) break;
    read_slot(level, begin, body, [&](std::uint32_t time, std::uint8_t unit, Form form) {
      if (time < from || time >= to) return skip_body(body, form);
      Point point{time, unit, read_body(body, form)};
      if (!body.failed) each(std::move(point));
    });
    in.failed = in.failed || body.failed;
  }
  return finish(in);
}

}  // namespace brume::cloudwatch
