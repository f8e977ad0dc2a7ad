#include "services/cloudwatch/block.h"

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

constexpr std::uint8_t kSameUnit = 4;  // as the point before; beside the form

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

std::string write_block(const Level& level, std::uint32_t begin, const std::vector<SlotPoints>& slots) {
  std::string out, body;
  // What tells the value from text, so that the database keeps it as bytes.
  out.push_back('\0');
  for (const SlotPoints& slot : slots) {
    body.clear();
    std::uint32_t time = begin;
    std::uint8_t unit = 0;
    for (const Point& point : slot.points) {
      const Form form = form_of(point.samples);
      body.push_back(char(std::uint8_t(form) | (point.unit == unit ? kSameUnit : 0)));
      if (point.unit != unit) body.push_back(char(point.unit));
      put_number(body, (point.time - time) / level.period);
      put_body(body, form, point.samples);
      time = point.time;
      unit = point.unit;
    }
    out.push_back(char(slot.slot));
    put_text(out, body);
  }
  return out;
}

Result<void> read_block(const Level& level, std::uint32_t begin, std::string_view bytes,
                        std::optional<std::uint8_t> only,
                        const std::function<void(std::uint8_t slot, Point&& point)>& each) {
  ByteReader in(bytes);
  if (in.byte() != 0) in.failed = true;
  while (!in.failed && !in.at_end()) {
    const std::uint8_t slot = in.byte();
    ByteReader body(in.text());
    if (only && *only != slot) continue;
    Point point{.time = begin, .unit = 0, .samples = {}};
    while (!in.failed && !body.at_end()) {
      const std::uint8_t head = body.byte();
      if (head > 7) body.failed = true;
      if ((head & kSameUnit) == 0) point.unit = body.byte();
      const std::uint64_t steps = body.number();
      if (point.unit >= unit_codes() || steps > level.window / level.period) body.failed = true;
      point.time += std::uint32_t(steps * level.period);
      point.samples = read_body(body, Form(head & 3));
      in.failed = in.failed || body.failed;
      if (!in.failed) each(slot, Point(point));
    }
  }
  if (in.failed) return fail_internal("A block of metrics cannot be read.");
  return {};
}

}  // namespace brume::cloudwatch
