#include <algorithm>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "services/cloudformation/template/parse.h"

namespace brume::cloudformation::templates {
namespace {

// Thrown inside yaml-cpp's callbacks only, and caught in this file.
struct Refused {
  Error error;
};

[[noreturn]] void refuse(int line, std::string_view what) {
  throw Refused{format_error(line, "{}", what).error()};
}

constexpr std::string_view kTags[] = {"Ref",    "Condition", "And", "Base64",      "Cidr",    "Equals", "FindInMap",
                                      "GetAtt", "GetAZs",    "If",  "ImportValue", "Join",    "Not",    "Or",
                                      "Select", "Split",     "Sub", "Transform",   "ForEach", "Length", "ToJsonString"};

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

bool is_number(std::string_view text) {
  std::size_t at = text.starts_with('-') || text.starts_with('+') ? 1 : 0, digits = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) ++digits;
  if (at < text.size() && text[at] == '.')
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) ++digits;
  if (digits && at + 1 < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    at += text[at + 1] == '-' || text[at + 1] == '+' ? 2 : 1;
    if (at >= text.size()) return false;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  }
  return digits > 0 && at == text.size();
}

Value scalar(const std::string& tag, const std::string& text, int line) {
  if (tag == "!" || tag == "tag:yaml.org,2002:str") return Value::string(text, line);
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return Value{.line = line};
  // `yes` and `no` stay text, for they are names as often as truth values; Boolean properties take them.
  if (one_of(text, {"true", "True", "TRUE"})) return Value::boolean(true, line);
  if (one_of(text, {"false", "False", "FALSE"})) return Value::boolean(false, line);
  return is_number(text) ? Value::number(text, line) : Value::string(text, line);
}

class Builder : public YAML::EventHandler {
 public:
  Value result;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark&, const std::string&) override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(line_of(mark), "YAML aliases are not allowed in CloudFormation templates");
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(Value{.line = line_of(mark)}, line_of(mark)); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& text) override {
    const int line = line_of(mark);
    if (awaits_key()) {
      open_.back().key = text;
      open_.back().key_line = line;
      return;
    }
    const bool short_tag = tag.size() > 1 && tag[0] == '!';
    add(short_tag ? apply(tag, Value::string(text, line), line) : scalar(tag, text, line), line);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    start(mark, tag, Value::list({}, line_of(mark)));
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    start(mark, tag, Value::map(line_of(mark)));
  }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    Value value;
    std::string tag;
    std::optional<std::string> key;
    int key_line = 0;
  };
  static int line_of(const YAML::Mark& mark) { return mark.line + 1; }
  [[nodiscard]] bool awaits_key() const { return !open_.empty() && open_.back().value.is_map() && !open_.back().key; }

  static Value apply(const std::string& tag, Value value, int line) {
    if (tag.size() < 2 || tag[0] != '!') return value;
    const std::string name = tag.substr(1);
    if (std::ranges::find(kTags, name) == std::end(kTags))
      refuse(line, fmt::format("the tag {} is not supported", tag));
    if (name == "GetAtt" && value.is_scalar()) {
      const std::size_t dot = value.text.find('.');
      if (dot != std::string::npos)
        value = Value::list(
            {Value::string(value.text.substr(0, dot), line), Value::string(value.text.substr(dot + 1), line)}, line);
    }
    Value call = Value::map(line);
    call.set(name == "Ref" || name == "Condition" ? name : "Fn::" + name, std::move(value));
    return call;
  }

  void start(const YAML::Mark& mark, const std::string& tag, Value value) {
    if (awaits_key()) refuse(line_of(mark), "a key must be a string");
    if (open_.size() >= std::size_t(kMaxDepth))
      refuse(line_of(mark), fmt::format("nested more than {} levels deep", kMaxDepth));
    open_.push_back({std::move(value), tag, {}, 0});
  }
  void end() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    const int line = closed.value.line;
    add(apply(closed.tag, std::move(closed.value), line), line);
  }
  void add(Value value, int line) {
    if (open_.empty()) {
      result = std::move(value);
      return;
    }
    Open& holder = open_.back();
    if (holder.value.is_list()) {
      holder.value.items.push_back(std::move(value));
      return;
    }
    if (!holder.key) refuse(line, "a key must be a string");
    if (*holder.key == "<<") refuse(holder.key_line, "YAML merge keys are not allowed in CloudFormation templates");
    if (holder.value.find(*holder.key)) refuse(holder.key_line, fmt::format("duplicate key '{}'", *holder.key));
    value.line = holder.key_line;
    holder.value.keys.push_back(*std::move(holder.key));
    holder.value.items.push_back(std::move(value));
    holder.key.reset();
  }

  std::vector<Open> open_;
};

}  // namespace

Result<Value> parse_yaml(std::string_view text) {
  std::istringstream in{std::string(text)};
  Builder builder;
  try {
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return format_error(0, "the template is empty");
    Builder second;
    if (parser.HandleNextDocument(second)) return format_error(0, "more than one YAML document");
  } catch (const Refused& refused) {
    return std::unexpected(refused.error);
  } catch (const YAML::Exception& problem) {
    return format_error(problem.mark.is_null() ? 0 : problem.mark.line + 1, "YAML not well-formed: {}", problem.msg);
  } catch (const std::exception& problem) {
    return format_error(0, "YAML not well-formed: {}", problem.what());
  }
  return std::move(builder.result);
}

}  // namespace brume::cloudformation::templates
